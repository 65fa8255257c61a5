/**
 * Whether values of a restored type can become values of the type that a program declares now, and
 * how.
 *
 *     add a field          only an optional one: null in restored values; types have no defaults
 *     remove a field       its values are dropped
 *     rename a field       where the program says so: { 'old.path': 'newName' }
 *     widen a number       int → long → double; int, long → bigint; timestamp ↔ long
 *     make optional        t → optional(t)
 *     anything → generic   values stay as they are
 *     the order of fields  counts for keys only, which hash by it
 *
 * All of it also inside rows, arrays, values of maps and optionals; anything else is refused. Keys,
 * of state and of maps, must stay equal to themselves: their numbers may widen, their fields may
 * neither come nor go. There are no enums: a union of string literals is a string and stays one.
 *
 * A path names fields of the restored type: `stops[].code`, `byAirport{}.delay`, `byAirport{key}`.
 *
 * Invariant: what a migrator returns fits the declared type, for every value of the restored one.
 */
import { type Renames, sourcesOf } from './field-renames.ts';
import {
  type MapType,
  type RowField,
  type RowType,
  structureOf,
  type TypeInformation,
  type TypeKind,
  type TypeStructure,
} from './type-information.ts';
import { typeToString } from './type-text.ts';

/** One difference between two types that restored values can follow. */
export interface TypeChange {
  /** The field; empty for the value itself. */
  readonly path: string;
  /** What happens to it, in words. */
  readonly text: string;
}

/** Why restored values cannot become values of the declared type. */
export interface TypeRefusal {
  readonly kind: 'refused';
  readonly path: string;
  /** What is wrong, and the remedy. */
  readonly reason: string;
}

/** The outcome of {@link compareTypes}. */
export type TypeComparison =
  | { readonly kind: 'as-is' }
  | { readonly kind: 'migrate'; readonly changes: readonly TypeChange[] }
  | TypeRefusal;

/** What a number may become: every value of the one is a value of the other. */
const WIDER: Readonly<Partial<Record<TypeKind, readonly TypeKind[]>>> = {
  int: ['long', 'timestamp', 'double', 'bigint'],
  long: ['timestamp', 'double', 'bigint'],
  timestamp: ['long', 'double', 'bigint'],
};

/** Compares the type of restored values with the declared one. */
export function compareTypes(
  restored: TypeInformation<unknown>,
  declared: TypeInformation<unknown>,
  renames: Renames = {},
): TypeComparison {
  return new Comparison(renames, false).result(restored, declared);
}

/** Compares the type of restored keys with the declared one: every key must stay the same key. */
export function compareKeyTypes(
  restored: TypeInformation<unknown>,
  declared: TypeInformation<unknown>,
): TypeComparison {
  return new Comparison({}, true).result(restored, declared);
}

class Comparison {
  readonly #changes: TypeChange[] = [];
  readonly #renames: Renames;
  readonly #ofKeys: boolean;

  constructor(renames: Renames, ofKeys: boolean) {
    this.#renames = renames;
    this.#ofKeys = ofKeys;
  }

  result(restored: TypeInformation<unknown>, declared: TypeInformation<unknown>): TypeComparison {
    const refusal = this.#compare(restored, declared, '');
    if (refusal !== undefined) return refusal;
    return this.#changes.length === 0
      ? { kind: 'as-is' }
      : { kind: 'migrate', changes: this.#changes };
  }

  #compare(
    restored: TypeInformation<unknown>,
    declared: TypeInformation<unknown>,
    path: string,
  ): TypeRefusal | undefined {
    const from = structureOf(restored);
    const to = structureOf(declared);
    // Without values there is nothing that could fail to fit.
    if (from.kind === 'nothing') return undefined;
    if (to.kind === 'generic') {
      return from.kind === 'generic' ? undefined : this.#change(path, becomes(from, to));
    }
    if (from.kind === 'optional' || to.kind === 'optional')
      return this.#compareOptional(from, to, path);
    if (from.kind === 'array' && to.kind === 'array')
      return this.#compare(from.element, to.element, `${path}[]`);
    if (from.kind === 'map' && to.kind === 'map') return this.#compareMaps(from, to, path);
    if (from.kind === 'row' && to.kind === 'row') return this.#compareRows(from, to, path);
    if (from.kind === to.kind) return undefined;
    if (WIDER[from.kind]?.includes(to.kind) === true) return this.#change(path, becomes(from, to));
    return refused(path, `${becomes(from, to, 'cannot become')}; keep ${typeToString(from)}`);
  }

