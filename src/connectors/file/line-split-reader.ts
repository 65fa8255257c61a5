/**
 * Reads the lines of one split and has them decoded.
 *
 * Invariants:
 * 1. Every line whose first byte lies in the split gives exactly one record or one dead letter,
 *    with the byte offset of its start; empty lines and comments give neither.
 * 2. The position is that of the next line not yet emitted, after every record.
 * 3. A line longer than `lineBytesMax` is one dead letter; memory holds at most twice that many
 *    bytes.
 */
import { isUtf8 } from 'node:buffer';
import { hasErrorCode, MillraceError } from '../../base/errors.ts';
import type { FileSystem } from '../../base/environment.ts';
import type { LineDecoder, LineReaderFormat } from '../../functions/format.ts';
import type { ReaderOutput } from '../../functions/source.ts';
import { type DeadLetterReporter, RAW_LENGTH_MAX } from './dead-letter-reporter.ts';
import { type FileInput, openFileInput } from './file-input.ts';
import { END_OF_FILE, type FileSplit } from './file-split.ts';
import { LineBuffer } from './line-buffer.ts';
import { SPLIT_DONE, SPLIT_MORE, type SplitReader, type SplitStatus } from './split-reader.ts';

/** What a reader of lines needs besides its split. */
export interface LineSplitReaderOptions<T> {
  readonly fileSystem: FileSystem;
  readonly format: LineReaderFormat<T>;
  readonly deadLetters: DeadLetterReporter;
  readonly lineBytesMax: number;
  readonly blockBytes: number;
}

const LINES_PER_POLL_MAX = 1024;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** Reads one split of lines. */
export class LineSplitReader<T> implements SplitReader<T> {
  readonly #options: LineSplitReaderOptions<T>;
  readonly #split: FileSplit;
  readonly #input: FileInput;
  readonly #decoder: LineDecoder<T>;
  readonly #buffer: LineBuffer;
  /** Index in the buffer of the next line. */
  #next = 0;
  /** The offset of the next line not yet emitted. */
  #position: number;
  #isAligned: boolean;
  /** Set while bytes up to the next line feed belong to no line of ours. */
  #isSkipping = false;
  /** The beginning of the line that is skipped because of its length. */
  #tooLong: string | undefined;

  constructor(split: FileSplit, options: LineSplitReaderOptions<T>) {
    this.#split = split;
    this.#options = options;
    this.#position = split.position;
    this.#isAligned = split.isAligned;
    this.#decoder = options.format.createDecoder();
    this.#input = openFileInput(options.fileSystem, split.path);
    try {
      this.#readHeader();
    } catch (error) {
      this.#input.close();
      throw error;
    }
    // The byte before tells whether the split begins where a line does.
    const from = this.#isAligned ? this.#position : this.#position - 1;
    this.#isSkipping = !this.#isAligned;
    this.#buffer = new LineBuffer(this.#input, options.blockBytes, from);
  }

