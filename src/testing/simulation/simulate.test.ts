/** What simulate() must find: the mistakes that users make with state and sinks. */
import test from 'ava';
import type { DataStream, StreamExecutionEnvironment } from '../../index.ts';
import { WatermarkStrategy } from '../../index.ts';
import { dataGeneratorSource } from '../../connectors/datagen/index.ts';
import type { Sink } from '../../functions/sink.ts';
import { simulate } from './simulate.ts';

interface Hit {
  readonly k: number;
  readonly n: number;
}

const COUNT = 500;
/** So often that a run of some virtual seconds does not end without a crash. */
const CRASHES = { crashesPerSecond: 0.5, tornCrash: 1 };

function hits(env: StreamExecutionEnvironment): ReturnType<typeof env.fromSource<Hit>> {
  const generator = (n: number): Hit => ({ k: n % 5, n });
  const source = dataGeneratorSource({ generator, count: COUNT, ratePerSecond: 100 });
  return env.fromSource(source, WatermarkStrategy.noWatermarks<Hit>(), 'hits');
}

/** A rolling count per key: the same in whatever order two sources' records meet. */
function counts(env: StreamExecutionEnvironment): DataStream<Hit> {
  return hits(env)
    .map(({ k }) => ({ k, n: 1 }))
    .keyBy('k')
    .sum('n');
}

/** The first seed of a few at which the job fails, with its error. */
async function firstFailure(run: (seed: number) => Promise<unknown>): Promise<Error> {
  for (let seed = 0; seed < 10; seed++) {
    try {
      await run(seed);
    } catch (error) {
      return error as Error;
    }
  }
  throw new Error('no seed has found the mistake');
}

test('a correct job passes, and the report says what it went through', async (t) => {
  const report = await simulate((env) => counts(env).collectAsync('counts'), {
    seed: 3,
    faults: CRASHES,
    keyOf: (hit) => (hit as Hit).k,
  });
  t.is(report.results, COUNT);
  t.true(report.crashes > 0);
  t.true(report.restores >= report.crashes);
  t.true(report.checkpoints.completed > 0);
  t.true(report.records >= COUNT);
  t.true(report.virtualSeconds >= COUNT / 100 - 1);
  t.deepEqual(report.faults, { crash: report.crashes });
});

test('the same seed goes the same way', async (t) => {
  const run = (): ReturnType<typeof simulate> =>
    simulate((env) => counts(env).collectAsync('counts'), { seed: 11 });
  t.deepEqual(await run(), await run());
});

test('a sink that makes records visible in write() is found: they come twice', async (t) => {
  const error = await firstFailure((seed) =>
    simulate<Hit[]>(
      {
        outside: () => [],
        main: (env, outside) => {
          hits(env).sinkTo(eagerSink(outside));
        },
        results: (outside) => outside,
      },
      { seed, faults: CRASHES },
    ),
  );
  t.like(error, { code: 'SIMULATION_FAILED' });
  t.regex(error.message, /^seed \d+: .* 0 lost, [1-9]\d* duplicated, 0 wrong/);
  t.regex(error.message, /to repeat it: simulate\(job, \{ seed: \d+ \}\)/);
});

function eagerSink(outside: Hit[]): Sink<Hit> {
  return {
    createWriter: () => ({
      write: (hit) => void outside.push(hit),
      flush: () => undefined,
      close: () => undefined,
    }),
  };
}

for (const [call, read] of [
  ['Date.now()', () => Date.now()],
  ['new Date()', () => new Date().getTime()],
  ['Math.random()', () => Math.random()],
  ['performance.now()', () => performance.now()],
] as const) {
  test(`a function that calls ${call} is found, with its operator and record`, async (t) => {
    const error = await t.throwsAsync(
      simulate(
        (env) =>
          hits(env)
            .map(({ k, n }) => ({ k, n, at: read() }))
            .name('stamp')
            .collectAsync('stamped'),
        { seed: 1 },
      ),
      { code: 'SIMULATION_FAILED' },
    );
    t.true(error.message.includes(`calls ${call}`), error.message);
    t.regex(error.message, /operator 'stamp' \(subtask \d\) on record \{"k":\d,"n":\d+\}/);
  });
}

test('a function that asks the environment for the time is found by its results', async (t) => {
  const error = await t.throwsAsync(
    simulate(
      (env) =>
        hits(env)
          .process<Hit>({
            processElement: ({ k }, context, out) =>
              out.collect({ k, n: context.currentProcessingTime() }),
          })
          .collectAsync('stamped'),
      { seed: 1 },
    ),
    { code: 'SIMULATION_FAILED' },
  );
  t.regex(error.message, /two runs without any fault differ/);
});

test('state in a variable of the module is found: it outlives the run', async (t) => {
  const seen = new Set<number>();
  const error = await t.throwsAsync(
    simulate(
      (env) =>
        hits(env)
          .filter(({ n }) => !seen.has(n) && seen.add(n) !== undefined)
          .collectAsync('distinct'),
      { seed: 1 },
    ),
    { code: 'SIMULATION_FAILED' },
  );
  t.regex(error.message, /two runs without any fault differ.*variables that outlive a run/s);
});

test('state in a variable of the program is found: a restore does not bring it back', async (t) => {
  const error = await firstFailure((seed) =>
    simulate(
      (env) => {
        let count = 0;
        hits(env)
          .map(({ k }) => ({ k, n: count++ }))
          .setParallelism(1)
          .collectAsync('numbered');
      },
      { seed, faults: CRASHES },
    ),
  );
  t.regex(error.message, /the job gives something else when things go wrong/);
});

test('a failing job is told with its seed and its operator', async (t) => {
  const error = await t.throwsAsync(
    simulate(
      (env) =>
        hits(env)
          .map((hit): Hit => {
            if (hit.n === 77) throw new Error('no 77');
            return hit;
          })
          .name('picky')
          .collectAsync('all'),
      { seed: 5 },
    ),
    { code: 'SIMULATION_FAILED' },
  );
  t.regex(error.message, /^seed 5: operator 'picky' .*no 77/);
});

test('a job whose results nobody could see is refused', async (t) => {
  await t.throwsAsync(
    simulate((env) => void hits(env).sinkTo(eagerSink([])), { seed: 1 }),
    { message: /nothing to compare/ },
  );
});

test('clock and random numbers are as before when it is over', async (t) => {
  const before = [Date, Math.random, performance.now];
  await simulate((env) => hits(env).collectAsync('all'), { seed: 1, faults: {} });
  t.deepEqual([Date, Math.random, performance.now], before);
});
