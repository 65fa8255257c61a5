/**
 * What goes between the checkpoint coordinator and the tasks, and how a checkpoint's place is told
 * to a thread.
 * Invariant: plain data, but for {@link CheckpointLink}, which is the coordinator's way to whoever
 * runs the tasks.
 */
import type { SnapshotKind } from '../state/snapshot.ts';
import type { EnumeratorState } from './manifest.ts';

/** Where a checkpoint's files go; `snapshotOutput` makes an output of it on any thread. */
export interface CheckpointPlace {
  /** What `openStorage` takes. */
  readonly storageUrl: string;
  /**
   * The folder in that storage that the files' paths are relative to: the job's, or the savepoint's
   * own.
   */
  readonly folder: string;
  /** How the files' names begin, so that no two attempts, checkpoints or subtasks meet. */
  readonly filePrefix: string;
}

/**
 * Whether a savepoint ends the job: `suspend` keeps open windows for the next run, `drain` fires
 * them first.
 */
export type SavepointStop = 'suspend' | 'drain';

/**
 * Tells all tasks that a checkpoint begins: those without a running input inject the barrier, the
 * others await it.
 */
export interface CheckpointTrigger {
  readonly checkpointId: number;
  readonly kind: 'checkpoint' | 'savepoint';
  readonly snapshotKind: SnapshotKind;
  readonly triggeredMs: number;
  readonly place: CheckpointPlace;
  readonly stop: SavepointStop | undefined;
  /** Whether all subtasks have read their input to its end. */
  readonly isFinal: boolean;
}

/** Tells all tasks that a checkpoint is complete. */
export interface CheckpointNotification {
  readonly checkpointId: number;
  readonly kind: 'checkpoint' | 'savepoint';
  /** Whether sinks commit: with checkpoints, and with savepoints that end the job. */
  readonly commits: boolean;
  readonly stop: SavepointStop | undefined;
  readonly isFinal: boolean;
}

/** How the coordinator reaches the tasks. Messages to one task arrive in the order of the calls. */
export interface CheckpointLink {
  /**
   * The enumerators' states as of now. Called right before {@link CheckpointLink.trigger}, so that
   * splits that were handed out before are with their readers before the barrier.
   */
  snapshotEnumerators(checkpointId: number): readonly EnumeratorState[];
  trigger(trigger: CheckpointTrigger): void;
  notifyComplete(notification: CheckpointNotification): void;
  /**
   * The checkpoint does not count; a savepoint that should have ended the job leaves it running.
   */
  notifyAborted(checkpointId: number, reason: Error): void;
  /**
   * More checkpoints in a row failed than are tolerable, or ownership or storage are lost: the
   * attempt is to fail with this.
   */
  failJob(error: Error): void;
  /** Files that are needed no more could not be removed; the next start does. */
  cleanupFailed(error: Error): void;
}
