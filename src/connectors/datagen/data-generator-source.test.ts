import test from 'ava';
import { simulatedEnvironment } from '../../base/simulated-environment.ts';
import { NOTHING_AVAILABLE } from '../../functions/source.ts';
import { SourceRun } from '../common/testing/run-source.ts';
import { dataGeneratorSource } from './data-generator-source.ts';

const square = (index: number): number => index * index;

test('subtask i makes the records i, i + p, i + 2p …', async (t) => {
  const source = dataGeneratorSource({ generator: square, count: 10 });
  const run = await new SourceRun(source, { parallelism: 3 }).toEnd();
  const records = run.emitted.map((each) => each.map(({ record }) => Math.sqrt(record)));
  t.deepEqual(records, [
    [0, 3, 6, 9],
    [1, 4, 7],
    [2, 5, 8],
  ]);
});

test('a run at a rate takes as long as the rate says, at any parallelism', async (t) => {
  for (const parallelism of [1, 2, 4]) {
    const environment = simulatedEnvironment({ seed: 1 });
    const source = dataGeneratorSource({ generator: square, count: 2000, ratePerSecond: 1000 });
    const run = await new SourceRun(source, { parallelism, environment }).toEnd();
    t.is(run.records().length, 2000);
    const elapsedMs = environment.clock.monotonicMs();
    t.true(elapsedMs >= 1990 && elapsedMs <= 2010, `${elapsedMs} ms at parallelism ${parallelism}`);
  }
});

test('a reader that waits for its rate sets one timer, and none after close', async (t) => {
  const source = dataGeneratorSource({ generator: square, ratePerSecond: 1 });
  const run = new SourceRun(source);
  run.poll(0);
  t.is(run.poll(0), NOTHING_AVAILABLE);
  const waits = [run.reader(0).isAvailable(), run.reader(0).isAvailable()];
  t.is(run.environment.clock.pendingTimers, 1);
  await run.reader(0).close();
  await Promise.all(waits);
  t.is(run.environment.clock.pendingTimers, 0);
});

test('without a count the source is unbounded', (t) => {
  t.is(dataGeneratorSource({ generator: square }).boundedness, 'continuous-unbounded');
  t.is(dataGeneratorSource({ generator: square, count: 0 }).boundedness, 'bounded');
});

test("the generator's error names the index and keeps the cause", (t) => {
  const cause = new TypeError('no such thing');
  const generator = (index: number): number => {
    if (index === 3) throw cause;
    return index;
  };
  const run = new SourceRun(dataGeneratorSource({ generator, count: 5 }));
  const error = t.throws(() => run.poll(0), { code: 'USER_FUNCTION_FAILED', message: /index 3/ });
  t.is(error?.cause, cause);
});

test('a count or rate that is none is refused', (t) => {
  for (const options of [{ count: -1 }, { count: 1.5 }, { ratePerSecond: 0 }]) {
    t.throws(() => dataGeneratorSource({ generator: square, ...options }), {
      code: 'ILLEGAL_ARGUMENT',
    });
  }
});
