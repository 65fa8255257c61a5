/**
 * The contract of a frame's columns: staged by a ColumnWriter, decoded by a ColumnReader. One class
 * per kind of column;
 * generated frame code reaches into the arrays of the plain ones and calls the others.
 */
import { MillraceError } from '../base/errors.ts';
import type { FrameMemory } from './frame-memory.ts';

/** Stages the entries of one column. */
export interface ColumnWriter {
  /** How many entries are staged. */
  count: number;
  /**
   * Adds a value, or returns false and stays as it was, as to its entries, if the value does not
   * fit.
   */
  append(value: unknown): boolean;
  /** Adds an entry that nobody reads, where an optional is null. */
  appendDefault(): void;
  /** Forgets the entries from `count` on. */
  truncate(count: number): void;
  /** About how many bytes of variable length are staged; for deciding when a frame is full. */
  stagedBytes(): number;
  /** How many bytes {@link write} needs, exactly. */
  byteLength(): number;
  /**
   * Writes the entries at `byteOffset`, a multiple of 8, and returns where they end, a multiple of
   * 8.
   */
  write(memory: FrameMemory, byteOffset: number): number;
}

/** Decodes the entries of one column. */
export interface ColumnReader {
  /**
   * Finds a column of `count` entries at `byteOffset` and returns where it ends.
   *
   * @throws FORMAT_INVALID if it does not end by `end`
   */
  open(memory: FrameMemory, byteOffset: number, count: number, end: number): number;
  /** The value at `index`, owned by the caller. */
  get(index: number): unknown;
}

/** Makes sure that a part of `bytes` from `byteOffset` on ends by `end`; returns where it ends. */
export function requireInside(byteOffset: number, bytes: number, end: number): number {
  const next = byteOffset + bytes;
  if (bytes < 0 || next > end)
    throw invalidFrame(`a column of ${bytes} bytes at ${byteOffset} leaves it (end: ${end})`);
  return next;
}

/**
 * Parts of arrays and maps that take no bytes (rows without fields) may be this many: nothing else
 * bounds them.
 */
const EMPTY_PARTS_MAX = 1_048_576;

/**
 * Makes sure that the bytes of a column bound its count, so that damaged counts do not become
 * memory.
 */
export function requireBounded(count: number, byteOffset: number, next: number): number {
  if (next === byteOffset && count > EMPTY_PARTS_MAX)
    throw invalidFrame(`${count} parts without bytes: at most ${EMPTY_PARTS_MAX} are read`);
  return next;
}

/** The count in word `index` of a column's head. */
export function requireCount(int32: Int32Array, index: number): number {
  const count = int32[index] as number;
  if (count < 0) throw invalidFrame(`a count is ${count}`);
  return count;
}

/** Makes sure that offsets start at 0, never fall and end at `last`. */
export function requireOffsets(
  int32: Int32Array,
  index: number,
  count: number,
  last: number,
): void {
  let previous = 0;
  let disorder = int32[index] === 0 ? 0 : -1;
  for (let i = index + 1; i <= index + count; i++) {
    const offset = int32[i] as number;
    // Hot: the sign bit of any falling step is kept, so that the loop has no branch. That of the
    // offset, too: a fall from 2^31 − 1 to −2 is a rise in 32 bits.
    disorder |= (offset - previous) | offset;
    previous = offset;
  }
  if (disorder < 0 || previous !== last)
    throw invalidFrame(`its offsets do not rise from 0 to ${last}`);
}

/** The error for a frame that cannot be read. */
export function invalidFrame(how: string): MillraceError {
  return new MillraceError('FORMAT_INVALID', `a frame is damaged or of another format: ${how}`);
}
