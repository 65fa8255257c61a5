/**
 * Values in Parquet's PLAIN encoding, to raw values (`parquet-values.ts`).
 */
import { isUtf8 } from 'node:buffer';
import type { SchemaElement } from 'hyparquet';
import { MillraceError } from '../../base/errors.ts';
import { BadValue, millisFrom, wholeNumber } from './parquet-values.ts';

/** Reads the raw value at the cursor's place and moves on. */
export type PlainRead = (cursor: PlainCursor) => unknown;

/** A place in a page of PLAIN values. */
export class PlainCursor {
  readonly view: DataView;
  readonly bytes: Buffer;
  offset: number;
  /** For booleans, which take one bit each. */
  bit = 0;

  constructor(page: Uint8Array, offset: number) {
    this.view = new DataView(page.buffer, page.byteOffset, page.byteLength);
    this.bytes = Buffer.from(page.buffer, page.byteOffset, page.byteLength);
    this.offset = offset;
  }

  /** Moves on by `length` bytes and returns where they begin. */
  take(length: number): number {
    const start = this.offset;
    this.offset += length;
    if (this.offset <= this.bytes.length) return start;
    throw new MillraceError(
      'FORMAT_INVALID',
      'a Parquet page ends within its values: the file is damaged',
    );
  }
}

const DAY_MS = 86_400_000;

/** How a column's values are read; undefined if they are of a kind that is left to hyparquet. */
export function plainReadOf(element: SchemaElement): PlainRead | undefined {
  switch (element.type) {
    case 'BOOLEAN':
      return readBoolean;
    case 'INT32':
      return int32ReadOf(element);
    case 'INT64':
      return int64ReadOf(element);
    case 'FLOAT':
      return (cursor) => cursor.view.getFloat32(cursor.take(4), true);
    case 'DOUBLE':
      return (cursor) => cursor.view.getFloat64(cursor.take(8), true);
    case 'BYTE_ARRAY':
      return byteArrayReadOf(element);
    default:
      return undefined;
  }
}

function readBoolean(cursor: PlainCursor): boolean {
  const bit = cursor.bit++;
  if ((bit & 7) === 0) cursor.take(1);
  return (cursor.bytes[cursor.offset - 1]! & (1 << (bit & 7))) !== 0;
}

function int32ReadOf(element: SchemaElement): PlainRead | undefined {
  const { converted_type: converted, logical_type: logical } = element;
  const read = (cursor: PlainCursor): number => cursor.view.getInt32(cursor.take(4), true);
  if (converted === 'DATE' || logical?.type === 'DATE') return (cursor) => read(cursor) * DAY_MS;
  return isSignedInteger(element) ? read : undefined;
}

function int64ReadOf(element: SchemaElement): PlainRead | undefined {
  const { converted_type: converted, logical_type: logical } = element;
  if (converted === 'TIMESTAMP_MILLIS') return readInt64;
  if (converted === 'TIMESTAMP_MICROS') return (cursor) => millisFrom(readInt64(cursor), 1000);
  if (logical?.type !== 'TIMESTAMP') return isSignedInteger(element) ? readInt64 : undefined;
  if (logical.unit === 'MILLIS') return readInt64;
  const perMilli = logical.unit === 'MICROS' ? 1000 : 1_000_000;
  return (cursor) => millisFrom(readInt64(cursor), perMilli);
}

function readInt64(cursor: PlainCursor): number | bigint {
  const at = cursor.take(8);
  return wholeNumber(cursor.view.getInt32(at + 4, true), cursor.view.getUint32(at, true));
}

function isSignedInteger(element: SchemaElement): boolean {
  const { converted_type: converted, logical_type: logical } = element;
  if (logical?.type === 'INTEGER') return logical.isSigned;
  if (logical !== undefined) return logical.type === 'TIME';
  return converted === undefined || /^(?:INT_|TIME_)/.test(converted);
}

function byteArrayReadOf(element: SchemaElement): PlainRead | undefined {
  const { converted_type: converted, logical_type: logical } = element;
  const kind = logical?.type ?? converted;
  if (kind === 'STRING' || kind === 'UTF8' || kind === 'ENUM') return readString;
  return kind === undefined ? readBytes : undefined;
}

function readString(cursor: PlainCursor): unknown {
  const length = cursor.view.getUint32(cursor.take(4), true);
  const start = cursor.take(length);
  const bytes = cursor.bytes.subarray(start, start + length);
  return isUtf8(bytes) ? bytes.toString('utf8') : new BadValue('the text is not valid UTF-8');
}

function readBytes(cursor: PlainCursor): Uint8Array {
  const length = cursor.view.getUint32(cursor.take(4), true);
  const start = cursor.take(length);
  return Uint8Array.from(cursor.bytes.subarray(start, start + length));
}
