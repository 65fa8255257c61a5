/**
 * A started job as its program sees it, the same for every executor: status, metrics, result,
 * collected records, cancel.
 *
 * Invariants:
 * 1. The result promise settles only after the runner has let go of everything: threads, timers,
 *    files.
 * 2. The first failure is the job's; what fails while it is torn down does not replace it.
 * 3. Collected records end (or throw) after the last record, when the job has ended.
 */
import type { Environment } from '../base/environment.ts';
import { MillraceError } from '../base/errors.ts';
import { newJobId } from '../base/ids.ts';
import type {
  CheckpointInfo,
  CheckpointStatistics,
  ExecutionRequest,
  JobClient,
  JobExecutionResult,
  JobMetrics,
  JobStatus,
  SavepointOptions,
  StopOptions,
} from '../graph/job-client.ts';
import type { JobGraph } from '../graph/job-graph.ts';
import { allocateMetrics, type MetricsLayout } from '../metrics/metrics-layout.ts';
import { CollectBuffer } from './collect-buffer.ts';
import type { JobExecution } from './job-runner.ts';
import { resumedJob } from './resumed-job.ts';
import { JobMaster, type Restart } from './job-master.ts';
import { JobMetricsView, metricsLayoutOf } from './job-metrics.ts';

/** See the file's head. */
export class JobHandle implements JobClient {
  readonly jobId: string;
  readonly jobName: string;
  readonly metricsLayout: MetricsLayout;
  readonly metricsBuffer: ArrayBufferLike;
  readonly #environment: Environment;
  readonly #metrics: JobMetricsView;
  readonly #collected = new Map<string, CollectBuffer>();
  #status: JobStatus = 'created';
  readonly #master: JobMaster;
  readonly #isFinishedBefore: boolean;
  #result: Promise<JobExecutionResult>;

  constructor(request: ExecutionRequest, makeExecution: (job: JobHandle) => JobExecution) {
    const { graph, environment } = request;
    const resumed = resumedJob(request);
    this.#isFinishedBefore = resumed?.isFinished === true;
    this.jobId = resumed?.jobId ?? newJobId(environment);
    this.jobName = graph.jobName;
    this.#environment = environment;
    this.metricsLayout = metricsLayoutOf(graph);
    this.metricsBuffer = allocateMetrics(this.metricsLayout, true);
    this.#metrics = new JobMetricsView(graph, this.metricsLayout, this.metricsBuffer);
    for (const name of collectNames(graph)) {
      this.#collected.set(name, new CollectBuffer(() => this.#master.wake()));
    }
    this.#master = new JobMaster({
      request,
      jobId: this.jobId,
      execution: makeExecution(this),
      onStatus: (status) => {
        if (this.#status === 'running' || this.#status === 'restarting') this.#status = status;
      },
    });
    this.#result = this.#run();
    // Whoever never asks for the result must not bring the process down with an unhandled rejection.
    this.#result.catch(() => undefined);
  }

  status(): JobStatus {
    return this.#status;
  }

  metrics(): JobMetrics {
    return this.#metrics.read();
  }

  checkpoints(): CheckpointStatistics {
    return this.#master.statistics() ?? NO_CHECKPOINTS;
  }

  restarts(): readonly Restart[] {
    return this.#master.restarts;
  }

  triggerCheckpoint(): Promise<CheckpointInfo> {
    return this.#master.triggerCheckpoint();
  }

  triggerSavepoint(options: SavepointOptions = {}): Promise<CheckpointInfo> {
    return this.#master.triggerSavepoint(options);
  }

  stopWithSavepoint(options: StopOptions = {}): Promise<CheckpointInfo> {
    return this.#master.stopWithSavepoint(options);
  }

  async cancel(): Promise<void> {
    if (CANCELABLE.has(this.#status)) {
      this.#status = 'canceling';
      for (const buffer of this.#collected.values()) buffer.discard();
      this.#master.cancel();
    }
    await this.#result.catch(() => undefined);
  }

  getJobExecutionResult(): Promise<JobExecutionResult> {
    return this.#result;
  }

  collected(name: string): AsyncIterableIterator<unknown> {
    return this.collectBuffer(name);
  }

  /** Whether records wait for a program that has not read them, and hold the job back. */
  isReaderAwaited(): boolean {
    return [...this.#collected.values()].some((buffer) => !buffer.hasCredit());
  }

  /** Where the runner puts the records of `collectAsync(name)`. */
  collectBuffer(name: string): CollectBuffer {
    const buffer = this.#collected.get(name);
    if (buffer !== undefined) return buffer;
    const known = [...this.#collected.keys()].map((each) => `'${each}'`).join(', ') || 'none';
    throw new MillraceError(
      'ILLEGAL_ARGUMENT',
      `the job collects no records under '${name}'; it has ${known}: name them with collectAsync(name)`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cancel();
  }

  async #run(): Promise<JobExecutionResult> {
    // The program that starts the job gets its handle first.
    await Promise.resolve();
    const { clock } = this.#environment;
    const startMs = clock.monotonicMs();
    try {
      if (this.#status === 'canceling') throw this.#canceledError();
      if (this.#isFinishedBefore) throw this.#finishedBefore();
      this.#status = 'running';
      const finished = await this.#master.run();
      if (!finished) throw this.#canceledError();
      this.#status = 'finished';
      this.#endCollected(undefined);
      const { jobId, jobName } = this;
      return {
        jobId,
        jobName,
        netRuntimeMs: clock.monotonicMs() - startMs,
        metrics: this.metrics(),
        checkpoints: this.checkpoints(),
      };
    } catch (error) {
      const canceled = this.#statusNow() === 'canceling';
      this.#status = canceled ? 'canceled' : 'failed';
      this.#endCollected(canceled ? undefined : { error });
      throw canceled ? this.#canceledError() : error;
    }
  }

  /** The status may have changed while awaiting. */
  #statusNow(): JobStatus {
    return this.#status;
  }

  #endCollected(failure: { readonly error: unknown } | undefined): void {
    for (const buffer of this.#collected.values()) buffer.end(failure);
  }

  #finishedBefore(): MillraceError {
    return new MillraceError(
      'JOB_FINISHED',
      `job '${this.jobName}' (${this.jobId}) has finished already: there is nothing to go on with`,
    );
  }

  #canceledError(): MillraceError {
    return new MillraceError('JOB_CANCELED', `job '${this.jobName}' (${this.jobId}) was canceled`);
  }
}

const CANCELABLE: ReadonlySet<JobStatus> = new Set(['created', 'running', 'restarting']);

const NO_CHECKPOINTS: CheckpointStatistics = Object.freeze({
  numCompleted: 0,
  numFailed: 0,
  numInProgress: 0,
  meanDurationMs: 0,
  maxDurationMs: 0,
  totalBytes: 0,
  restored: undefined,
  history: [],
  failures: [],
});

function collectNames(graph: JobGraph): string[] {
  const names: string[] = [];
  for (const vertex of graph.vertices) {
    for (const { spec } of vertex.nodes) if (spec.kind === 'collect') names.push(spec.collectName);
  }
  return names;
}
