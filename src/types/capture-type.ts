/**
 * The type of a first record where none was declared.
 *
 * Invariant: a value fits its captured type. What comes later and does not fit widens it
 * (`widen.ts`).
 */
import { findUnserializable, isPlainObject, notSerializable } from './serializable.ts';
import type { RowField, TypeInformation } from './type-information.ts';
import { arrayType, mapType, NOTHING, optionalType, rowType, types } from './types.ts';
import { CAPTURED_FIELDS_MAX, widen } from './widen.ts';

/** How many levels of objects get a type of their own; below, values are generic. */
const CAPTURED_DEPTH_MAX = 12;

/**
 * The narrowest type of `value`: `row<origin: string, delay: int>` for `{ origin: 'JFK', delay: 7
 * }`.
 *
 * @throws TYPE_NOT_SERIALIZABLE if no codec can carry it
 */
export function captureType(value: unknown): TypeInformation<unknown> {
  const misfit = findUnserializable(value);
  if (misfit !== undefined) throw notSerializable(misfit);
  return captured(value, 0);
}

function captured(value: unknown, depth: number): TypeInformation<unknown> {
  switch (typeof value) {
    case 'number':
      return capturedNumber(value);
    case 'string':
      return types.string;
    case 'boolean':
      return types.boolean;
    case 'bigint':
      return types.bigint;
    case 'object':
      return value === null ? optionalType(NOTHING) : capturedObject(value, depth);
    default:
      return types.generic();
  }
}

function capturedNumber(value: number): TypeInformation<unknown> {
  if ((value | 0) === value && !Object.is(value, -0)) return types.int;
  return Number.isSafeInteger(value) ? types.long : types.double;
}

function capturedObject(value: object, depth: number): TypeInformation<unknown> {
  if (value instanceof Uint8Array) return types.bytes;
  if (depth >= CAPTURED_DEPTH_MAX) return types.generic();
  if (Array.isArray(value)) return arrayType(widest(value, depth));
  if (value instanceof Map)
    return mapType(widest(value.keys(), depth), widest(value.values(), depth));
  return isPlainObject(value) ? capturedRow(value, depth) : types.generic();
}

function capturedRow(
  row: Readonly<Record<string, unknown>>,
  depth: number,
): TypeInformation<unknown> {
  const names = Object.keys(row);
  if (names.length > CAPTURED_FIELDS_MAX) return types.generic();
  const fields = names.map((name): RowField => {
    const value = row[name];
    return { name, type: value === undefined ? optionalType(NOTHING) : captured(value, depth + 1) };
  });
  return rowType(fields);
}

function widest(values: Iterable<unknown>, depth: number): TypeInformation<unknown> {
  let type: TypeInformation<unknown> = NOTHING;
  for (const value of values) type = widen(type, captured(value, depth + 1));
  return type;
}
