/**
 * Frame writers: generated code that checks a value against the schema and stages it in columns.
 *
 * A row's plain fields (int, long, double, timestamp, boolean, string), optional plain fields and
 * rows of these are checked
 * and stored by generated statements; other fields by a call of their column's `append`.
 *
 * Invariants:
 * 1. `append` leaves nothing behind unless it returns APPENDED or FULL: first all plain fields are
 *    checked, then the other
 *    columns append and can be taken back, then the plain fields are stored.
 * 2. One class is generated per schema; its instances share code, never state.
 */
import { MillraceError } from '../base/errors.ts';
import { writeDoubles, writeInts } from './column-arrays.ts';
import { compile } from './codec-generation.ts';
import type { ColumnWriter } from './column.ts';
import { columnWriterFor } from './column-factory.ts';
import {
  byteLengthIndex,
  FLAG_KEYED,
  FRAME_BYTES_MAX,
  FRAME_HEADER_BYTES,
  FRAME_ROWS_MAX,
  FRAME_TARGET_BYTES,
  float64Bytes,
  headerIndex,
  headerWord,
  int32Bytes,
  rowCountIndex,
  schemaIdIndex,
} from './frame-layout.ts';
import type { FrameMemory } from './frame-memory.ts';
import { frameColumns, type FrameSchema, hasGenericColumn } from './frame-schema.ts';
import { genericCodec } from './generic-codec.ts';
import { writerClassText } from './frame-writer-text.ts';

/** The highest `rowsMax`. Staging arrays of this size are kept when a frame is cleared. */
const ROWS_BOUND = 32_768;

export { APPENDED, FULL, MISFIT } from './frame-layout.ts';

/** Stages the records of one (edge, target) and writes them as a frame. */
export interface FrameWriter {
  /** How many rows are staged. */
  rowCount: number;
  /**
   * Stages a value. After FULL the caller writes or clears before it appends again.
   *
   * @returns APPENDED, FULL or MISFIT
   */
  append(value: unknown, timestamp: number, hash: number): number;
  /**
   * How many bytes {@link writeTo} needs, a multiple of 8. Joins strings, so ask once per frame.
   */
  byteLength(): number;
  /** Writes the frame at a multiple of 8, forgets what was staged and returns the bytes written. */
  writeTo(memory: FrameMemory, byteOffset: number): number;
  /** Forgets what was staged. */
  clear(): void;
}

/**
 * Makes a maker of writers for a schema; call it once per schema, and what it returns once per
 * (edge, target).
 *
 * @param rowsMax - after how many rows a frame is full; 1 to 32,768
 */
export function frameWriterFactory(
  schema: FrameSchema,
  rowsMax: number = FRAME_ROWS_MAX,
): () => FrameWriter {
  const columns = frameColumns(schema.type);
  const rowBytes = columns.reduce(
    (bytes, column) => bytes + column.fixedBytes,
    schema.keyed ? 12 : 8,
  );
  const capacity = rowCapacity(rowBytes, rowsMax);
  const constants: Record<string, unknown> = { FrameStaging, capacity, overrun };
  const body = writerClassText({ schema, capacity, rowBytes, constants });
  const Writer = compile(`frame-writer-${schema.id}`, constants, body) as new (
    schema: FrameSchema,
    columns: readonly ColumnWriter[],
  ) => FrameWriter;
  return () =>
    new Writer(
      schema,
      columns.map(({ type }) => columnWriterFor(type, capacity)),
    );
}

/**
 * What all generated writers share; the generated class adds `append` and the columns' arrays as
 * fields.
 */
class FrameStaging {
  rowCount = 0;
  readonly timestamps: Float64Array;
  readonly hashes: Int32Array;
  readonly #columns: readonly ColumnWriter[];
  readonly #schema: FrameSchema;
  readonly #hasGeneric: boolean;

  constructor(schema: FrameSchema, columns: readonly ColumnWriter[], capacity: number) {
    this.#schema = schema;
    this.#columns = columns;
    this.#hasGeneric = hasGenericColumn(schema.type);
    this.timestamps = new Float64Array(capacity);
    this.hashes = new Int32Array(schema.keyed ? capacity : 0);
  }

  byteLength(): number {
    const rows = this.rowCount;
    let bytes =
      FRAME_HEADER_BYTES + float64Bytes(rows) + (this.#schema.keyed ? int32Bytes(rows) : 0);
    this.settle();
    for (const column of this.#columns) bytes += column.byteLength();
    if (bytes > FRAME_BYTES_MAX) {
      throw new MillraceError(
        'FRAME_TOO_LARGE',
        `a frame of ${rows} records has ${bytes} bytes, more than ${FRAME_BYTES_MAX}: emit smaller records`,
      );
    }
    return bytes;
  }

  writeTo(memory: FrameMemory, byteOffset: number): number {
    const rows = this.rowCount;
    this.settle();
    let next = writeDoubles(this.timestamps, rows, memory, byteOffset + FRAME_HEADER_BYTES);
    if (this.#schema.keyed) next = writeInts(this.hashes, rows, memory, next);
    for (const column of this.#columns) next = column.write(memory, next);
    const words = memory.int32;
    const flags = this.#schema.keyed ? FLAG_KEYED : 0;
    words[headerIndex(byteOffset)] = headerWord(
      flags,
      this.#hasGeneric ? genericCodec().formatId : 0,
    );
    words[schemaIdIndex(byteOffset)] = this.#schema.id;
    words[rowCountIndex(byteOffset)] = rows;
    words[byteLengthIndex(byteOffset)] = next - byteOffset;
    this.clear();
    return next - byteOffset;
  }

  clear(): void {
    for (const column of this.#columns) column.truncate(0);
    this.rowCount = 0;
  }

  /** Tells the columns that generated statements fill how many entries they have; generated. */
  settle(): void {}
}

/** Frames of fixed-width columns are cut by rows alone. */
function rowCapacity(rowBytes: number, rowsMax: number): number {
  if (!Number.isInteger(rowsMax) || rowsMax < 1 || rowsMax > ROWS_BOUND) {
    throw new MillraceError(
      'ILLEGAL_ARGUMENT',
      `rowsMax is ${rowsMax}; give a whole number from 1 to ${ROWS_BOUND}`,
    );
  }
  const rowsOfTarget = Math.floor((FRAME_TARGET_BYTES - FRAME_HEADER_BYTES) / rowBytes);
  return Math.max(1, Math.min(rowsMax, rowsOfTarget));
}

function overrun(): never {
  throw new MillraceError(
    'BUG',
    'a record was appended to a full frame: write or clear the frame after FULL',
  );
}
