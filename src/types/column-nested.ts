/**
 * Columns with columns inside: optional, row, array, map. Correct first, fast second: rows directly
 * in a frame and their
 * plain or optional plain fields do not come here.
 *
 * Invariant: if a part does not fit, every column below has as many entries as before.
 */
import { compile, fieldRead, objectLiteral } from './codec-generation.ts';
import {
  type ColumnReader,
  type ColumnWriter,
  requireBounded,
  requireCount,
  requireInside,
  requireOffsets,
} from './column.ts';
import { CAPACITY_KEPT_MAX, CAPACITY_MIN, grownInts, writeInts } from './column-arrays.ts';
import { BooleanColumnReader, BooleanColumnWriter } from './column-fixed.ts';
import { COLUMN_HEADER_BYTES, offsetsBytes } from './frame-layout.ts';
import type { FrameMemory } from './frame-memory.ts';
import { RowShape } from './row-shape.ts';
import type { RowType } from './type-information.ts';

/** Stages values that may be null. */
export class OptionalColumnWriter implements ColumnWriter {
  readonly nulls: BooleanColumnWriter;
  readonly child: ColumnWriter;

  constructor(child: ColumnWriter, capacity: number = CAPACITY_MIN) {
    this.nulls = new BooleanColumnWriter(capacity);
    this.child = child;
  }

  get count(): number {
    return this.nulls.count;
  }

  append(value: unknown): boolean {
    if (value === null) {
      this.appendDefault();
      return true;
    }
    if (!this.child.append(value)) return false;
    this.nulls.push(0);
    return true;
  }

  appendDefault(): void {
    this.child.appendDefault();
    this.nulls.push(1);
  }

  truncate(count: number): void {
    this.nulls.truncate(count);
    this.child.truncate(count);
  }

  stagedBytes(): number {
    return this.nulls.count + this.child.stagedBytes();
  }

  byteLength(): number {
    return this.nulls.byteLength() + this.child.byteLength();
  }

  write(memory: FrameMemory, byteOffset: number): number {
    return this.child.write(memory, this.nulls.write(memory, byteOffset));
  }
}

/** Reads values that may be null. */
export class OptionalColumnReader implements ColumnReader {
  readonly nulls: BooleanColumnReader = new BooleanColumnReader();
  readonly child: ColumnReader;

  constructor(child: ColumnReader) {
    this.child = child;
  }

  open(memory: FrameMemory, byteOffset: number, count: number, end: number): number {
    return this.child.open(memory, this.nulls.open(memory, byteOffset, count, end), count, end);
  }

  get(index: number): unknown {
    return this.nulls.get(index) ? null : this.child.get(index);
  }
}

/** Stages rows, a column per field. */
export class RowColumnWriter implements ColumnWriter {
  count = 0;
  readonly #shape: RowShape;
  readonly #fields: readonly ColumnWriter[];

  constructor(type: RowType, fields: readonly ColumnWriter[]) {
    this.#shape = new RowShape(type);
    this.#fields = fields;
  }

