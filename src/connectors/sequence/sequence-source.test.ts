import test from 'ava';
import fc from 'fast-check';
import { types } from '../../types/types.ts';
import { SourceRun } from '../common/testing/run-source.ts';
import { sequenceSource } from './sequence-source.ts';

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);
const ascending = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);

test('parallel readers cover the range exactly once, in parts of equal size', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: -1000, max: 1000 }),
      fc.nat({ max: 1500 }),
      fc.integer({ min: 1, max: 9 }),
      async (from, more, parallelism) => {
        const source = sequenceSource(from, from + more);
        const run = await new SourceRun(source, { parallelism }).toEnd();
        t.deepEqual(ascending(run.records()), range(from, from + more));
        const sizes = run.emitted.map(({ length }) => length);
        t.true(Math.max(...sizes) - Math.min(...sizes) <= 1);
      },
    ),
    { numRuns: 60 },
  );
});

test('a snapshot after any poll goes on with the next number, at any parallelism', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: 4 }),
      fc.nat({ max: 4 }),
      fc.integer({ min: 1, max: 4 }),
      async (polls0, polls1, parallelism) => {
        const first = new SourceRun(sequenceSource(1, 2000), { parallelism: 2 });
        for (let poll = 0; poll < polls0; poll++) first.poll(0);
        for (let poll = 0; poll < polls1; poll++) first.poll(1);
        const restored = first.snapshot();
        const second = await new SourceRun(sequenceSource(1, 2000), {
          parallelism,
          restored,
        }).toEnd();
        t.deepEqual(ascending([...first.records(), ...second.records()]), range(1, 2000));
      },
    ),
    { numRuns: 40 },
  );
});

test('a position at any number goes on with it', async (t) => {
  for (let next = 1; next <= 10; next++) {
    const restored = [{ splitId: '0', next, to: 10 }];
    const run = new SourceRun(sequenceSource(1, 10), { restored });
    t.deepEqual(run.snapshot(), restored);
    t.deepEqual((await run.toEnd()).records(), range(next, 10));
  }
});

test('the numbers are long unless told otherwise', (t) => {
  t.is(sequenceSource(1, 2).producedType, types.long);
  t.is(sequenceSource(1, 2, types.int).producedType, types.int);
});

test('the largest safe integers can be reached', async (t) => {
  const max = Number.MAX_SAFE_INTEGER;
  const run = await new SourceRun(sequenceSource(max - 2, max)).toEnd();
  t.deepEqual(run.records(), [max - 2, max - 1, max]);
});

test('a range that is none is refused', (t) => {
  for (const [from, to] of [
    [2, 1],
    [0.5, 2],
    [0, Number.NaN],
    [0, 2 ** 53],
  ] as const) {
    t.throws(() => sequenceSource(from, to), { code: 'ILLEGAL_ARGUMENT' });
  }
});
