/**
 * Columns of byte arrays, and of values that the generic codec turns into such.
 *
 * Invariant: what a reader hands out is a copy, never a view of the frame.
 */
import { hasErrorCode } from '../base/errors.ts';
import {
  type ColumnReader,
  type ColumnWriter,
  invalidFrame,
  requireInside,
  requireOffsets,
} from './column.ts';
import {
  CAPACITY_KEPT_MAX,
  CAPACITY_MIN,
  grownBytes,
  grownInts,
  writeBytes,
  writeInts,
} from './column-arrays.ts';
import { COLUMN_HEADER_BYTES, FRAME_BYTES_MAX, offsetsBytes, padded } from './frame-layout.ts';
import type { FrameMemory } from './frame-memory.ts';
import { genericCodec } from './generic-codec.ts';

/** Stages byte arrays. */
export class BytesColumnWriter implements ColumnWriter {
  count = 0;
  #offsets: Int32Array = new Int32Array(CAPACITY_MIN);
  #slab: Uint8Array = new Uint8Array(CAPACITY_MIN);

  append(value: unknown): boolean {
    if (!(value instanceof Uint8Array)) return false;
    this.push(value);
    return true;
  }

  appendDefault(): void {
    this.push(NO_BYTES);
  }

  truncate(count: number): void {
    this.count = count;
    if (count > 0) return;
    if (this.#offsets.length > CAPACITY_KEPT_MAX) this.#offsets = new Int32Array(CAPACITY_MIN);
    if (this.#slab.length > CAPACITY_KEPT_MAX) this.#slab = new Uint8Array(CAPACITY_MIN);
  }

  stagedBytes(): number {
    return this.#used() + this.count * 4;
  }

  byteLength(): number {
    return COLUMN_HEADER_BYTES + offsetsBytes(this.count) + padded(this.#used());
  }

  write(memory: FrameMemory, byteOffset: number): number {
    const used = this.#used();
    memory.int32[byteOffset >>> 2] = used;
    memory.int32[(byteOffset >>> 2) + 1] = 0;
    const slabAt = writeInts(
      this.#offsets,
      this.count + 1,
      memory,
      byteOffset + COLUMN_HEADER_BYTES,
    );
    return writeBytes(this.#slab, used, memory, slabAt);
  }

  /** Adds a copy of `bytes`. */
  push(bytes: Uint8Array): void {
    const used = this.#used();
    const end = used + bytes.length;
    if (end > FRAME_BYTES_MAX)
      throw invalidFrame(`its byte arrays are larger than ${FRAME_BYTES_MAX} bytes together`);
    if (end > this.#slab.length) this.#slab = grownBytes(this.#slab, end);
    this.#slab.set(bytes, used);
    this.count++;
    if (this.count === this.#offsets.length)
      this.#offsets = grownInts(this.#offsets, this.count + 1);
    this.#offsets[this.count] = end;
  }

  #used(): number {
    return this.#offsets[this.count] as number;
  }
}

/** Stages values that have no schema. */
export class GenericColumnWriter extends BytesColumnWriter {
  override append(value: unknown): boolean {
    const bytes = encoded(value);
    if (bytes === undefined) return false;
    this.push(bytes);
    return true;
  }
}

/** Reads byte arrays. */
export class BytesColumnReader implements ColumnReader {
  #offsetBase = 0;
  #slabBase = 0;
  #offsets: Int32Array = new Int32Array(0);
  #bytes: Uint8Array = NO_BYTES;

  open(memory: FrameMemory, byteOffset: number, count: number, end: number): number {
    const offsetsAt = requireInside(byteOffset, COLUMN_HEADER_BYTES, end);
    const slabAt = requireInside(offsetsAt, offsetsBytes(count), end);
    const slabBytes = memory.int32[byteOffset >>> 2] as number;
    if (slabBytes < 0) throw invalidFrame('the head of a byte column is off');
    const next = requireInside(slabAt, padded(slabBytes), end);
    requireOffsets(memory.int32, offsetsAt >>> 2, count, slabBytes);
    this.#offsetBase = offsetsAt >>> 2;
    this.#slabBase = slabAt;
    this.#offsets = memory.int32;
    this.#bytes = memory.bytes;
    return next;
  }

  get(index: number): unknown {
    return new Uint8Array(this.view(index));
  }

  /** The bytes in place. */
  view(index: number): Uint8Array {
    const at = this.#offsetBase + index;
    const start = this.#slabBase + (this.#offsets[at] as number);
    return this.#bytes.subarray(start, this.#slabBase + (this.#offsets[at + 1] as number));
  }
}

/** Reads values that have no schema. */
export class GenericColumnReader extends BytesColumnReader {
  override get(index: number): unknown {
    return genericCodec().decode(this.view(index));
  }
}

const NO_BYTES = new Uint8Array(0);

/**
 * The bytes of a value, or nothing if the codec cannot carry it: that is no failure, the caller
 * reports the path.
 */
function encoded(value: unknown): Uint8Array | undefined {
  try {
    return genericCodec().encode(value);
  } catch (error) {
    if (hasErrorCode(error, 'TYPE_NOT_SERIALIZABLE')) return undefined;
    throw error;
  }
}
