/** How row codecs write the values that have no fixed layout: large whole numbers, generic ones. */
import { hasErrorCode } from '../base/errors.ts';
import { type ByteReader, damaged } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { fallbackCodec } from './fallback-codec.ts';

/** Heads the number of a whole number that is safe; larger ones begin with sign and length. */
const SAFE = 0;

/** Writes a whole number of any size; false for what is none. */
export function putBigint(writer: ByteWriter, value: unknown): boolean {
  if (typeof value !== 'bigint') {
    if (!Number.isSafeInteger(value)) return false;
    putSafe(writer, value as number);
    return true;
  }
  const number = Number(value);
  if (Number.isSafeInteger(number)) {
    putSafe(writer, number);
    return true;
  }
  const hex = (value < 0n ? -value : value).toString(16);
  const magnitude = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').reverse();
  writer.varint(magnitude.length * 2 + (value < 0n ? 1 : 0));
  writer.raw(magnitude);
  return true;
}

/** Reads what {@link putBigint} wrote, in canonical form: a number while it is safe. */
export function readBigint(reader: ByteReader): number | bigint {
  const head = reader.varint();
  if (head === SAFE) return reader.f64();
  const magnitude = Buffer.from(reader.raw(Math.floor(head / 2))).reverse();
  if (magnitude.length === 0) throw damaged('a whole number has no bytes');
  const unsigned = BigInt(`0x${magnitude.toString('hex')}`);
  const value = head % 2 === 1 ? -unsigned : unsigned;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/**
 * Writes any serializable value; false for others. Always by the codec that needs no package, so
 * that state is read wherever Millrace runs.
 */
export function putGeneric(writer: ByteWriter, value: unknown): boolean {
  let bytes: Uint8Array;
  try {
    bytes = fallbackCodec.encode(value);
  } catch (error) {
    if (hasErrorCode(error, 'TYPE_NOT_SERIALIZABLE')) return false;
    throw error;
  }
  writer.blob(bytes);
  return true;
}

/** Reads what {@link putGeneric} wrote. */
export function readGeneric(reader: ByteReader): unknown {
  return fallbackCodec.decode(reader.blobView());
}

/** A type without values has none to read. */
export function readNothing(): never {
  throw damaged('there is a value of a type that has none');
}

function putSafe(writer: ByteWriter, value: number): void {
  writer.byte(SAFE);
  // A bigint has no −0.
  writer.f64(value + 0);
}
