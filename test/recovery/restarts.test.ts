/** Restart strategies from end to end, failures while the job recovers from others, and a disk that is full for a while. */
import test, { type ExecutionContext } from 'ava';
import type { Environment } from '../../src/base/environment.ts';
import { type FaultPoint, faultPoints } from '../../src/base/fault-points.ts';
import { realEnvironment } from '../../src/base/real-environment.ts';
import { type JobClient, MillraceError, StreamExecutionEnvironment } from '../../src/index.ts';
import {
  memoryTransactionalStore,
  type SimulatedEnvironment,
  simulatedEnvironment,
  type TransactionalStore,
} from '../../src/testing/index.ts';
import { ALL_WELL, tally } from './kit/exactly-once.ts';
import { buildFailingProgram, expectedResults, type Point } from './kit/failing-program.ts';
import type { Pace } from './kit/numbered-source.ts';

const COUNT = 1600;
const FIXED = {
  'restart-strategy.type': 'fixed-delay',
  'restart-strategy.fixed-delay.attempts': '3',
  'restart-strategy.fixed-delay.delay': '1 ms',
};

interface RunOptions {
  readonly configuration?: Readonly<Record<string, string>>;
  readonly environment?: Environment;
  readonly failAt?: (point: Point) => void;
  readonly pace?: (index: number) => Pace;
  readonly onJob?: (job: JobClient) => void;
}

interface Ran {
  readonly job: JobClient;
  readonly store: TransactionalStore;
  readonly error: unknown;
}

/** Runs the program to its end, whichever that is. */
async function run(options: RunOptions): Promise<Ran> {
  const { environment = realEnvironment(), configuration = {}, failAt = () => {} } = options;
  const store = memoryTransactionalStore();
  await using env = StreamExecutionEnvironment.create({
    parallelism: 2,
    executor: environment.kind === 'simulated' ? 'simulated' : 'inline',
    environment,
    configuration: { 'execution.checkpointing.interval': '5 ms', ...configuration },
  });
  const pace = options.pace ?? ((): Pace => 'fast');
  buildFailingProgram(env, { shape: 'keyed exchange', count: COUNT, store, failAt, pace });
  const job = await env.executeAsync();
  options.onJob?.(job);
  const error = await job.getJobExecutionResult().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { job, store, error };
}

function expectAllWell(t: ExecutionContext, { store, error }: Ran): void {
  t.is(error, undefined);
  t.deepEqual(store.violations(), []);
  t.deepEqual(tally(store.committedValues(), expectedResults('keyed exchange', COUNT)), ALL_WELL);
}

/** Throws at the map, so often, each time with its number. */
function failing(times: number): { failAt(point: Point): void; happened(): number } {
  let happened = 0;
  return {
    failAt: (point) => {
      if (point === 'map' && happened < times) throw new Error(`failure ${++happened}`);
    },
    happened: () => happened,
  };
}

function causeOf(error: unknown): string {
  return error instanceof MillraceError && error.cause instanceof Error
    ? error.cause.message
    : String(error);
}

test.serial('no restart strategy: the first failure ends the job', async (t) => {
  const { failAt, happened } = failing(5);
  const ran = await run({ failAt, configuration: { 'restart-strategy.type': 'none' } });
  t.is(causeOf(ran.error), 'failure 1');
  t.is(happened(), 1);
  t.deepEqual(ran.job.restarts(), []);
  t.is(ran.job.status(), 'failed');
});

test.serial(
  'a fixed delay: so many restarts, then the last failure, with those before it',
  async (t) => {
    const ran = await run({ failAt: failing(9).failAt, configuration: FIXED });
    t.is(causeOf(ran.error), 'failure 4');
    t.deepEqual(
      ran.job.restarts().map(({ error }) => causeOf(error)),
      ['failure 3', 'failure 2', 'failure 1'],
    );
  },
);

test.serial('a failure rate: too many within the interval end the job', async (t) => {
  const configuration = {
    'restart-strategy.type': 'failure-rate',
    'restart-strategy.failure-rate.max-failures-per-interval': '2',
    'restart-strategy.failure-rate.failure-rate-interval': '1 min',
    'restart-strategy.failure-rate.delay': '1 ms',
  };
  const ran = await run({ failAt: failing(9).failAt, configuration });
  t.is(causeOf(ran.error), 'failure 3');
  expectAllWell(t, await run({ failAt: failing(2).failAt, configuration }));
});

test.serial('an exponential delay: each restart waits longer', async (t) => {
  const environment = simulatedEnvironment({ seed: 4 });
  const ran = await run({
    environment,
    failAt: failing(5).failAt,
    configuration: {
      'restart-strategy.type': 'exponential-delay',
      'restart-strategy.exponential-delay.initial-backoff': '100 ms',
      'restart-strategy.exponential-delay.backoff-multiplier': '2',
      'restart-strategy.exponential-delay.jitter-factor': '0',
    },
  });
  expectAllWell(t, ran);
  const times = ran.job.restarts().map(({ atMs }) => atMs);
  times.reverse();
  const waits = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0));
  for (const [index, waitMs] of waits.entries()) {
    t.true(Math.abs(waitMs - 100 * 2 ** index) < 50, `waits: ${waits.join()}`);
  }
});

test.serial('with checkpoints and no strategy named, the job is restarted', async (t) => {
  const ran = await run({
    environment: simulatedEnvironment({ seed: 5 }),
    failAt: failing(1).failAt,
  });
  expectAllWell(t, ran);
  t.is(ran.job.restarts().length, 1);
});