  #compareOptional(from: TypeStructure, to: TypeStructure, path: string): TypeRefusal | undefined {
    if (to.kind !== 'optional') {
      const wanted = typeToString(to);
      return refused(path, `may be null, which ${wanted} is not; keep optional<${wanted}>`);
    }
    if (from.kind === 'optional') return this.#compare(from.type, to.type, path);
    this.#change(path, 'may be null now');
    return this.#compare(from, to.type, path);
  }

  #compareMaps(from: MapType, to: MapType, path: string): TypeRefusal | undefined {
    const keys = compareKeyTypes(from.key, to.key);
    if (keys.kind === 'refused') return refused(`${path}{key}${keys.path}`, keys.reason);
    if (keys.kind === 'migrate') {
      for (const change of keys.changes) this.#change(`${path}{key}${change.path}`, change.text);
    }
    return this.#compare(from.value, to.value, `${path}{}`);
  }

  #compareRows(from: RowType, to: RowType, path: string): TypeRefusal | undefined {
    const sources = sourcesOf(from, to, path, this.#renames);
    if (sources.kind === 'refused') return sources;
    if (this.#ofKeys) {
      const refusal = sameNames(from, to, path);
      if (refusal !== undefined) return refusal;
    }
    for (const { name, type } of to.fields) {
      const source = sources.byName.get(name);
      const refusal =
        source === undefined
          ? this.#compareAdded(name, type, path)
          : this.#compareField(source, name, type, path);
      if (refusal !== undefined) return refusal;
    }
    for (const field of sources.removed) {
      const text = `is removed, the values of its ${typeToString(field.type)} are dropped`;
      this.#change(inside(path, field.name), text);
    }
    return undefined;
  }

  #compareField(
    source: RowField,
    name: string,
    type: TypeInformation<unknown>,
    path: string,
  ): TypeRefusal | undefined {
    const at = inside(path, source.name);
    if (source.name !== name) this.#change(at, `is renamed to '${name}'`);
    return this.#compare(source.type, type, at);
  }

  #compareAdded(
    name: string,
    type: TypeInformation<unknown>,
    path: string,
  ): TypeRefusal | undefined {
    const at = inside(path, name);
    const text = typeToString(type);
    if (type.kind === 'optional') return this.#change(at, `is added as ${text}, null at first`);
    return refused(
      at,
      `is new, and restored values have no ${text} for it; declare it optional, or say in renames what it was called`,
    );
  }

  #change(path: string, text: string): undefined {
    this.#changes.push({ path, text });
  }
}

/** What a path is called in messages. */
export function pathText(path: string): string {
  return path === '' ? 'the value itself' : `field '${path}'`;
}

function sameNames(from: RowType, to: RowType, path: string): TypeRefusal | undefined {
  const old = from.fields.map((field) => field.name);
  const index = to.fields.findIndex((field, i) => field.name !== old[i]);
  if (index < 0 && old.length === to.fields.length) return undefined;
  const name = index < 0 ? old[to.fields.length] : to.fields[index]?.name;
  return refused(
    inside(path, name ?? ''),
    `is not where it was: a key must keep its fields and their order (${old.join(', ')})`,
  );
}

function becomes(from: TypeStructure, to: TypeStructure, verb = 'becomes'): string {
  return `${typeToString(from)} ${verb} ${typeToString(to)}`;
}

function refused(path: string, reason: string): TypeRefusal {
  return { kind: 'refused', path, reason };
}

function inside(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
