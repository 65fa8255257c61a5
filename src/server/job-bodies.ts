/** From a running job's figures to the JSON of the door. */
import type {
  CheckpointInfo,
  CheckpointStatistics,
  JobClient,
  JobStatus,
  OperatorMetrics,
  VertexMetrics,
} from '../graph/job-client.ts';
import type {
  CheckpointBody,
  CheckpointsBody,
  ExceptionsBody,
  FailedCheckpointBody,
  FailureBody,
  JobBody,
  JobSummary,
  MetricBody,
  MetricsBody,
  RestJobStatus,
  VertexBody,
} from './routes.ts';

const STATUS: Readonly<Record<JobStatus, RestJobStatus>> = {
  created: 'CREATED',
  running: 'RUNNING',
  restarting: 'RESTARTING',
  finished: 'FINISHED',
  canceling: 'CANCELLING',
  canceled: 'CANCELED',
  failed: 'FAILED',
};

/** Failures told of. */
const EXCEPTIONS_MAX = 20;

/** An entry of `GET /v1/jobs`. */
export function jobSummary(job: JobClient): JobSummary {
  return { id: job.jobId, name: job.jobName, status: STATUS[job.status()] };
}

/** `GET /v1/jobs/:job` */
export function jobBody(job: JobClient, nowMs: number): JobBody {
  const startMs = startTimeOf(job);
  return {
    jid: job.jobId,
    name: job.jobName,
    state: STATUS[job.status()],
    'start-time': startMs,
    duration: Math.max(0, nowMs - startMs),
    vertices: job.metrics().vertices.map(vertexBody),
  };
}

/** A job's id begins with the time at which it was made. */
function startTimeOf({ jobId }: JobClient): number {
  return Number.parseInt(jobId.slice(0, 12), 16) || 0;
}

function vertexBody(vertex: VertexMetrics, index: number): VertexBody {
  return {
    id: String(index),
    name: vertex.name,
    parallelism: vertex.parallelism,
    metrics: {
      'read-records': vertex.operators[0]?.numRecordsIn ?? 0,
      'write-records': vertex.operators.at(-1)?.numRecordsOut ?? 0,
      'current-watermark': Number.isFinite(vertex.currentWatermark)
        ? vertex.currentWatermark
        : null,
      'busy-ratio': vertex.busyRatio,
      'back-pressured-ratio': vertex.backPressuredRatio,
    },
  };
}

/** `GET /v1/jobs/:job/metrics` */
export function metricsBody(job: JobClient, nowMs: number, wanted: string | null): MetricsBody {
  const all = [...jobMetrics(job, nowMs), ...operatorMetrics(job)];
  if (wanted === null) return all;
  const names = new Set(wanted.split(','));
  return all.filter(({ id }) => names.has(id));
}

function jobMetrics(job: JobClient, nowMs: number): MetricBody[] {
  const { numCompleted, numFailed, numInProgress, history } = job.checkpoints();
  const last = history[0];
  return [
    metric('uptime', Math.max(0, nowMs - startTimeOf(job))),
    metric('numRestarts', job.restarts().length),
    metric('numRecordsIn', job.metrics().numRecordsInTotal),
    metric('totalNumberOfCheckpoints', numCompleted + numFailed + numInProgress),
    metric('numberOfCompletedCheckpoints', numCompleted),
    metric('numberOfFailedCheckpoints', numFailed),
    metric('numberOfInProgressCheckpoints', numInProgress),
    metric('lastCompletedCheckpointId', last?.checkpointId ?? -1),
    metric('lastCheckpointDuration', last?.durationMs ?? -1),
    metric('lastCheckpointSize', last?.bytes ?? -1),
    metric('lastCheckpointFullSize', last?.fullBytes ?? -1),
    metric('lastCheckpointExternalPath', last?.path ?? 'n/a'),
  ];
}

