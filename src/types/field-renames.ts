/**
 * Which field of a restored row a declared field continues: the one of its name, or the one that
 * the program says was renamed.
 *
 * Invariant: a rename that was followed once changes nothing when it is followed again, since rows
 * of before and after lie side by side and the program keeps its renames.
 */
import {
  type RowField,
  type RowType,
  structureOf,
  type TypeInformation,
} from './type-information.ts';

/** New names by the old paths of fields: `{ 'stops[].code': 'airport' }`. */
export type Renames = Readonly<Record<string, string>>;

/** Where the fields of a row come from. */
export interface FieldSources {
  readonly kind: 'sources';
  /** Restored fields by the name that they have now. */
  readonly byName: ReadonlyMap<string, RowField>;
  readonly removed: readonly RowField[];
}

/** A rename that cannot be followed. */
export interface RenameRefusal {
  readonly kind: 'refused';
  readonly path: string;
  readonly reason: string;
}

/** Finds the sources of the fields of `to`, for rows at `path`. */
export function sourcesOf(
  from: RowType,
  to: RowType,
  path: string,
  renames: Renames,
): FieldSources | RenameRefusal {
  const declared = new Set(to.fields.map((field) => field.name));
  const old = new Set(from.fields.map((field) => field.name));
  const byName = new Map<string, RowField>();
  const removed: RowField[] = [];
  for (const field of from.fields) {
    const at = path === '' ? field.name : `${path}.${field.name}`;
    const renamed = Object.hasOwn(renames, at) ? renames[at] : undefined;
    const name = renamed ?? field.name;
    if (renamed !== undefined) {
      const reason = renameComplaint(renamed, old, declared);
      if (reason !== undefined) return { kind: 'refused', path: at, reason };
    }
    if (declared.has(name)) byName.set(name, field);
    else removed.push(field);
  }
  return { kind: 'sources', byName, removed };
}

/**
 * The renames that none of the restored types knows, neither by the old name nor by the new one: a
 * slip of the pen would drop a field's values.
 */
export function unknownRenames(
  restored: readonly TypeInformation<unknown>[],
  renames: Renames,
): readonly string[] {
  const namesAt = new Map<string, Set<string>>();
  for (const type of restored) collectNames(type, '', namesAt);
  return Object.keys(renames).filter((old) => {
    const dot = old.lastIndexOf('.');
    const names = namesAt.get(old.slice(0, Math.max(dot, 0)));
    if (names === undefined) return true;
    // Values of an unknown kind may have the field.
    return !names.has(ANY) && !names.has(old.slice(dot + 1)) && !names.has(renames[old] ?? '');
  });
}

/** Stands for the names of a value that has been null, or of no type, so far. */
const ANY = '\u0000any';

function collectNames(
  type: TypeInformation<unknown>,
  path: string,
  namesAt: Map<string, Set<string>>,
): void {
  const structure = structureOf(type);
  switch (structure.kind) {
    case 'optional':
      return collectNames(structure.type, path, namesAt);
    case 'array':
      return collectNames(structure.element, `${path}[]`, namesAt);
    case 'map':
      return collectNames(structure.value, `${path}{}`, namesAt);
    case 'nothing':
      return addName(namesAt, path, ANY);
    case 'row':
      for (const field of structure.fields) {
        addName(namesAt, path, field.name);
        collectNames(field.type, path === '' ? field.name : `${path}.${field.name}`, namesAt);
      }
      return;
    default:
      return;
  }
}

function addName(namesAt: Map<string, Set<string>>, path: string, name: string): void {
  const names = namesAt.get(path);
  if (names === undefined) namesAt.set(path, new Set([name]));
  else names.add(name);
}

function renameComplaint(
  name: string,
  old: ReadonlySet<string>,
  declared: ReadonlySet<string>,
): string | undefined {
  if (!declared.has(name)) return `is renamed to '${name}', which the declared type does not have`;
  // Rows in which the names were swapped could not be told from rows in which they are not yet.
  if (old.has(name))
    return `is renamed to '${name}', which restored values have already; take a name that was not in use`;
  return undefined;
}
