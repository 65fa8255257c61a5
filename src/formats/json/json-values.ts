/**
 * Converts parsed JSON values to declared types, strictly: a value of another type is malformed,
 * not coerced.
 *
 * | type | JSON |
 * |---|---|
 * | int, long | a number that is whole and in range |
 * | double | a number |
 * | bigint | a whole number of any size |
 * | timestamp | whole epoch milliseconds, or an ISO 8601 text (UTC if it names no zone) |
 * | bytes | base64 text |
 * | map (string keys) | an object |
 * | optional | `null` or a missing field too |
 *
 * Fields that the type does not declare are ignored.
 */
import { MillraceError } from '../../base/errors.ts';
import { malformed } from '../../functions/format.ts';
import {
  type MapType,
  type RowType,
  type ScalarKind,
  structureOf,
  type TypeInformation,
} from '../../types/type-information.ts';
import { type Converter, objectRowMaker } from '../row-maker.ts';
import { parseTimestamp } from '../timestamp-text.ts';
import { protoKey, toPlain } from './json-text.ts';

/** How values differ from what JSON.parse gives. */
export interface JsonValueOptions {
  /** Whether bytes come as Uint8Arrays (from binary formats) instead of base64 text. */
  readonly bytesAreBinary?: boolean | undefined;
}

/**
 * A converter of parsed JSON to `type`.
 *
 * @param path - names the place in messages, such as `field 'delay'`
 */
export function jsonConverter(
  type: TypeInformation<unknown>,
  path: string,
  options: JsonValueOptions = {},
): Converter<unknown> {
  const structure = structureOf(type);
  switch (structure.kind) {
    case 'optional': {
      const convert = jsonConverter(structure.type, path, options);
      return (value) => (value === null || value === undefined ? null : convert(value));
    }
    case 'array':
      return arrayConverter(structure.element, path, options);
    case 'map':
      return mapConverter(structure, path, options);
    case 'row':
      return rowConverter(structure, path, options);
    case 'bytes':
      return options.bytesAreBinary
        ? (value) => binaryOf(value, path)
        : (value) => bytesOf(value, path);
    default:
      return scalarConverter(structure.kind, path);
  }
}

/**
 * Whether values of the type may hold integers beyond 2^53, so that these must be parsed exactly.
 */
export function needsExactNumbers(type: TypeInformation<unknown>): boolean {
  const structure = structureOf(type);
  switch (structure.kind) {
    case 'optional':
      return needsExactNumbers(structure.type);
    case 'array':
      return needsExactNumbers(structure.element);
    case 'map':
      return needsExactNumbers(structure.value);
    case 'row':
      return structure.fields.some((field) => needsExactNumbers(field.type));
    default:
      return structure.kind === 'bigint' || structure.kind === 'generic';
  }
}

function rowConverter(type: RowType, path: string, options: JsonValueOptions): Converter<unknown> {
  const fields = type.fields.map((field) => ({
    name: field.name,
    convert: jsonConverter(
      field.type,
      `${path === '' ? '' : `${path} `}field '${field.name}'`,
      options,
    ),
  }));
  const makeRow = objectRowMaker(fields);
  const declaresProto = type.fields.some((field) => field.name === '__proto__');
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw mismatch(path, 'an object', value);
    }
    if (!declaresProto && Object.hasOwn(value, '__proto__')) throw protoKey();
    return makeRow(value);
  };
}

function arrayConverter(
  element: TypeInformation<unknown>,
  path: string,
  options: JsonValueOptions,
): Converter<unknown> {
  const convert = jsonConverter(element, `an element of ${path || 'the array'}`, options);
  return (value) => {
    if (!Array.isArray(value)) throw mismatch(path, 'an array', value);
    return value.map((part: unknown) => convert(part));
  };
}

function mapConverter(
  { key, value }: MapType,
  path: string,
  options: JsonValueOptions,
): Converter<unknown> {
  if (key.kind !== 'string') {
    throw new MillraceError(
      'ILLEGAL_ARGUMENT',
      `the JSON format reads a map from an object, whose keys are strings, but ` +
        `${path || 'the type'} has keys of type ${key.kind}: use types.map(types.string, …)`,
    );
  }
  const convert = jsonConverter(value, `a value of ${path || 'the map'}`, options);
  return (given) => {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      throw mismatch(path, 'an object', given);
    }
    return new Map(Object.entries(given).map(([name, part]) => [name, convert(part)]));
  };
}

function scalarConverter(kind: Exclude<ScalarKind, 'bytes'>, path: string): Converter<unknown> {
  switch (kind) {
    case 'int':
      return (value) => {
        if (typeof value === 'number' && (value | 0) === value) return value;
        throw mismatch(path, 'a whole number of 32 bits', value);
      };
    case 'long':
      return (value) => {
        if (Number.isSafeInteger(value)) return value;
        throw mismatch(path, 'a whole number within ±2^53', value);
      };
    case 'double':
      return (value) => {
        if (typeof value === 'number' && Number.isFinite(value)) return value;
        if (typeof value === 'bigint') return Number(value);
        throw mismatch(path, 'a number', value);
      };
    case 'bigint':
      return (value) => {
        if (Number.isSafeInteger(value) || typeof value === 'bigint') return value;
        throw mismatch(path, 'a whole number', value);
      };
    case 'boolean':
      return (value) => {
        if (typeof value === 'boolean') return value;
        throw mismatch(path, 'true or false', value);
      };
    case 'string':
      return (value) => {
        if (typeof value === 'string') return value;
        throw mismatch(path, 'a string', value);
      };
    case 'nothing':
      return (value) => {
        if (value === null || value === undefined) return null;
        throw mismatch(path, 'null', value);
      };
    case 'timestamp':
      return (value) => timestampOf(value, path);
    case 'generic':
      return (value) => {
        if (value === undefined) throw mismatch(path, 'a value', value);
        return toPlain(value);
      };
    default:
      return kind satisfies never;
  }
}

const TIMESTAMP_MS_MAX = 8.64e15;

function timestampOf(value: unknown, path: string): number {
  const ms = typeof value === 'string' ? parseTimestamp(value) : value;
  if (Number.isSafeInteger(ms) && Math.abs(ms as number) <= TIMESTAMP_MS_MAX) return ms as number;
  throw mismatch(path, 'epoch milliseconds or an ISO 8601 text', value);
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function bytesOf(value: unknown, path: string): Uint8Array {
  if (typeof value === 'string' && BASE64.test(value)) {
    return new Uint8Array(Buffer.from(value, 'base64'));
  }
  throw mismatch(path, 'base64 text', value);
}

function binaryOf(value: unknown, path: string): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw mismatch(path, 'bytes', value);
}

function mismatch(path: string, expected: string, value: unknown): Error {
  const place = path === '' ? 'the record' : path;
  if (value === undefined) return malformed(`${place} is missing: ${expected} was expected`);
  const shown = typeof value === 'object' ? kindOf(value) : textOf(value);
  const short = shown.length > 100 ? `${shown.slice(0, 100)}…` : shown;
  return malformed(`${place} is ${short}, not ${expected}`);
}

function kindOf(value: object | null): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : 'an object';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
