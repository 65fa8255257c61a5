/**
 * Whether a value fits a type; the slow, obvious version of what generated frame writers check.
 *
 * Invariants:
 * 1. A value fits exactly if a frame writer of that type appends it.
 * 2. An int may be −0 and arrives as 0; a bigint may be safe and arrives as a number; both are
 *    equal by `===` or `==`.
 * 3. A row's fields are its own or inherited enumerable ones, no more and no fewer than the type's;
 *    an optional field may be
 *    absent or undefined. Where no field is required, only a plain object is a row.
 */
import { unreachable } from '../base/assert.ts';
import { describeValue, inElement, inField, type Misfit } from './misfit.ts';
import { type RowLike, RowShape } from './row-shape.ts';
import { findUnserializable } from './serializable.ts';
import {
  type MapType,
  type RowField,
  type RowType,
  structureOf,
  type TypeInformation,
} from './type-information.ts';
import { typeToString } from './type-text.ts';

/** The first place where `value` does not fit `type`, if there is one. */
export function checkValue(type: TypeInformation<unknown>, value: unknown): Misfit | undefined {
  const structure = structureOf(type);
  switch (structure.kind) {
    case 'int':
      return unless(typeof value === 'number' && (value | 0) === value, type, value);
    case 'long':
    case 'timestamp':
      return unless(Number.isSafeInteger(value), type, value);
    case 'double':
      return unless(typeof value === 'number', type, value);
    case 'boolean':
      return unless(typeof value === 'boolean', type, value);
    case 'string':
      return unless(typeof value === 'string', type, value);
    case 'bytes':
      return unless(value instanceof Uint8Array, type, value);
    case 'bigint':
      return unless(typeof value === 'bigint' || Number.isSafeInteger(value), type, value);
    case 'generic':
      return findUnserializable(value);
    case 'nothing':
      return unless(false, type, value);
    case 'optional':
      return value === null ? undefined : checkValue(structure.type, value);
    case 'array':
      return Array.isArray(value)
        ? inElements(structure.element, value)
        : unless(false, type, value);
    case 'map':
      return value instanceof Map ? checkMap(structure, value) : unless(false, type, value);
    case 'row':
      return checkFields(structure, value);
    default:
      return unreachable(structure satisfies never, 'type');
  }
}

function unless(fits: boolean, type: TypeInformation<unknown>, value: unknown): Misfit | undefined {
  return fits
    ? undefined
    : { path: '$', expected: typeToString(type), found: describeValue(value) };
}

function inElements(
  type: TypeInformation<unknown>,
  values: readonly unknown[],
): Misfit | undefined {
  for (let i = 0; i < values.length; i++) {
    const misfit = checkValue(type, values[i]);
    if (misfit !== undefined) return inElement(i, misfit);
  }
  return undefined;
}

function checkMap(type: MapType, map: ReadonlyMap<unknown, unknown>): Misfit | undefined {
  return inElements(type.key, [...map.keys()]) ?? inElements(type.value, [...map.values()]);
}

function checkRow(type: RowType, row: RowLike, shape: RowShape): Misfit | undefined {
  for (let i = 0; i < type.fields.length; i++) {
    const field = type.fields[i] as RowField;
    const misfit = checkValue(field.type, shape.valueOf(row, i));
    if (misfit !== undefined) return inField(field.name, misfit);
  }
  return undefined;
}

function checkFields(type: RowType, value: unknown): Misfit | undefined {
  const shape = new RowShape(type);
  if (shape.isRow(value)) return checkRow(type, value, shape);
  const other = typeof value === 'object' && value !== null ? shape.firstOther(value) : undefined;
  if (other === undefined || Array.isArray(value)) return unless(false, type, value);
  const found = describeValue((value as RowLike)[other]);
  return inField(other, { path: '$', expected: 'no such field', found });
}
