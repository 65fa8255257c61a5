/**
 * The form in which a key goes into bytes, so that keys that are the same (`keysEqual`) become the
 * same bytes.
 *
 * Invariant: `storedKey(a)` and `storedKey(b)` are deeply equal, order of fields included, exactly
 * if `keysEqual(a, b)`.
 */
import { structureOf, type TypeInformation } from '../types/type-information.ts';
import { isPlainObject } from '../types/serializable.ts';
import { canonicalKey } from './table/key-equality.ts';

/** A key without its fields that are null or undefined, its numbers canonical. */
export function storedKey(key: unknown): unknown {
  if (typeof key !== 'object' || key === null) return canonicalKey(key) ?? null;
  if (Array.isArray(key)) return key.map(storedKey);
  if (!isPlainObject(key)) return key;
  const entries = Object.entries(key).filter(([, part]) => part !== null && part !== undefined);
  return Object.fromEntries(entries.map(([name, part]) => [name, storedKey(part)]));
}

/**
 * Whether a value's fields come in the order of its type's rows: the order counts in keys, and a
 * row's bytes do not keep another one.
 */
export function hasFieldOrder(type: TypeInformation<unknown>, value: unknown): boolean {
  const structure = structureOf(type);
  if (typeof value !== 'object' || value === null) return true;
  if (structure.kind === 'optional') return hasFieldOrder(structure.type, value);
  if (structure.kind === 'array')
    return !Array.isArray(value) || value.every((part) => hasFieldOrder(structure.element, part));
  if (structure.kind !== 'row') return true;
  let next = 0;
  for (const name of Object.keys(value)) {
    const index = structure.fields.findIndex((field, i) => i >= next && field.name === name);
    const field = structure.fields[index];
    if (field === undefined) return false;
    if (!hasFieldOrder(field.type, (value as Readonly<Record<string, unknown>>)[name]))
      return false;
    next = index + 1;
  }
  return true;
}
