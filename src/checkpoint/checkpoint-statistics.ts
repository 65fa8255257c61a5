/**
 * What is told of checkpoints to people and programs: each completed one, and all of a job's
 * together.
 *
 * Invariant: figures of a subtask's part come from its acknowledgement; of several subtasks the
 * largest counts, but for bytes, which are summed.
 */
import type { CheckpointManifest } from './manifest.ts';

/** A completed checkpoint or savepoint. */
export interface CheckpointInfo {
  readonly checkpointId: number;
  readonly kind: 'checkpoint' | 'savepoint';
  /** Where it lies: a folder's URL. */
  readonly path: string;
  /** Epoch ms. */
  readonly triggeredMs: number;
  /** From the trigger to the moment at which it counted. */
  readonly durationMs: number;
  /** Bytes that it wrote. */
  readonly bytes: number;
  /** Bytes of all that it names. */
  readonly fullBytes: number;
  readonly alignmentMs: number;
  readonly syncMs: number;
  readonly longestSliceMs: number;
  readonly isFinal: boolean;
}

/** A checkpoint that did not complete. */
export interface CheckpointFailure {
  readonly checkpointId: number;
  readonly reason: string;
}

/** How a job's checkpoints went. */
export interface CheckpointStatistics {
  readonly numCompleted: number;
  readonly numFailed: number;
  readonly numInProgress: number;
  readonly meanDurationMs: number;
  readonly maxDurationMs: number;
  readonly totalBytes: number;
  /** What the job went back to last. */
  readonly restored: CheckpointInfo | undefined;
  /** The last ones, newest first. */
  readonly history: readonly CheckpointInfo[];
  /** The last ones that failed, newest first. */
  readonly failures: readonly CheckpointFailure[];
}

/** How many completed and failed checkpoints are remembered. */
export const HISTORY_MAX = 10;

/** The figures of a manifest that lies at `path`. */
export function checkpointInfo(manifest: CheckpointManifest, path: string): CheckpointInfo {
  let bytes = 0;
  let alignmentMs = 0;
  let syncMs = 0;
  let longestSliceMs = 0;
  for (const { stats } of manifest.subtasks) {
    bytes += stats.bytes;
    alignmentMs = Math.max(alignmentMs, stats.alignmentMs);
    syncMs = Math.max(syncMs, stats.syncMs);
    longestSliceMs = Math.max(longestSliceMs, stats.longestSliceMs);
  }
  return {
    checkpointId: manifest.checkpointId,
    kind: manifest.kind,
    path,
    triggeredMs: manifest.triggeredMs,
    durationMs: manifest.completedMs - manifest.triggeredMs,
    bytes,
    fullBytes: manifest.files.reduce((sum, file) => sum + file.bytes, 0),
    alignmentMs,
    syncMs,
    longestSliceMs,
    isFinal: manifest.isFinal,
  };
}

/** Counts as checkpoints end. */
export class CheckpointStatisticsTracker {
  #numCompleted = 0;
  #numFailed = 0;
  #durationMsSum = 0;
  #maxDurationMs = 0;
  #totalBytes = 0;
  #restored: CheckpointInfo | undefined;
  #history: readonly CheckpointInfo[] = [];
  #failures: readonly CheckpointFailure[] = [];

  completed(info: CheckpointInfo): void {
    this.#numCompleted++;
    this.#durationMsSum += info.durationMs;
    this.#maxDurationMs = Math.max(this.#maxDurationMs, info.durationMs);
    this.#totalBytes += info.bytes;
    this.#history = [info, ...this.#history].slice(0, HISTORY_MAX);
  }

  failed(failure: CheckpointFailure): void {
    this.#numFailed++;
    this.#failures = [failure, ...this.#failures].slice(0, HISTORY_MAX);
  }

  restored(info: CheckpointInfo | undefined): void {
    this.#restored = info;
  }

  statistics(numInProgress: number): CheckpointStatistics {
    return {
      numCompleted: this.#numCompleted,
      numFailed: this.#numFailed,
      numInProgress,
      meanDurationMs: this.#numCompleted === 0 ? 0 : this.#durationMsSum / this.#numCompleted,
      maxDurationMs: this.#maxDurationMs,
      totalBytes: this.#totalBytes,
      restored: this.#restored,
      history: this.#history,
      failures: this.#failures,
    };
  }
}
