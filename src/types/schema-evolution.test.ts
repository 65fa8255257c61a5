import test from 'ava';
import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { checkValue } from './check-value.ts';
import { type Renames, unknownRenames } from './field-renames.ts';
import { compareKeyTypes, compareTypes, type TypeComparison } from './schema-evolution.ts';
import { migrator } from './schema-migration.ts';
import { anyType, valueOf } from './type-arbitraries.test-kit.ts';
import { type RowField, structureOf, type TypeInformation } from './type-information.ts';
import { arrayType, mapType, NOTHING, optionalType, rowType, types } from './types.ts';
import { widen } from './widen.ts';

type Type = TypeInformation<unknown>;

/** What a row of the matrix changes, wherever the value lies. */
interface Change {
  readonly name: string;
  readonly from: Type;
  readonly to: Type;
  readonly renames?: Renames;
  /** The path, and what values become; or the path of the refusal. */
  readonly path: string;
  readonly value?: readonly [unknown, unknown];
}

const row = types.row;
const { int, long, double, string, bigint, timestamp, boolean, bytes } = types;

const ACCEPTED: readonly Change[] = [
  {
    name: 'add an optional field',
    from: row({ a: int }),
    to: row({ b: types.optional(string), a: int }),
    path: 'b',
    value: [{ a: 1 }, { b: null, a: 1 }],
  },
  {
    name: 'remove a field',
    from: row({ a: int, b: string }),
    to: row({ a: int }),
    path: 'b',
    value: [{ a: 1, b: 'x' }, { a: 1 }],
  },
  {
    name: 'rename a field',
    from: row({ a: int, b: string }),
    to: row({ c: int, b: string }),
    renames: { a: 'c' },
    path: 'a',
    value: [
      { a: 1, b: 'x' },
      { c: 1, b: 'x' },
    ],
  },
  { name: 'int → long', from: int, to: long, path: '', value: [1, 1] },
  { name: 'int → double', from: int, to: double, path: '', value: [1, 1] },
  { name: 'int → bigint', from: int, to: bigint, path: '', value: [1, 1] },
  { name: 'int → timestamp', from: int, to: timestamp, path: '', value: [1, 1] },
  { name: 'long → double', from: long, to: double, path: '', value: [1, 1] },
  { name: 'long → bigint', from: long, to: bigint, path: '', value: [1, 1] },
  { name: 'long → timestamp', from: long, to: timestamp, path: '', value: [1, 1] },
  { name: 'timestamp → long', from: timestamp, to: long, path: '', value: [1, 1] },
  { name: 'timestamp → double', from: timestamp, to: double, path: '', value: [1, 1] },
  { name: 'timestamp → bigint', from: timestamp, to: bigint, path: '', value: [1, 1] },
  { name: 'make optional', from: int, to: optionalType(int), path: '', value: [1, 1] },
  { name: 'anything → generic', from: string, to: types.generic(), path: '', value: ['x', 'x'] },
];

const REFUSED: readonly Change[] = [
  { name: 'add a field that must be there', from: row({}), to: row({ a: int }), path: 'a' },
  {
    name: 'add a generic field, which may not be absent either',
    from: row({}),
    to: row({ a: types.generic() }),
    path: 'a',
  },
  {
    name: 'rename to a field that is not declared',
    from: row({ a: int }),
    to: row({}),
    renames: { a: 'b' },
    path: 'a',
  },
  {
    name: 'rename to a field that is there already',
    from: row({ a: int, b: int }),
    to: row({ b: int }),
    renames: { a: 'b' },
    path: 'a',
  },
  {
    // Once done it cannot be told from not yet done.
    name: 'swap the names of two fields',
    from: row({ a: int, b: int }),
    to: row({ a: int, b: int }),
    renames: { a: 'b', b: 'a' },
    path: 'a',
  },
  {
    name: 'rename to another type',
    from: row({ a: int }),
    to: row({ b: string }),
    renames: { a: 'b' },
    path: 'a',
  },
  { name: 'make required', from: optionalType(int), to: int, path: '' },
  { name: 'long → int', from: long, to: int, path: '' },
  { name: 'double → long', from: double, to: long, path: '' },
  { name: 'bigint → long', from: bigint, to: long, path: '' },
  { name: 'double → bigint', from: double, to: bigint, path: '' },
  { name: 'timestamp → int', from: timestamp, to: int, path: '' },
  { name: 'string → int', from: string, to: int, path: '' },
  { name: 'boolean → int', from: boolean, to: int, path: '' },
  { name: 'bytes → string', from: bytes, to: string, path: '' },
  { name: 'generic → row', from: types.generic(), to: row({}), path: '' },
  { name: 'row → map', from: row({}), to: types.map(string, int), path: '' },
  { name: 'array → its element', from: types.array(int), to: int, path: '' },
];

