/** The footer of a Parquet file, and its columns as cursors. */
import type { ColumnMetaData, FileMetaData, RowGroup, SchemaElement } from 'hyparquet';
import { MillraceError } from '../../base/errors.ts';
import type { RandomAccessFile } from '../../functions/format.ts';
import { ArrayColumn, type ColumnCursor } from './column-cursor.ts';
import { zlibCompressors, pageDecompressor } from './compression.ts';
import type { Hyparquet } from './hyparquet.ts';
import { PagedColumn } from './paged-column.ts';
import { millisFrom, type ValueConverter } from './parquet-values.ts';
import { plainReadOf } from './plain-values.ts';

/** A Parquet file with its footer read. */
export interface ParquetFile {
  readonly hyparquet: Hyparquet;
  readonly file: RandomAccessFile;
  readonly metadata: FileMetaData;
}

/** Bytes after the footer: its length (4) and `PAR1`. */
const TAIL_BYTES = 8;
const MAGIC = 'PAR1';

/** Reads the footer. */
export function readFooter(hyparquet: Hyparquet, file: RandomAccessFile): FileMetaData {
  if (file.size < TAIL_BYTES + MAGIC.length) throw notParquet(file.path);
  const tail = Buffer.from(file.read(file.size - TAIL_BYTES, file.size));
  const footerBytes = tail.readUInt32LE(0) + TAIL_BYTES;
  if (tail.toString('latin1', 4) !== MAGIC || footerBytes > file.size) throw notParquet(file.path);
  return hyparquet.parquetMetadata(file.read(file.size - footerBytes, file.size).buffer);
}

/** The names of the top-level columns. */
export function columnNames(metadata: FileMetaData): readonly string[] {
  return topLevel(metadata).map((element) => element.name);
}

/** The number of rows of each row group. */
export function rowCounts(metadata: FileMetaData): readonly number[] {
  return metadata.row_groups.map((group) => {
    const rows = Number(group.num_rows);
    if (Number.isSafeInteger(rows) && rows >= 0) return rows;
    throw new MillraceError(
      'FORMAT_INVALID',
      `a Parquet row group has ${rows} rows: the file is damaged`,
    );
  });
}

/** A column to read. */
export interface ColumnRequest {
  readonly name: string;
  readonly block: number;
  readonly convert: ValueConverter;
}

/** Opens a column of a row group at its first row. */
export async function openColumn(
  parquet: ParquetFile,
  request: ColumnRequest,
): Promise<ColumnCursor> {
  return openPaged(parquet, request) ?? openWhole(parquet, request);
}

function openPaged(parquet: ParquetFile, request: ColumnRequest): ColumnCursor | undefined {
  const { metadata, file, hyparquet } = parquet;
  const element = topLevel(metadata).find((candidate) => candidate.name === request.name);
  const chunk = rowGroup(metadata, request.block).columns.find(
    ({ meta_data: meta }) => meta?.path_in_schema[0] === request.name,
  );
  const meta = chunk?.meta_data;
  if (element === undefined || meta === undefined || chunk?.file_path !== undefined)
    return undefined;
  const readPlain = plainReadOf(element);
  const isFlat = (element.num_children ?? 0) === 0 && element.repetition_type !== 'REPEATED';
  if (readPlain === undefined || !isFlat || !hasReadableEncodings(meta)) return undefined;
  const { start, end } = byteRange(meta);
  return new PagedColumn({
    bytes: file.read(start, end),
    codec: meta.codec,
    isOptional: element.repetition_type === 'OPTIONAL',
    isBoolean: element.type === 'BOOLEAN',
    readPlain,
    convert: request.convert,
    decompress: pageDecompressor(hyparquet),
  });
}

/** Nested columns and rare encodings: decoded whole by hyparquet. */
async function openWhole(parquet: ParquetFile, request: ColumnRequest): Promise<ColumnCursor> {
  const { metadata, file, hyparquet } = parquet;
  const counts = rowCounts(metadata);
  const rowStart = counts.slice(0, request.block).reduce((sum, rows) => sum + rows, 0);
  const rowEnd = rowStart + (counts[request.block] ?? 0);
  const chunks: { readonly rowStart: number; readonly data: ArrayLike<unknown> }[] = [];
  await hyparquet.parquetRead({
    file: {
      byteLength: file.size,
      slice: (start, end = file.size) => file.read(start, end).buffer,
    },
    metadata,
    columns: [request.name],
    rowStart,
    rowEnd,
    compressors: zlibCompressors(),
    parsers: MILLIS_PARSERS,
    onChunk: (chunk) => chunks.push({ rowStart: chunk.rowStart, data: chunk.columnData }),
  });
  chunks.sort((left, right) => left.rowStart - right.rowStart);
  return new ArrayColumn(
    chunks.map((chunk) => chunk.data),
    request.convert,
  );
}

/** Timestamps and dates as epoch milliseconds instead of Dates. */
const MILLIS_PARSERS = {
  timestampFromMilliseconds: (millis: bigint) => Number(millis),
  timestampFromMicroseconds: (micros: bigint) => millisFrom(BigInt(micros), 1000),
  timestampFromNanoseconds: (nanos: bigint) => millisFrom(BigInt(nanos), 1_000_000),
  dateFromDays: (days: number) => days * 86_400_000,
};

const READABLE: ReadonlySet<string> = new Set([
  'PLAIN',
  'PLAIN_DICTIONARY',
  'RLE_DICTIONARY',
  'RLE',
  'BIT_PACKED',
]);

function hasReadableEncodings(meta: ColumnMetaData): boolean {
  return meta.encodings.every((encoding) => READABLE.has(encoding));
}

function byteRange(meta: ColumnMetaData): { readonly start: number; readonly end: number } {
  // Some writers name no dictionary page, or one at 0 where there is none; then the data is first.
  const dictionary = Number(meta.dictionary_page_offset ?? 0n);
  const data = Number(meta.data_page_offset);
  const start = dictionary > 0 && dictionary < data ? dictionary : data;
  return { start, end: start + Number(meta.total_compressed_size) };
}

function rowGroup(metadata: FileMetaData, block: number): RowGroup {
  const group = metadata.row_groups[block];
  if (group !== undefined) return group;
  throw new MillraceError(
    'FORMAT_INVALID',
    `the Parquet file has no row group ${block} any more: a file must not change while it is read`,
  );
}

/** The schema is a tree in prefix order; an element with children is followed by them. */
function topLevel(metadata: FileMetaData): readonly SchemaElement[] {
  const elements: SchemaElement[] = [];
  for (let i = 1; i < metadata.schema.length; i = endOfElement(metadata.schema, i)) {
    elements.push(metadata.schema[i]!);
  }
  return elements;
}

function endOfElement(schema: readonly SchemaElement[], index: number): number {
  let pending = 1;
  let end = index;
  while (pending > 0 && end < schema.length) pending += (schema[end++]!.num_children ?? 0) - 1;
  return end;
}

function notParquet(path: string): MillraceError {
  return new MillraceError(
    'FORMAT_INVALID',
    `'${path}' is not a Parquet file (it does not end in PAR1), or it was cut: check the path`,
    { details: { file: path } },
  );
}
