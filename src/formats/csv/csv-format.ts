/** CSV files (RFC 4180). */
import { MillraceError } from '../../base/errors.ts';
import type { LineReaderFormat, WriterFormat } from '../../functions/format.ts';
import { type RowField, structureOf, type TypeInformation } from '../../types/type-information.ts';
import { CsvDecoder } from './csv-decoder.ts';
import { type CsvDialectOptions, csvDialect } from './csv-dialect.ts';
import { CsvEncoder } from './csv-encoder.ts';
import { csvConverter } from './csv-values.ts';

/** Options of {@link csvFormat}. */
export interface CsvFormatOptions<T> extends CsvDialectOptions {
  /** The row type of each line. Without it all columns are strings, named by the header. */
  readonly type?: TypeInformation<T> | undefined;
  /** Whether the first line of each file names the columns; true. */
  readonly header?: boolean | undefined;
}

/** CSV, to read and to write. */
export type CsvFormat<T> = LineReaderFormat<T> & WriterFormat<T>;

/**
 * CSV by RFC 4180. With a type, cells are read strictly; with a header, columns are found by name,
 * else they are in the type's order.
 *
 * @example
 * const person = types.row({ id: types.long, name: types.string });
 * const format = csvFormat({ type: person, delimiter: ';' });
 */
export function csvFormat<T = Record<string, string>>(
  options: CsvFormatOptions<T> = {},
): CsvFormat<T> {
  const { type, header: hasHeader = true } = options;
  const dialect = csvDialect(options);
  const fields = type === undefined ? undefined : fieldsOf(type);
  for (const field of fields ?? []) csvConverter(field.type, field.name, dialect.nullLiteral);
  if (fields === undefined && !hasHeader) {
    throw new MillraceError(
      'ILLEGAL_ARGUMENT',
      'csvFormat({ header: false }) needs a type: without a header nothing names the columns',
    );
  }
  return Object.freeze({
    kind: 'lines',
    name: 'csv',
    producedType: type,
    hasHeader,
    multiline: dialect.multiline,
    createDecoder: () => new CsvDecoder<T>(dialect, fields, hasHeader),
    fileSuffix: '.csv',
    createEncoder: () => new CsvEncoder<T>(dialect, fields, hasHeader),
  });
}

function fieldsOf(type: TypeInformation<unknown>): readonly RowField[] {
  const structure = structureOf(type);
  if (structure.kind === 'row' && structure.fields.length > 0) return structure.fields;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `the type of a CSV format is types.row({ … }) with at least one field, got ${type.kind}`,
  );
}
