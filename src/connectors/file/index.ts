/**
 * The published entry point `millrace/connectors/file`: file source, file sink and the formats of
 * files.
 */
export { type CsvFormat, type CsvFormatOptions, csvFormat } from '../../formats/csv/csv-format.ts';
export {
  type JsonLinesFormat,
  type JsonLinesFormatOptions,
  jsonLinesFormat,
} from '../../formats/json/json-lines-format.ts';
export { type ParquetFormatOptions, parquetFormat } from '../../formats/parquet/parquet-format.ts';
export type {
  BlockReaderFormat,
  LineReaderFormat,
  ReaderFormat,
  WriterFormat,
} from '../../functions/format.ts';
export type { OnMalformed } from './dead-letter-reporter.ts';
export { type FileSinkOptions, fileSink, type RollingPolicy } from './file-sink.ts';
export { type FileSourceOptions, fileSource } from './file-source.ts';
export type { FileSplit } from './file-split.ts';
export type { PartCommittable } from './part-file.ts';
