/**
 * @dataplane
 * Parquet's RLE / bit-packed hybrid, read a part at a time.
 *
 *     runs: varint header; even = value repeated (header >> 1) times, value in ceil(width / 8)
 *     bytes
 *                          odd  = (header >> 1) * 8 values of `width` bits each, from the lowest
 *                          bit on
 *
 * Invariant: never reads a run that is not there: bytes that end too early are an error.
 */
import { MillraceError } from '../../base/errors.ts';

/** Reads whole numbers of a fixed bit width. */
export class HybridCursor {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #width: number;
  #offset: number;
  /** Values left in the current run. */
  #left = 0;
  #isPacked = false;
  /** The value of a repeated run. */
  #value = 0;
  /** The next bit of a packed run. */
  #bit = 0;

  constructor(
    bytes: Uint8Array,
    range: { readonly start: number; readonly end: number },
    width: number,
  ) {
    if (width > 32 || range.end > bytes.length) throw tooShort();
    this.#bytes = bytes;
    this.#offset = range.start;
    this.#end = range.end;
    this.#width = width;
  }

  /** Takes `count` values if all are `value` and in one run; else takes none and returns false. */
  takeAll(value: number, count: number): boolean {
    if (this.#left === 0) this.#nextRun();
    if (this.#isPacked || this.#value !== value || this.#left < count) return false;
    this.#left -= count;
    return true;
  }

  /** Reads `count` values into the start of `target`. */
  read(target: Int32Array, count: number): void {
    let filled = 0;
    while (filled < count) {
      if (this.#left === 0) this.#nextRun();
      const part = Math.min(this.#left, count - filled);
      if (this.#isPacked) this.#unpack(target, filled, part);
      else target.fill(this.#value, filled, filled + part);
      this.#left -= part;
      filled += part;
    }
  }

  #unpack(target: Int32Array, from: number, count: number): void {
    const bytes = this.#bytes;
    const width = this.#width;
    const mask = width === 32 ? -1 : (1 << width) - 1;
    let bit = this.#bit;
    for (let i = from; i < from + count; i++) {
      const at = bit >>> 3;
      const shift = bit & 7;
      let value =
        (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>>
        shift;
      // A value of more than 24 bits may reach into a fifth byte.
      if (shift + width > 32) value |= bytes[at + 4]! << (32 - shift);
      target[i] = value & mask;
      bit += width;
    }
    this.#bit = bit;
  }

  #nextRun(): void {
    if (this.#width === 0) {
      this.#left = Number.MAX_SAFE_INTEGER;
      return;
    }
    const header = this.#varint();
    this.#isPacked = (header & 1) === 1;
    if (this.#isPacked) this.#beginPacked(header >>> 1);
    else this.#beginRepeated(header >>> 1);
    if (this.#left === 0) throw tooShort();
  }

  #beginPacked(groups: number): void {
    this.#bit = this.#offset * 8;
    this.#offset += groups * this.#width;
    // The last group may be cut where the page ends; what it lacks is padding that nobody reads.
    const bits = Math.min(this.#offset, this.#end) * 8 - this.#bit;
    this.#left = Math.min(groups * 8, Math.floor(bits / this.#width));
  }

  #beginRepeated(count: number): void {
    let value = 0;
    const bytes = (this.#width + 7) >> 3;
    if (this.#offset + bytes > this.#end) throw tooShort();
    for (let i = 0; i < bytes; i++) value |= this.#bytes[this.#offset++]! << (8 * i);
    this.#value = value;
    this.#left = count;
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 32; shift += 7) {
      if (this.#offset >= this.#end) throw tooShort();
      const byte = this.#bytes[this.#offset++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw tooShort();
  }
}

function tooShort(): MillraceError {
  return new MillraceError(
    'FORMAT_INVALID',
    'a Parquet page ends within its values: the file is damaged',
  );
}