/** Places that a change may be at. */
const PLACES: readonly (readonly [
  string,
  string,
  (type: Type) => Type,
  (value: unknown) => unknown,
])[] = [
  ['the value itself', '', (type) => type, (value) => value],
  ['a field', 'in', (type) => rowType([{ name: 'in', type }]), (value) => ({ in: value })],
  [
    'a nested field',
    'x y.__proto__',
    (type) => row({ 'x y': rowType([{ name: '__proto__', type }]) }),
    (value) => ({ 'x y': Object.fromEntries([['__proto__', value]]) }),
  ],
  ['an array', '[]', arrayType, (value) => [value, value]],
  ['a map', '{}', (type) => mapType(string, type), (value) => new Map([['k', value]])],
  ['an optional', '', optionalType, (value) => value],
  [
    'an array in a map in a row',
    'in{}[]',
    (type) => row({ in: mapType(string, arrayType(type)) }),
    (value) => ({ in: new Map([['k', [value]]]) }),
  ],
];

for (const change of [...ACCEPTED, ...REFUSED]) {
  for (const [place, at, typeAt, valueAt] of PLACES) {
    const join = (path: string): string => [at, path].filter((part) => part !== '').join('.');
    const renames = Object.fromEntries(
      Object.entries(change.renames ?? {}).map(([old, name]) => [join(old), name]),
    );
    const from = typeAt(change.from);
    const to = typeAt(change.to);
    if (change.value === undefined) {
      if (place === 'an optional' && change.name === 'make required') continue;
      test(`refused in ${place}: ${change.name}`, (t) => {
        const comparison = compareTypes(from, to, renames);
        t.is(comparison.kind, 'refused');
        t.is('path' in comparison ? comparison.path : undefined, join(change.path));
        t.throws(() => migrator(from, to, renames), { code: 'STATE_INCOMPATIBLE' });
      });
      continue;
    }
    if (place === 'an optional' && change.name === 'make optional') continue;
    const [before, after] = change.value;
    test(`accepted in ${place}: ${change.name}`, (t) => {
      const comparison = compareTypes(from, to, renames);
      t.is(comparison.kind, 'migrate');
      t.is('changes' in comparison ? comparison.changes[0]?.path : undefined, join(change.path));
      const old = valueAt(before);
      t.is(checkValue(from, old), undefined);
      const migrated = migrator(from, to, renames)?.(old) ?? old;
      t.true(isDeepStrictEqual(migrated, valueAt(after)), JSON.stringify(migrated));
      t.is(checkValue(to, migrated), undefined);
    });
  }
}

/** A type made of another by changes that are allowed. */
function evolved(type: Type): fc.Arbitrary<Type> {
  const structure = structureOf(type);
  switch (structure.kind) {
    case 'int':
      return fc.constantFrom<Type>(int, long, double, bigint, optionalType(int));
    case 'long':
      return fc.constantFrom<Type>(long, timestamp, double, bigint, types.generic());
    case 'array':
      return evolved(structure.element).map(arrayType);
    case 'optional':
      return evolved(structure.type).map(optionalType);
    case 'map':
      return evolved(structure.value).map((value) => mapType(structure.key, value));
    case 'row':
      return fc
        .tuple(
          fc.tuple(...structure.fields.map((field) => evolved(field.type))),
          fc.array(fc.boolean(), {
            minLength: structure.fields.length,
            maxLength: structure.fields.length,
          }),
          fc.boolean(),
        )
        .map(([parts, kept, isMore]) => {
          const fields = structure.fields
            .map(({ name }, i): RowField => ({ name, type: parts[i] as Type }))
            .filter((_, i) => kept[i]);
          if (isMore) fields.unshift({ name: 'more', type: optionalType(string) });
          return rowType(fields);
        });
    default:
      return fc.constantFrom(type, optionalType(type));
  }
}

test('a migrated value fits the declared type', (t) => {
  fc.assert(
    fc.property(
      anyType.chain((type) => fc.tuple(fc.constant(type), evolved(type), valueOf(type))),
      ([from, to, value]) => {
        if (compareTypes(from, to).kind === 'refused') return false;
        const migrate = migrator(from, to);
        return checkValue(to, migrate === undefined ? value : migrate(value)) === undefined;
      },
    ),
    { numRuns: 1000 },
  );
  t.pass();
});

