/**
 * What the coordinator knows of the attempt that runs, and when its next checkpoint is due.
 * Invariant: times are monotonic ms.
 */
import type { AttemptStart, CheckpointSchedule } from './coordinator-contract.ts';
import type { ManifestSubtask } from './manifest.ts';
import { keyOf } from './pending-checkpoint.ts';

/** How long a failed final checkpoint waits to be tried again where there is no interval. */
const FINAL_RETRY_MS = 1000;

/** See the file's head. */
export class Attempt {
  readonly start: AttemptStart;
  /** What the subtasks left that have finished, by key. */
  readonly finished: Map<string, ManifestSubtask> = new Map();
  /** Subtasks that wait for their last checkpoint. */
  readonly ended: Set<string> = new Set();
  /** Whether the next checkpoint may name no old file. */
  isFullNext: boolean;
  /** Whether a savepoint has ended it, or it is to fail: nothing is triggered any more. */
  isStopping = false;
  /** Failed checkpoints since the last completed one. */
  failuresInRow = 0;
  readonly #schedule: CheckpointSchedule;
  #nextPeriodicMs: number;
  #lastEndMs = Number.NEGATIVE_INFINITY;

  constructor(start: AttemptStart, schedule: CheckpointSchedule, nowMs: number) {
    this.start = start;
    this.isFullNext = start.isFirstFull === true;
    this.#schedule = schedule;
    this.#nextPeriodicMs = nowMs + (schedule.intervalMs ?? 0);
  }

  /** Whether all that is left waits for its last checkpoint. */
  get isEnded(): boolean {
    return this.start.subtasks.every((each) => {
      const key = keyOf(each);
      return this.finished.has(key) || this.ended.has(key);
    });
  }

  /** When the next automatic checkpoint is due; undefined: never. */
  dueMs(): number | undefined {
    if (this.finished.size === this.start.subtasks.length) return undefined;
    const { intervalMs, minPauseMs } = this.#schedule;
    if (this.isEnded) {
      if (this.failuresInRow === 0) return Number.NEGATIVE_INFINITY;
      return this.#lastEndMs + (intervalMs ?? FINAL_RETRY_MS);
    }
    if (intervalMs === undefined) return undefined;
    return Math.max(this.#nextPeriodicMs, this.#lastEndMs + minPauseMs);
  }

  /** An automatic checkpoint is triggered. */
  triggered(nowMs: number): void {
    this.#nextPeriodicMs = nowMs + (this.#schedule.intervalMs ?? 0);
  }

  /** A checkpoint is over, whether completed or not. */
  over(nowMs: number): void {
    this.#lastEndMs = nowMs;
  }
}