  append(value: unknown): boolean {
    if (!this.#shape.isRow(value)) return false;
    for (let i = 0; i < this.#fields.length; i++) {
      if (!(this.#fields[i] as ColumnWriter).append(this.#shape.valueOf(value, i)))
        return this.#undo();
    }
    this.count++;
    return true;
  }

  appendDefault(): void {
    for (const field of this.#fields) field.appendDefault();
    this.count++;
  }

  truncate(count: number): void {
    for (const field of this.#fields) field.truncate(count);
    this.count = count;
  }

  stagedBytes(): number {
    let bytes = 0;
    for (const field of this.#fields) bytes += field.stagedBytes();
    return bytes;
  }

  byteLength(): number {
    let bytes = 0;
    for (const field of this.#fields) bytes += field.byteLength();
    return bytes;
  }

  write(memory: FrameMemory, byteOffset: number): number {
    let next = byteOffset;
    for (const field of this.#fields) next = field.write(memory, next);
    return next;
  }

  #undo(): false {
    for (const field of this.#fields) {
      if (field.count > this.count) field.truncate(this.count);
    }
    return false;
  }
}

/** Reads rows as objects of one literal shape. */
export class RowColumnReader implements ColumnReader {
  /** The object at an index; generated, so that all rows of the column share a shape. */
  readonly get: (index: number) => object;
  readonly #fields: readonly ColumnReader[];

  constructor(type: RowType, fields: readonly ColumnReader[]) {
    const names = type.fields.map((field) => field.name);
    const values = fields.map((_, i) => fieldRead(`fields[${i}]`));
    this.#fields = fields;
    this.get = compile(
      'row',
      { fields },
      `return (index) => (${objectLiteral(names, values)});`,
    ) as (index: number) => object;
  }

  open(memory: FrameMemory, byteOffset: number, count: number, end: number): number {
    let next = byteOffset;
    for (const field of this.#fields) next = field.open(memory, next, count, end);
    return next;
  }
}

/** What arrays and maps share: offsets into the columns of their parts. */
class OffsetsWriter {
  count = 0;
  #offsets: Int32Array = new Int32Array(CAPACITY_MIN);

  /** Where the parts of the entries before `entry` end. */
  endOf(entry: number): number {
    return this.#offsets[entry] as number;
  }

  push(end: number): void {
    this.count++;
    if (this.count === this.#offsets.length)
      this.#offsets = grownInts(this.#offsets, this.count + 1);
    this.#offsets[this.count] = end;
  }

  truncate(count: number): void {
    this.count = count;
    if (count === 0 && this.#offsets.length > CAPACITY_KEPT_MAX)
      this.#offsets = new Int32Array(CAPACITY_MIN);
  }

  byteLength(): number {
    return COLUMN_HEADER_BYTES + offsetsBytes(this.count);
  }

  write(memory: FrameMemory, byteOffset: number): number {
    memory.int32[byteOffset >>> 2] = this.endOf(this.count);
    memory.int32[(byteOffset >>> 2) + 1] = 0;
    return writeInts(this.#offsets, this.count + 1, memory, byteOffset + COLUMN_HEADER_BYTES);
  }
}

/** Stages arrays. */
export class ArrayColumnWriter implements ColumnWriter {
  readonly #offsets = new OffsetsWriter();
  readonly #element: ColumnWriter;

  constructor(element: ColumnWriter) {
    this.#element = element;
  }

  get count(): number {
    return this.#offsets.count;
  }

  append(value: unknown): boolean {
    if (!Array.isArray(value)) return false;
    const before = this.#before();
    for (let i = 0; i < value.length; i++) {
      if (!this.#element.append(value[i])) {
        this.#element.truncate(before);
        return false;
      }
    }
    this.#offsets.push(this.#element.count);
    return true;
  }

  appendDefault(): void {
    this.#offsets.push(this.#before());
  }

  truncate(count: number): void {
    this.#offsets.truncate(count);
    this.#element.truncate(this.#offsets.endOf(count));
  }

  stagedBytes(): number {
    return this.count * 4 + this.#element.stagedBytes();
  }

  byteLength(): number {
    return this.#offsets.byteLength() + this.#element.byteLength();
  }

  write(memory: FrameMemory, byteOffset: number): number {
    return this.#element.write(memory, this.#offsets.write(memory, byteOffset));
  }

  /** The elements of complete entries; what an append that threw left behind is dropped. */
  #before(): number {
    const end = this.#offsets.endOf(this.count);
    if (this.#element.count !== end) this.#element.truncate(end);
    return end;
  }
}

/** Stages Maps. */
export class MapColumnWriter implements ColumnWriter {
  readonly #offsets = new OffsetsWriter();
  readonly #key: ColumnWriter;
  readonly #value: ColumnWriter;

  constructor(key: ColumnWriter, value: ColumnWriter) {
    this.#key = key;
    this.#value = value;
  }

  get count(): number {
    return this.#offsets.count;
  }

  append(value: unknown): boolean {
    if (!(value instanceof Map)) return false;
    this.#truncateParts();
    for (const [key, part] of value as ReadonlyMap<unknown, unknown>) {
      if (!this.#key.append(key) || !this.#value.append(part)) {
        this.#truncateParts();
        return false;
      }
    }
    this.#offsets.push(this.#key.count);
    return true;
  }

  appendDefault(): void {
    this.#truncateParts();
    this.#offsets.push(this.#key.count);
  }

  truncate(count: number): void {
    this.#offsets.truncate(count);
    this.#truncateParts();
  }

  stagedBytes(): number {
    return this.count * 4 + this.#key.stagedBytes() + this.#value.stagedBytes();
  }

  byteLength(): number {
    return this.#offsets.byteLength() + this.#key.byteLength() + this.#value.byteLength();
  }

  write(memory: FrameMemory, byteOffset: number): number {
    return this.#value.write(
      memory,
      this.#key.write(memory, this.#offsets.write(memory, byteOffset)),
    );
  }

  #truncateParts(): void {
    const end = this.#offsets.endOf(this.count);
    if (this.#key.count !== end) this.#key.truncate(end);
    if (this.#value.count !== end) this.#value.truncate(end);
  }
}

class OffsetsReader {
  /** How many parts all entries have together. */
  total = 0;
  #base = 0;
  #offsets: Int32Array = new Int32Array(0);

  open(memory: FrameMemory, byteOffset: number, count: number, end: number): number {
    const offsetsAt = requireInside(byteOffset, COLUMN_HEADER_BYTES, end);
    const next = requireInside(offsetsAt, offsetsBytes(count), end);
    this.total = requireCount(memory.int32, byteOffset >>> 2);
    requireOffsets(memory.int32, offsetsAt >>> 2, count, this.total);
    this.#base = offsetsAt >>> 2;
    this.#offsets = memory.int32;
    return next;
  }

  at(index: number): number {
    return this.#offsets[this.#base + index] as number;
  }
}

/** Reads arrays. */
export class ArrayColumnReader implements ColumnReader {
  readonly #offsets = new OffsetsReader();
  readonly #element: ColumnReader;

  constructor(element: ColumnReader) {
    this.#element = element;
  }

  open(memory: FrameMemory, byteOffset: number, count: number, end: number): number {
    const next = this.#offsets.open(memory, byteOffset, count, end);
    const { total } = this.#offsets;
    return requireBounded(total, next, this.#element.open(memory, next, total, end));
  }

  get(index: number): unknown[] {
    const values: unknown[] = [];
    const end = this.#offsets.at(index + 1);
    for (let i = this.#offsets.at(index); i < end; i++) values.push(this.#element.get(i));
    return values;
  }
}

/** Reads Maps. */
export class MapColumnReader implements ColumnReader {
  readonly #offsets = new OffsetsReader();
  readonly #key: ColumnReader;
  readonly #value: ColumnReader;

  constructor(key: ColumnReader, value: ColumnReader) {
    this.#key = key;
    this.#value = value;
  }

  open(memory: FrameMemory, byteOffset: number, count: number, end: number): number {
    const keysAt = this.#offsets.open(memory, byteOffset, count, end);
    const { total } = this.#offsets;
    const valuesAt = this.#key.open(memory, keysAt, total, end);
    return requireBounded(total, keysAt, this.#value.open(memory, valuesAt, total, end));
  }

  get(index: number): Map<unknown, unknown> {
    const map = new Map<unknown, unknown>();
    const end = this.#offsets.at(index + 1);
    for (let i = this.#offsets.at(index); i < end; i++)
      map.set(this.#key.get(i), this.#value.get(i));
    return map;
  }
}

/**
 * Stands for a column without content: a byte per entry, so that a count can be checked against the
 * frame's size.
 */
export class FillerColumnWriter extends BooleanColumnWriter {
  readonly #shape: RowShape | undefined;

  /** @param type - the row without fields whose values fit; no value fits if left out */
  constructor(type?: RowType) {
    super();
    this.#shape = type === undefined ? undefined : new RowShape(type);
  }

  override append(value: unknown): boolean {
    if (this.#shape?.isRow(value) !== true) return false;
    this.push(0);
    return true;
  }
}

/** Reads rows without fields; a type without values is never read. */
export class FillerColumnReader extends BooleanColumnReader implements ColumnReader {
  override get(_index: number): never {
    return {} as never;
  }
}
