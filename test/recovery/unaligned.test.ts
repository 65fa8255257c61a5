/** Unaligned checkpoints of jobs whose channels are full: exactly once all the same, and soon complete. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { FileSystem } from '../../src/base/environment.ts';
import { type ExecutorName, type JobClient, StreamExecutionEnvironment } from '../../src/index.ts';
import { realEnvironment } from '../../src/base/real-environment.ts';
import {
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
          ...{ shape, parallelism, alignedTimeoutMs, executor: 'inline', seed: 0 },
          ...{ count: 40_000, failures: 3 },
        }),
    );
  }
  test.serial(`${shape}, crashed and restored: simulated`, async (t) => {
    for (let seed = 1; seed <= 8 * soakFactor; seed++) {
      await crashAndRestore(t, {
        ...{
          shape,
          parallelism: [1, 2, 4, 5][seed % 4] ?? 1,
          alignedTimeoutMs: seed % 2 === 0 ? 0 : 25,
        },
        ...{ executor: 'simulated', seed, count: 12_000, failures: 3 },
      });
    }
  });
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
  let job: JobClient | undefined;
  let happened = 0;
  let inFlight = 0;
  let failAtCheckpoints = 3;
  const isArmed = (): boolean => (job?.checkpoints().numCompleted ?? 0) >= failAtCheckpoints;
  buildPressedProgram(env, {
    ...{ shape, count, store },
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
  job = await env.executeAsync(`${shape} ${run.seed}`);
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
