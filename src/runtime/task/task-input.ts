/** What feeds a task: a source's reader, or channels from upstream. */

import type { CheckpointBarrier } from '../../checkpoint/barrier.ts';
import type { InFlightRecords } from './task-checkpoints.ts';

/** Nothing to do now. */
export const INPUT_NOTHING = 0;
/** Something was handled. */
export const INPUT_SOME = 1;
/**
 * Nothing was there, but the input wants to be asked again at once (a reader that watches the clock
 * by itself).
 */
export const INPUT_POLL_AGAIN = 2;
/** The input has ended. */
export const INPUT_ENDED = 3;

/** What {@link TaskInput.step} returns. */
export type InputResult =
  | typeof INPUT_NOTHING
  | typeof INPUT_SOME
  | typeof INPUT_POLL_AGAIN
  | typeof INPUT_ENDED;

/** A task's input. */
export interface TaskInput {
  /** Handles one element, or up to a batch of a source's records. */
  step(): InputResult;
  /** When to ask again after NOTHING, in monotonic ms; Infinity if only a wake-up tells. */
  nextPollMs(): number;
  /** Whether the input waits for a promise, so that the event loop must turn. */
  readonly needsEventLoop: boolean;
  /**
   * Handles barriers that are next in their channels, and nothing else: also while a pass is
   * unfinished or outputs are full. True if there was one.
   */
  pollBarriers(): boolean;
  /**
   * Whether nothing but barriers of its own making can come any more: the coordinator triggers such
   * a task itself.
   */
  readonly isTriggered: boolean;
  /** Whether records that were in flight are still coming in: barriers do not overtake them. */
  readonly isRestoring: boolean;
  /** A checkpoint was taken without waiting for its barriers, or will never complete. */
  forgetCheckpoint(checkpointId: number): void;
  /**
   * Begins to keep the records before the barriers that have not come yet, since the cut is made
   * without waiting for them; undefined if this input must wait.
   */
  overtake(barrier: CheckpointBarrier): InFlightRecords | undefined;
  /** On sources: the splits being read, at their positions. */
  snapshotSplits(): readonly unknown[] | undefined;
  close(): void | Promise<void>;
}
