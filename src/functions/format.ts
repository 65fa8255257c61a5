/**
 * The format contract: how bytes become records and records bytes, apart from where they lie.
 *
 * Invariants that an implementation keeps:
 * 1. A format holds configuration only and is built alike in every thread; what it remembers while
 *    it reads or writes is in the decoder, block reader or encoder that it makes.
 * 2. Input that cannot become a record is reported (`RECORD_MALFORMED` from a decoder, `malformed`
 *    of a batch), never skipped and never turned into something else.
 */
import { MillraceError } from '../base/errors.ts';
import type { TypeInformation } from '../types/type-information.ts';

/** A format that can be read. */
export type ReaderFormat<T> = LineReaderFormat<T> | BlockReaderFormat<T>;

/** A format whose records are lines of text: a file of it can be cut at line ends. */
export interface LineReaderFormat<T> {
  readonly kind: 'lines';
  /** For messages, such as `json`. */
  readonly name: string;
  /** The records' type if it is declared, else it is captured. */
  readonly producedType?: TypeInformation<T> | undefined;
  /** Whether the first line of a file names the columns. */
  readonly hasHeader: boolean;
  /** Whether a record may hold line feeds, so that a file cannot be cut into splits. */
  readonly multiline: boolean;
  createDecoder(): LineDecoder<T>;
}

/** Turns lines into records; one per reader. */
export interface LineDecoder<T> {
  /** Takes the header line of the file whose lines follow; only for formats that have one. */
  header?(line: string): void;
  /**
   * Decodes one line, given without its line end; `undefined` if it is none to decode (a comment).
   *
   * @throws MillraceError `RECORD_MALFORMED` whose message is the cause, if the line is not a
   * record
   */
  decode(line: string): T | undefined;
  /**
   * The index of the line feed that ends the record that begins at `from`, or -1 if it is not
   * before `to`. Only for multiline formats.
   */
  endOfRecord?(bytes: Uint8Array, from: number, to: number): number;
}

/** A format whose files consist of blocks that are read whole or column by column. */
export interface BlockReaderFormat<T> {
  readonly kind: 'blocks';
  /** For messages, such as `parquet`. */
  readonly name: string;
  /** The records' type if it is declared, else it is captured. */
  readonly producedType?: TypeInformation<T> | undefined;
  /** How many rows each block of the file has. */
  rowsOfBlocks(file: RandomAccessFile): Promise<readonly number[]>;
  /** Opens a block at one of its rows; the file stays open until the block reader is closed. */
  openBlock(file: RandomAccessFile, block: number, fromRow: number): Promise<BlockReader<T>>;
}

/** A file as a block format sees it. */
export interface RandomAccessFile {
  /** For messages. */
  readonly path: string;
  readonly size: number;
  /** The bytes from `start` to before `end`; fewer never, an error instead. */
  read(start: number, end: number): Uint8Array<ArrayBuffer>;
}

/** Reads one block from its current row on. */
export interface BlockReader<T> {
  /** The next rows, at most `rowsMax`; none at the end. The batch is the caller's. */
  read(rowsMax: number): BlockBatch<T>;
  close(): void;
}

/** Rows of a block, in order. */
export interface BlockBatch<T> {
  /** One entry per row; the entry of a malformed row means nothing. */
  readonly rows: readonly T[];
  /** The rows (by index in `rows`) that are none; undefined if all are fine. */
  readonly malformed?: ReadonlyMap<number, MalformedRow> | undefined;
}

/** Why a row of a block is not a record. */
export interface MalformedRow {
  readonly cause: string;
  readonly raw: string;
}

/** A format that can be written. */
export interface WriterFormat<T> {
  /** For messages, such as `json`. */
  readonly name: string;
  /** The usual end of a file's name, such as `.jsonl`. */
  readonly fileSuffix: string;
  createEncoder(): RecordEncoder<T>;
}

/** Turns records into text; one per file that is written. */
export interface RecordEncoder<T> {
  /** The record as text with its line end; the header stands before the first. */
  encode(record: T): string;
}

/**
 * The error by which a decoder refuses a line.
 *
 * @param cause - why, with the offending value; file and offset are added by the reader
 */
export function malformed(cause: string): MillraceError {
  return new MillraceError('RECORD_MALFORMED', cause);
}
