/** A JobClient whose every answer is set by a test. */
import { MillraceError } from '../../base/errors.ts';
import type {
  CheckpointInfo,
  CheckpointStatistics,
  JobClient,
  JobExecutionResult,
  JobMetrics,
  JobStatus,
  SavepointOptions,
  StopOptions,
} from '../../graph/job-client.ts';

const NO_CHECKPOINTS: CheckpointStatistics = {
  numCompleted: 0,
  numFailed: 0,
  numInProgress: 0,
  meanDurationMs: 0,
  maxDurationMs: 0,
  totalBytes: 0,
  restored: undefined,
  history: [],
  failures: [],
};

const METRICS: JobMetrics = {
  numRecordsInTotal: 1234,
  vertices: [
    {
      name: 'Source: n -> map',
      parallelism: 2,
      currentWatermark: Number.NEGATIVE_INFINITY,
      busyRatio: 0.5,
      backPressuredRatio: 0.25,
      numShapeMisfits: 0,
      operators: [
        operator('Source: n', 1234, 1234),
        { ...operator('map', 1234, 1200), counters: { odd: 7 } },
      ],
    },
  ],
};

function operator(
  name: string,
  numRecordsIn: number,
  numRecordsOut: number,
): JobMetrics['vertices'][number]['operators'][number] {
  return {
    name,
    kind: 'map',
    operatorId: 'ab',
    numRecordsIn,
    numRecordsOut,
    numLateRecordsDropped: 0,
    numLateRecordsSideOutput: 0,
    numDeadLetters: 0,
    counters: {},
  };
}

/** A completed checkpoint. */
export function checkpointInfo(options: Partial<CheckpointInfo> = {}): CheckpointInfo {
  return {
    checkpointId: 1,
    kind: 'checkpoint',
    path: '/ckpt/job/chk-1',
    triggeredMs: 1000,
    durationMs: 20,
    bytes: 300,
    fullBytes: 4000,
    alignmentMs: 2,
    syncMs: 1,
    longestSliceMs: 1,
    isFinal: false,
    ...options,
  };
}

/** See the file's head. Savepoints succeed unless `savepointError` is set. */
export class ScriptedJob implements JobClient {
  readonly jobId: string;
  readonly jobName: string;
  readonly calls: { readonly name: string; readonly options: unknown }[] = [];
  statusNow: JobStatus = 'running';
  statistics: CheckpointStatistics = NO_CHECKPOINTS;
  failures: readonly { readonly atMs: number; readonly error: Error }[] = [];
  savepointError: Error | undefined;
  /** What savepoints wait for. */
  until: Promise<void> = Promise.resolve();
  /** Called when the job ends. */
  onEnd: (() => void) | undefined;

  constructor(jobId = '0190000000000123456789abcdef0123', jobName = 'orders') {
    this.jobId = jobId;
    this.jobName = jobName;
  }

  status(): JobStatus {
    return this.statusNow;
  }

  metrics(): JobMetrics {
    return METRICS;
  }

  checkpoints(): CheckpointStatistics {
    return this.statistics;
  }

  restarts(): readonly { readonly atMs: number; readonly error: Error }[] {
    return this.failures;
  }

  async triggerCheckpoint(): Promise<CheckpointInfo> {
    this.calls.push({ name: 'checkpoint', options: undefined });
    await this.until;
    return checkpointInfo();
  }

  async triggerSavepoint(options?: SavepointOptions): Promise<CheckpointInfo> {
    this.calls.push({ name: 'savepoint', options });
    return this.#savepoint(options);
  }

  async stopWithSavepoint(options?: StopOptions): Promise<CheckpointInfo> {
    this.calls.push({ name: 'stop', options });
    const savepoint = await this.#savepoint(options);
    this.#end('finished');
    return savepoint;
  }

  async cancel(): Promise<void> {
    this.calls.push({ name: 'cancel', options: undefined });
    this.statusNow = 'canceling';
    await this.until;
    this.#end('canceled');
  }

  getJobExecutionResult(): Promise<JobExecutionResult> {
    return Promise.reject(new MillraceError('JOB_CANCELED', 'scripted'));
  }

  collected(): AsyncIterableIterator<unknown> {
    throw new MillraceError('ILLEGAL_ARGUMENT', 'a scripted job collects nothing');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cancel();
  }

  async #savepoint(options: SavepointOptions | undefined): Promise<CheckpointInfo> {
    await this.until;
    if (this.savepointError !== undefined) throw this.savepointError;
    const path = `${options?.directory ?? '/savepoints'}/savepoint-1`;
    return checkpointInfo({ kind: 'savepoint', path });
  }

  #end(status: JobStatus): void {
    this.statusNow = status;
    this.onEnd?.();
  }
}
