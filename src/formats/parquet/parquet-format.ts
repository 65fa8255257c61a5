/** Parquet files: columns in row groups, each row group a split. */
import type { FileMetaData } from 'hyparquet';
import { MillraceError } from '../../base/errors.ts';
import type {
  BlockBatch,
  BlockReader,
  BlockReaderFormat,
  MalformedRow,
  RandomAccessFile,
} from '../../functions/format.ts';
import { type RowField, structureOf, type TypeInformation } from '../../types/type-information.ts';
import { type ColumnRowMaker, columnRowMaker } from '../row-maker.ts';
import type { ColumnCursor } from './column-cursor.ts';
import { invalidParquet, loadHyparquet } from './hyparquet.ts';
import {
  columnNames,
  openColumn,
  type ParquetFile,
  readFooter,
  rowCounts,
} from './parquet-file.ts';
import { BadValue, valueConverter } from './parquet-values.ts';

/** Options of {@link parquetFormat}. */
export interface ParquetFormatOptions<T> {
  /**
   * The row type. Its fields are the columns that are read. Without it values are as the file has
   * them: integers as numbers (bigints beyond 2^53), dates and timestamps as epoch milliseconds.
   */
  readonly type?: TypeInformation<T> | undefined;
  /** The columns to read, if there is no type; all by default. */
  readonly columns?: readonly string[] | undefined;
}

/**
 * Parquet, to read. Needs the package `hyparquet`.
 *
 * @example
 * const flight = types.row({ date: types.timestamp, delay: types.int, origin: types.string });
 * const flights = fileSource({ path: 'flights.parquet', format: parquetFormat({ type: flight }) });
 */
export function parquetFormat<T = Record<string, unknown>>(
  options: ParquetFormatOptions<T> = {},
): BlockReaderFormat<T> {
  const { type, columns } = options;
  const fields = type === undefined ? undefined : fieldsOf(type);
  if (fields !== undefined && columns !== undefined) {
    throw new MillraceError(
      'ILLEGAL_ARGUMENT',
      'parquetFormat takes a type or columns, not both: the fields of the type are the columns',
    );
  }
  for (const field of fields ?? []) valueConverter(field.type, field.name);
  const footers = new FooterCache();
  return Object.freeze({
    kind: 'blocks' as const,
    name: 'parquet',
    producedType: type,
    async rowsOfBlocks(file: RandomAccessFile) {
      const { metadata } = await footers.open(file);
      requireColumns(metadata, file.path, columns ?? fields?.map((field) => field.name) ?? []);
      try {
        return rowCounts(metadata);
      } catch (error) {
        throw invalidParquet(file.path, error);
      }
    },
    async openBlock(file: RandomAccessFile, block: number, fromRow: number) {
      const parquet = await footers.open(file);
      try {
        return await openRowGroup<T>(parquet, { block, fromRow, fields, columns });
      } catch (error) {
        throw invalidParquet(file.path, error);
      }
    },
  });
}

/** Remembers the last footer: the row groups of a file are opened one after the other. */
class FooterCache {
  #key = '';
  #metadata: FileMetaData | undefined;

  async open(file: RandomAccessFile): Promise<ParquetFile> {
    const hyparquet = await loadHyparquet();
    const key = `${file.size} ${file.path}`;
    if (key !== this.#key || this.#metadata === undefined) {
      try {
        this.#metadata = readFooter(hyparquet, file);
        this.#key = key;
      } catch (error) {
        throw invalidParquet(file.path, error);
      }
    }
    return { hyparquet, file, metadata: this.#metadata };
  }
}

interface RowGroupRequest {
  readonly block: number;
  readonly fromRow: number;
  readonly fields: readonly RowField[] | undefined;
  readonly columns: readonly string[] | undefined;
}

async function openRowGroup<T>(
  parquet: ParquetFile,
  request: RowGroupRequest,
): Promise<BlockReader<T>> {
  const { block, fromRow, fields } = request;
  const names =
    fields?.map((field) => field.name) ?? request.columns ?? columnNames(parquet.metadata);
  requireColumns(parquet.metadata, parquet.file.path, names);
  const cursors: ColumnCursor[] = [];
  for (const [i, name] of names.entries()) {
    const convert = valueConverter(fields?.[i]?.type, name);
    cursors.push(await openColumn(parquet, { name, block, convert }));
  }
  const rowCount = rowCounts(parquet.metadata)[block] ?? 0;
  const reader = new RowGroupReader<T>({ path: parquet.file.path, names, cursors, rowCount });
  reader.skip(fromRow);
  return reader;
}

interface RowGroup {
  readonly path: string;
  readonly names: readonly string[];
  readonly cursors: readonly ColumnCursor[];
  readonly rowCount: number;
}

const SKIP_ROWS = 1024;

/** @dataplane Rows of one row group, built from a few rows of each column at a time. */
class RowGroupReader<T> implements BlockReader<T> {
  readonly #group: RowGroup;
  readonly #columns: readonly unknown[][];
  readonly #makeRows: ColumnRowMaker;
  #left: number;

  constructor(group: RowGroup) {
    this.#group = group;
    this.#columns = group.cursors.map(() => []);
    this.#makeRows = columnRowMaker(group.names);
    this.#left = group.rowCount;
  }

  read(rowsMax: number): BlockBatch<T> {
    const count = Math.min(rowsMax, this.#left);
    const hasBad = this.#readColumns(count);
    const rows = this.#makeRows(this.#columns, 0, count) as T[];
    return hasBad ? { rows, malformed: this.#malformed(count) } : { rows };
  }

  skip(rows: number): void {
    for (let left = rows; left > 0; left -= SKIP_ROWS) this.#readColumns(Math.min(left, SKIP_ROWS));
  }

  close(): void {
    this.#left = 0;
  }

  #readColumns(count: number): boolean {
    const { cursors, path } = this.#group;
    let hasBad = false;
    try {
      for (let i = 0; i < cursors.length; i++) {
        if (cursors[i]!.read(this.#columns[i]!, count)) hasBad = true;
      }
    } catch (error) {
      throw invalidParquet(path, error);
    }
    this.#left -= count;
    return hasBad;
  }

  #malformed(count: number): ReadonlyMap<number, MalformedRow> | undefined {
    const malformed = new Map<number, MalformedRow>();
    for (let row = 0; row < count; row++) {
      const values = this.#columns.map((column) => column[row]);
      const bad = values.find((value) => value instanceof BadValue);
      if (bad === undefined) continue;
      malformed.set(row, { cause: bad.cause, raw: this.#rawText(values) });
    }
    return malformed.size === 0 ? undefined : malformed;
  }

  #rawText(values: readonly unknown[]): string {
    const shown = values.map((value, i) => {
      const text = value instanceof BadValue ? `? (${value.cause})` : String(value);
      return `${this.#group.names[i]}: ${text}`;
    });
    return shown.join(', ');
  }
}

function fieldsOf(type: TypeInformation<unknown>): readonly RowField[] {
  const structure = structureOf(type);
  if (structure.kind === 'row' && structure.fields.length > 0) return structure.fields;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `the type of a Parquet format is types.row({ … }) with at least one field, got ${type.kind}`,
  );
}

function requireColumns(metadata: FileMetaData, path: string, names: readonly string[]): void {
  const present = new Set(columnNames(metadata));
  const missing = names.find((name) => !present.has(name));
  if (missing === undefined) return;
  throw new MillraceError(
    'FORMAT_INVALID',
    `'${path}' has no column '${missing}'; it has ${[...present].join(', ')}`,
    { details: { file: path, column: missing } },
  );
}