test('whatever is accepted of two types, migrated values fit', (t) => {
  let accepted = 0;
  fc.assert(
    fc.property(
      fc
        .tuple(anyType, anyType)
        .chain(([a, b]) => fc.tuple(fc.constant(a), fc.constantFrom(b, widen(a, b)), valueOf(a))),
      ([from, to, value]) => {
        if (compareTypes(from, to).kind === 'refused') return true;
        accepted++;
        const migrate = migrator(from, to);
        return checkValue(to, migrate === undefined ? value : migrate(value)) === undefined;
      },
    ),
    { numRuns: 1000 },
  );
  t.true(accepted > 50);
});

test('a type is as it is with itself', (t) => {
  fc.assert(
    fc.property(
      anyType,
      (type) =>
        compareTypes(type, type).kind === 'as-is' &&
        compareKeyTypes(type, type).kind === 'as-is' &&
        migrator(type, type) === undefined,
    ),
  );
  t.pass();
});

test('another order of fields is as it is, and values come out in the declared order', (t) => {
  const from = row({ a: int, b: int });
  const to = row({ b: int, a: int });
  t.is(compareTypes(from, to).kind, 'as-is');
  t.deepEqual(Object.keys(migrator(from, to)?.({ a: 1, b: 2 }) as object), ['b', 'a']);
});

test('captured types without values fit any declared type', (t) => {
  const from = row({ a: arrayType(NOTHING), b: optionalType(NOTHING) });
  const to = row({ a: types.array(string), b: types.optional(row({ c: int })) });
  t.is(compareTypes(from, to).kind, 'as-is');
  t.is(migrator(from, to), undefined);
});

test('every change and every reason is told in words', (t) => {
  t.deepEqual(
    compareTypes(
      row({ at: timestamp, stops: types.array(row({ code: string, gate: int })), old: int }),
      row({ at: long, stops: types.array(row({ airport: string, gate: types.optional(double) })) }),
      { 'stops[].code': 'airport' },
    ),
    {
      kind: 'migrate',
      changes: [
        { path: 'at', text: 'timestamp becomes long' },
        { path: 'stops[].code', text: "is renamed to 'airport'" },
        { path: 'stops[].gate', text: 'may be null now' },
        { path: 'stops[].gate', text: 'int becomes double' },
        { path: 'old', text: 'is removed, the values of its int are dropped' },
      ],
    },
  );
  const reason = (comparison: TypeComparison): string =>
    'reason' in comparison ? comparison.reason : '';
  t.is(reason(compareTypes(string, int)), 'string cannot become int; keep string');
  t.is(
    reason(compareTypes(row({}), row({ a: int }))),
    'is new, and restored values have no int for it; declare it optional, or say in renames what it was called',
  );
  t.is(
    reason(compareTypes(optionalType(int), int)),
    'may be null, which int is not; keep optional<int>',
  );
});

for (const [name, from, to, kind] of [
  ['int → double', int, double, 'migrate'],
  ['a number in a row', row({ a: int, b: string }), row({ a: long, b: string }), 'migrate'],
  ['make a part optional', row({ a: int }), row({ a: types.optional(int) }), 'migrate'],
  ['add an optional field', row({ a: int }), row({ a: int, b: types.optional(int) }), 'refused'],
  ['remove a field', row({ a: int, b: int }), row({ a: int }), 'refused'],
  ['another order', row({ a: int, b: int }), row({ b: int, a: int }), 'refused'],
  ['string → int', string, int, 'refused'],
  ['a field of a row in an array', types.array(row({ a: int })), types.array(row({})), 'refused'],
] as const) {
  test(`keys: ${name} is ${kind}, of state and of maps`, (t) => {
    t.is(compareKeyTypes(from, to).kind, kind);
    t.is(compareTypes(mapType(from, int), mapType(to, int)).kind, kind);
  });
}

test('a rename that no restored type knows is found', (t) => {
  const restored = [
    row({ a: int, list: types.array(row({ c: int })), none: optionalType(NOTHING) }),
    row({ b: int }),
  ];
  const known = { a: 'x', 'list[].c': 'd', 'none.later': 'y', older: 'b' };
  t.deepEqual(unknownRenames(restored, known), []);
  t.deepEqual(unknownRenames(restored, { ...known, aa: 'x', 'list.c': 'd', 'lost.c': 'd' }), [
    'aa',
    'list.c',
    'lost.c',
  ]);
});
