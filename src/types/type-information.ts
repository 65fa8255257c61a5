/**
 * What is known of a stream's records: a frozen description with the TypeScript type as phantom.
 *
 * Invariants:
 * 1. A TypeInformation is plain frozen data: it can be compared, printed, written as JSON and
 *    posted to a thread.
 * 2. `optional` never holds an `optional`; a row's field names are distinct and in the order in
 *    which rows carry them.
 * 3. Only `types.ts` makes them, so 1 and 2 hold everywhere.
 */

declare const valueType: unique symbol;

/** The kinds that have no parts. */
export type ScalarKind =
  | 'int'
  | 'long'
  | 'double'
  | 'boolean'
  | 'string'
  | 'bytes'
  | 'bigint'
  | 'timestamp'
  | 'generic'
  /**
   * Has no values. `array(nothing)` is the empty array's type and `optional(nothing)` that of
   * `null`: they widen later.
   */
  | 'nothing';

/** Every kind of type. */
export type TypeKind = ScalarKind | 'array' | 'map' | 'row' | 'optional';

/**
 * The type of a stream's values. Made by `types`, read through {@link structureOf}.
 *
 * @example
 * const sensor: TypeInformation<{ id: number }> = types.row({ id: types.int });
 */
export interface TypeInformation<T> {
  readonly kind: TypeKind;
  /**
   * Exists for the compiler only. A function, so that `undefined` in T survives the optional mark.
   */
  readonly [valueType]?: () => T;
}

/** The TypeScript type of a TypeInformation's values: `TypeOf<typeof flight>`. */
export type TypeOf<I> = I extends TypeInformation<infer T> ? T : never;

/** A type without parts. */
export interface ScalarType extends TypeInformation<unknown> {
  readonly kind: ScalarKind;
}

/** The type of an array. */
export interface ArrayType extends TypeInformation<unknown> {
  readonly kind: 'array';
  readonly element: TypeInformation<unknown>;
}

/** The type of a Map. */
export interface MapType extends TypeInformation<unknown> {
  readonly kind: 'map';
  readonly key: TypeInformation<unknown>;
  readonly value: TypeInformation<unknown>;
}

/** One field of a row. */
export interface RowField {
  readonly name: string;
  readonly type: TypeInformation<unknown>;
}

/** The type of a plain object with exactly these fields, in this order. */
export interface RowType extends TypeInformation<unknown> {
  readonly kind: 'row';
  readonly fields: readonly RowField[];
}

/** The type of a value or `null`. */
export interface OptionalType extends TypeInformation<unknown> {
  readonly kind: 'optional';
  readonly type: TypeInformation<unknown>;
}

/** A TypeInformation as a discriminated union over `kind`. */
export type TypeStructure = ScalarType | ArrayType | MapType | RowType | OptionalType;

/** The same object with its parts visible, for a `switch` over `kind`. */
export function structureOf(type: TypeInformation<unknown>): TypeStructure {
  // Safe by invariant 3: every TypeInformation was made as one of the union's members.
  return type as TypeStructure;
}
