/**
 * How a table keeps its values: which parts are float64 columns beside the key, which are columns
 * of objects.
 */
import { structureOf } from '../../types/type-information.ts';
import type { RowField, TypeInformation } from '../../types/type-information.ts';

/**
 * `number` and `boolean` take a float64 in the entry; `object` is a reference to anything; `key`
 * takes nothing where the field is the entry's key, a string.
 */
export type ColumnKind = 'number' | 'boolean' | 'object' | 'key';

/** One field of a row value. */
export interface ValueField {
  readonly name: string;
  readonly column: ColumnKind;
}

/** The columns of a table's values. */
export type ValueLayout =
  /** Each value is one column. */
  | { readonly kind: 'single'; readonly column: ColumnKind }
  /**
   * Each value is a plain object with these fields in this order. If `isCaptured`, a value with
   * other fields is possible and kept as it is; a declared type's other fields are dropped, as its
   * codec does.
   */
  | { readonly kind: 'row'; readonly fields: readonly ValueField[]; readonly isCaptured: boolean };

/** A value that is one reference to anything: lists, maps, instances of classes. */
export const OBJECT_LAYOUT: ValueLayout = Object.freeze({ kind: 'single', column: 'object' });

/** The layout for values of a type. */
export function valueLayoutOf(type: TypeInformation<unknown>): ValueLayout {
  const structure = structureOf(type);
  if (structure.kind !== 'row') return { kind: 'single', column: columnOf(type) };
  return { kind: 'row', fields: structure.fields.map(fieldOf), isCaptured: false };
}

/**
 * The layout that suits a first value.
 *
 * @param key - the value's key where the first field that equals it shall be a key column
 */
export function captureValueLayout(value: unknown, key?: unknown): ValueLayout {
  if (!isPlainObject(value)) return { kind: 'single', column: columnFor(value) };
  const parts = Object.entries(value);
  const keyAt = typeof key === 'string' ? parts.findIndex(([, part]) => part === key) : -1;
  const fields = parts.map(([name, part], i): ValueField => {
    return { name, column: i === keyAt ? 'key' : columnFor(part) };
  });
  return fields.length === 0 ? OBJECT_LAYOUT : { kind: 'row', fields, isCaptured: true };
}

function fieldOf(field: RowField): ValueField {
  return { name: field.name, column: columnOf(field.type) };
}

function columnOf(type: TypeInformation<unknown>): ColumnKind {
  const structure = structureOf(type);
  if (structure.kind === 'optional') return columnOf(structure.type);
  const kind = structure.kind;
  switch (kind) {
    case 'int':
    case 'long':
    case 'double':
    case 'timestamp':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'nothing':
    case 'bigint':
    case 'string':
    case 'bytes':
    case 'generic':
    case 'array':
    case 'map':
    case 'row':
      return 'object';
    default:
      return kind satisfies never;
  }
}

function columnFor(value: unknown): ColumnKind {
  if (typeof value === 'number') return 'number';
  return typeof value === 'boolean' ? 'boolean' : 'object';
}

function isPlainObject(value: unknown): value is object {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  );
}
