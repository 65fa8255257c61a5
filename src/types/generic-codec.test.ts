import test from 'ava';
import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { fallbackCodec } from './fallback-codec.ts';
import { type GenericCodec, genericCodec } from './generic-codec.ts';
import { msgpackCodec } from './msgpack-codec.ts';
import { genericValue } from './type-arbitraries.test-kit.ts';

const CODECS: Readonly<Record<string, GenericCodec>> = {
  fallback: fallbackCodec,
  msgpack: msgpackCodec,
};

class Point {
  x = 1;
}

test('without a choice the codec is the one without a package', (t) => {
  t.is(genericCodec(), fallbackCodec);
});

for (const [name, codec] of Object.entries(CODECS)) {
  const roundTrip = (value: unknown): unknown => codec.decode(codec.encode(value));

  test(`${name}: any serializable value arrives as it was`, (t) => {
    fc.assert(
      fc.property(genericValue, (value) => isDeepStrictEqual(roundTrip(value), value)),
      { numRuns: 1000 },
    );
    t.pass();
  });

  test(`${name}: what formats tend to lose arrives`, (t) => {
    for (const value of [
      -0,
      [undefined, null],
      { a: undefined },
      JSON.parse('{"__proto__": 1, "constructor": 2}'),
      '\ud800',
      { '\udc00': 1 },
      '\ufeffafter a byte order mark'.repeat(20),
      new Date(Number.NaN),
      new Date(-1.5),
      new Map<unknown, unknown>([[{ a: 1 }, new Set([new Map()])]]),
      -(2n ** 200n),
      2 ** 32,
      2 ** 53 - 1,
      new Uint8Array([1, 2, 3]),
      'x'.repeat(100_000),
    ]) {
      t.true(isDeepStrictEqual(roundTrip(value), value), String(value).slice(0, 40));
    }
  });

  test(`${name}: bytes are a copy, also when read from shared memory`, (t) => {
    const encoded = codec.encode({ a: new Uint8Array([1, 2, 3]), b: 'text '.repeat(60) });
    const shared = new Uint8Array(new SharedArrayBuffer(encoded.length));
    shared.set(encoded);
    const value = codec.decode(shared);
    shared.fill(0);
    t.deepEqual(value, { a: new Uint8Array([1, 2, 3]), b: 'text '.repeat(60) });
  });

  for (const [what, value, path] of [
    ['a function', { a: [1, () => 1] }, '$.a[1]'],
    ['a symbol', [Symbol('s')], '$[0]'],
    ['a class instance', { list: [{ 'the point': new Point() }] }, '$.list[0]["the point"]'],
    ['a promise', Promise.resolve(1), '$'],
    ['a typed array of numbers', { x: new Float64Array(1) }, '$.x'],
  ] as const) {
    test(`${name}: ${what} is refused with its path`, (t) => {
      const error = t.throws(() => codec.encode(value), { code: 'TYPE_NOT_SERIALIZABLE' });
      t.true(error?.message.includes(`at ${path} `), error?.message);
      t.regex(error?.message ?? '', /emit plain/);
    });
  }

  test(`${name}: a cycle is refused`, (t) => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    t.throws(() => codec.encode(cycle), { code: 'TYPE_NOT_SERIALIZABLE' });
  });

  test(`${name}: damaged bytes end in FORMAT_INVALID or in some value`, (t) => {
    fc.assert(
      fc.property(
        genericValue,
        fc.array(fc.tuple(fc.nat(), fc.nat(255))),
        fc.nat(),
        (value, damage, cut) => {
          const bytes = Uint8Array.from(codec.encode(value));
          for (const [index, byte] of damage) bytes[index % bytes.length] = byte;
          try {
            codec.decode(bytes.subarray(0, bytes.length - (cut % bytes.length)));
          } catch (error) {
            return (error as { code?: string }).code === 'FORMAT_INVALID';
          }
          return true;
        },
      ),
      { numRuns: 1000 },
    );
    t.throws(() => codec.decode(new Uint8Array(0)), { code: 'FORMAT_INVALID' });
  });
}
