/**
 * Records to CSV lines.
 *
 * Invariants:
 * 1. What is written reads back as it was: cells are quoted exactly if they would not otherwise.
 * 2. Columns are the type's fields, else the keys of the first record; a later record with other
 *    keys is an error, since a column cannot be added.
 */
import { MillraceError } from '../../base/errors.ts';
import type { RecordEncoder } from '../../functions/format.ts';
import { type RowField, structureOf } from '../../types/type-information.ts';
import type { CsvDialect } from './csv-dialect.ts';
import { csvText } from './csv-values.ts';

interface Column {
  readonly name: string;
  readonly isTimestamp: boolean;
}

/** The encoder of one CSV file. */
export class CsvEncoder<T> implements RecordEncoder<T> {
  readonly #dialect: CsvDialect;
  readonly #hasHeader: boolean;
  readonly #special: RegExp;
  #columns: readonly Column[] | undefined;
  #isFirst = true;

  constructor(dialect: CsvDialect, fields: readonly RowField[] | undefined, hasHeader: boolean) {
    this.#dialect = dialect;
    this.#hasHeader = hasHeader;
    this.#columns = fields?.map(({ name, type }) => ({ name, isTimestamp: isTimestamp(type) }));
    const characters = [dialect.delimiter, dialect.quote, dialect.escape]
      .map((character) => character.replace(/[\\\]^-]/g, '\\$&'))
      .join('');
    this.#special = new RegExp(`[${characters}\\r\\n]`);
  }

  encode(record: T): string {
    if (typeof record !== 'object' || record === null) throw noRow(record);
    this.#columns ??= Object.keys(record).map((name) => ({ name, isTimestamp: false }));
    const line = this.#line(record as Readonly<Record<string, unknown>>, this.#columns);
    if (!this.#isFirst) return line;
    this.#isFirst = false;
    return this.#hasHeader ? this.#header(this.#columns) + line : line;
  }

  #line(record: Readonly<Record<string, unknown>>, columns: readonly Column[]): string {
    let line = '';
    for (let i = 0; i < columns.length; i++) {
      const { name, isTimestamp } = columns[i]!;
      const text = csvText(record[name], isTimestamp, name);
      if (i > 0) line += this.#dialect.delimiter;
      line += text === undefined ? this.#dialect.nullLiteral : this.#quoted(text, i === 0);
    }
    let keys = 0;
    for (const _ in record) keys++;
    if (keys > columns.length) throw otherKeys(record, columns);
    // An empty line is no record to a reader.
    if (line === '') throw emptyLine(columns);
    return `${line}\n`;
  }

  #header(columns: readonly Column[]): string {
    const names = columns.map(({ name }, i) => this.#quoted(name, i === 0));
    return `${names.join(this.#dialect.delimiter)}\n`;
  }

  #quoted(text: string, isFirstCell: boolean): string {
    const { quote, escape, nullLiteral, allowComments } = this.#dialect;
    const looksLikeOther =
      text === nullLiteral ||
      (isFirstCell && (text.startsWith('\ufeff') || (allowComments && text.startsWith('#'))));
    if (!looksLikeOther && !this.#special.test(text)) return text;
    const escaped = escape === '' ? text : text.replaceAll(escape, escape + escape);
    return quote + escaped.replaceAll(quote, quote + quote) + quote;
  }
}

function isTimestamp(type: RowField['type']): boolean {
  const structure = structureOf(type);
  return structure.kind === 'optional' ? isTimestamp(structure.type) : type.kind === 'timestamp';
}

function noRow(record: unknown): MillraceError {
  return new MillraceError(
    'RECORD_TYPE_MISMATCH',
    `a CSV file takes objects, one per line, but the record is ${String(record)}: map it first`,
  );
}

function otherKeys(record: object, columns: readonly Column[]): MillraceError {
  const names = new Set(columns.map((column) => column.name));
  const other = Object.keys(record).find((name) => !names.has(name));
  return new MillraceError(
    'RECORD_TYPE_MISMATCH',
    `the record has the field '${other}', for which the CSV file has no column (it has ` +
      `${[...names].join(', ')}): declare all columns with csvFormat({ type }) or map the record`,
  );
}

function emptyLine(columns: readonly Column[]): MillraceError {
  return new MillraceError(
    'RECORD_TYPE_MISMATCH',
    `a null in the only column '${columns[0]?.name}' would be an empty line, no record: give ` +
      "csvFormat a nullLiteral such as 'NULL'",
  );
}
