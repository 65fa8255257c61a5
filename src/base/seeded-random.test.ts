import test from 'ava';
import fc from 'fast-check';
import { seededRandom } from './seeded-random.ts';

test('a seed gives the same numbers for ever', (t) => {
  const random = seededRandom(42);
  const numbers = Array.from({ length: 4 }, () => random.nextUint32());
  t.deepEqual(numbers, GOLDEN_42);
});

test('the numbers are those of sfc32 written with big integers', (t) => {
  for (const seed of [0, 1, 42, 2 ** 40 + 7, Number.MAX_SAFE_INTEGER]) {
    const random = seededRandom(seed);
    const oracle = slowSfc32(seed);
    for (let i = 0; i < 100; i++) t.is(random.nextUint32(), oracle());
  }
});

test('below is uniform, also for bounds that are no power of two', (t) => {
  const random = seededRandom(7);
  const counts = new Array<number>(6).fill(0);
  for (let i = 0; i < 60_000; i++) counts[random.below(6)]! += 1;
  for (const count of counts) t.true(Math.abs(count - 10_000) < 400, `counts ${counts}`);
});

test('below is uniform in the part of its bounds that the fast way does not take', (t) => {
  const random = seededRandom(8);
  const bound = 3 * 2 ** 30;
  let inLastThird = 0;
  for (let i = 0; i < 60_000; i++) if (random.below(bound) >= 2 ** 31) inLastThird++;
  t.true(Math.abs(inLastThird - 20_000) < 500, `${inLastThird} of 60000`);
});

test('below refuses numbers that would make some results likelier', (t) => {
  const random = seededRandom(9);
  const bound = 1_500_000;
  let sum = 0;
  for (let i = 0; i < 200_000; i++) sum += random.below(bound);
  t.true(Math.abs(sum / 200_000 / bound - 0.5) < 0.005, `mean ${sum / 200_000}`);
});

test('below is a function of the seed for ever', (t) => {
  const random = seededRandom(42);
  t.deepEqual([random.below(6), random.below(1000), random.below(2 ** 32)], GOLDEN_BELOW_42);
});

test('below stays below its bound and nextDouble below one', (t) => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.integer({ min: 1, max: 2 ** 32 }), (seed, bound) => {
      const random = seededRandom(seed);
      const whole = random.below(bound);
      const double = random.nextDouble();
      return Number.isInteger(whole) && whole >= 0 && whole < bound && double >= 0 && double < 1;
    }),
  );
  t.pass();
});

test('a fork differs from its parent and is a function of the seed', (t) => {
  const parent = seededRandom(5);
  const fork = parent.fork();
  t.not(fork.nextUint32(), parent.nextUint32());
  t.is(seededRandom(5).fork().nextUint32(), seededRandom(5).fork().nextUint32());
});

test('a bound or a seed out of range is a bug', (t) => {
  t.throws(() => seededRandom(0).below(0), { code: 'BUG' });
  t.throws(() => seededRandom(0).below(1.5), { code: 'BUG' });
  t.throws(() => seededRandom(Number.NaN), { code: 'BUG' });
});

const GOLDEN_BELOW_42 = [4, 922, 1_547_270_628];
const GOLDEN_42 = [3_011_021_589, 3_960_382_089, 1_547_270_628, 4_040_468_816];

/** PractRand's sfc32 by the letter. */
function slowSfc32(seed: number): () => number {
  const mask = 0xffff_ffffn;
  let a = BigInt(seed) & mask;
  let b = (BigInt(seed) >> 32n) & mask;
  let c = 0n;
  let counter = 1n;
  const next = (): number => {
    const result = (a + b + counter) & mask;
    counter = (counter + 1n) & mask;
    a = b ^ (b >> 9n);
    b = (c + (c << 3n)) & mask;
    c = (((c << 21n) | (c >> 11n)) + result) & mask;
    return Number(result);
  };
  for (let round = 0; round < 15; round++) next();
  return next;
}
