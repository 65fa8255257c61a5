/**
 * The least type that holds the values of two types.
 *
 *     nothing < int < long < double        timestamp holds what long holds        int, long <
 *     bigint
 *     t < optional<t>                      anything < generic < optional<generic>, whose field may
 *     be absent
 *
 * Invariants:
 * 1. Every value of either type is a value of the result.
 * 2. The order of the arguments matters only for the order of a row's fields: the first one's
 *    fields come first.
 */
import {
  structureOf,
  type RowField,
  type RowType,
  type TypeInformation,
  type TypeStructure,
} from './type-information.ts';
import { arrayType, mapType, optionalType, rowType, types } from './types.ts';
import { typesEqual } from './type-text.ts';

/**
 * How many fields a row may get by capturing; an object with more is a dictionary and goes as
 * generic.
 */
export const CAPTURED_FIELDS_MAX = 256;

/** The least type that holds all values of `a` and of `b`. */
export function widen(
  a: TypeInformation<unknown>,
  b: TypeInformation<unknown>,
): TypeInformation<unknown> {
  if (typesEqual(a, b)) return a;
  const left = structureOf(a);
  const right = structureOf(b);
  if (left.kind === 'nothing') return b;
  if (right.kind === 'nothing') return a;
  // Before generic, which holds null too, but does not let a row's field be absent.
  if (left.kind === 'optional' || right.kind === 'optional')
    return optionalType(widen(insideOf(left), insideOf(right)));
  if (left.kind === 'generic' || right.kind === 'generic') return types.generic();
  if (left.kind === 'array' && right.kind === 'array')
    return arrayType(widen(left.element, right.element));
  if (left.kind === 'map' && right.kind === 'map') {
    return mapType(widen(left.key, right.key), widen(left.value, right.value));
  }
  if (left.kind === 'row' && right.kind === 'row') return widenRows(left, right);
  return widenNumbers(left.kind, right.kind);
}

function insideOf(type: TypeStructure): TypeInformation<unknown> {
  return type.kind === 'optional' ? type.type : type;
}

function widenRows(a: RowType, b: RowType): TypeInformation<unknown> {
  const right = new Map(b.fields.map((field) => [field.name, field.type]));
  const left = new Set(a.fields.map((field) => field.name));
  const fields: RowField[] = [];
  for (const { name, type } of a.fields) {
    const other = right.get(name);
    fields.push({ name, type: other === undefined ? optionalType(type) : widen(type, other) });
  }
  for (const { name, type } of b.fields) {
    if (!left.has(name)) fields.push({ name, type: optionalType(type) });
  }
  return fields.length > CAPTURED_FIELDS_MAX ? types.generic() : rowType(fields);
}

function widenNumbers(a: string, b: string): TypeInformation<unknown> {
  const kinds = new Set([a, b]);
  const areAll = (...names: readonly string[]): boolean =>
    [...kinds].every((kind) => names.includes(kind));
  if (areAll('int', 'long', 'timestamp')) return types.long;
  if (areAll('int', 'long', 'timestamp', 'double')) return types.double;
  if (areAll('int', 'long', 'timestamp', 'bigint')) return types.bigint;
  return types.generic();
}
