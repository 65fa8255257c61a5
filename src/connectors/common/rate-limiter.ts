/**
 * Paces a reader to a number of records per second, by the monotonic clock.
 *
 * Invariants:
 * 1. Record k is due k / rate seconds after the first question, so the mean does not drift with
 *    timers.
 * 2. After a standstill at most {@link CATCH_UP_MS_MAX} of missed time are made up for.
 */
import type { Clock } from '../../base/environment.ts';
import { MillraceError } from '../../base/errors.ts';

/** The longest time whose missed records may be sent in one burst. */
export const CATCH_UP_MS_MAX = 1000;

/** Says how many records may be emitted now. */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #ratePerMs: number;
  /** When record 0 of the current count was due. */
  #startMs: number | undefined;
  #taken = 0;

  constructor(clock: Clock, ratePerSecond: number) {
    this.#clock = clock;
    this.#ratePerMs = ratePerSecond / 1000;
  }

  /** How many records are due and not yet taken. */
  permits(): number {
    const nowMs = this.#clock.monotonicMs();
    this.#startMs ??= nowMs;
    const lagMs = nowMs - this.#dueMs(this.#startMs);
    if (lagMs > CATCH_UP_MS_MAX) this.#startMs += lagMs - CATCH_UP_MS_MAX;
    const due = Math.floor((nowMs - this.#startMs) * this.#ratePerMs + ROUNDING) + 1;
    return Math.max(0, due - this.#taken);
  }

  /** Uses up permits. */
  take(count: number): void {
    this.#taken += count;
  }

  /**
   * Milliseconds until the next permit, in whole microseconds: enough to make any clock move on.
   */
  waitMs(): number {
    if (this.#startMs === undefined) return 0;
    const waitMs = this.#dueMs(this.#startMs) - this.#clock.monotonicMs();
    return Math.max(1, Math.ceil(waitMs * 1000)) / 1000;
  }

  /** When the next record not yet taken is due. */
  #dueMs(startMs: number): number {
    return startMs + this.#taken / this.#ratePerMs;
  }
}

/**
 * A part of a record: a clock that stands at a due time counts as there, in spite of binary
 * fractions.
 */
const ROUNDING = 1e-6;

/** Checks a user's rate while the graph is built. */
export function requireRate(what: string, ratePerSecond: number | undefined): void {
  if (ratePerSecond === undefined || (ratePerSecond > 0 && Number.isFinite(ratePerSecond))) return;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `${what} got ratePerSecond ${ratePerSecond}: ` +
      'give a number above 0, or leave it out for no limit',
  );
}
