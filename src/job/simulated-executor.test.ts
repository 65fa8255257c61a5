import test from 'ava';
import {
  NOTHING_AVAILABLE,
  type Source,
  StreamExecutionEnvironment,
  WatermarkStrategy,
} from '../index.ts';
import { runSimulated, simulatedEnvironment } from '../testing/index.ts';
import type { JobMain } from './job-module.ts';

const sums: JobMain = (env) => {
  env
    .fromSequence(1, 3000)
    .rebalance()
    .map((n) => ({ key: n % 17, n }))
    .keyBy('key')
    .sum('n')
    .collectAsync('sums');
};

test('the same seed takes the same turns, and seeds differ', async (t) => {
  const runs = await Promise.all(
    [1, 1, 2, 3].map((seed) => runSimulated(sums, { seed, parallelism: 4 })),
  );
  const [first, again, ...others] = runs.map((run) => run.turnsHash);
  t.is(first, again);
  t.deepEqual(runs[0]?.collected('sums'), runs[1]?.collected('sums'));
  t.true(others.some((hash) => hash !== first));
});

test('a job of the fluent API runs simulated when the testing entry is imported', async (t) => {
  const environment = simulatedEnvironment({ seed: 5 });
  await using env = StreamExecutionEnvironment.create({
    executor: 'simulated',
    parallelism: 2,
    environment,
  });
  const squares: number[] = [];
  const stream = env
    .fromSequence(1, 20)
    .rebalance()
    .map((n) => n * n);
  for await (const square of stream.executeAndCollect()) squares.push(square);
  t.deepEqual(
    squares.sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, i) => (i + 1) ** 2),
  );
});

test('the simulated executor refuses the real environment', async (t) => {
  await using env = StreamExecutionEnvironment.create({ executor: 'simulated' });
  env.fromData(1, 2).print();
  await t.throwsAsync(env.execute(), { code: 'ILLEGAL_ARGUMENT', message: /simulatedEnvironment/ });
});

test('time jumps to what is due: a day of waiting takes no time', async (t) => {
  const main: JobMain = (env) => {
    env
      .fromAsyncIterable(() => oneAfterADay(environment.clock))
      .map((n) => n)
      .collectAsync('late');
  };
  const environment = simulatedEnvironment({ seed: 1 });
  const startMs = environment.clock.now();
  const run = await runSimulated(main, { seed: 1, environment });
  t.deepEqual(run.collected('late'), [1]);
  t.true(environment.clock.now() - startMs >= 86_400_000);
});

async function* oneAfterADay(clock: ReturnType<typeof simulatedEnvironment>['clock']) {
  await new Promise<void>((resolve) => clock.setTimer(86_400_000, resolve));
  yield 1;
}

test('a job in which nothing will ever happen fails and says what its tasks do', async (t) => {
  const main: JobMain = (env) => {
    env
      .fromSource(silentSource, WatermarkStrategy.noWatermarks(), 'silent')
      .collectAsync('nothing');
  };
  await t.throwsAsync(runSimulated(main, { seed: 9 }), {
    code: 'BUG',
    message: /stuck.*seed 9.*silent.*waiting for a promise/,
  });
});

/** Has nothing now and never will, and does not end. */
const silentSource: Source<number> = {
  boundedness: 'continuous-unbounded',
  createEnumerator: () => ({
    addReader: () => {},
    handleSplitRequest: () => {},
    addSplitsBack: () => {},
    snapshotState: () => [],
  }),
  createReader: () => ({
    pollNext: () => NOTHING_AVAILABLE,
    isAvailable: () => new Promise(() => {}),
    addSplits: () => {},
    notifyNoMoreSplits: () => {},
    snapshotState: () => [],
    close: () => {},
  }),
};
