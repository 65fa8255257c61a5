/**
 * Converts CSV cells to declared types and back, strictly: a cell that does not read as its
 * column's type is malformed.
 *
 * | type | cell |
 * |---|---|
 * | int, long, bigint | digits, with a sign if negative |
 * | double | decimal or exponent form, `NaN`, `Infinity`, `-Infinity` |
 * | boolean | `true`, `false`, in any case |
 * | timestamp | ISO 8601 (UTC if it names no zone), or epoch milliseconds |
 * | bytes | base64 |
 * | optional | the null literal, not quoted, is null |
 */
import { MillraceError } from '../../base/errors.ts';
import { malformed } from '../../functions/format.ts';
import {
  type ScalarKind,
  structureOf,
  type TypeInformation,
} from '../../types/type-information.ts';
import type { Converter } from '../row-maker.ts';
import { parseTimestamp } from '../timestamp-text.ts';
import type { CsvCell } from './csv-line.ts';

/**
 * A converter of cells of the column `name`; `nullText` is what an unquoted null literal reads as.
 */
export function csvConverter(
  type: TypeInformation<unknown>,
  name: string,
  nullText: string,
): Converter<CsvCell> {
  const structure = structureOf(type);
  switch (structure.kind) {
    case 'optional': {
      const convert = csvConverter(structure.type, name, nullText);
      return (cell) => (cell === null ? null : convert(cell));
    }
    case 'array':
    case 'map':
    case 'row':
      throw notForCsv(name, structure.kind);
    default: {
      const convert = textConverter(structure.kind, name);
      return (cell) => convert(cell ?? nullText);
    }
  }
}

/** The text of a value in a cell, before quoting; undefined for null. */
export function csvText(value: unknown, isTimestamp: boolean, name: string): string | undefined {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      if (isTimestamp) return timestampText(value);
      return Object.is(value, -0) ? '-0' : String(value);
    case 'boolean':
    case 'bigint':
      return String(value);
    case 'undefined':
      return undefined;
    default:
      if (value === null) return undefined;
      if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
      if (value instanceof Date) return value.toISOString();
      throw new MillraceError(
        'RECORD_TYPE_MISMATCH',
        `field '${name}' holds ${Array.isArray(value) ? 'an array' : 'an object'}, which a CSV ` +
          'cell cannot: map it to text before the sink, or use jsonLinesFormat()',
      );
  }
}

/** Years of four digits, so that the reader and everyone else can read them. */
const ISO_MS_MIN = -62_167_219_200_000;
const ISO_MS_MAX = 253_402_300_799_999;

function timestampText(ms: number): string {
  return ms >= ISO_MS_MIN && ms <= ISO_MS_MAX ? new Date(ms).toISOString() : String(ms);
}

function textConverter(kind: ScalarKind, name: string): (text: string) => unknown {
  switch (kind) {
    case 'string':
      return (text) => text;
    case 'int':
      return (text) => {
        const value = wholeNumber(text);
        if ((value | 0) === value) return value;
        throw mismatch(name, 'a whole number of 32 bits', text);
      };
    case 'long':
      return (text) => {
        const value = wholeNumber(text);
        if (Number.isSafeInteger(value)) return value;
        throw mismatch(name, 'a whole number within ±2^53', text);
      };
    case 'bigint':
      return (text) => {
        const value = wholeNumber(text);
        if (Number.isSafeInteger(value)) return value;
        if (Number.isNaN(value)) throw mismatch(name, 'a whole number', text);
        return canonical(BigInt(text));
      };
    case 'double':
      return (text) => {
        if (DECIMAL.test(text)) {
          const value = Number(text);
          if (Number.isFinite(value)) return value;
        }
        return specialDouble(text, name);
      };
    case 'boolean':
      return (text) => {
        if (text === 'true' || text === 'false') return text === 'true';
        const lower = text.toLowerCase();
        if (lower === 'true' || lower === 'false') return lower === 'true';
        throw mismatch(name, 'true or false', text);
      };
    case 'timestamp':
      return (text) => {
        const ms = wholeNumber(text);
        const value = Number.isNaN(ms) ? parseTimestamp(text) : ms;
        if (Number.isSafeInteger(value) && Math.abs(value) <= 8.64e15) return value;
        throw mismatch(name, 'an ISO 8601 timestamp or epoch milliseconds', text);
      };
    case 'bytes':
      return (text) => {
        if (BASE64.test(text)) return new Uint8Array(Buffer.from(text, 'base64'));
        throw mismatch(name, 'base64 text', text);
      };
    case 'nothing':
    case 'generic':
      throw notForCsv(name, kind);
    default:
      return kind satisfies never;
  }
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const DIGITS_SAFE_MAX = 15;

/**
 * The number that decimal digits mean, possibly rounded beyond 2^53; NaN if the text is anything
 * else.
 */
function wholeNumber(text: string): number {
  const isNegative = text.charCodeAt(0) === 0x2d;
  const start = isNegative ? 1 : 0;
  if (text.length === start) return Number.NaN;
  let value = 0;
  for (let i = start; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  // Beyond that the sum above may have been rounded at every step, the engine's own rounds once.
  if (text.length - start > DIGITS_SAFE_MAX) return Number(text);
  return isNegative ? -value : value;
}

function canonical(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function specialDouble(text: string, name: string): number {
  if (text === 'NaN') return Number.NaN;
  if (text === 'Infinity') return Number.POSITIVE_INFINITY;
  if (text === '-Infinity') return Number.NEGATIVE_INFINITY;
  throw mismatch(name, 'a number', text);
}

function mismatch(name: string, expected: string, text: string): Error {
  const short = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  return malformed(`column '${name}' is '${short}', not ${expected}`);
}

function notForCsv(name: string, kind: string): MillraceError {
  return new MillraceError(
    'ILLEGAL_ARGUMENT',
    `column '${name}' has the type ${kind}, which a CSV cell cannot hold: use types.string and ` +
      'convert, or a format with nesting such as jsonLinesFormat()',
  );
}
