/**
 * How far an operator with event-time timers has come, kept with its snapshots.
 *
 * Invariants:
 * 1. After a restore, at any parallelism, the operator goes on from the least watermark of all
 *    subtasks: any of them may have had the keys that are here now.
 * 2. What the watermark had made due and had not fired when the snapshot was taken fires before the
 *    first record.
 */
import { type ListState, ListStateDescriptor } from '../functions/state.ts';
import type { InternalTimerService } from '../state/timers/internal-timer-service.ts';
import { NO_TIMESTAMP } from './chain-stage.ts';
import type { StageContext, StageSnapshot } from './chain-stage.ts';

const SNAPSHOT: StageSnapshot = Object.freeze({ version: 1, data: null });

/** What is kept of one subtask. */
interface SubtaskProgress {
  readonly watermark: number;
  /** Whether timers that are due by the watermark have not fired yet. */
  readonly isFiring: boolean;
}

const PROGRESS = new ListStateDescriptor<SubtaskProgress>('timer-progress');

/** See the file's head. One per operator. */
export class TimerProgress {
  /** The watermark up to which timers have fired, or are firing. */
  watermark: number = NO_TIMESTAMP;
  readonly #timers: InternalTimerService;
  readonly #kept: ListState<SubtaskProgress>;
  #isFiring = false;

  constructor(context: StageContext, timers: InternalTimerService) {
    this.#timers = timers;
    this.#kept = context.operatorState.getUnionListState(PROGRESS);
  }

  /**
   * Fires some of what is due; true when all is. After a restore the input may begin with older
   * watermarks.
   */
  advance(watermark: number): boolean {
    this.watermark = Math.max(watermark, this.watermark);
    this.#isFiring = !this.#timers.advanceWatermark(this.watermark);
    return !this.#isFiring;
  }

  /** Before records: the rest of a firing that a snapshot has cut short. */
  finishFiring(): void {
    while (this.#isFiring) this.advance(this.watermark);
  }

  /** Keyed state is cut right afterwards. */
  snapshot(): StageSnapshot {
    this.#kept.update([{ watermark: this.watermark, isFiring: this.#isFiring }]);
    return SNAPSHOT;
  }

  /** State has been restored. */
  restore(): void {
    this.#timers.takeOver();
    const kept = [...this.#kept.get()];
    if (kept.length === 0) return;
    this.watermark = Math.min(...kept.map(({ watermark }) => watermark));
    this.#isFiring = kept.some(({ isFiring }) => isFiring);
  }
}
