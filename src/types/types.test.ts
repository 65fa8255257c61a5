import test from 'ava';
import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { captureType } from './capture-type.ts';
import { checkValue } from './check-value.ts';
import { typeFromJson, typeToJson } from './type-json.ts';
import { anyType, genericValue, typedValues, valueOf } from './type-arbitraries.test-kit.ts';
import { structureOf, type TypeInformation } from './type-information.ts';
import { typesEqual, typeToString } from './type-text.ts';
import { NOTHING, optionalType, rowType, types } from './types.ts';
import { widen } from './widen.ts';

const RUNS = { numRuns: 500 };

function fits(type: TypeInformation<unknown>, value: unknown): boolean {
  return checkValue(type, value) === undefined;
}

/** A type with its rows' fields sorted by name. */
function sorted(type: TypeInformation<unknown>): string {
  const structure = structureOf(type);
  switch (structure.kind) {
    case 'array':
      return `array<${sorted(structure.element)}>`;
    case 'map':
      return `map<${sorted(structure.key)}, ${sorted(structure.value)}>`;
    case 'optional':
      return `optional<${sorted(structure.type)}>`;
    case 'row':
      return `row<${structure.fields
        .map((field) => `${JSON.stringify(field.name)}: ${sorted(field.type)}`)
        .sort()
        .join()}>`;
    default:
      return structure.kind;
  }
}

test('types are frozen data', (t) => {
  const type = types.row({ a: types.array(types.int) });
  t.true(Object.isFrozen(type) && Object.isFrozen(types));
  t.deepEqual(structuredClone(type), type);
});

test('a field without a type and two fields of one name are refused', (t) => {
  t.throws(() => types.row({ a: undefined as unknown as TypeInformation<number> }), {
    code: 'ILLEGAL_ARGUMENT',
  });
  const a = { name: 'a', type: types.int };
  t.throws(() => rowType([a, a]), { code: 'ILLEGAL_ARGUMENT', message: /two fields named 'a'/ });
});

test('an optional of an optional is that optional', (t) => {
  t.true(typesEqual(types.optional(types.optional(types.int)), types.optional(types.int)));
});

test('typeFromJson gives back what typeToJson was given, through JSON text', (t) => {
  fc.assert(
    fc.property(anyType, (type) => {
      const back = typeFromJson(JSON.parse(JSON.stringify(typeToJson(type))));
      return typesEqual(type, back) && isDeepStrictEqual(type, back);
    }),
    RUNS,
  );
  t.pass();
});

test('golden: the JSON form of a type', (t) => {
  const type = types.row({
    id: types.long,
    tags: types.optional(types.array(types.string)),
    by: types.map(types.string, types.generic()),
  });
  t.is(
    JSON.stringify(typeToJson(type)),
    '{"version":1,"type":{"row":[["id","long"],["tags",{"optional":{"array":"string"}}],["by",{"map":["string","generic"]}]]}}',
  );
  t.is(
    typeToString(type),
    'row<id: long, tags: optional<array<string>>, by: map<string, generic>>',
  );
});

for (const json of [
  undefined,
  null,
  'int',
  { type: 'int' },
  { version: 2, type: 'int' },
  { version: 1, type: 'decimal' },
  { version: 1, type: { list: 'int' } },
  { version: 1, type: { array: 'int', map: ['int', 'int'] } },
  { version: 1, type: { map: ['int'] } },
  {
    version: 1,
    type: {
      row: [
        ['a', 'int'],
        ['a', 'int'],
      ],
    },
  },
  { version: 1, type: { row: [[1, 'int']] } },
  { version: 1, type: { row: { a: 'int' } } },
  { version: 1, type: JSON.parse(`${'{"array":'.repeat(500)}"int"${'}'.repeat(500)}`) as unknown },
]) {
  test(`a type description is refused: ${JSON.stringify(json)?.slice(0, 70)}`, (t) => {
    t.throws(() => typeFromJson(json), { code: 'FORMAT_INVALID' });
  });
}

