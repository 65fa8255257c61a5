/**
 * @dataplane
 * Reads a flat column chunk page by page, a few rows at a time: memory holds the compressed chunk
 * and one page, whatever the row group's size.
 *
 * Invariants:
 * 1. Values come in order, one per row, `null` where the definition level says so.
 * 2. A dictionary's values are converted once, not once per row.
 */
import type { CompressionCodec } from 'hyparquet';
import { MillraceError } from '../../base/errors.ts';
import type { ColumnCursor } from './column-cursor.ts';
import type { Decompress } from './compression.ts';
import { HybridCursor } from './hybrid-cursor.ts';
import * as page from './page-header.ts';
import { BadValue, type ValueConverter } from './parquet-values.ts';
import { PlainCursor, type PlainRead } from './plain-values.ts';

/** A column chunk and how its values are read. */
export interface PagedColumnOptions {
  readonly bytes: Uint8Array;
  readonly codec: CompressionCodec;
  readonly isOptional: boolean;
  readonly isBoolean: boolean;
  readonly readPlain: PlainRead;
  readonly convert: ValueConverter;
  readonly decompress: Decompress;
}

const BATCH_MAX = 1024;

/** Reads one flat column chunk. */
export class PagedColumn implements ColumnCursor {
  readonly #options: PagedColumnOptions;
  /** What a null becomes: null, or a BadValue in a column that must have values. */
  readonly #nullValue: unknown;
  #offset = 0;
  #dictionary: readonly unknown[] = [];
  #dictionaryHasBad = false;
  /** Rows left in the current page. */
  #left = 0;
  #levels: HybridCursor | undefined;
  /** One of these two is set while a page is read. */
  #indices: HybridCursor | undefined;
  #plain: PlainCursor | undefined;
  #isBooleanRuns = false;
  readonly #numbers = new Int32Array(BATCH_MAX);

  constructor(options: PagedColumnOptions) {
    this.#options = options;
    this.#nullValue = options.convert(null);
  }

