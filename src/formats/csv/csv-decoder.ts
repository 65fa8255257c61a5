/**
 * CSV lines to records.
 *
 * Invariants:
 * 1. Every line of a file has as many cells as its header (or the type) has columns, or it is
 *    malformed.
 * 2. With header and type, columns are found by name, in any order; columns that the type does not
 *    name are ignored.
 */
import { assert } from '../../base/assert.ts';
import { MillraceError } from '../../base/errors.ts';
import { type LineDecoder, malformed } from '../../functions/format.ts';
import type { RowField } from '../../types/type-information.ts';
import { type CellRowMaker, cellRowMaker } from '../row-maker.ts';
import type { CsvDialect } from './csv-dialect.ts';
import { type CsvCell, CsvLineReader, endOfCsvRecord } from './csv-line.ts';
import { csvConverter } from './csv-values.ts';

/** Decodes the lines of one file after the other. */
export class CsvDecoder<T> implements LineDecoder<T> {
  readonly #dialect: CsvDialect;
  readonly #fields: readonly RowField[] | undefined;
  readonly #lines: CsvLineReader;
  readonly endOfRecord?: (bytes: Uint8Array, from: number, to: number) => number;
  #columnCount = 0;
  #makeRow: CellRowMaker<CsvCell> | undefined;

  constructor(dialect: CsvDialect, fields: readonly RowField[] | undefined, hasHeader: boolean) {
    this.#dialect = dialect;
    this.#fields = fields;
    this.#lines = new CsvLineReader(dialect);
    if (dialect.multiline) {
      this.endOfRecord = (bytes, from, to) => endOfCsvRecord(dialect, bytes, from, to);
    }
    if (!hasHeader && fields !== undefined) this.#columns(fields.map((field) => field.name));
  }

  header(line: string): void {
    const count = this.#readHeader(line);
    const names = this.#lines.cells
      .slice(0, count)
      .map((cell) => cell ?? this.#dialect.nullLiteral);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) throw badHeader(`names the column '${twice}' twice`, line);
    this.#columns(names, line);
  }

  decode(line: string): T | undefined {
    const { allowComments } = this.#dialect;
    if (allowComments && line.startsWith('#')) return undefined;
    const count = this.#lines.read(line);
    if (count !== this.#columnCount) {
      throw malformed(`the line has ${count} cells, not ${this.#columnCount}`);
    }
    assert(this.#makeRow !== undefined, 'the CSV header is read before its lines');
    return this.#makeRow(this.#lines.cells) as T;
  }

  #readHeader(line: string): number {
    try {
      return this.#lines.read(line);
    } catch (cause) {
      throw badHeader(`is malformed: ${(cause as Error).message}`, line);
    }
  }

  #columns(names: readonly string[], header = ''): void {
    const { nullLiteral } = this.#dialect;
    this.#columnCount = names.length;
    const fields = this.#fields;
    if (fields === undefined) {
      if (names.includes('__proto__')) throw badHeader("names a column '__proto__'", header);
      const convert = (cell: CsvCell): string => cell ?? nullLiteral;
      this.#makeRow = cellRowMaker(names.map((name, index) => ({ name, convert, index })));
      return;
    }
    this.#makeRow = cellRowMaker(
      fields.map(({ name, type }) => {
        const index = names.indexOf(name);
        if (index < 0) throw badHeader(`has no column '${name}', which the type declares`, header);
        return { name, convert: csvConverter(type, name, nullLiteral), index };
      }),
    );
  }
}

function badHeader(reason: string, line: string): MillraceError {
  const shown = line.length > 200 ? `${line.slice(0, 200)}…` : line;
  return new MillraceError(
    'FORMAT_INVALID',
    `the CSV header ${reason}: '${shown}'; mend the file or the type, or set header: false if ` +
      'the first line is data',
  );
}
