/**
 * What a started job looks like to the program that started it, and how executors are found by
 * name.
 */
import type { Environment } from '../base/environment.ts';
import { MillraceError } from '../base/errors.ts';
import type { ExecutorName } from './configuration.ts';
import type { JobGraph } from './job-graph.ts';
import type { OperatorSpec } from './operator-spec.ts';

/** A job's life. */
export type JobStatus =
  | 'created'
  | 'running'
  | 'restarting'
  | 'finished'
  | 'canceling'
  | 'canceled'
  | 'failed';

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

/** A completed checkpoint or savepoint. */
export interface CheckpointInfo {
  readonly checkpointId: number;
  readonly kind: 'checkpoint' | 'savepoint';
  /** Where it lies: what `--from` takes. */
  readonly path: string;
  /** Epoch ms. */
  readonly triggeredMs: number;
  /** From the trigger to the moment at which it counted. */
  readonly durationMs: number;
  /** Bytes that it wrote. */
  readonly bytes: number;
  /** Bytes of all that it names. */
  readonly fullBytes: number;
  /**
   * The longest of its subtasks', ms: barrier to barrier; with records standing still; any one
   * slice on a task's thread.
   */
  readonly alignmentMs: number;
  readonly syncMs: number;
  readonly longestSliceMs: number;
  /** The last one of a job that has read all of its input. */
  readonly isFinal: boolean;
}

/** How a job's checkpoints went. */
export interface CheckpointStatistics {
  readonly numCompleted: number;
  readonly numFailed: number;
  readonly numInProgress: number;
  readonly meanDurationMs: number;
  readonly maxDurationMs: number;
  readonly totalBytes: number;
  /** What the job started from, and went back to last after a failure. */
  readonly restored: CheckpointInfo | undefined;
  /** The last ones, newest first. */
  readonly history: readonly CheckpointInfo[];
  /** The last ones that failed, newest first. */
  readonly failures: readonly { readonly checkpointId: number; readonly reason: string }[];
}

/** How a savepoint is taken. */
export interface SavepointOptions {
  /** Its folder is made below this one; `execution.checkpointing.savepoint-dir` if left out. */
  readonly directory?: string | undefined;
  /**
   * `canonical` (any backend, any parallelism, schema evolution; the default) or `native` (fast).
   */
  readonly format?: 'canonical' | 'native' | undefined;
}

/** How a job is stopped with a savepoint. */
export interface StopOptions extends SavepointOptions {
  /**
   * Whether event time goes to its end first, so that all windows and timers fire: the job is over,
   * for good.
   */
  readonly drain?: boolean | undefined;
}

/** What a finished job leaves. */
export interface JobExecutionResult {
  readonly jobId: string;
  readonly jobName: string;
  /** From the start of the first task to the end of the last, in ms. */
  readonly netRuntimeMs: number;
  readonly metrics: JobMetrics;
  readonly checkpoints: CheckpointStatistics;
}

/** A started job. Disposing cancels it if it still runs and waits until nothing of it is left. */
export interface JobClient extends AsyncDisposable {
  readonly jobId: string;
  readonly jobName: string;
  status(): JobStatus;
  metrics(): JobMetrics;
  /** How checkpoints went so far. */
  checkpoints(): CheckpointStatistics;
  /** How often the job was restarted after a failure, and why, newest first. */
  restarts(): readonly { readonly atMs: number; readonly error: Error }[];
  /** Takes a checkpoint now; resolves when it is complete. */
  triggerCheckpoint(): Promise<CheckpointInfo>;
  /**
   * Takes a savepoint; the job goes on.
   *
   * @throws SAVEPOINT_FAILED (rejects): the job runs on
   */
  triggerSavepoint(options?: SavepointOptions): Promise<CheckpointInfo>;
  /**
   * Stops the sources, takes a savepoint, commits, ends the job; if the savepoint fails the job
   * runs on.
   */
  stopWithSavepoint(options?: StopOptions): Promise<CheckpointInfo>;
  /** Stops everything; resolves when no thread, timer or file of the job is left. */
  cancel(): Promise<void>;
  /** Resolves when the job has finished; rejects with JOB_FAILED's first cause, or JOB_CANCELED. */
  getJobExecutionResult(): Promise<JobExecutionResult>;
  /**
   * The records of `collectAsync(name)`, in the order of arrival, with backpressure on the job. One
   * reader per name; leaving the loop early discards the rest.
   */
  collected(name: string): AsyncIterableIterator<unknown>;
}

/** What an executor is given besides the graph. */
export interface ExecutionRequest {
  readonly graph: JobGraph;
  readonly environment: Environment;
  /** For `workers`: the module that every thread imports, and what its default export gets. */
  readonly module: JobModule | undefined;
  /**
   * Whether to go on with the newest job of the checkpoint directory, under its id; with none
   * there, the job starts anew. If that job has finished, there is nothing to run: JOB_FINISHED.
   */
  readonly resume?: boolean | undefined;
  /**
   * Told of what ends nothing but should be known: a damaged checkpoint that was passed over, an
   * operator that stalls.
   */
  readonly onWarning?: ((warning: Error) => void) | undefined;
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
