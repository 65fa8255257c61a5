/**
 * @dataplane Columns of one width: int32, float64, byte. Generated frame writers store into
 * `values` themselves, having
 * reserved room before; `append` serves columns inside of arrays and maps.
 */
import { type ColumnReader, type ColumnWriter, requireInside } from './column.ts';
import {
  CAPACITY_KEPT_MAX,
  CAPACITY_MIN,
  grownBytes,
  grownDoubles,
  grownInts,
  writeBytes,
  writeDoubles,
  writeInts,
} from './column-arrays.ts';
import { float64Bytes, int32Bytes, padded } from './frame-layout.ts';
import type { FrameMemory } from './frame-memory.ts';

/** Stages int32 values. */
export class IntColumnWriter implements ColumnWriter {
  count = 0;
  values: Int32Array;

  constructor(capacity: number = CAPACITY_MIN) {
    this.values = new Int32Array(capacity);
  }

  append(value: unknown): boolean {
    if (typeof value !== 'number' || (value | 0) !== value) return false;
    this.#push(value);
    return true;
  }

  appendDefault(): void {
    this.#push(0);
  }

  truncate(count: number): void {
    this.count = count;
    if (count === 0 && this.values.length > CAPACITY_KEPT_MAX)
      this.values = new Int32Array(CAPACITY_MIN);
  }

  stagedBytes(): number {
    return this.count * 4;
  }

  byteLength(): number {
    return int32Bytes(this.count);
  }

  write(memory: FrameMemory, byteOffset: number): number {
    return writeInts(this.values, this.count, memory, byteOffset);
  }

  #push(value: number): void {
    if (this.count === this.values.length) this.values = grownInts(this.values, this.count + 1);
    this.values[this.count++] = value;
  }
}

/** Stages float64 values: any number, or only safe integers. */
export class DoubleColumnWriter implements ColumnWriter {
  count = 0;
  values: Float64Array;
  readonly #isWhole: boolean;

  constructor(isWhole: boolean, capacity: number = CAPACITY_MIN) {
    this.#isWhole = isWhole;
    this.values = new Float64Array(capacity);
  }

  append(value: unknown): boolean {
    if (typeof value !== 'number' || (this.#isWhole && !Number.isSafeInteger(value))) return false;
    this.#push(value);
    return true;
  }

  appendDefault(): void {
    this.#push(0);
  }

  truncate(count: number): void {
    this.count = count;
    if (count === 0 && this.values.length > CAPACITY_KEPT_MAX)
      this.values = new Float64Array(CAPACITY_MIN);
  }

  stagedBytes(): number {
    return this.count * 8;
  }

  byteLength(): number {
    return float64Bytes(this.count);
  }

  write(memory: FrameMemory, byteOffset: number): number {
    return writeDoubles(this.values, this.count, memory, byteOffset);
  }

  #push(value: number): void {
    if (this.count === this.values.length) this.values = grownDoubles(this.values, this.count + 1);
    this.values[this.count++] = value;
  }
}

/** Stages booleans as bytes. */
export class BooleanColumnWriter implements ColumnWriter {
  count = 0;
  values: Uint8Array;

  constructor(capacity: number = CAPACITY_MIN) {
    this.values = new Uint8Array(capacity);
  }

  append(value: unknown): boolean {
    if (typeof value !== 'boolean') return false;
    this.push(value ? 1 : 0);
    return true;
  }

  appendDefault(): void {
    this.push(0);
  }

  /** Adds a byte as it is. */
  push(byte: number): void {
    if (this.count === this.values.length) this.values = grownBytes(this.values, this.count + 1);
    this.values[this.count++] = byte;
  }

  truncate(count: number): void {
    this.count = count;
    if (count === 0 && this.values.length > CAPACITY_KEPT_MAX)
      this.values = new Uint8Array(CAPACITY_MIN);
  }

  stagedBytes(): number {
    return this.count;
  }

  byteLength(): number {
    return padded(this.count);
  }

  write(memory: FrameMemory, byteOffset: number): number {
    return writeBytes(this.values, this.count, memory, byteOffset);
  }
}

/** Reads int32 values. */
export class IntColumnReader implements ColumnReader {
  /** Index of the first value in the region's int32 view. */
  base = 0;
  #values: Int32Array = new Int32Array(0);

  open(memory: FrameMemory, byteOffset: number, count: number, end: number): number {
    const next = requireInside(byteOffset, int32Bytes(count), end);
    this.base = byteOffset >>> 2;
    this.#values = memory.int32;
    return next;
  }

  get(index: number): number {
    return this.#values[this.base + index] as number;
  }
}

/** Reads float64 values. */
export class DoubleColumnReader implements ColumnReader {
  /** Index of the first value in the region's float64 view. */
  base = 0;
  #values: Float64Array = new Float64Array(0);

  open(memory: FrameMemory, byteOffset: number, count: number, end: number): number {
    const next = requireInside(byteOffset, float64Bytes(count), end);
    this.base = byteOffset / 8;
    this.#values = memory.float64;
    return next;
  }

  get(index: number): number {
    return this.#values[this.base + index] as number;
  }
}

/** Reads booleans. */
export class BooleanColumnReader implements ColumnReader {
  /** Index of the first value in the region's byte view. */
  base = 0;
  #values: Uint8Array = new Uint8Array(0);

  open(memory: FrameMemory, byteOffset: number, count: number, end: number): number {
    const next = requireInside(byteOffset, padded(count), end);
    this.base = byteOffset;
    this.#values = memory.bytes;
    return next;
  }

  get(index: number): boolean {
    return this.#values[this.base + index] !== 0;
  }
}
