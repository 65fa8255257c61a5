/** Picks the column classes for a type. */
import { unreachable } from '../base/assert.ts';
import type { ColumnReader, ColumnWriter } from './column.ts';
import { BigintColumnReader, BigintColumnWriter } from './column-bigint.ts';
import {
  BytesColumnReader,
  BytesColumnWriter,
  GenericColumnReader,
  GenericColumnWriter,
} from './column-bytes.ts';
import {
  BooleanColumnReader,
  BooleanColumnWriter,
  DoubleColumnReader,
  DoubleColumnWriter,
  IntColumnReader,
  IntColumnWriter,
} from './column-fixed.ts';
import {
  ArrayColumnReader,
  ArrayColumnWriter,
  FillerColumnReader,
  FillerColumnWriter,
  MapColumnReader,
  MapColumnWriter,
  OptionalColumnReader,
  OptionalColumnWriter,
  RowColumnReader,
  RowColumnWriter,
} from './column-nested.ts';
import { StringColumnReader, StringColumnWriter } from './column-string.ts';
import { structureOf, type TypeInformation } from './type-information.ts';

/** A writer for a column of `type`, with room for `capacity` entries at first. */
export function columnWriterFor(type: TypeInformation<unknown>, capacity?: number): ColumnWriter {
  const structure = structureOf(type);
  switch (structure.kind) {
    case 'int':
      return new IntColumnWriter(capacity);
    case 'long':
    case 'timestamp':
      return new DoubleColumnWriter(true, capacity);
    case 'double':
      return new DoubleColumnWriter(false, capacity);
    case 'boolean':
      return new BooleanColumnWriter(capacity);
    case 'string':
      return new StringColumnWriter(capacity);
    case 'bytes':
      return new BytesColumnWriter();
    case 'bigint':
      return new BigintColumnWriter();
    case 'generic':
      return new GenericColumnWriter();
    case 'nothing':
      return new FillerColumnWriter();
    case 'optional':
      return new OptionalColumnWriter(columnWriterFor(structure.type, capacity), capacity);
    case 'array':
      return new ArrayColumnWriter(columnWriterFor(structure.element));
    case 'map':
      return new MapColumnWriter(columnWriterFor(structure.key), columnWriterFor(structure.value));
    case 'row':
      if (structure.fields.length === 0) return new FillerColumnWriter(structure);
      return new RowColumnWriter(
        structure,
        structure.fields.map((field) => columnWriterFor(field.type)),
      );
    default:
      return unreachable(structure satisfies never, 'type');
  }
}

/** A reader for a column of `type`. */
export function columnReaderFor(type: TypeInformation<unknown>): ColumnReader {
  const structure = structureOf(type);
  switch (structure.kind) {
    case 'int':
      return new IntColumnReader();
    case 'long':
    case 'timestamp':
    case 'double':
      return new DoubleColumnReader();
    case 'boolean':
      return new BooleanColumnReader();
    case 'string':
      return new StringColumnReader();
    case 'bytes':
      return new BytesColumnReader();
    case 'bigint':
      return new BigintColumnReader();
    case 'generic':
      return new GenericColumnReader();
    case 'nothing':
      return new FillerColumnReader();
    case 'optional':
      return new OptionalColumnReader(columnReaderFor(structure.type));
    case 'array':
      return new ArrayColumnReader(columnReaderFor(structure.element));
    case 'map':
      return new MapColumnReader(columnReaderFor(structure.key), columnReaderFor(structure.value));
    case 'row':
      if (structure.fields.length === 0) return new FillerColumnReader();
      return new RowColumnReader(
        structure,
        structure.fields.map((field) => columnReaderFor(field.type)),
      );
    default:
      return unreachable(structure satisfies never, 'type');
  }
}
