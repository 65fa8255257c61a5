/**
 * User code throws once, at every point of its life, in programs of every shape and parallelism:
 * the job restarts from its last checkpoint, and what its sink has committed in the end is what a
 * run without failure would have.
 *
 * A part of all combinations is run; all of them in the long tests (MILLRACE_SOAK_FACTOR above 1).
 */
import test, { type ExecutionContext } from 'ava';
import { type JobClient, StreamExecutionEnvironment } from '../../src/index.ts';
import { memoryTransactionalStore, simulatedEnvironment } from '../../src/testing/index.ts';
import { soakFactor } from '../soak-factor.ts';
import { ALL_WELL, tally } from './kit/exactly-once.ts';
import {
  buildFailingProgram,
  expectedResults,
  isKeyed,
  type Point,
  POINTS,
  type Shape,
  SHAPES,
} from './kit/failing-program.ts';
import { KEYS, type Pace } from './kit/numbered-source.ts';

const COUNT = 1600;
/** From here on sources are slow until the failure has happened. */
const SLOW_FROM = 800;
const PARALLELISMS = [1, 2, 8, 20];
const EXECUTORS = ['inline', 'simulated'] as const;

/** Points that records lead to. */
const BY_RECORD: ReadonlySet<Point> = new Set(['map', 'process', 'timer', 'restore']);

interface Case {
  readonly shape: Shape;
  readonly point: Point;
  readonly parallelism: number;
  readonly executor: (typeof EXECUTORS)[number];
}

const ALL: Case[] = SHAPES.flatMap((shape) =>
  POINTS.flatMap((point) =>
    PARALLELISMS.flatMap((parallelism) =>
      EXECUTORS.map((executor) => ({ shape, point, parallelism, executor })),
    ),
  ),
).filter(({ shape, point }) => point !== 'timer' || isKeyed(shape));

/** Of each shape and point two parallelisms; each of these pairs comes with either executor. */
const CASES = soakFactor > 1 ? ALL : ALL.filter((_, index) => (index + (index >> 3)) % 4 === 0);

for (const [index, each] of CASES.entries()) {
  const { shape, point, parallelism, executor } = each;
  test.serial(`${shape}, fails in ${point}, parallelism ${parallelism}, ${executor}`, (t) =>
    run(t, each, index),
  );
}

async function run(t: ExecutionContext, each: Case, seed: number): Promise<void> {
  const { shape, point, parallelism, executor } = each;
  const store = memoryTransactionalStore();
  const failures = new Failures(each);
  await using env = StreamExecutionEnvironment.create({
    parallelism,
    executor,
    ...(executor === 'simulated' ? { environment: simulatedEnvironment({ seed }) } : {}),
    configuration: {
      'execution.checkpointing.interval': '5 ms',
      'pipeline.auto-watermark-interval': '5 ms',
      'restart-strategy.type': 'fixed-delay',
      'restart-strategy.fixed-delay.attempts': '3',
      'restart-strategy.fixed-delay.delay': '1 ms',
    },
  });
  buildFailingProgram(env, {
    shape,
    count: COUNT,
    store,
    failAt: (at) => failures.at(at),
    pace: (index) => failures.pace(index),
  });
  const job = await env.executeAsync(`${shape} ${point}`);
  failures.job = job;
  await job.getJobExecutionResult();
  t.is(job.restarts().length, failures.happened, 'restarts');
  t.is(failures.happened, point === 'restore' ? 2 : 1, 'failures');
  t.deepEqual(store.violations(), []);
  t.deepEqual(tally(store.committedValues(), expectedResults(shape, COUNT)), ALL_WELL);
}

/** Fails at one point, once, and for `restore` in the map before it. */
class Failures {
  readonly #case: Case;
  job: JobClient | undefined;
  happened = 0;

  constructor(each: Case) {
    this.#case = each;
  }

  /** The last records come when the failure has happened or can happen. */
  pace(index: number): Pace {
    const { point } = this.#case;
    if (index < SLOW_FROM || point === 'close' || point === 'open') return 'fast';
    if (this.happened === (point === 'restore' ? 2 : 1)) return 'fast';
    if (index < COUNT - KEYS) return 'slow';
    return this.#isArmed && BY_RECORD.has(point) ? 'slow' : 'held';
  }

  /** There is something to go back to. */
  get #isArmed(): boolean {
    return (this.job?.checkpoints().numCompleted ?? 0) >= 2;
  }

  at(at: Point): void {
    const { point } = this.#case;
    const isRestore = point === 'restore';
    if (isRestore && this.happened === 0 ? at !== 'map' : at !== point) return;
    if (this.happened === (isRestore ? 2 : 1)) return;
    // What is closed at the end has its last checkpoint behind it.
    const completed = this.job?.checkpoints().numCompleted ?? 0;
    if (point === 'close' ? completed === 0 : point !== 'open' && !this.#isArmed) return;
    this.happened++;
    throw new Error(`failed in ${at}`);
  }
}
