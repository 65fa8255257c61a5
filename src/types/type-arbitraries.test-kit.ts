/**
 * fast-check arbitraries for types and their values, and the canonical form in which a value
 * arrives. For tests.
 */
import fc from 'fast-check';
import {
  type RowField,
  type RowType,
  structureOf,
  type TypeInformation,
} from './type-information.ts';
import { arrayType, mapType, optionalType, rowType, types } from './types.ts';

/** A type with a value that fits it. */
export interface TypedValues {
  readonly type: TypeInformation<unknown>;
  readonly values: readonly unknown[];
}

const FIELD_NAMES = [
  'a',
  'b',
  'c',
  'x y',
  '"',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  '\u2028',
  'length',
];

const scalarTypes: fc.Arbitrary<TypeInformation<unknown>> = fc.constantFrom(
  types.int,
  types.long,
  types.double,
  types.boolean,
  types.string,
  types.bytes,
  types.bigint,
  types.timestamp,
  types.generic(),
);

/** Any type, up to a few levels deep. */
export const anyType: fc.Arbitrary<TypeInformation<unknown>> = fc.letrec<{
  type: TypeInformation<unknown>;
}>((tie) => ({
  type: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalarTypes,
    tie('type').map((type) => optionalType(type)),
    tie('type').map((type) => arrayType(type)),
    fc.tuple(tie('type'), tie('type')).map(([key, value]) => mapType(key, value)),
    fc
      .uniqueArray(fc.tuple(fc.constantFrom(...FIELD_NAMES), tie('type')), {
        maxLength: 6,
        selector: ([name]) => name,
      })
      .map((fields) => rowType(fields.map(([name, type]): RowField => ({ name, type })))),
  ),
})).type;

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('', '\ud800', 'a\udfff', '\ufeffx', 'é', '日本'),
);

/** Any value that the generic codec carries. */
export const genericValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 4 },
    fc.constantFrom<unknown>(
      null,
      undefined,
      true,
      false,
      -0,
      Number.NaN,
      Number.POSITIVE_INFINITY,
    ),
    fc.integer(),
    fc.double(),
    text,
    fc.bigInt(),
    fc.date(),
    fc.uint8Array({ maxLength: 5 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(tie('value'), { maxLength: 3 }).map((values) => new Set(values)),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 }).map((pairs) => new Map(pairs)),
    fc
      .array(fc.tuple(fc.oneof(text, fc.constant('__proto__')), tie('value')), { maxLength: 3 })
      .map((pairs) => Object.fromEntries(pairs)),
  ),
})).value;

/** Any value of a type. */
export function valueOf(type: TypeInformation<unknown>): fc.Arbitrary<unknown> {
  const structure = structureOf(type);
  switch (structure.kind) {
    case 'int':
      return fc.oneof(fc.integer(), fc.constantFrom(0, 2 ** 31 - 1, -(2 ** 31)));
    case 'long':
    case 'timestamp':
      return fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.constant(-0));
    case 'double':
      return fc.oneof(fc.double(), fc.constantFrom(-0, Number.NaN, Number.POSITIVE_INFINITY));
    case 'boolean':
      return fc.boolean();
    case 'string':
      return text;
    case 'bytes':
      return fc.uint8Array({ maxLength: 9 });
    case 'bigint':
      return fc.oneof(
        fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }).map(canonical),
        fc.maxSafeInteger().map((x) => x + 0),
      );
    case 'generic':
      return genericValue;
    case 'nothing':
      return fc.constant(null);
    case 'optional':
      return fc.oneof(
        { weight: 1, arbitrary: fc.constant(null) },
        { weight: 3, arbitrary: valueOf(structure.type) },
      );
    case 'array':
      return fc.array(valueOf(structure.element), { maxLength: 4 });
    case 'map':
      return fc
        .array(fc.tuple(valueOf(structure.key), valueOf(structure.value)), { maxLength: 3 })
        .map((pairs) => new Map(pairs));
    case 'row': {
      const names = structure.fields.map((field) => field.name);
      return fc
        .tuple(...structure.fields.map((field) => valueOf(field.type)))
        .map((values) =>
          Object.fromEntries(names.map((name, i) => [name, arriving(structure, i, values[i])])),
        );
    }
  }
}

/** Any type with some values of it. */
export const typedValues: fc.Arbitrary<TypedValues> = anyType.chain((type) =>
  fc.array(valueOf(type), { minLength: 1, maxLength: 8 }).map((values) => ({ type, values })),
);

/** Undefined in a row's optional field arrives as null, so that it is not generated there. */
function arriving(type: RowType, index: number, value: unknown): unknown {
  return value === undefined && type.fields[index]?.type.kind === 'optional' ? null : value;
}

function canonical(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
