/**
 * Unaligned checkpoints of jobs whose channels are full: exactly once all the same, and soon
 * complete.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { FileSystem } from '../../src/base/environment.ts';
import {
  type CheckpointInfo,
  executeJobModule,
  type ExecutorName,
  type JobClient,
  StreamExecutionEnvironment,
} from '../../src/index.ts';
import { realEnvironment } from '../../src/base/real-environment.ts';
import {
  fileTransactionalStore,
  memoryTransactionalStore,
  simulatedEnvironment,
  type TransactionalStore,
} from '../../src/testing/index.ts';
import { soakFactor } from '../soak-factor.ts';
import { ALL_WELL, tally } from './kit/exactly-once.ts';
import { KEYS } from './kit/numbered-source.ts';
import { buildPressedProgram, pressedResults, type PressedShape } from './kit/pressed-program.ts';

const SHAPES: readonly PressedShape[] = ['keyed', 'skewed', 'both inputs'];

interface Run {
  readonly shape: PressedShape;
  readonly executor: ExecutorName;
  readonly parallelism: number;
  readonly seed: number;
  readonly count: number;
  readonly alignedTimeoutMs: number;
  readonly failures: number;
}

for (const shape of SHAPES) {
  for (const [parallelism, alignedTimeoutMs] of [
    [1, 0],
    [2, 0],
    [4, 30],
  ] as const) {
    test.serial(
      `${shape}, crashed and restored: inline ${parallelism}, timeout ${alignedTimeoutMs}`,
      (t) =>
        crashAndRestore(t, {
          shape,
          parallelism,
          alignedTimeoutMs,
          executor: 'inline',
          seed: 0,
          count: 40_000,
          failures: 3,
        }),
    );
  }
  test.serial(`${shape}, crashed and restored: simulated`, async (t) => {
    for (let seed = 1; seed <= 6 * soakFactor; seed++) {
      await crashAndRestore(t, {
        shape,
        parallelism: [1, 2, 4, 5][seed % 4] ?? 1,
        alignedTimeoutMs: seed % 2 === 0 ? 0 : 25,
        executor: 'simulated',
        seed,
        count: 12_000,
        failures: 3,
      });
    }
  });
}

for (const [before, after] of [
  [2, 1],
  [2, 2],
  [1, 4],
  [4, 2],
] as const) {
  test.serial(`records in flight go to another parallelism: ${before} to ${after}`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-rescaled-'));
    const count = 24_000;
    const run = { folder, count, executor: 'inline', shape: 'both inputs' } as const;
    const { path } = await unfinished({ ...run, parallelism: before, restMs: 40 });
    t.true(inFlightFiles(realEnvironment().fileSystem, folder) > 0, 'nothing was in flight');
    await using job = await start({ ...run, parallelism: after, restMs: 0, restorePath: path });
    await job.getJobExecutionResult();
    const store = fileTransactionalStore(realEnvironment(), `${folder}/store`);
    t.deepEqual(store.violations(), []);
    // Several processes' logs have no order; that of a key shows in its counts.
    t.deepEqual(tally(store.committedValues(), pressedResults(run), false), ALL_WELL);
    rmSync(folder, { recursive: true, force: true });
  });
}

test.serial(
  'on threads: an unaligned checkpoint is soon complete, an aligned one is not',
  async (t) => {
    for (const isUnaligned of [true, false]) {
      const folder = mkdtempSync(join(tmpdir(), 'millrace-soon-'));
      await using job = await start({
        folder,
        shape: 'keyed',
        executor: 'workers',
        parallelism: 2,
        restMs: 250,
        count: 400_000,
        isUnaligned,
        intervalMs: 3_600_000,
      });
      await untilPressed(job);
      const startMs = performance.now();
      const outcome = await Promise.race([
        job.triggerCheckpoint().catch(() => 'failed'),
        sleep(2500, 'too slow'),
      ]);
      t.log(
        `${isUnaligned ? 'unaligned' : 'aligned'}: ${Math.round(performance.now() - startMs)} ms`,
      );
      t.is(outcome === 'too slow', !isUnaligned, JSON.stringify(outcome));
      await job.cancel();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

test.serial(
  'on threads: canceled under backpressure, started from an unaligned checkpoint',
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-threads-'));
    const run = {
      folder,
      count: 100_000,
      executor: 'workers',
      shape: 'keyed',
      parallelism: 2,
    } as const;
    const { path } = await unfinished({ ...run, restMs: 60 });
    t.true(inFlightFiles(realEnvironment().fileSystem, folder) > 0, 'nothing was in flight');
    await using job = await start({ ...run, restMs: 0, restorePath: path });
    await job.getJobExecutionResult();
    const store = fileTransactionalStore(realEnvironment(), `${folder}/store`);
    t.deepEqual(store.violations(), []);
    t.deepEqual(tally(store.committedValues(), pressedResults(run), false), ALL_WELL);
    rmSync(folder, { recursive: true, force: true });
  },
);

interface Start {
  readonly folder: string;
  readonly shape: PressedShape;
  readonly executor: ExecutorName;
  readonly parallelism: number;
  readonly count: number;
  readonly restMs: number;
  readonly isUnaligned?: boolean;
  readonly intervalMs?: number;
  readonly restorePath?: string;
}

function start(options: Start): Promise<JobClient> {
  const { folder, shape, executor, parallelism, count, restMs, restorePath } = options;
  const { isUnaligned = true, intervalMs = 50 } = options;
  return executeJobModule(new URL('pressed.test-job.ts', import.meta.url), {
    executor,
    parallelism,
    args: [`${folder}/store`, shape, String(count), String(restMs), `${folder}/end`],
    configuration: {
      'pipeline.max-parallelism': '128',
      'execution.checkpointing.dir': `${folder}/checkpoints`,
      'execution.checkpointing.interval': `${intervalMs} ms`,
      'execution.checkpointing.unaligned.enabled': String(isUnaligned),
      ...(restorePath !== undefined && { 'execution.state-recovery.path': restorePath }),
    },
  });
}

/** Cancels a job in full swing; its last checkpoint. */
async function unfinished(options: Start): Promise<CheckpointInfo> {
  await using job = await start(options);
  await untilPressed(job);
  const { numCompleted } = job.checkpoints();
  while (job.checkpoints().numCompleted < numCompleted + 3) await sleep(20);
  await job.cancel();
  const [last] = job.checkpoints().history;
  if (last === undefined) throw new Error('no checkpoint is complete');
  return last;
}

