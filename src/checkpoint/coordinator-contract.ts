/**
 * The contract of the checkpoint coordinator with those who run a job's attempts.
 *
 * The life of one: the job's ownership is taken, then `recover` (which sweeps and chooses what to
 * start from), `startAttempt` when all tasks run, acknowledgements as they come, `stopAttempt` when
 * a task has failed, `recover` and `startAttempt` again …, `close`.
 */
import type { Environment } from '../base/environment.ts';
import type { CheckpointInfo, CheckpointStatistics } from './checkpoint-statistics.ts';
import type { CheckpointLink, SavepointStop } from './checkpoint-messages.ts';
import type { SelectedCheckpoint } from './checkpoint-selection.ts';
import type { CheckpointStorage } from './checkpoint-storage.ts';
import type { JobOwnership } from './job-lock.ts';
import type { ManifestOperator } from './manifest.ts';
import type { SubtaskState } from './subtask-state.ts';

/**
 * When checkpoints are taken and how many are kept; the names are those of the job's configuration.
 */
export interface CheckpointSchedule {
  /** Undefined: on demand only. */
  readonly intervalMs: number | undefined;
  readonly timeoutMs: number;
  /** Between the end of one and the start of the next periodic one. */
  readonly minPauseMs: number;
  /** Consecutive failures; one more fails the job. */
  readonly tolerableFailures: number;
  readonly retained: number;
  readonly retention: 'delete-on-cancellation' | 'retain-on-cancellation';
  readonly incremental: boolean;
  readonly savepointDirectory: string | undefined;
}

/** What a coordinator needs. */
export interface CheckpointCoordinatorOptions {
  readonly jobId: string;
  readonly jobName: string;
  readonly operators: readonly ManifestOperator[];
  readonly schedule: CheckpointSchedule;
  readonly storage: CheckpointStorage;
  /** Of the job's folder in that storage. */
  readonly ownership: JobOwnership;
  readonly environment: Pick<Environment, 'clock' | 'scheduler' | 'fileSystem' | 'faultPoint'>;
  readonly link: CheckpointLink;
}

/** A subtask, by the index of its vertex and its own. */
export interface SubtaskKey {
  readonly vertex: number;
  readonly subtask: number;
}

/** An attempt to run the job. */
export interface AttemptStart {
  /** From 0, one higher at each start within a process. */
  readonly attempt: number;
  /** All of them. */
  readonly subtasks: readonly SubtaskKey[];
  /** What the attempt started from. */
  readonly restored: CheckpointInfo | undefined;
  /**
   * Whether what it started from is another's (a savepoint, a checkpoint of another job): the first
   * checkpoint then names no old file.
   */
  readonly isFirstFull?: boolean | undefined;
  /**
   * Whether the job owns what it started from (claim mode): this is called once as many newer
   * checkpoints are complete as are retained.
   */
  readonly releaseClaimed?: (() => void | Promise<void>) | undefined;
}

/** How a savepoint is taken. */
export interface SavepointRequest {
  /**
   * A folder or URL below which its own folder is made; `schedule.savepointDirectory` if left out.
   */
  readonly directory?: string | undefined;
  /** `canonical` if left out. */
  readonly format?: 'canonical' | 'native' | undefined;
}

/** How a job came to its end, or `suspended`: it goes on in another process. */
export type JobOutcome = 'finished' | 'canceled' | 'failed' | 'suspended';

/**
 * See the file's head. All calls come from one thread; none of them throws for what a task or the
 * storage did.
 */
export interface CheckpointCoordinator {
  /**
   * While no attempt runs: chooses the newest checkpoint of the job whose files all verify, and
   * removes what no checkpoint names.
   *
   * @throws CHECKPOINT_DAMAGED (rejects) if there are checkpoints but none verifies
   * @throws JOB_LOCKED (rejects) if another process has taken the job over
   */
  recover(): Promise<SelectedCheckpoint | undefined>;
  /** All tasks run: checkpoints are triggered from now on. */
  startAttempt(start: AttemptStart): void;
  /**
   * The attempt is over, by a failure or otherwise: what is under way is aborted. Resolves when
   * nothing of it is being written; a checkpoint of which all acknowledgements were there may have
   * become complete meanwhile.
   */
  stopAttempt(reason: Error): Promise<void>;
  /** A subtask's part is there. Late and repeated ones are fine. */
  acknowledge(checkpointId: number, state: SubtaskState): void;
  /** A subtask cannot make its part. */
  decline(checkpointId: number, from: SubtaskKey, reason: Error): void;
  /**
   * A subtask has read its input to the end and waits for a checkpoint that covers what it did
   * last. When all wait the final checkpoint is triggered at once.
   */
  inputEnded(subtask: SubtaskKey): void;
  /**
   * Takes a checkpoint now.
   *
   * @throws CHECKPOINT_FAILED (rejects)
   */
  triggerCheckpoint(): Promise<CheckpointInfo>;
  /**
   * Takes a savepoint when what is under way is over; the job goes on.
   *
   * @throws SAVEPOINT_FAILED (rejects)
   */
  triggerSavepoint(request?: SavepointRequest): Promise<CheckpointInfo>;
  /**
   * Takes a savepoint at which the sources stop. When it is complete the tasks end; no other
   * checkpoint follows. If it fails, checkpoints go on.
   *
   * @throws SAVEPOINT_FAILED (rejects)
   */
  stopWithSavepoint(stop: SavepointStop, request?: SavepointRequest): Promise<CheckpointInfo>;
  statistics(): CheckpointStatistics;
  /**
   * The job is over: nothing is triggered any more. Its checkpoints are removed when it has
   * finished, or was canceled and they are not to be retained; savepoints stay.
   */
  close(outcome: JobOutcome): Promise<void>;
}
