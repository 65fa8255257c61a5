/**
 * Starts and stops the program with every kind of state on this thread, its source under the test's
 * control.
 */
import {
  type CheckpointInfo,
  type JobClient,
  StreamExecutionEnvironment,
} from '../../../src/index.ts';
import type { TransactionalStore } from '../../../src/testing/index.ts';
import type { Pace } from './numbered-source.ts';
import { buildStatefulProgram, type StatefulPart } from './stateful-program.ts';

/** Options of {@link startStateful}. */
export interface StatefulJobOptions {
  readonly store: TransactionalStore;
  readonly count: number;
  readonly parallelism: number;
  readonly configuration?: Readonly<Record<string, string>> | undefined;
  readonly parts?: readonly StatefulPart[] | undefined;
  /** The source stands still before that record until `release`. */
  readonly heldFrom?: number | undefined;
  readonly onRecord?: (() => void) | undefined;
  /** Changes the environment before the program is built. */
  readonly change?: ((env: StreamExecutionEnvironment) => void) | undefined;
}

/** A job that runs. */
export interface StatefulJob extends AsyncDisposable {
  readonly job: JobClient;
  release(): void;
  /** Records of the source so far have been processed by everybody. */
  settled(): Promise<void>;
}

/** Starts it. */
export async function startStateful(options: StatefulJobOptions): Promise<StatefulJob> {
  const { parallelism, configuration = {}, heldFrom = Number.POSITIVE_INFINITY } = options;
  let isReleased = false;
  const pace = (index: number): Pace => (isReleased || index < heldFrom ? 'fast' : 'held');
  const env = StreamExecutionEnvironment.create({
    parallelism,
    maxParallelism: 128,
    configuration: { 'pipeline.auto-watermark-interval': '5 ms', ...configuration },
  });
  options.change?.(env);
  buildStatefulProgram(env, { ...options, pace });
  const job = await env.executeAsync('stateful');
  return {
    job,
    release: () => {
      isReleased = true;
    },
    settled: () => settled(job),
    [Symbol.asyncDispose]: () => env[Symbol.asyncDispose](),
  };
}

/** Until the numbers of all operators stand still. */
async function settled(job: JobClient): Promise<void> {
  let before = '';
  for (let quiet = 0; quiet < 4; ) {
    await new Promise((resolve) => setTimeout(resolve, 15));
    const now = JSON.stringify(job.metrics().vertices.map(({ operators }) => operators));
    const isRunning = job.status() === 'running' && job.metrics().numRecordsInTotal > 0;
    quiet = isRunning && now === before ? quiet + 1 : 0;
    before = now;
    if (job.status() === 'failed') await job.getJobExecutionResult();
  }
}

/** Starts a job, lets it read up to a record, and stops it with a savepoint. */
export async function stopped(
  options: StatefulJobOptions,
  stop: Parameters<JobClient['stopWithSavepoint']>[0],
): Promise<CheckpointInfo> {
  await using running = await startStateful(options);
  await running.settled();
  const info = await running.job.stopWithSavepoint(stop);
  await running.job.getJobExecutionResult();
  return info;
}
