/**
 * The generic codec without a dependency: a tag byte per value, whole numbers as variable-length
 * integers.
 *
 *     null undefined false true       tag
 *     int32                           tag, zigzag varint
 *     other number, Date              tag, float64 little-endian
 *     string of units ≤ 0xff          tag, varint length, latin1 bytes
 *     other string                    tag, varint units, UTF-16LE
 *     bytes                           tag, varint length, bytes
 *     bigint                          tag, sign byte, varint length, magnitude little-endian
 *     array, set                      tag, varint count, values
 *     map, object                     tag, varint count, key and value in turn
 *
 * Invariant: decoding damaged bytes ends in FORMAT_INVALID and never allocates more than the bytes
 * warrant.
 */
import { MillraceError } from '../base/errors.ts';
import type { GenericCodec } from './generic-codec.ts';
import { GENERIC_DEPTH_MAX, isPlainObject, requireSerializable } from './serializable.ts';

const NULL = 0;
const UNDEFINED = 1;
const FALSE = 2;
const TRUE = 3;
const INT = 4;
const DOUBLE = 5;
const LATIN1 = 6;
const UTF16 = 7;
const BYTES = 8;
const BIGINT = 9;
const DATE = 10;
const ARRAY = 11;
const SET = 12;
const MAP = 13;
const OBJECT = 14;

const BYTES_MIN = 256;
const NOT_LATIN1 = /[^\u0000-\u00ff]/;

/** The generic codec that needs no package. */
export const fallbackCodec: GenericCodec = {
  formatId: 1,
  encode(value: unknown): Uint8Array {
    const writer = new TaggedWriter();
    // The writer only says that something is wrong; the slow walk says where.
    if (!writer.write(value, 0)) requireSerializable(value);
    return writer.finish();
  },
  decode(bytes: Uint8Array): unknown {
    const reader = new TaggedReader(bytes);
    const value = reader.read(0);
    reader.requireEnd();
    return value;
  },
};

class TaggedWriter {
  #bytes: Buffer = Buffer.allocUnsafe(BYTES_MIN);
  #length = 0;

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  write(value: unknown, depth: number): boolean {
    switch (typeof value) {
      case 'undefined':
        return this.#byte(UNDEFINED);
      case 'boolean':
        return this.#byte(value ? TRUE : FALSE);
      case 'number':
        return this.#number(value);
      case 'string':
        return this.#string(value);
      case 'bigint':
        return this.#bigint(value);
      case 'object':
        return value === null
          ? this.#byte(NULL)
          : depth < GENERIC_DEPTH_MAX && this.#object(value, depth);
      default:
        return false;
    }
  }

  #object(value: object, depth: number): boolean {
    if (Array.isArray(value)) return this.#sequence(ARRAY, value.length, value, depth);
    if (value instanceof Date) return this.#double(DATE, value.getTime());
    if (value instanceof Uint8Array) return this.#blob(value);
    if (value instanceof Map) return this.#pairs(MAP, value.size, value, depth);
    if (value instanceof Set) return this.#sequence(SET, value.size, value, depth);
    if (!isPlainObject(value)) return false;
    const entries = Object.entries(value);
    return this.#pairs(OBJECT, entries.length, entries, depth);
  }

  #sequence(tag: number, count: number, values: Iterable<unknown>, depth: number): boolean {
    this.#byte(tag);
    this.#varint(count);
    for (const value of values) if (!this.write(value, depth + 1)) return false;
    return true;
  }

  #pairs(
    tag: number,
    count: number,
    pairs: Iterable<readonly [unknown, unknown]>,
    depth: number,
  ): boolean {
    this.#byte(tag);
    this.#varint(count);
    for (const [key, value] of pairs) {
      if (!this.write(key, depth + 1) || !this.write(value, depth + 1)) return false;
    }
    return true;
  }

  #number(value: number): boolean {
    const int = value | 0;
    if (int !== value || Object.is(value, -0)) return this.#double(DOUBLE, value);
    this.#byte(INT);
    this.#varint(((int << 1) ^ (int >> 31)) >>> 0);
    return true;
  }

  #double(tag: number, value: number): boolean {
    this.#byte(tag);
    this.#reserve(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
    return true;
  }

  #string(value: string): boolean {
    const wide = NOT_LATIN1.test(value);
    this.#byte(wide ? UTF16 : LATIN1);
    this.#varint(value.length);
    this.#reserve(wide ? value.length * 2 : value.length);
    this.#length += this.#bytes.write(value, this.#length, wide ? 'utf16le' : 'latin1');
    return true;
  }

  #blob(value: Uint8Array): boolean {
    this.#byte(BYTES);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return true;
  }

  #bigint(value: bigint): boolean {
    const hex = (value < 0n ? -value : value).toString(16);
    const magnitude = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').reverse();
    this.#byte(BIGINT);
    this.#byte(value < 0n ? 1 : 0);
    this.#varint(magnitude.length);
    this.#reserve(magnitude.length);
    this.#bytes.set(magnitude, this.#length);
    this.#length += magnitude.length;
    return true;
  }

  #byte(byte: number): true {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
    return true;
  }

  #varint(value: number): void {
    this.#reserve(5);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

