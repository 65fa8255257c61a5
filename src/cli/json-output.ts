/**
 * `--json`: one object on the standard output, for programs. Its fields are API: added, never
 * renamed.
 */
import { toPlainError, type PlainError } from '../base/errors.ts';
import type {
  CheckpointStatistics,
  JobExecutionResult,
  VertexMetrics,
} from '../graph/job-client.ts';
import { jobFigures, type JobFigures } from './job-figures.ts';

/** What `--json` prints when the job has finished. */
interface JsonResult extends Omit<JobFigures, 'watermark' | 'backPressuredRatio'> {
  readonly status: 'finished';
  readonly jobId: string;
  readonly jobName: string;
  readonly netRuntimeMs: number;
  readonly recordsPerSecond: number;
  readonly checkpoints: JsonCheckpoints;
  readonly numRestarts: number;
  /** Per vertex and operator; a watermark at the end of all input is null. */
  readonly vertices: readonly VertexMetrics[];
}

/** How the job's checkpoints went; they are removed when it finishes. */
interface JsonCheckpoints {
  readonly numCompleted: number;
  readonly numFailed: number;
  readonly meanDurationMs: number;
  readonly maxDurationMs: number;
  readonly totalBytes: number;
}

/** What `--json` prints when it has not. */
interface JsonFailure {
  readonly status: 'failed' | 'invalid' | 'canceled';
  readonly error: PlainError;
}

/** The result as one line. */
export function jsonResult(result: JobExecutionResult, numRestarts: number): string {
  const { jobId, jobName, netRuntimeMs, metrics } = result;
  const { watermark: _watermark, backPressuredRatio: _ratio, ...figures } = jobFigures(metrics);
  const object: JsonResult = {
    status: 'finished',
    jobId,
    jobName,
    netRuntimeMs,
    recordsPerSecond: figures.numRecordsIn / Math.max(netRuntimeMs / 1000, Number.EPSILON),
    checkpoints: checkpointFigures(result.checkpoints),
    numRestarts,
    ...figures,
    vertices: metrics.vertices,
  };
  return jsonLine(object);
}

function checkpointFigures(statistics: CheckpointStatistics): JsonCheckpoints {
  const { numCompleted, numFailed, meanDurationMs, maxDurationMs, totalBytes } = statistics;
  return { numCompleted, numFailed, meanDurationMs, maxDurationMs, totalBytes };
}

/** Any object as one line. */
export function jsonLine(object: object): string {
  return `${JSON.stringify(object)}\n`;
}

/** The failure as one line. */
export function jsonFailure(status: JsonFailure['status'], error: unknown): string {
  const object: JsonFailure = { status, error: toPlainError(error) };
  return `${JSON.stringify(object)}\n`;
}