  read(target: unknown[], count: number): boolean {
    let hasBad = false;
    let filled = 0;
    while (filled < count) {
      while (this.#left === 0) this.#nextPage();
      const part = Math.min(this.#left, count - filled, BATCH_MAX);
      if (this.#readPart(target, filled, part)) hasBad = true;
      this.#left -= part;
      filled += part;
    }
    return hasBad;
  }

  #readPart(target: unknown[], from: number, count: number): boolean {
    const levels = this.#levels;
    if (levels === undefined || levels.takeAll(1, count))
      return this.#readValues(target, from, count);
    const present = this.#numbers.slice(0, count);
    levels.read(present, count);
    let valueCount = 0;
    for (let i = 0; i < count; i++) valueCount += present[i]!;
    let hasBad = this.#readValues(target, from, valueCount);
    if (valueCount < count && this.#nullValue instanceof BadValue) hasBad = true;
    // Spread from the end, so that no value is overwritten before it has moved.
    for (let i = count - 1, value = valueCount - 1; value < i; i--) {
      target[from + i] = present[i] === 1 ? target[from + value--] : this.#nullValue;
    }
    return hasBad;
  }

  #readValues(target: unknown[], from: number, count: number): boolean {
    const plain = this.#plain;
    if (plain !== undefined) return this.#readPlainValues(plain, target, from, count);
    if (count === 0) return false;
    const numbers = this.#numbers;
    this.#indices?.read(numbers, count);
    if (this.#isBooleanRuns) {
      const { convert } = this.#options;
      for (let i = 0; i < count; i++) target[from + i] = convert(numbers[i] === 1);
      return count > 0 && target[from] instanceof BadValue;
    }
    const dictionary = this.#dictionary;
    const size = dictionary.length;
    for (let i = 0; i < count; i++) {
      const index = numbers[i]! >>> 0;
      if (index >= size) throw damaged(`a dictionary index is ${index} of ${size}`);
      target[from + i] = dictionary[index];
    }
    return this.#dictionaryHasBad;
  }

  #readPlainValues(plain: PlainCursor, target: unknown[], from: number, count: number): boolean {
    const { readPlain, convert } = this.#options;
    let hasBad = false;
    for (let i = 0; i < count; i++) {
      const value = convert(readPlain(plain));
      if (value instanceof BadValue) hasBad = true;
      target[from + i] = value;
    }
    return hasBad;
  }

  #nextPage(): void {
    const { bytes } = this.#options;
    if (this.#offset >= bytes.length) throw damaged('a column has fewer values than rows');
    const header = page.readPageHeader(bytes, this.#offset);
    const start = header.end;
    this.#offset = start + header.compressedBytes;
    if (this.#offset > bytes.length) throw damaged('a page reaches beyond its column');
    const content = bytes.subarray(start, this.#offset);
    switch (header.type) {
      case page.DICTIONARY_PAGE:
        return this.#setDictionary(header, this.#decompressed(content, header.uncompressedBytes));
      case page.DATA_PAGE:
        return this.#beginPage(header, this.#decompressed(content, header.uncompressedBytes));
      case page.DATA_PAGE_V2:
        return this.#beginPage2(header, content);
      case page.INDEX_PAGE:
        return;
      default:
        throw damaged(`a page has the unknown type ${header.type}`);
    }
  }

  #decompressed(content: Uint8Array, size: number): Uint8Array {
    return this.#options.decompress(this.#options.codec, content, size);
  }

  #setDictionary(header: page.PageHeader, content: Uint8Array): void {
    const values: unknown[] = [];
    const cursor = new PlainCursor(content, 0);
    for (let i = 0; i < header.valueCount; i++) {
      const value = this.#options.convert(this.#options.readPlain(cursor));
      if (value instanceof BadValue) this.#dictionaryHasBad = true;
      values.push(value);
    }
    this.#dictionary = values;
  }

  #beginPage(header: page.PageHeader, content: Uint8Array): void {
    let start = 0;
    this.#levels = undefined;
    if (this.#options.isOptional) {
      const end = 4 + uint32(content, 0);
      this.#levels = new HybridCursor(content, { start: 4, end }, 1);
      start = end;
    }
    this.#beginValues(header, content, start);
  }

  #beginPage2(header: page.PageHeader, content: Uint8Array): void {
    const { definitionBytes, repetitionBytes, uncompressedBytes } = header;
    const levelBytes = repetitionBytes + definitionBytes;
    if (levelBytes > content.length) throw damaged('the levels of a page reach beyond it');
    this.#levels = this.#options.isOptional
      ? new HybridCursor(content, { start: repetitionBytes, end: levelBytes }, 1)
      : undefined;
    const packed = content.subarray(levelBytes);
    const values = header.isCompressed
      ? this.#decompressed(packed, uncompressedBytes - levelBytes)
      : packed;
    this.#beginValues(header, values, 0);
  }

  #beginValues(header: page.PageHeader, content: Uint8Array, start: number): void {
    this.#left = header.valueCount;
    this.#plain = undefined;
    this.#indices = undefined;
    this.#isBooleanRuns = false;
    const end = content.length;
    switch (header.encoding) {
      case page.PLAIN:
        this.#plain = new PlainCursor(content, start);
        return;
      case page.PLAIN_DICTIONARY:
      case page.RLE_DICTIONARY:
        // A page of nulls only may be without a byte for the width.
        if (start < end)
          this.#indices = new HybridCursor(content, { start: start + 1, end }, content[start]!);
        return;
      case page.RLE:
        if (!this.#options.isBoolean) break;
        this.#isBooleanRuns = true;
        if (start < end) this.#indices = new HybridCursor(content, { start: start + 4, end }, 1);
        return;
      default:
        break;
    }
    throw damaged(`a page has the encoding ${header.encoding}, which its footer does not name`);
  }
}

function uint32(bytes: Uint8Array, offset: number): number {
  if (offset + 4 > bytes.length) throw damaged('a page ends within its levels');
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset, true);
}

function damaged(reason: string): MillraceError {
  return new MillraceError('FORMAT_INVALID', `damaged Parquet column: ${reason}`);
}
