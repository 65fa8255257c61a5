/**
 * What the generic codec can carry, and the error for what it cannot.
 *
 * Carried: null, undefined, booleans, numbers, strings, bigints, Date, Map, Set, Uint8Array, arrays
 * and plain objects of
 * these, at most {@link GENERIC_DEPTH_MAX} levels deep. Not carried: functions, symbols, instances
 * of other classes.
 */
import { MillraceError } from '../base/errors.ts';
import { describeValue, inElement, inField, type Misfit } from './misfit.ts';

/** How many levels a generic value may have; a value in a cycle has more. */
export const GENERIC_DEPTH_MAX = 100;

/**
 * Whether an object is plain: made by a literal, `JSON.parse` or `Object.create(null)`, in
 * whichever realm.
 */
export function isPlainObject(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return (
    Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf')
  );
}

/** The first part of `value` that the generic codec cannot carry, if there is one. */
export function findUnserializable(value: unknown, depth = 0): Misfit | undefined {
  if (typeof value === 'function' || typeof value === 'symbol') return noPlainData(value);
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth >= GENERIC_DEPTH_MAX) {
    return {
      path: '$',
      expected: `at most ${GENERIC_DEPTH_MAX} levels`,
      found: 'deeper nesting, perhaps a cycle',
    };
  }
  if (value instanceof Date || value instanceof Uint8Array) return undefined;
  if (Array.isArray(value) || value instanceof Set) return inElements(value, depth);
  if (value instanceof Map) return inElements([...value.keys(), ...value.values()], depth);
  if (!isPlainObject(value)) return noPlainData(value);
  for (const name of Object.keys(value)) {
    const misfit = findUnserializable(value[name], depth + 1);
    if (misfit !== undefined) return inField(name, misfit);
  }
  return undefined;
}

/**
 * Makes sure that the generic codec can carry `value`.
 *
 * @throws TYPE_NOT_SERIALIZABLE, naming the path of the first part that it cannot carry, and the
 * remedy
 */
export function requireSerializable(value: unknown): void {
  const misfit = findUnserializable(value);
  if (misfit !== undefined) throw notSerializable(misfit);
}

/** The error for a value that no codec can carry. */
export function notSerializable(misfit: Misfit): MillraceError {
  return new MillraceError(
    'TYPE_NOT_SERIALIZABLE',
    `the value at ${misfit.path} cannot be serialized: expected ${misfit.expected}, found ${misfit.found}; ` +
      'emit plain objects, arrays, numbers, strings, booleans, bigints, Dates, Maps, Sets or Uint8Arrays',
    { details: { ...misfit } },
  );
}

function inElements(elements: Iterable<unknown>, depth: number): Misfit | undefined {
  let index = 0;
  for (const element of elements) {
    const misfit = findUnserializable(element, depth + 1);
    if (misfit !== undefined) return inElement(index, misfit);
    index++;
  }
  return undefined;
}

function noPlainData(value: unknown): Misfit {
  return { path: '$', expected: 'plain data', found: describeValue(value) };
}