test('captured: the narrowest type, field by field', (t) => {
  const captured = (value: unknown): string => typeToString(captureType(value));
  t.is(captured(1), 'int');
  t.is(captured(-0), 'long');
  t.is(captured(2 ** 31), 'long');
  t.is(captured(2 ** 53), 'double');
  t.is(captured(0.5), 'double');
  t.is(captured(1n), 'bigint');
  t.is(captured(null), 'optional<nothing>');
  t.is(captured([]), 'array<nothing>');
  t.is(captured([1, 0.5, null]), 'array<optional<double>>');
  t.is(captured(new Date(0)), 'generic');
  t.is(captured(Buffer.from('a')), 'bytes');
  t.is(captured(new Map([['a', 1]])), 'map<string, int>');
  t.is(
    captured({ b: 1, a: { c: 'x', d: null, e: undefined } }),
    'row<b: int, a: row<c: string, d: optional<nothing>, e: optional<nothing>>>',
  );
  t.is(captured(JSON.parse('{"__proto__": 1}')), 'row<__proto__: int>');
  t.is(
    captured(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i]))),
    'generic',
  );
});

test('capturing what no codec can carry names the path', (t) => {
  t.throws(() => captureType({ a: [{ b: () => 1 }] }), {
    code: 'TYPE_NOT_SERIALIZABLE',
    message: /at \$\.a\[0\]\.b .*a function/,
  });
  t.throws(() => captureType(new (class Flight {})()), {
    code: 'TYPE_NOT_SERIALIZABLE',
    message: /an instance of Flight/,
  });
});

test('a value fits its captured type', (t) => {
  fc.assert(
    fc.property(fc.oneof(genericValue, anyType.chain(valueOf)), (value) =>
      fits(captureType(value), value),
    ),
    { numRuns: 1000 },
  );
  t.pass();
});

test('widened: the least type of both', (t) => {
  const widened = (a: TypeInformation<unknown>, b: TypeInformation<unknown>): string =>
    typeToString(widen(a, b));
  t.is(widened(types.int, types.long), 'long');
  t.is(widened(types.double, types.long), 'double');
  t.is(widened(types.timestamp, types.int), 'long');
  t.is(widened(types.bigint, types.long), 'bigint');
  t.is(widened(types.bigint, types.double), 'generic');
  t.is(widened(types.string, types.int), 'generic');
  t.is(widened(optionalType(NOTHING), types.int), 'optional<int>');
  t.is(widened(types.array(NOTHING), types.array(types.string)), 'array<string>');
  t.is(
    widened(
      types.row({ a: types.int, b: types.string }),
      types.row({ a: types.string, c: types.int }),
    ),
    'row<a: generic, b: optional<string>, c: optional<int>>',
  );
});

test('widen: values of either type fit the result, in whichever order', (t) => {
  fc.assert(
    fc.property(typedValues, typedValues, (a, b) => {
      const type = widen(a.type, b.type);
      const values = [...a.values, ...b.values];
      return (
        values.every((value) => fits(type, value)) && sorted(type) === sorted(widen(b.type, a.type))
      );
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('widen: a type with itself is itself, and widening again changes nothing', (t) => {
  fc.assert(
    fc.property(anyType, anyType, (a, b) => {
      const both = widen(a, b);
      return (
        typesEqual(widen(a, a), a) &&
        sorted(widen(both, a)) === sorted(both) &&
        sorted(widen(both, b)) === sorted(both)
      );
    }),
    RUNS,
  );
  t.pass();
});

test('checkValue names the first misfit', (t) => {
  const type = types.row({
    stops: types.array(types.row({ code: types.string, at: types.timestamp })),
  });
  t.deepEqual(
    checkValue(type, {
      stops: [
        { code: 'JFK', at: 1 },
        { code: 7, at: 1 },
      ],
    }),
    {
      path: '$.stops[1].code',
      expected: 'string',
      found: '7 (number)',
    },
  );
  t.deepEqual(checkValue(types.row({ a: types.int }), { a: 1, ['__proto__']: 1 }), {
    path: '$.__proto__',
    expected: 'no such field',
    found: '1 (number)',
  });
  t.is(checkValue(types.long, 2 ** 53)?.found, '9007199254740992 (number)');
  t.is(checkValue(types.int, 0.5)?.expected, 'int');
});

test('a field named __proto__ or constructor is never taken from the prototype', (t) => {
  const type = rowType([{ name: '__proto__', type: optionalType(types.generic()) }]);
  t.is(checkValue(type, {}), undefined);
  t.truthy(checkValue(rowType([{ name: 'constructor', type: types.generic() }]), {}));
});