class TaggedReader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  requireEnd(): void {
    if (this.#position !== this.#bytes.length)
      throw damaged(`${this.#bytes.length - this.#position} bytes too many`);
  }

  read(depth: number): unknown {
    if (depth > GENERIC_DEPTH_MAX) throw damaged('nested too deep');
    const tag = this.#byte();
    switch (tag) {
      case NULL:
        return null;
      case UNDEFINED:
        return undefined;
      case FALSE:
        return false;
      case TRUE:
        return true;
      case INT:
        return this.#int();
      case DOUBLE:
        return this.#double();
      case LATIN1:
        return this.#string(1, 'latin1');
      case UTF16:
        return this.#string(2, 'utf16le');
      case BYTES:
        return new Uint8Array(this.#take(this.#varint()));
      case BIGINT:
        return this.#bigint();
      case DATE:
        return new Date(this.#double());
      case ARRAY:
        return this.#values(depth);
      case SET:
        return new Set(this.#values(depth));
      case MAP:
        return new Map(this.#pairs(depth));
      case OBJECT:
        return plainObject(this.#pairs(depth));
      default:
        throw damaged(`tag ${tag} is unknown`);
    }
  }

  #values(depth: number): unknown[] {
    const values: unknown[] = [];
    for (let left = this.#count(1); left > 0; left--) values.push(this.read(depth + 1));
    return values;
  }

  #pairs(depth: number): [unknown, unknown][] {
    const pairs: [unknown, unknown][] = [];
    for (let left = this.#count(2); left > 0; left--)
      pairs.push([this.read(depth + 1), this.read(depth + 1)]);
    return pairs;
  }

  #count(bytesEach: number): number {
    const count = this.#varint();
    if (count * bytesEach > this.#bytes.length - this.#position)
      throw damaged(`a count of ${count} is too high`);
    return count;
  }

  #int(): number {
    const zigzag = this.#varint();
    return (zigzag >>> 1) ^ -(zigzag & 1);
  }

  #double(): number {
    return this.#take(8).readDoubleLE(0);
  }

  #string(unitBytes: number, encoding: 'latin1' | 'utf16le'): string {
    return this.#take(this.#varint() * unitBytes).toString(encoding);
  }

  #bigint(): bigint {
    const negative = this.#byte() === 1;
    const magnitude = Buffer.from(this.#take(this.#varint())).reverse();
    if (magnitude.length === 0) throw damaged('a bigint has no bytes');
    const value = BigInt(`0x${magnitude.toString('hex')}`);
    return negative ? -value : value;
  }

  #take(length: number): Buffer {
    const end = this.#position + length;
    if (end > this.#bytes.length) throw damaged(`${length} bytes wanted at ${this.#position}`);
    const taken = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return taken;
  }

  #byte(): number {
    const byte = this.#bytes[this.#position++];
    if (byte === undefined) throw damaged('it ends too early');
    return byte;
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw damaged('a length has too many bytes');
  }
}

/** A plain object; a key `__proto__` becomes a field like any other. */
function plainObject(pairs: readonly (readonly [unknown, unknown])[]): object {
  for (const [key] of pairs)
    if (typeof key !== 'string') throw damaged('a field name is no string');
  return Object.fromEntries(pairs as readonly (readonly [string, unknown])[]);
}

function damaged(how: string): MillraceError {
  return new MillraceError('FORMAT_INVALID', `the bytes of a generic value are damaged: ${how}`);
}
