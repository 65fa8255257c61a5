/**
 * Bytes that grow as values are written to them: what row codecs, segments and store keys are
 * written with.
 *
 * Invariants:
 * 1. `bytes` from 0 to `length` is what was written; whoever lowers `length` takes back the rest.
 * 2. All numbers are little endian; the layout of each kind is in README.md, "Rows".
 */
import { MillraceError } from '../base/errors.ts';

/** The most bytes that one writer holds. */
export const WRITER_BYTES_MAX: number = 2 ** 31 - 1;

/** The bytes of the longest varint. */
export const VARINT_BYTES_MAX = 5;

const CAPACITY_MIN = 64;
/** Longer strings are written by one native call, which costs as much as 30 units in a loop. */
const LOOP_UNITS_MAX = 24;
const NOT_LATIN1 = /[^\u0000-\u00ff]/;

/** See the file's head. */
export class ByteWriter {
  /** Replaced when it grows: read it anew after each call. */
  bytes: Uint8Array;
  /** Over `bytes`. */
  view: DataView;
  length = 0;
  #buffer: Buffer;

  constructor(capacity = 1024) {
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(capacity, CAPACITY_MIN));
    this.bytes = this.#buffer;
    this.view = new DataView(this.#buffer.buffer);
  }

  /**
   * Makes room for `extra` bytes beyond `length`.
   *
   * @throws FRAME_TOO_LARGE
   */
  ensure(extra: number): void {
    if (this.length + extra > this.bytes.length) this.#grow(this.length + extra);
  }

  /** Takes back everything; keeps the memory. */
  reset(): void {
    this.length = 0;
  }

  /** A copy of what was written. */
  take(): Uint8Array {
    return new Uint8Array(this.bytes.subarray(0, this.length));
  }

  /** Writes one byte. */
  byte(value: number): void {
    this.ensure(1);
    this.bytes[this.length++] = value;
  }

  /** Writes a whole number from 0 to 2^32 − 1, seven bits a byte, lowest first. */
  varint(value: number): void {
    this.ensure(VARINT_BYTES_MAX);
    this.length = putVarint(this.bytes, this.length, value);
  }

  /** Writes 32 bits: an int32 or an unsigned number. */
  u32(value: number): void {
    this.ensure(4);
    this.view.setUint32(this.length, value, true);
    this.length += 4;
  }

  /** Writes a float64. */
  f64(value: number): void {
    this.ensure(8);
    this.view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** Writes bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.ensure(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Writes a byte array with its length. */
  blob(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** Writes any string: twice its units, plus one if it has units beyond 0xff, then the units. */
  string(value: string): void {
    const units = value.length;
    if (units > LOOP_UNITS_MAX) return this.#longString(value);
    const start = this.length;
    this.ensure(units + 1);
    const { bytes } = this;
    let all = 0;
    let at = start + 1;
    for (let i = 0; i < units; i++) {
      const unit = value.charCodeAt(i);
      all |= unit;
      bytes[at++] = unit;
    }
    if (all > 0xff) return this.#native(value, true);
    bytes[start] = units << 1;
    this.length = at;
  }

  #longString(value: string): void {
    this.#native(value, NOT_LATIN1.test(value));
  }

  #native(value: string, isWide: boolean): void {
    const size = isWide ? value.length * 2 : value.length;
    this.varint(value.length * 2 + (isWide ? 1 : 0));
    this.ensure(size);
    this.#buffer.write(value, this.length, isWide ? 'utf16le' : 'latin1');
    this.length += size;
  }

  #grow(needed: number): void {
    if (needed > WRITER_BYTES_MAX) {
      throw new MillraceError(
        'FRAME_TOO_LARGE',
        `${needed} bytes are more than the ${WRITER_BYTES_MAX} that can be written at once: keep smaller values`,
      );
    }
    const capacity = Math.min(WRITER_BYTES_MAX, Math.max(needed, this.bytes.length * 2));
    const larger = Buffer.allocUnsafeSlow(capacity);
    larger.set(this.bytes.subarray(0, this.length));
    this.#buffer = larger;
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }
}

/** Stores a varint where there is room for {@link VARINT_BYTES_MAX} and returns where it ends. */
export function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let next = at;
  let rest = value;
  while (rest >= 0x80) {
    bytes[next++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[next++] = rest;
  return next;
}