  poll(output: ReaderOutput<T>): SplitStatus {
    for (let budget = LINES_PER_POLL_MAX; budget > 0; budget--) {
      const buffer = this.#buffer;
      const lineStart = this.#next;
      if (!this.#isSkipping && buffer.base + lineStart >= this.#split.end) return SPLIT_DONE;
      const lineEnd = this.#endOfLine(lineStart);
      if (lineEnd < 0) return this.#readOn(output);
      this.#next = lineEnd + 1;
      if (this.#isSkipping) this.#endSkipping(output);
      else this.#emit(output, lineStart, lineEnd);
    }
    return SPLIT_MORE;
  }

  isAvailable(): Promise<void> {
    return Promise.resolve();
  }

  snapshot(): FileSplit {
    return { ...this.#split, position: this.#position, isAligned: this.#isAligned };
  }

  close(): void {
    this.#input.close();
  }

  #endOfLine(from: number): number {
    const { bytes, filled } = this.#buffer;
    const decoder = this.#decoder;
    if (decoder.endOfRecord !== undefined && !this.#isSkipping) {
      return decoder.endOfRecord(bytes, from, filled);
    }
    const found = bytes.indexOf(LINE_FEED, from);
    return found < filled ? found : -1;
  }

  /** No line end in the buffer: gets more bytes, or takes the rest for the last line. */
  #readOn(output: ReaderOutput<T>): SplitStatus {
    const buffer = this.#buffer;
    if (buffer.isAtEnd) return this.#endOfFile(output);
    const lineBytes = buffer.filled - this.#next;
    const isTooLong = lineBytes > this.#options.lineBytesMax;
    if (isTooLong && !this.#isSkipping) {
      this.#tooLong = this.#raw(this.#next, buffer.filled);
      this.#isSkipping = true;
    }
    buffer.advance(this.#isSkipping ? buffer.filled : this.#next);
    this.#next = 0;
    return SPLIT_MORE;
  }

  #endOfFile(output: ReaderOutput<T>): SplitStatus {
    const buffer = this.#buffer;
    const lineStart = this.#next;
    const size = buffer.base + buffer.filled;
    if (this.#split.end !== END_OF_FILE && size < this.#split.end) {
      throw gotShorter(this.#split, size);
    }
    this.#next = buffer.filled;
    if (this.#isSkipping) this.#endSkipping(output);
    else if (lineStart < buffer.filled) this.#emit(output, lineStart, buffer.filled);
    this.#position = size;
    return SPLIT_DONE;
  }

  #endSkipping(output: ReaderOutput<T>): void {
    const offset = this.#position;
    this.#isSkipping = false;
    this.#isAligned = true;
    this.#position = this.#buffer.base + this.#next;
    if (this.#tooLong === undefined) return;
    const cause = `the line is longer than lineBytesMax (${this.#options.lineBytesMax} bytes)`;
    const raw = this.#tooLong;
    this.#tooLong = undefined;
    this.#options.deadLetters.report(output, { origin: this.#split.path, offset, cause, raw });
  }

  #emit(output: ReaderOutput<T>, lineStart: number, lineEnd: number): void {
    const { bytes, base } = this.#buffer;
    this.#position = base + this.#next;
    // A byte order mark belongs to the first line, whose offset stays 0.
    const start = base + lineStart === 0 ? markLength(bytes, lineEnd) : lineStart;
    let end = lineEnd;
    if (end > start && bytes[end - 1] === CARRIAGE_RETURN) end--;
    if (end === start) return;
    if (end - start > this.#options.lineBytesMax) {
      const cause = `the line is longer than lineBytesMax (${this.#options.lineBytesMax} bytes)`;
      this.#refuse(output, lineStart, end, cause);
      return;
    }
    let record: T | undefined;
    try {
      // Only decoding is inside: an error downstream must never be taken for malformed input.
      const line = this.#buffer.isAscii ? bytes.latin1Slice(start, end) : this.#text(start, end);
      record = this.#decoder.decode(line);
    } catch (error) {
      if (!hasErrorCode(error, 'RECORD_MALFORMED')) throw error;
      this.#refuse(output, lineStart, end, (error as Error).message);
      return;
    }
    if (record !== undefined) output.collect(record);
  }

  #text(start: number, end: number): string {
    const { bytes } = this.#buffer;
    if (isUtf8(bytes.subarray(start, end))) return bytes.utf8Slice(start, end);
    throw new MillraceError('RECORD_MALFORMED', 'the line is not valid UTF-8');
  }

  #refuse(output: ReaderOutput<T>, start: number, end: number, cause: string): void {
    this.#options.deadLetters.report(output, {
      origin: this.#split.path,
      offset: this.#buffer.base + start,
      cause,
      raw: this.#raw(start, end),
    });
  }

  #raw(start: number, end: number): string {
    return this.#buffer.bytes.utf8Slice(start, Math.min(end, start + RAW_LENGTH_MAX));
  }

  /** Hands the header to the decoder and steps over it. */
  #readHeader(): void {
    const { format, lineBytesMax } = this.#options;
    if (!format.hasHeader) return;
    const header = readHeader(this.#input, { lineBytesMax, path: this.#split.path });
    if (header === undefined) return;
    this.#decoder.header?.(header.line);
    if (this.#isAligned && this.#position === 0) this.#position = header.next;
  }
}

/** How many bytes a byte order mark takes there: 3 or 0. */
function markLength(bytes: Uint8Array, end: number): number {
  const isMark = end >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return isMark ? 3 : 0;
}

interface HeaderLimits {
  readonly lineBytesMax: number;
  readonly path: string;
}

interface HeaderLine {
  readonly line: string;
  /** Where the line after it begins. */
  readonly next: number;
}

const HEADER_BLOCK_BYTES = 4096;

function readHeader(input: FileInput, limits: HeaderLimits): HeaderLine | undefined {
  const buffer = new LineBuffer(input, HEADER_BLOCK_BYTES, 0);
  for (;;) {
    buffer.advance(0);
    const found = buffer.bytes.subarray(0, buffer.filled).indexOf(LINE_FEED);
    if (found < 0 && !buffer.isAtEnd && buffer.filled <= limits.lineBytesMax) continue;
    if (found < 0 && buffer.filled === 0) return undefined;
    const feed = found < 0 ? buffer.filled : found;
    const end = feed > 0 && buffer.bytes[feed - 1] === CARRIAGE_RETURN ? feed - 1 : feed;
    const isTooLong = feed > limits.lineBytesMax;
    if (isTooLong || !isUtf8(buffer.bytes.subarray(0, end))) throw badHeader(limits, isTooLong);
    const start = markLength(buffer.bytes, end);
    const line = buffer.bytes.utf8Slice(start, end);
    return { line, next: Math.min(feed + 1, buffer.filled) };
  }
}

function badHeader(limits: HeaderLimits, isTooLong: boolean): MillraceError {
  const reason = isTooLong
    ? `longer than lineBytesMax (${limits.lineBytesMax} bytes)`
    : 'not valid UTF-8';
  return new MillraceError(
    'FORMAT_INVALID',
    `the header line of '${limits.path}' is ${reason}; mend the file, or set header: false ` +
      'if it has none',
    { details: { file: limits.path, offset: 0 } },
  );
}

function gotShorter(split: FileSplit, size: number): MillraceError {
  return new MillraceError(
    'CONNECTOR_FAILED',
    `'${split.path}' has only ${size} bytes left of the ${split.end} it had when the job began: ` +
      'files must not be changed while they are read',
    { details: { file: split.path, offset: size } },
  );
}