async function untilPressed(job: JobClient): Promise<void> {
  const read = (): number => job.metrics().vertices[0]?.operators[0]?.numRecordsOut ?? 0;
  for (let before = -1; before !== read() || before === 0; await sleep(150)) before = read();
}

async function crashAndRestore(t: ExecutionContext, run: Run): Promise<void> {
  const { shape, executor, parallelism, count } = run;
  const store = memoryTransactionalStore();
  const folder = mkdtempSync(join(tmpdir(), 'millrace-unaligned-'));
  const environment =
    executor === 'simulated' ? simulatedEnvironment({ seed: run.seed }) : realEnvironment();
  await using env = StreamExecutionEnvironment.create({
    parallelism,
    executor,
    environment,
    configuration: {
      'execution.checkpointing.dir': folder,
      'execution.checkpointing.interval': '20 ms',
      'execution.checkpointing.unaligned.enabled': 'true',
      'execution.checkpointing.aligned-checkpoint-timeout': `${run.alignedTimeoutMs} ms`,
      'taskmanager.memory.ring-size': '32768',
      'restart-strategy.type': 'fixed-delay',
      'restart-strategy.fixed-delay.attempts': '10',
      'restart-strategy.fixed-delay.delay': '1 ms',
    },
  });
  const running: { job?: JobClient } = {};
  let happened = 0;
  let inFlight = 0;
  let failAtCheckpoints = 3;
  const isArmed = (): boolean =>
    (running.job?.checkpoints().numCompleted ?? 0) >= failAtCheckpoints;
  buildPressedProgram(env, {
    shape,
    count,
    store,
    restMs: () => (happened < run.failures ? 40 : 0),
    // The last records come when the failures have happened or can happen.
    pace: (index) => {
      if (happened === run.failures || index < count / 2) return 'fast';
      return index < count - KEYS || isArmed() ? 'slow' : 'held';
    },
    onRecord: () => {
      if (happened === run.failures || !isArmed()) return;
      inFlight += inFlightFiles(environment.fileSystem, folder);
      happened++;
      failAtCheckpoints += 3;
      throw new Error('a crash');
    },
  });
  const job = await env.executeAsync(`${shape} ${run.seed}`);
  running.job = job;
  await job.getJobExecutionResult();
  t.is(happened, run.failures, `seed ${run.seed}`);
  t.is(job.restarts().length, run.failures, `seed ${run.seed}`);
  // A single chain has no channels to speak of.
  if (parallelism > 1) t.true(inFlight > 0, `seed ${run.seed}: nothing was in flight`);
  expectAllWell(t, store, run);
  rmSync(folder, { recursive: true, force: true });
}

function expectAllWell(t: ExecutionContext, store: TransactionalStore, run: Run): void {
  t.deepEqual(store.violations(), [], `seed ${run.seed}`);
  t.deepEqual(
    tally(store.committedValues(), pressedResults(run)),
    ALL_WELL,
    `seed ${run.seed}, parallelism ${run.parallelism}`,
  );
}

/** Files with records in flight below a folder. */
function inFlightFiles(fileSystem: FileSystem, path: string): number {
  let files = 0;
  for (const name of fileSystem.list(path)) {
    const below = `${path}/${name}`;
    if (name.includes('in-flight')) files++;
    else if (fileSystem.stat(below)?.kind === 'directory')
      files += inFlightFiles(fileSystem, below);
  }
  return files;
}
