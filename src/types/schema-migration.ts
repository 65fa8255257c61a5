/**
 * Turns values of a restored type into values of the declared one, where `schema-evolution.ts`
 * finds that they can be.
 *
 * Invariants:
 * 1. A migrated row has the declared type's fields in its order, made by one literal, so that old
 *    and new rows share a shape.
 * 2. A value that is one of the declared type already is returned as it is.
 */
import { MillraceError } from '../base/errors.ts';
import { compile, objectLiteral, property } from './codec-generation.ts';
import { type Renames, sourcesOf } from './field-renames.ts';
import { compareTypes, pathText } from './schema-evolution.ts';
import {
  type MapType,
  type RowType,
  structureOf,
  type TypeInformation,
} from './type-information.ts';

/** Turns a value of one type into one of another. */
export type Migrator = (value: unknown) => unknown;

/**
 * The function that turns restored values into declared ones; `undefined` where every restored
 * value is a declared one in the same shape.
 *
 * @throws STATE_INCOMPATIBLE if `compareTypes` refuses
 */
export function migrator(
  restored: TypeInformation<unknown>,
  declared: TypeInformation<unknown>,
  renames: Renames = {},
): Migrator | undefined {
  const comparison = compareTypes(restored, declared, renames);
  if (comparison.kind === 'refused') {
    const { path, reason } = comparison;
    throw new MillraceError('STATE_INCOMPATIBLE', `${pathText(path)}: ${reason}`, {
      details: { path, reason },
    });
  }
  return migration(restored, declared, '', renames);
}

function migration(
  restored: TypeInformation<unknown>,
  declared: TypeInformation<unknown>,
  path: string,
  renames: Renames,
): Migrator | undefined {
  const from = structureOf(restored);
  const to = structureOf(declared);
  if (from.kind === 'optional' && to.kind === 'optional') {
    const inside = migration(from.type, to.type, path, renames);
    return inside && ((value) => (value === null ? null : inside(value)));
  }
  if (to.kind === 'optional') return migration(from, to.type, path, renames);
  if (from.kind === 'array' && to.kind === 'array') {
    const element = migration(from.element, to.element, `${path}[]`, renames);
    return element && ((value) => (value as readonly unknown[]).map((part) => element(part)));
  }
  if (from.kind === 'map' && to.kind === 'map') return mapMigration(from, to, path, renames);
  if (from.kind === 'row' && to.kind === 'row') return rowMigration(from, to, path, renames);
  // A number of the narrower kind is one of the wider kind.
  return undefined;
}

function mapMigration(
  from: MapType,
  to: MapType,
  path: string,
  renames: Renames,
): Migrator | undefined {
  const part = migration(from.value, to.value, `${path}{}`, renames);
  if (part === undefined) return undefined;
  return (value) => {
    const migrated = new Map<unknown, unknown>();
    for (const [key, old] of value as ReadonlyMap<unknown, unknown>) migrated.set(key, part(old));
    return migrated;
  };
}

function rowMigration(
  from: RowType,
  to: RowType,
  path: string,
  renames: Renames,
): Migrator | undefined {
  const sources = sourcesOf(from, to, path, renames);
  if (sources.kind === 'refused') return undefined;
  const constants: Record<string, Migrator> = {};
  const values = to.fields.map(({ name, type }, i) => {
    const source = sources.byName.get(name);
    if (source === undefined) return 'null';
    const at = path === '' ? source.name : `${path}.${source.name}`;
    const inside = migration(source.type, type, at, renames);
    const value = property('row', source.name);
    if (inside === undefined) return value;
    constants[`m${i}`] = inside;
    return `m${i}(${value})`;
  });
  const names = to.fields.map((field) => field.name);
  const isSame =
    from.fields.length === names.length &&
    from.fields.every((field, i) => field.name === names[i]) &&
    Object.keys(constants).length === 0;
  if (isSame && from.fields.every((field) => sources.byName.get(field.name) === field))
    return undefined;
  const body = `return (row) => (${objectLiteral(names, values)});`;
  return compile('migrator', constants, body) as Migrator;
}
