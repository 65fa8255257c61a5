/**
 * The makers of TypeInformation: `types.row({ id: types.int, name: types.optional(types.string)
 * })`.
 */
import { MillraceError } from '../base/errors.ts';
import {
  type ArrayType,
  type MapType,
  type OptionalType,
  type RowField,
  type RowType,
  type ScalarKind,
  structureOf,
  type TypeInformation,
  type TypeOf,
} from './type-information.ts';

/** Named field types, as given to `types.row`. */
export type RowFields = Readonly<Record<string, TypeInformation<unknown>>>;

/** The object type that `types.row(fields)` describes. */
export type RowOf<F extends RowFields> = { -readonly [K in keyof F]: TypeOf<F[K]> };

/** The type makers; see {@link types}. */
export interface Types {
  /** A whole number that fits 32 bits. */
  readonly int: TypeInformation<number>;
  /** A whole number that a JavaScript number holds exactly (±2^53 − 1). */
  readonly long: TypeInformation<number>;
  /** Any number, NaN and the infinities included. */
  readonly double: TypeInformation<number>;
  readonly boolean: TypeInformation<boolean>;
  /** Any JavaScript string; lone surrogates survive. */
  readonly string: TypeInformation<string>;
  /** A Uint8Array. */
  readonly bytes: TypeInformation<Uint8Array>;
  /** A whole number of any size in canonical form: a number while it is safe, else a bigint. */
  readonly bigint: TypeInformation<number | bigint>;
  /** Milliseconds since the epoch. */
  readonly timestamp: TypeInformation<number>;
  /** An array of one element type. */
  array<E>(element: TypeInformation<E>): TypeInformation<E[]>;
  /** A Map of one key and one value type. */
  map<K, V>(key: TypeInformation<K>, value: TypeInformation<V>): TypeInformation<Map<K, V>>;
  /** A plain object with exactly these fields, in this order. */
  row<F extends RowFields>(fields: F): TypeInformation<RowOf<F>>;
  /** A value or `null`; a row's optional field may be absent on input and is `null` then. */
  optional<T>(type: TypeInformation<T>): TypeInformation<T | null>;
  /** Anything that the generic codec can write; the slow way out where no type fits. */
  generic<T = unknown>(): TypeInformation<T>;
}

/**
 * Makes the types of streams and state.
 *
 * @example
 * const flight = types.row({ origin: types.string, delay: types.optional(types.int) });
 * type Flight = TypeOf<typeof flight>; // { origin: string; delay: number | null }
 */
export const types: Types = Object.freeze({
  int: scalar<number>('int'),
  long: scalar<number>('long'),
  double: scalar<number>('double'),
  boolean: scalar<boolean>('boolean'),
  string: scalar<string>('string'),
  bytes: scalar<Uint8Array>('bytes'),
  bigint: scalar<number | bigint>('bigint'),
  timestamp: scalar<number>('timestamp'),
  array: <E>(element: TypeInformation<E>): TypeInformation<E[]> =>
    arrayType(element) as TypeInformation<unknown> as TypeInformation<E[]>,
  map: <K, V>(key: TypeInformation<K>, value: TypeInformation<V>): TypeInformation<Map<K, V>> =>
    mapType(key, value) as TypeInformation<unknown> as TypeInformation<Map<K, V>>,
  row: <F extends RowFields>(fields: F): TypeInformation<RowOf<F>> =>
    rowType(fieldsOf(fields)) as TypeInformation<unknown> as TypeInformation<RowOf<F>>,
  optional: <T>(type: TypeInformation<T>): TypeInformation<T | null> =>
    optionalType(type) as TypeInformation<unknown> as TypeInformation<T | null>,
  generic: <T>(): TypeInformation<T> => GENERIC as TypeInformation<unknown> as TypeInformation<T>,
});

/** The type of an array, with its parts visible. */
export function arrayType(element: TypeInformation<unknown>): ArrayType {
  return Object.freeze({ kind: 'array', element });
}

/** The type of a Map, with its parts visible. */
export function mapType(key: TypeInformation<unknown>, value: TypeInformation<unknown>): MapType {
  return Object.freeze({ kind: 'map', key, value });
}

/** A row type from a list of fields, for names that an object literal cannot carry in order. */
export function rowType(fields: readonly RowField[]): RowType {
  const names = new Set<string>();
  for (const { name } of fields) {
    if (names.has(name)) {
      throw new MillraceError(
        'ILLEGAL_ARGUMENT',
        `a row type has two fields named '${name}'; field names must differ`,
      );
    }
    names.add(name);
  }
  const frozen = fields.map(({ name, type }) => Object.freeze({ name, type }));
  return Object.freeze({ kind: 'row', fields: Object.freeze(frozen) });
}

/** The type of a value or `null`; an optional of an optional is that optional. */
export function optionalType(type: TypeInformation<unknown>): OptionalType {
  const structure = structureOf(type);
  return structure.kind === 'optional' ? structure : Object.freeze({ kind: 'optional', type });
}

const GENERIC: TypeInformation<unknown> = scalar('generic');

/** The type without values; only capturing makes it. */
export const NOTHING: TypeInformation<never> = scalar('nothing');

function scalar<T>(kind: ScalarKind): TypeInformation<T> {
  return Object.freeze({ kind });
}

function fieldsOf(fields: RowFields): RowField[] {
  return Object.keys(fields).map((name) => {
    const type = fields[name];
    if (type === undefined || typeof type.kind !== 'string') {
      throw new MillraceError(
        'ILLEGAL_ARGUMENT',
        `field '${name}' of types.row has no type (${String(type)}); give one of types.int, types.string, …`,
      );
    }
    return { name, type };
  });
}
