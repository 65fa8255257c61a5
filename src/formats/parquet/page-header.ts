/**
 * The header before each Parquet page, in Thrift's compact protocol.
 *
 *     PageHeader { 1: type  2: uncompressed size  3: compressed size  5: DataPageHeader
 *                  7: DictionaryPageHeader  8: DataPageHeaderV2 }
 *     DataPageHeader       { 1: values  2: encoding }
 *     DictionaryPageHeader { 1: values }
 *     DataPageHeaderV2     { 1: values  2: nulls  3: rows  4: encoding
 *                            5: bytes of definition levels  6: of repetition levels  7: compressed?
 *                            }
 *
 * Invariant: bytes that are no header end in an error, never in a read beyond them or an endless
 * loop.
 */
import { MillraceError } from '../../base/errors.ts';

/** Page types. */
export const DATA_PAGE = 0;
/** A page that hyparquet skips too. */
export const INDEX_PAGE = 1;
/** The values that data pages refer to. */
export const DICTIONARY_PAGE = 2;
/** A data page whose levels are not compressed. */
export const DATA_PAGE_V2 = 3;

/** Encodings of values that are read here. */
export const PLAIN = 0;
/** Dictionary indices, old name. */
export const PLAIN_DICTIONARY = 2;
/** Runs; for booleans. */
export const RLE = 3;
/** Dictionary indices. */
export const RLE_DICTIONARY = 8;

/** What a page is. */
export interface PageHeader {
  readonly type: number;
  readonly uncompressedBytes: number;
  readonly compressedBytes: number;
  readonly valueCount: number;
  readonly encoding: number;
  /** Version 2 only. */
  readonly definitionBytes: number;
  /** Version 2 only. */
  readonly repetitionBytes: number;
  readonly isCompressed: boolean;
  /** Where the page's bytes begin. */
  readonly end: number;
}

type Value = number | boolean | Struct | undefined;
interface Struct {
  [id: number]: Value;
}

/** Reads the header at `offset`. */
export function readPageHeader(bytes: Uint8Array, offset: number): PageHeader {
  const reader = new CompactReader(bytes, offset);
  const header = reader.struct(0);
  const type = header[1];
  const inner = header[type === DATA_PAGE ? 5 : type === DICTIONARY_PAGE ? 7 : 8] as
    | Struct
    | undefined;
  const isVersion2 = type === DATA_PAGE_V2;
  return {
    type: count(type),
    uncompressedBytes: count(header[2]),
    compressedBytes: count(header[3]),
    valueCount: count(inner?.[1] ?? 0),
    encoding: count(inner?.[isVersion2 ? 4 : 2] ?? 0),
    definitionBytes: isVersion2 ? count(inner?.[5]) : 0,
    repetitionBytes: isVersion2 ? count(inner?.[6]) : 0,
    isCompressed: !isVersion2 || inner?.[7] !== false,
    end: reader.offset,
  };
}

const DEPTH_MAX = 16;

class CompactReader {
  offset: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, offset: number) {
    this.#bytes = bytes;
    this.offset = offset;
  }

  struct(depth: number): Struct {
    if (depth > DEPTH_MAX) throw damaged();
    const fields: Struct = {};
    let id = 0;
    for (;;) {
      const head = this.#byte();
      const type = head & 0x0f;
      if (type === 0) return fields;
      const delta = head >> 4;
      id = delta === 0 ? this.#zigZag() : id + delta;
      fields[id] = this.#value(type, depth);
    }
  }

  #value(type: number, depth: number): Value {
    switch (type) {
      case 1:
        return true;
      case 2:
        return false;
      case 3:
        return this.#byte();
      case 4:
      case 5:
      case 6:
        return this.#zigZag();
      case 7:
        return this.#skip(8);
      case 8:
        return this.#skip(this.#varint());
      case 12:
        return this.struct(depth + 1);
      default:
        // Lists, sets and maps do not occur in page headers.
        throw damaged();
    }
  }

  #skip(length: number): undefined {
    this.offset += length;
    return undefined;
  }

  #zigZag(): number {
    const value = this.#varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Sums instead of shifts, since statistics may have more than 32 bits. */
  #varint(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 70; scale *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw damaged();
  }

  #byte(): number {
    const byte = this.#bytes[this.offset++];
    if (byte === undefined) throw damaged();
    return byte;
  }
}

function count(value: Value): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw damaged();
}

function damaged(): MillraceError {
  return new MillraceError('FORMAT_INVALID', 'a Parquet page header is damaged');
}
