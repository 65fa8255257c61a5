import test from 'ava';
import fc from 'fast-check';
import type { Source } from '../../functions/source.ts';
import { StaticSplitEnumerator } from './static-split-enumerator.ts';
import { type StridedSplit, StridedReader, stridedSplits } from './strided-reader.ts';
import { SourceRun } from './testing/run-source.ts';

/** Emits the numbers below `end` as they are. */
function numbers(
  end: number,
  blockSize: number,
  recordsPerPollMax = 256,
): Source<number, StridedSplit> {
  const emit = (from: number, to: number, output: { collect(record: number): void }): void => {
    for (let n = from; n < to; n++) output.collect(n);
  };
  return {
    boundedness: 'bounded',
    createEnumerator: (context, restored) =>
      new StaticSplitEnumerator(
        context,
        restored ?? stridedSplits(end, blockSize, context.parallelism),
      ),
    createReader: (context) => new StridedReader({ emit, blockSize, recordsPerPollMax }, context),
  };
}

const ascending = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);
const upTo = (end: number): number[] => Array.from({ length: end }, (_, n) => n);

test('readers together emit every number once, whatever parallelism and block size', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: 500 }),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 9 }),
      async (end, blockSize, parallelism) => {
        const run = await new SourceRun(numbers(end, blockSize, 7), { parallelism }).toEnd();
        t.deepEqual(ascending(run.records()), upTo(end));
      },
    ),
    { numRuns: 60 },
  );
});

test('block e goes to subtask e mod parallelism', async (t) => {
  const run = await new SourceRun(numbers(23, 5), { parallelism: 2 }).toEnd();
  const records = run.emitted.map((each) => each.map(({ record }) => record));
  t.deepEqual(records, [
    [0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 20, 21, 22],
    [5, 6, 7, 8, 9, 15, 16, 17, 18, 19],
  ]);
});

test('a snapshot after any record continues with the next, at any parallelism', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 40 }), { minLength: 3, maxLength: 3 }),
      fc.integer({ min: 1, max: 5 }),
      async (polls, parallelism) => {
        const first = new SourceRun(numbers(90, 4, 1), { parallelism: 3 });
        polls.forEach((count, subtask) => {
          for (let poll = 0; poll < count; poll++) first.poll(subtask);
        });
        const restored = first.snapshot();
        const second = await new SourceRun(numbers(90, 4), { parallelism, restored }).toEnd();
        t.deepEqual(ascending([...first.records(), ...second.records()]), upTo(90));
      },
    ),
    { numRuns: 60 },
  );
});

test('one reader of several splits emits in ascending order', async (t) => {
  const restored = stridedSplits(100, 3, 4);
  const run = await new SourceRun(numbers(100, 3), { restored }).toEnd();
  t.deepEqual(run.records(), upTo(100));
});
