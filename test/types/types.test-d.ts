/** Type-level tests: the compiler checks them, nothing here runs. */
import {
  structureOf,
  type TypeInformation,
  type TypeOf,
} from '../../src/types/type-information.ts';
import { types } from '../../src/types/types.ts';

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Expect<T extends true> = T;
type Simplify<T> = { [K in keyof T]: T[K] };

/** A row's TypeScript type follows from its fields. */
export function rowIsInferred(): boolean {
  const flight = types.row({
    origin: types.string,
    delay: types.optional(types.int),
    stops: types.array(types.row({ code: types.string, at: types.timestamp })),
    fares: types.map(types.string, types.double),
    miles: types.bigint,
    raw: types.bytes,
    onTime: types.boolean,
    extra: types.generic<{ readonly gate: string } | undefined>(),
  });
  type RowIsInferred = Expect<
    Equal<
      Simplify<TypeOf<typeof flight>>,
      {
        origin: string;
        delay: number | null;
        stops: { code: string; at: number }[];
        fares: Map<string, number>;
        miles: number | bigint;
        raw: Uint8Array;
        onTime: boolean;
        extra: { readonly gate: string } | undefined;
      }
    >
  >;
  flight satisfies TypeInformation<{ origin: string }>;
  return true satisfies RowIsInferred;
}

/** Scalars. */
export type IntIsNumber = Expect<Equal<TypeOf<typeof types.int>, number>>;
export type OptionalAddsNull = Expect<Equal<TypeOf<TypeInformation<string | null>>, string | null>>;
export type UndefinedSurvives = Expect<Equal<TypeOf<TypeInformation<undefined>>, undefined>>;
export type NotATypeIsNever = Expect<Equal<TypeOf<string>, never>>;

/** Types are covariant: a type of numbers is a type of unknowns, but not of strings. */
export const anything: TypeInformation<unknown> = types.int;
export const wider: TypeInformation<number | string> = types.int;
// @ts-expect-error a number is no string
export const wrong: TypeInformation<string> = types.int;
// @ts-expect-error a row of strings is no row of numbers
export const wrongRow: TypeInformation<{ a: number }> = types.row({ a: types.string });
// @ts-expect-error a field lacks
export const fieldLacks: TypeInformation<{ a: number; b: number }> = types.row({ a: types.int });

/** What is not a type is refused. */
// @ts-expect-error a string is no type
export const noType: unknown = types.row({ a: 'int' });
// @ts-expect-error an array needs its element's type
export const noElement: unknown = types.array();

/** The parts of a type are seen after a look at its kind. */
export function fieldNames(type: TypeInformation<unknown>): readonly string[] {
  const structure = structureOf(type);
  // @ts-expect-error only rows have fields
  void structure.fields;
  return structure.kind === 'row' ? structure.fields.map((field) => field.name) : [];
}
