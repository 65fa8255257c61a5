/** What a started job looks like to the program that started it, and how executors are found by name. */
import type { Environment } from '../base/environment.ts';
import { MillraceError } from '../base/errors.ts';
import type { ExecutorName } from './configuration.ts';
import type { JobGraph } from './job-graph.ts';
import type { OperatorSpec } from './operator-spec.ts';

/** A job's life. */
export type JobStatus = 'created' | 'running' | 'finished' | 'canceling' | 'canceled' | 'failed';

/** Figures of one operator's subtask, or summed over an operator's subtasks. */
export interface OperatorMetrics {
  readonly name: string;
  /** What it is: `source`, `map`, `window`, `sink` … */
  readonly kind: OperatorSpec['kind'];
  readonly operatorId: string;
  readonly numRecordsIn: number;
  readonly numRecordsOut: number;
  readonly numLateRecordsDropped: number;
  /** Records that went to the late-data side output. */
  readonly numLateRecordsSideOutput: number;
  readonly numDeadLetters: number;
  /** The user's counters by name. */
  readonly counters: Readonly<Record<string, number>>;
}

/** Figures of one vertex. */
export interface VertexMetrics {
  readonly name: string;
  readonly parallelism: number;
  /** The smallest watermark of its subtasks; -Infinity before the first. */
  readonly currentWatermark: number;
  /** Shares of the last interval, 0 to 1, mean over subtasks. */
  readonly busyRatio: number;
  readonly backPressuredRatio: number;
  /** Values outside the captured shape, that travelled by MessagePack. */
  readonly numShapeMisfits: number;
  readonly operators: readonly OperatorMetrics[];
}

/** A consistent-enough look at a running job: counters may be a batch behind. */
export interface JobMetrics {
  readonly vertices: readonly VertexMetrics[];
  /** Records emitted by all sources so far. */
  readonly numRecordsInTotal: number;
}

/** What a finished job leaves. */
export interface JobExecutionResult {
  readonly jobId: string;
  readonly jobName: string;
  /** From the start of the first task to the end of the last, in ms. */
  readonly netRuntimeMs: number;
  readonly metrics: JobMetrics;
}

/** A started job. Disposing cancels it if it still runs and waits until nothing of it is left. */
export interface JobClient extends AsyncDisposable {
  readonly jobId: string;
  readonly jobName: string;
  status(): JobStatus;
  metrics(): JobMetrics;
  /** Stops everything; resolves when no thread, timer or file of the job is left. */
  cancel(): Promise<void>;
  /** Resolves when the job has finished; rejects with JOB_FAILED's first cause, or JOB_CANCELED. */
  getJobExecutionResult(): Promise<JobExecutionResult>;
  /**
   * The records of `collectAsync(name)`, in the order of arrival, with backpressure on the job. One reader per name; leaving the
   * loop early discards the rest.
   */
  collected(name: string): AsyncIterableIterator<unknown>;
}

/** What an executor is given besides the graph. */
export interface ExecutionRequest {
  readonly graph: JobGraph;
  readonly environment: Environment;
  /** For `workers`: the module that every thread imports, and what its default export gets. */
  readonly module: JobModule | undefined;
}

/** A job module and its arguments. */
export interface JobModule {
  /** A file URL. */
  readonly url: string;
  readonly args: readonly string[];
}

/** Runs job graphs. */
export interface JobExecutor {
  execute(request: ExecutionRequest): JobClient;
}

const executors = new Map<ExecutorName, JobExecutor>();

/** Makes an executor known; the composition roots call it. */
export function registerJobExecutor(name: ExecutorName, executor: JobExecutor): void {
  executors.set(name, executor);
}

/** The executor of that name. */
export function jobExecutor(name: ExecutorName): JobExecutor {
  const executor = executors.get(name);
  if (executor !== undefined) return executor;
  const known = [...executors.keys()].join(', ');
  throw new MillraceError(
    'CONFIG_INVALID',
    `there is no executor '${name}' in this entry point; it has ${known}`,
  );
}
