/**
 * A checkpoint's or savepoint's manifest: the file `_metadata`, by which a checkpoint exists.
 *
 *     <JSON, readable by people; first "format" and "version">
 *     crc32 <8 hexadecimal digits, of all bytes before this line>
 *
 * Invariants:
 * 1. A manifest that is torn or has a flipped bit is told from a whole one: CHECKPOINT_DAMAGED.
 * 2. `files` are all files that the states name, once each, sorted by path.
 * 3. Paths are relative to the job's folder (checkpoints) or the manifest's own (savepoints).
 */
import type { FileRef, SnapshotKind } from '../state/snapshot.ts';
import type { SubtaskState } from './subtask-state.ts';

/** The version that is written; older ones are read, newer ones refused. */
export const MANIFEST_VERSION = 1;

/** The manifest's name in its folder. */
export const MANIFEST_NAME = '_metadata';

/** An operator of the job that took the checkpoint. */
export interface ManifestOperator {
  readonly operatorId: string;
  readonly name: string;
  readonly uid: string | undefined;
  /** What it is: `source`, `map`, `window` … */
  readonly kind: string;
  /** The vertex that it belongs to. */
  readonly vertex: number;
  readonly parallelism: number;
  readonly maxParallelism: number;
}

/** The state of a source's split enumerator: plain data. */
export interface EnumeratorState {
  readonly operatorId: string;
  readonly data: unknown;
}

/** A subtask's part. */
export type ManifestSubtask = Omit<SubtaskState, 'newFiles'>;

/** A whole checkpoint. */
export interface CheckpointManifest {
  readonly jobId: string;
  readonly jobName: string;
  readonly checkpointId: number;
  /**
   * Of the owner that wrote it: of two with the same number of operators' work, the higher one
   * counts.
   */
  readonly epoch: number;
  readonly kind: 'checkpoint' | 'savepoint';
  readonly snapshotKind: SnapshotKind;
  /** Epoch ms. */
  readonly triggeredMs: number;
  readonly completedMs: number;
  /** Whether event time had been brought to its end: all windows and timers have fired. */
  readonly isDrained: boolean;
  /** Whether all subtasks had read their input to its end. */
  readonly isFinal: boolean;
  readonly operators: readonly ManifestOperator[];
  readonly subtasks: readonly ManifestSubtask[];
  readonly enumerators: readonly EnumeratorState[];
  readonly files: readonly FileRef[];
}
