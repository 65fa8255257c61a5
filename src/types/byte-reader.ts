/**
 * Reads what a {@link ByteWriter} wrote.
 *
 * Invariants:
 * 1. No read leaves `position` to `end`: what is not there is FORMAT_INVALID.
 * 2. Whatever the bytes say, nothing is allocated before it is known that they are there.
 * 3. What is read is a copy: strings and byte arrays do not keep `bytes` alive.
 */
import { MillraceError } from '../base/errors.ts';

const NO_BYTES = new Uint8Array(0);
/** From this size on bytes get a DataView: it costs 70 ns, a number without one 7 ns. */
const VIEW_BYTES_MIN = 512;

const scratchBytes = new Uint8Array(8);
const scratchDouble = new Float64Array(scratchBytes.buffer);

/** See the file's head. */
export class ByteReader {
  bytes: Uint8Array;
  position = 0;
  end = 0;
  #view: DataView | undefined;
  #buffer: Buffer | undefined;

  constructor(bytes: Uint8Array = NO_BYTES) {
    this.bytes = NO_BYTES;
    this.open(bytes);
  }

  /**
   * Goes to `bytes` from `from` to `to`. Cheapest for the bytes that it is at already.
   *
   * @throws FORMAT_INVALID if they do not lie inside
   */
  open(bytes: Uint8Array, from = 0, to: number = bytes.length): void {
    if (from < 0 || from > to || to > bytes.length)
      throw damaged(`${from} to ${to} do not lie inside of ${bytes.length} bytes`);
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.#buffer = undefined;
      this.#view =
        bytes.length < VIEW_BYTES_MIN
          ? undefined
          : new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.position = from;
    this.end = to;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.end - this.position;
  }

  /** What `byte` wrote. */
  byte(): number {
    const at = this.position;
    if (at >= this.end) throw this.tooShort(1);
    this.position = at + 1;
    return this.bytes[at] as number;
  }

  /** What `varint` wrote. */
  varint(): number {
    const at = this.position;
    const first = at < this.end ? (this.bytes[at] as number) : 0x80;
    if (first >= 0x80) return this.#longVarint();
    this.position = at + 1;
    return first;
  }

  /** A varint that is an int32, its sign in the lowest bit. */
  int(): number {
    const zigzag = this.varint();
    return (zigzag >>> 1) ^ -(zigzag & 1);
  }

  /** What `u32` wrote, unsigned. */
  u32(): number {
    const at = this.#take(4);
    const { bytes } = this;
    return (
      ((bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24)) >>>
      0
    );
  }

  /** What `f64` wrote. */
  f64(): number {
    const at = this.#take(8);
    const view = this.#view;
    return view === undefined ? scratchF64(this.bytes, at) : view.getFloat64(at, true);
  }

  /** A copy of the next bytes. */
  raw(length: number): Uint8Array {
    return new Uint8Array(this.bytes.subarray(this.#take(length), this.position));
  }

  /** What `blob` wrote. */
  blob(): Uint8Array {
    return this.raw(this.varint());
  }

  /** What `blob` wrote, in place. */
  blobView(): Uint8Array {
    const at = this.#take(this.varint());
    return this.bytes.subarray(at, this.position);
  }

  /** What `string` wrote. */
  string(): string {
    const head = this.varint();
    const units = Math.floor(head / 2);
    if (head % 2 === 1) return this.#native(units * 2, 'utf16le');
    if (units > 12) return this.#native(units, 'latin1');
    return shortString(this.bytes, this.#take(units), units);
  }

  /**
   * A count of parts that take at least `bytesEach` bytes each; more than can be there is refused.
   */
  count(bytesEach: number): number {
    const count = this.varint();
    if (count * bytesEach > this.end - this.position)
      throw damaged(`${count} parts of ${bytesEach} bytes or more are not there`);
    return count;
  }

  /** The error for bytes that end too early. */
  tooShort(wanted: number): MillraceError {
    return damaged(`${wanted} bytes wanted at ${this.position}, there are ${this.left}`);
  }

  #take(length: number): number {
    const at = this.position;
    if (length > this.end - at) throw this.tooShort(length);
    this.position = at + length;
    return at;
  }

  #native(size: number, encoding: 'latin1' | 'utf16le'): string {
    const at = this.#take(size);
    this.#buffer ??= bufferOf(this.bytes);
    return this.#buffer.toString(encoding, at, at + size);
  }

  #longVarint(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 5; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (value > 0xffff_ffff) break;
        return value;
      }
      factor *= 0x80;
    }
    throw damaged(`a number before ${this.position} has more than 32 bits`);
  }
}

/** The error for bytes that no writer wrote. */
export function damaged(how: string): MillraceError {
  return new MillraceError('FORMAT_INVALID', `the bytes of a row are damaged: ${how}`);
}

function scratchF64(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) scratchBytes[i] = bytes[at + i] as number;
  return scratchDouble[0] as number;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Hot: 15 to 23 ns where the native call takes 60 (`bench/micro/row-codec.ts`). Pieces of four,
 * since one text made of two or three is flat up to 12 units.
 */
function shortString(bytes: Uint8Array, at: number, units: number): string {
  switch (units) {
    case 0:
      return '';
    case 1:
      return String.fromCharCode(bytes[at] as number);
    case 2:
      return String.fromCharCode(bytes[at] as number, bytes[at + 1] as number);
    case 3:
      return String.fromCharCode(
        bytes[at] as number,
        bytes[at + 1] as number,
        bytes[at + 2] as number,
      );
    default:
      break;
  }
  const four = String.fromCharCode(
    bytes[at] as number,
    bytes[at + 1] as number,
    bytes[at + 2] as number,
    bytes[at + 3] as number,
  );
  return units === 4 ? four : four + shortString(bytes, at + 4, units - 4);
}
