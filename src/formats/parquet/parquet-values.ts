/**
 * Parquet values to declared types.
 *
 * Invariants:
 * 1. Raw values are plain: whole numbers are numbers while safe, else bigints; dates and timestamps
 *    are epoch milliseconds (digits beyond them are cut); null is `null`.
 * 2. A value that does not fit its declared type becomes a {@link BadValue}, whose row is
 *    malformed; it is never bent.
 */
import { hasErrorCode } from '../../base/errors.ts';
import type { TypeInformation } from '../../types/type-information.ts';
import { jsonConverter } from '../json/json-values.ts';

/** Stands in a column where a value is that its type does not allow. */
export class BadValue {
  readonly cause: string;

  constructor(cause: string) {
    this.cause = cause;
  }
}

/** A raw value to its declared type, or to a {@link BadValue}; never throws. */
export type ValueConverter = (raw: unknown) => unknown;

/** The converter of one column. Without a declared type values stay raw. */
export function valueConverter(
  type: TypeInformation<unknown> | undefined,
  name: string,
): ValueConverter {
  if (type === undefined) return (raw) => raw;
  const convert = jsonConverter(type, `column '${name}'`, { bytesAreBinary: true });
  return (raw) => {
    if (raw instanceof BadValue) return raw;
    try {
      return convert(raw);
    } catch (error) {
      if (!hasErrorCode(error, 'RECORD_MALFORMED')) throw error;
      return new BadValue((error as Error).message);
    }
  };
}

/** A 64-bit integer from its halves: a number while that is exact. */
export function wholeNumber(high: number, low: number): number | bigint {
  const value = high * 4_294_967_296 + low;
  return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low);
}

/** Epoch milliseconds from a finer unit, rounded down. */
export function millisFrom(value: number | bigint, perMilli: number): number {
  if (typeof value === 'number') return Math.floor(value / perMilli);
  const divisor = BigInt(perMilli);
  const quotient = value / divisor;
  return Number(quotient * divisor > value ? quotient - 1n : quotient);
}

/** What hyparquet gives for values in nested columns, in the terms of invariant 1. */
export function plainValue(value: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
      return wholeOrBig(value);
    case 'undefined':
      return null;
    case 'object':
      if (value === null || value instanceof Uint8Array) return value;
      if (value instanceof Date) return value.getTime();
      if (Array.isArray(value)) return value.map(plainValue);
      return Object.fromEntries(
        Object.entries(value).map(([key, part]) => [key, plainValue(part)]),
      );
    default:
      return value;
  }
}

function wholeOrBig(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
