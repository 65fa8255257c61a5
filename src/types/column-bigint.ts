/**
 * Columns of whole numbers of any size: two 32-bit words each, and a generic column for those that
 * need more.
 *
 * Invariants:
 * 1. A value is read in canonical form: a number while it is safe, else a bigint.
 * 2. A high word of −2^31 says that the low word is an index into the column of large values.
 */
import {
  type ColumnReader,
  type ColumnWriter,
  invalidFrame,
  requireCount,
  requireInside,
} from './column.ts';
import { CAPACITY_KEPT_MAX, CAPACITY_MIN, grownInts, writeInts } from './column-arrays.ts';
import { GenericColumnReader, GenericColumnWriter } from './column-bytes.ts';
import { COLUMN_HEADER_BYTES, float64Bytes } from './frame-layout.ts';
import type { FrameMemory } from './frame-memory.ts';

const WORD = 2 ** 32;
const LARGE = -(2 ** 31);
const SMALL_MIN = (BigInt(LARGE) + 1n) << 32n;
const SMALL_MAX = (1n << 63n) - 1n;

/** Stages whole numbers of any size. */
export class BigintColumnWriter implements ColumnWriter {
  count = 0;
  #words: Int32Array = new Int32Array(CAPACITY_MIN);
  readonly #large = new GenericColumnWriter();

  append(value: unknown): boolean {
    if (typeof value === 'number') {
      if (!Number.isSafeInteger(value)) return false;
      this.#push(value | 0, Math.floor(value / WORD));
      return true;
    }
    if (typeof value !== 'bigint') return false;
    if (value >= SMALL_MIN && value <= SMALL_MAX) {
      this.#push(Number(BigInt.asIntN(32, value)), Number(value >> 32n));
    } else {
      this.#push(this.#large.count, LARGE);
      this.#large.append(value);
    }
    return true;
  }

  appendDefault(): void {
    this.#push(0, 0);
  }

  truncate(count: number): void {
    for (let i = this.count - 1; i >= count; i--) {
      if (this.#words[i * 2 + 1] === LARGE) this.#large.truncate(this.#words[i * 2] as number);
    }
    this.count = count;
    if (count === 0 && this.#words.length > CAPACITY_KEPT_MAX)
      this.#words = new Int32Array(CAPACITY_MIN);
  }

  stagedBytes(): number {
    return this.count * 8 + this.#large.stagedBytes();
  }

  byteLength(): number {
    return float64Bytes(this.count) + COLUMN_HEADER_BYTES + this.#large.byteLength();
  }

  write(memory: FrameMemory, byteOffset: number): number {
    const headAt = writeInts(this.#words, this.count * 2, memory, byteOffset);
    memory.int32[headAt >>> 2] = this.#large.count;
    memory.int32[(headAt >>> 2) + 1] = 0;
    return this.#large.write(memory, headAt + COLUMN_HEADER_BYTES);
  }

  #push(low: number, high: number): void {
    const at = this.count * 2;
    if (at === this.#words.length) this.#words = grownInts(this.#words, at + 2);
    this.#words[at] = low;
    this.#words[at + 1] = high;
    this.count++;
  }
}

/** Reads whole numbers of any size. */
export class BigintColumnReader implements ColumnReader {
  #base = 0;
  #words: Int32Array = new Int32Array(0);
  #largeCount = 0;
  readonly #large = new GenericColumnReader();

  open(memory: FrameMemory, byteOffset: number, count: number, end: number): number {
    const headAt = requireInside(byteOffset, float64Bytes(count), end);
    const largeAt = requireInside(headAt, COLUMN_HEADER_BYTES, end);
    this.#base = byteOffset >>> 2;
    this.#words = memory.int32;
    this.#largeCount = requireCount(memory.int32, headAt >>> 2);
    return this.#large.open(memory, largeAt, this.#largeCount, end);
  }

  get(index: number): number | bigint {
    const at = this.#base + index * 2;
    const low = this.#words[at] as number;
    const high = this.#words[at + 1] as number;
    if (high === LARGE) return this.#largeAt(low);
    const value = high * WORD + (low >>> 0);
    return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low >>> 0);
  }

  #largeAt(index: number): bigint {
    const value = index >= 0 && index < this.#largeCount ? this.#large.get(index) : undefined;
    if (typeof value !== 'bigint') throw invalidFrame(`a large whole number at ${index} is none`);
    return value;
  }
}