/** `<vertex>.<operator's name>.<metric>` */
function operatorMetrics(job: JobClient): MetricBody[] {
  return job
    .metrics()
    .vertices.flatMap((vertex, index) => [
      metric(`${index}.currentInputWatermark`, vertex.currentWatermark),
      metric(`${index}.numShapeMisfits`, vertex.numShapeMisfits),
      ...vertex.operators.flatMap((operator) => countsOf(`${index}.${operator.name}`, operator)),
    ]);
}

function countsOf(prefix: string, operator: OperatorMetrics): MetricBody[] {
  const { numRecordsIn, numRecordsOut, numLateRecordsDropped, numDeadLetters, counters } = operator;
  return [
    metric(`${prefix}.numRecordsIn`, numRecordsIn),
    metric(`${prefix}.numRecordsOut`, numRecordsOut),
    metric(`${prefix}.numLateRecordsDropped`, numLateRecordsDropped),
    metric(`${prefix}.numLateRecordsSideOutput`, operator.numLateRecordsSideOutput),
    metric(`${prefix}.numDeadLetters`, numDeadLetters),
    ...Object.entries(counters).map(([name, count]) => metric(`${prefix}.${name}`, count)),
  ];
}

function metric(id: string, value: number | string): MetricBody {
  return { id, value: String(value) };
}

/** `GET /v1/jobs/:job/exceptions` */
export function exceptionsBody(job: JobClient): ExceptionsBody {
  const restarts = job.restarts();
  const entries = restarts.slice(0, EXCEPTIONS_MAX).map(({ atMs, error }) => ({
    exceptionName: classOf(error),
    message: error.message,
    stacktrace: error.stack ?? error.message,
    timestamp: atMs,
  }));
  return { exceptionHistory: { entries, truncated: restarts.length > EXCEPTIONS_MAX } };
}

/** `GET /v1/jobs/:job/checkpoints` */
export function checkpointsBody(statistics: CheckpointStatistics): CheckpointsBody {
  const { numCompleted, numFailed, numInProgress, restored, history, failures } = statistics;
  const completed = history.map(checkpointBody);
  const failed = failures.map(failedBody);
  return {
    counts: {
      restored: restored === undefined ? 0 : 1,
      total: numCompleted + numFailed + numInProgress,
      in_progress: numInProgress,
      completed: numCompleted,
      failed: numFailed,
    },
    summary: {
      checkpointed_size: { avg: numCompleted === 0 ? 0 : statistics.totalBytes / numCompleted },
      end_to_end_duration: { avg: statistics.meanDurationMs, max: statistics.maxDurationMs },
    },
    latest: {
      completed: completed.find((each) => !each.is_savepoint) ?? null,
      savepoint: completed.find((each) => each.is_savepoint) ?? null,
      failed: failed[0] ?? null,
      restored:
        restored === undefined
          ? null
          : {
              id: restored.checkpointId,
              is_savepoint: restored.kind === 'savepoint',
              external_path: restored.path,
            },
    },
    history: [...completed, ...failed].sort((a, b) => b.id - a.id),
  };
}

function checkpointBody(info: CheckpointInfo): CheckpointBody {
  return {
    id: info.checkpointId,
    status: 'COMPLETED',
    is_savepoint: info.kind === 'savepoint',
    trigger_timestamp: info.triggeredMs,
    latest_ack_timestamp: info.triggeredMs + info.durationMs,
    end_to_end_duration: info.durationMs,
    checkpointed_size: info.bytes,
    state_size: info.fullBytes,
    alignment_duration: info.alignmentMs,
    sync_duration: info.syncMs,
    external_path: info.path,
  };
}

function failedBody({
  checkpointId,
  reason,
}: CheckpointStatistics['failures'][number]): FailedCheckpointBody {
  return { id: checkpointId, status: 'FAILED', failure_message: reason };
}

/** Why an operation failed. */
export function failureBody(error: unknown): FailureBody {
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? message) : message;
  return { class: classOf(error), message, 'stack-trace': stack };
}

function classOf(error: unknown): string {
  if (!(error instanceof Error)) return 'Error';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
