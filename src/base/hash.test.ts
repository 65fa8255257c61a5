import test from 'ava';
import fc from 'fast-check';
import { hashBytes, hashKey, hashNumber, hashString } from './hash.ts';

const GOLDEN: readonly (readonly [unknown, number])[] = [
  [0, -1832243442],
  [1, 920564995],
  [-1, 996586154],
  [2147483647, 1449607079],
  [-2147483648, -1122851478],
  [2147483648, -908571017],
  [0.5, -1940208969],
  [Number.NaN, 104869765],
  [Number.POSITIVE_INFINITY, 5091232],
  [Number.NEGATIVE_INFINITY, 373780223],
  [Number.MAX_VALUE, 499026229],
  ['', 0],
  ['a', 1867108634],
  ['ab', 374890698],
  ['JFK', 932521425],
  ['flight-0123', 779289896],
  ['\ud800', 23418209],
  ['日本', -1532890893],
  [true, -555704587],
  [false, 742440545],
  [2n ** 53n, -1708393518],
  [2n ** 64n - 1n, 628567068],
  [-(2n ** 80n) - 1n, -1052707080],
  [[1, 'a'], 1935968822],
  [[], 0],
  [{ a: 1, b: 'x' }, -1356725504],
  [new Uint8Array([1, 2, 3, 4, 5]), -1567508024],
];

test('golden: hashes never change, savepoints hold them', (t) => {
  for (const [key, hash] of GOLDEN) t.is(hashKey(key), hash, JSON.stringify(String(key)));
});

test('bytes agree with the published Murmur3 vectors', (t) => {
  t.is(hashBytes(new Uint8Array([])) >>> 0, 0);
  t.is(hashBytes(new Uint8Array([0x21, 0x43, 0x65, 0x87])) >>> 0, 0xf55b516b);
  t.is(hashBytes(new Uint8Array([0x21, 0x43, 0x65])) >>> 0, 0x7e4a8634);
  t.is(hashBytes(new Uint8Array([0x21])) >>> 0, 0x72661cf4);
});

test('a string hashes as its UTF-16LE bytes', (t) => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 40 }),
      (text) => hashString(text) === hashBytes(Buffer.from(text, 'utf16le')),
    ),
  );
  t.pass();
});

test('equal keys hash equally across zero signs, NaNs, bigint and number', (t) => {
  t.is(hashNumber(-0), hashNumber(0));
  t.is(hashNumber(Number.NaN), hashNumber(-Number.NaN));
  t.is(hashKey(1n), hashKey(1));
  t.is(hashKey(2n ** 53n), hashKey(2 ** 53));
  t.is(hashKey(-(2n ** 70n)), hashKey(-(2 ** 70)));
  t.not(hashKey(2n ** 53n + 1n), hashKey(2 ** 53));
  t.not(hashKey(2n ** 70n + 1n), hashKey(-(2n ** 70n) - 1n));
});

test('rows hash by content in field order, an absent field like a null one', (t) => {
  t.is(hashKey({ a: 1, b: 'x' }), hashKey({ a: 1, b: 'x' }));
  t.not(hashKey({ a: 1, b: 2 }), hashKey({ a: 2, b: 1 }));
  t.is(hashKey({ a: 1, b: null }), hashKey({ a: 1 }));
  t.not(hashKey([1, 2]), hashKey([2, 1]));
  t.not(hashKey([[], 1]), hashKey([1, []]));
});

for (const [what, key] of [
  ['null', null],
  ['undefined', undefined],
  ['a function', () => 1],
  ['a symbol', Symbol('key')],
  ['a Date', new Date(0)],
  ['a Map', new Map()],
  ['an array with a function', [() => 1]],
] as const) {
  test(`${what} is no key`, (t) => {
    const error = t.throws(() => hashKey(key), { code: 'KEY_INVALID' });
    t.regex(error?.message ?? '', /key/);
  });
}

/**
 * How far the counts of `hashes` in 128 equal ranges are from even, as chi² per degree of freedom.
 */
function unevenness(hashes: Iterable<number>): number {
  const counts = new Float64Array(128);
  let total = 0;
  for (const hash of hashes) {
    const group = hash >>> 25;
    counts[group] = (counts[group] as number) + 1;
    total++;
  }
  const mean = total / 128;
  return counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0) / 127;
}

test('the high bits are well mixed for numbers in order, multiples, fractions and strings in order', (t) => {
  const keys: Readonly<Record<string, (i: number) => unknown>> = {
    'in order': (i) => i,
    'multiples of 1024': (i) => i * 1024,
    negative: (i) => -i,
    halves: (i) => i + 0.5,
    large: (i) => 1.7e12 + i * 1000,
    strings: (i) => `key-${i}`,
    rows: (i) => ({ shop: i % 100, item: Math.floor(i / 100) }),
  };
  for (const [what, key] of Object.entries(keys)) {
    const uneven = unevenness(Array.from({ length: 20_000 }, (_, i) => hashKey(key(i))));
    t.true(uneven < 1.6, `${what}: chi² per degree of freedom is ${uneven}`);
  }
});
