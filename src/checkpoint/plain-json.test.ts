import test from 'ava';
import fc from 'fast-check';
import { fromPlainJson, toPlainJson } from './plain-json.ts';

const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.double(),
    fc.constantFrom(-0, Number.NaN, Number.POSITIVE_INFINITY, undefined, null, true, '__proto__'),
    fc.string({ unit: 'binary' }),
    fc.bigInt(),
    fc.uint8Array(),
    fc.array(tie('value')),
    fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom('__proto__', '$', '$bigint', 'constructor', '$object')),
      tie('value'),
      { noNullPrototype: true },
    ),
  ),
})).value;

test('what goes in comes out, through the text', (t) => {
  fc.assert(
    fc.property(plain, (value) => {
      const back = fromPlainJson(JSON.parse(JSON.stringify(toPlainJson(value))));
      t.deepEqual(back, value);
    }),
    { numRuns: 500 },
  );
});

test('a key __proto__ is data and changes no prototype', (t) => {
  const value: unknown = JSON.parse('{"__proto__":{"isAdmin":true}}');
  const back = fromPlainJson(JSON.parse(JSON.stringify(toPlainJson(value)))) as object;
  t.true(Object.hasOwn(back, '__proto__'));
  t.is(Object.getPrototypeOf(back), Object.prototype);
  t.is((back as { isAdmin?: boolean }).isAdmin, undefined);
  t.false('isAdmin' in {});
});

test('the tags are those of the format', (t) => {
  const value = { a: undefined, b: -0, c: 12n, d: new Uint8Array([1, 2]), e: { $x: Number.NaN } };
  t.is(
    JSON.stringify(toPlainJson(value)),
    '{"a":{"$":"undefined"},"b":{"$":"-0"},"c":{"$bigint":"12"},"d":{"$bytes":"AQI="},' +
      '"e":{"$object":[["$x",{"$":"NaN"}]]}}',
  );
});

test('what is no plain data is refused with its path', (t) => {
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [{ a: [1, () => 1] }, /'a\[1\]' is a function/],
    [{ when: new Date(0) }, /'when' is an instance of Date/],
    [new Map(), /the value is an instance of Map/],
    [Symbol('x'), /the value is a symbol/],
    [cyclic, /nested too deep/],
  ];
  for (const [value, message] of cases) {
    t.throws(() => toPlainJson(value), { code: 'TYPE_NOT_SERIALIZABLE', message });
  }
});

test('unknown tags are refused', (t) => {
  for (const json of [
    { $: 'nan' },
    { $new: 1 },
    { $bigint: '1e3' },
    { $bigint: '1', a: 1 },
    { $object: [1] },
  ]) {
    t.throws(() => fromPlainJson(json), { code: 'FORMAT_INVALID' });
  }
});