test.serial('a wrong program is not restarted', async (t) => {
  const ran = await run({
    configuration: FIXED,
    failAt: (point) => {
      if (point === 'map') throw new MillraceError('RESTARTS_SUPPRESSED', 'never again');
    },
  });
  t.deepEqual(ran.job.restarts(), []);
  t.true(ran.error instanceof MillraceError);
});

/** What a job comes to while it recovers. */
const RESTORE_POINTS = faultPoints.filter((point) => point.startsWith('restore.'));

for (const depth of [1, 2, 3]) {
  for (const kind of ['inline', 'simulated'] as const) {
    test.serial(`failures at every point of a recovery, ${depth} deep: ${kind}`, async (t) => {
      for (const [index, point] of RESTORE_POINTS.entries()) {
        await failWithinRecovery(t, { point, depth, kind, seed: 10 * depth + index });
      }
    });
  }
}

interface WithinRecovery {
  readonly point: FaultPoint;
  readonly depth: number;
  readonly kind: 'inline' | 'simulated';
  readonly seed: number;
}

/** A failure of user code, and `depth` more on the way back. */
async function failWithinRecovery(
  t: ExecutionContext,
  { point, depth, kind, seed }: WithinRecovery,
): Promise<void> {
  let [hasFailed, deep] = [false, 0];
  let job: JobClient | undefined;
  const isArmed = (): boolean => (job?.checkpoints().numCompleted ?? 0) >= 2;
  const world: Environment =
    kind === 'simulated' ? simulatedEnvironment({ seed }) : realEnvironment();
  const environment = {
    ...world,
    faultPoint: (at: FaultPoint) => {
      if (at !== point || !hasFailed || deep === depth) return;
      deep++;
      throw new Error(`failure ${deep} at ${at}`);
    },
  };
  const ran = await run({
    environment,
    configuration: { ...FIXED, 'restart-strategy.fixed-delay.attempts': '9' },
    onJob: (started) => {
      job = started;
    },
    pace: (index) => {
      if (hasFailed || index < 800) return 'fast';
      return index < COUNT - 100 || isArmed() ? 'slow' : 'held';
    },
    failAt: (at) => {
      if (at !== 'map' || hasFailed || !isArmed()) return;
      hasFailed = true;
      throw new Error('the first failure');
    },
  });
  // A sink whose last transactions are known to be committed has none to restore.
  const isReached = deep > 0 || point !== 'restore.committables';
  t.true(isReached, `${point} was not reached`);
  t.is(ran.job.restarts().length, 1 + deep, `${point}, seed ${seed}`);
  expectAllWell(t, ran);
}

test.serial(
  'a disk that is full for a while: checkpoints fail, then complete, and nothing is lost',
  async (t) => {
    for (let seed = 1; seed <= 5; seed++) {
      const environment: SimulatedEnvironment = simulatedEnvironment({ seed });
      const { fileSystem, clock } = environment;
      let [completedBefore, completedAfter, failed] = [0, 0, 0];
      let isFree = false;
      const ran = await run({
        environment,
        configuration: {
          'execution.checkpointing.dir': '/checkpoints',
          'execution.checkpointing.interval': '20 ms',
          'execution.checkpointing.tolerable-failed-checkpoints': '100',
        },
        // Slow until the disk has been free for a while.
        pace: (index) => (index < 400 || isFree ? 'fast' : index < COUNT - 100 ? 'slow' : 'held'),
        onJob: (job) => {
          clock.setTimer(100, () => {
            completedBefore = job.checkpoints().numCompleted;
            fileSystem.capacityBytes = fileSystem.usedBytes() + 100;
          });
          clock.setTimer(400, () => {
            failed = job.checkpoints().numFailed;
            completedAfter = job.checkpoints().numCompleted;
            fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
          });
          clock.setTimer(600, () => {
            isFree = true;
          });
        },
      });
      expectAllWell(t, ran);
      t.deepEqual(ran.job.restarts(), [], `seed ${seed}`);
      t.true(completedBefore > 0 && failed > 5, `seed ${seed}: ${completedBefore}, ${failed}`);
      t.true(ran.job.checkpoints().numCompleted > completedAfter, `seed ${seed}`);
    }
  },
);

test.serial('more failed checkpoints than are tolerable set the job back', async (t) => {
  const environment = simulatedEnvironment({ seed: 9 });
  const { fileSystem, clock } = environment;
  const ran = await run({
    environment,
    configuration: {
      ...FIXED,
      'execution.checkpointing.dir': '/checkpoints',
      'execution.checkpointing.interval': '20 ms',
      'execution.checkpointing.tolerable-failed-checkpoints': '2',
      'restart-strategy.fixed-delay.attempts': '100',
      'restart-strategy.fixed-delay.delay': '50 ms',
    },
    pace: (index) => (index < 400 || clock.now() > startMs + 500 ? 'fast' : 'slow'),
    onJob: () => {
      clock.setTimer(100, () => {
        fileSystem.capacityBytes = fileSystem.usedBytes() + 100;
      });
      clock.setTimer(400, () => {
        fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
      });
    },
  });
  expectAllWell(t, ran);
  t.true(ran.job.restarts().length > 0);
  t.regex(ran.job.restarts()[0]?.error.message ?? '', /3 checkpoints in a row have failed/);
});

const startMs = simulatedEnvironment({ seed: 9 }).clock.now();
