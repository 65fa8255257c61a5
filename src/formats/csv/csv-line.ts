/**
 * @dataplane
 * Takes CSV lines apart by RFC 4180: cells between delimiters, quoted or not.
 *
 * Invariants:
 * 1. A quote opens a quoted cell only as the cell's first character; elsewhere in an unquoted cell
 *    it is text.
 * 2. After a closing quote comes a delimiter or the end; anything else is malformed, as is a
 *    missing quote.
 * 3. {@link endOfCsvRecord} and {@link CsvLineReader.read} follow the same grammar.
 */
import { malformed } from '../../functions/format.ts';
import type { CsvDialect } from './csv-dialect.ts';

/** A cell: its text, or null if it is the null literal and not quoted. */
export type CsvCell = string | null;

/** Takes lines apart; the cells of a line are valid until the next. */
export class CsvLineReader {
  /** The cells of the last line. */
  readonly cells: CsvCell[] = [];
  readonly #dialect: CsvDialect;

  constructor(dialect: CsvDialect) {
    this.#dialect = dialect;
  }

  /** Takes one line apart and returns the number of cells. */
  read(line: string): number {
    const { delimiter, quote, nullLiteral } = this.#dialect;
    if (line.includes(quote)) return this.#readQuoted(line);
    const cells = this.cells;
    let count = 0;
    let start = 0;
    for (;;) {
      const end = line.indexOf(delimiter, start);
      const cell = end < 0 ? line.slice(start) : line.slice(start, end);
      cells[count++] = cell === nullLiteral ? null : cell;
      if (end < 0) break;
      start = end + 1;
    }
    cells.length = count;
    return count;
  }

  #readQuoted(line: string): number {
    const { delimiter, quote, nullLiteral } = this.#dialect;
    const cells = this.cells;
    cells.length = 0;
    let start = 0;
    for (;;) {
      let end: number;
      if (line[start] === quote) {
        end = this.#readQuotedCell(line, start);
      } else {
        const found = line.indexOf(delimiter, start);
        end = found < 0 ? line.length : found;
        const cell = line.slice(start, end);
        cells.push(cell === nullLiteral ? null : cell);
      }
      if (end === line.length) return cells.length;
      start = end + 1;
    }
  }

  /**
   * Adds the quoted cell that begins at `start`; returns the index of the delimiter or end after
   * it.
   */
  #readQuotedCell(line: string, start: number): number {
    const { delimiter, quote, escape } = this.#dialect;
    let text = '';
    let from = start + 1;
    for (let i = from; i < line.length; i++) {
      const character = line[i];
      if (character === escape) {
        text += line.slice(from, i);
        from = ++i;
      } else if (character === quote) {
        text += line.slice(from, i);
        from = i + 1;
        if (line[from] !== quote) {
          if (from < line.length && line[from] !== delimiter)
            throw textAfterQuote(this.cells.length);
          this.cells.push(text);
          return from;
        }
        i++;
      }
    }
    throw malformed(
      `the quoted cell ${this.cells.length + 1} has no closing quote ` +
        '(if cells may hold line feeds, set multiline: true)',
    );
  }
}

function textAfterQuote(index: number): Error {
  return malformed(`cell ${index + 1} has text after its closing quote`);
}

const LINE_FEED = 10;
const HASH = 0x23;

const CELL_START = 0;
const UNQUOTED = 1;
const QUOTED = 2;
const AFTER_QUOTE = 3;

/**
 * The index of the line feed that ends the record beginning at `from`, or -1 if it is not before
 * `to`.
 */
export function endOfCsvRecord(
  dialect: CsvDialect,
  bytes: Uint8Array,
  from: number,
  to: number,
): number {
  if (dialect.allowComments && bytes[from] === HASH) {
    const end = bytes.indexOf(LINE_FEED, from);
    return end < to ? end : -1;
  }
  const quote = dialect.quote.charCodeAt(0);
  const delimiter = dialect.delimiter.charCodeAt(0);
  // No byte is -1, so without an escape character nothing is escaped.
  const escape = dialect.escape === '' ? -1 : dialect.escape.charCodeAt(0);
  let state = CELL_START;
  for (let i = from; i < to; i++) {
    const byte = bytes[i];
    if (state === QUOTED) {
      if (byte === escape) i++;
      else if (byte === quote) state = AFTER_QUOTE;
    } else if (byte === LINE_FEED) return i;
    else if (byte === quote && state !== UNQUOTED) state = QUOTED;
    else state = byte === delimiter ? CELL_START : UNQUOTED;
  }
  return -1;
}
