/**
 * A virtual clock: time stands still until somebody advances it.
 *
 * Invariants:
 * 1. Timers fire in order of their due time, those of the same time in the order in which they were
 *    set.
 * 2. While a timer's callback runs, `now()` is exactly its due time, or later after a `stall`; time
 *    never goes back.
 * 3. Time is whole milliseconds and a timer is at least one away, as in Node, so timers that re-arm
 *    themselves let time pass.
 */
import { assert } from './assert.ts';
import type { Clock, Timer } from './environment.ts';

/** A {@link Clock} that moves by hand. */
export interface SimulatedClock extends Clock {
  /** How many timers are pending. */
  readonly pendingTimers: number;
  /** When the next timer is due, in epoch milliseconds; `undefined` if none is pending. */
  nextTimerMs(): number | undefined;
  /** Moves to `epochMs` and fires every timer due until then, also those set on the way. */
  advanceTo(epochMs: number): void;
  /** Moves by `durationMs`; see {@link SimulatedClock.advanceTo}. */
  advanceBy(durationMs: number): void;
  /** Moves by `durationMs` without firing timers, as when a call keeps the thread that long. */
  stall(durationMs: number): void;
  /** Moves to the next timer and fires it alone; false if none is pending. */
  runNextTimer(): boolean;
  /**
   * Moves to the next due time and fires all timers due then; false if none is pending. For when
   * everything is idle.
   */
  advanceToNextTimer(): boolean;
}

/** Makes a clock that stands at `startMs`. */
export function simulatedClock(startMs: number): SimulatedClock {
  return new VirtualClock(startMs);
}

interface PendingTimer {
  readonly dueMs: number;
  readonly callback: () => void;
}

class VirtualClock implements SimulatedClock {
  readonly #startMs: number;
  /** Sorted by due time, then by age. */
  readonly #timers: PendingTimer[] = [];
  #nowMs: number;

  constructor(startMs: number) {
    assert(
      Number.isSafeInteger(startMs),
      () => `a start time is whole milliseconds, got ${startMs}`,
    );
    this.#startMs = startMs;
    this.#nowMs = startMs;
  }

  get pendingTimers(): number {
    return this.#timers.length;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    assert(delayMs >= 0, () => `a timer's delay must not be negative, got ${delayMs}`);
    const timer = { dueMs: this.#nowMs + Math.max(1, Math.ceil(delayMs)), callback };
    this.#timers.splice(this.#insertionIndex(timer.dueMs), 0, timer);
    return { cancel: () => this.#cancel(timer) };
  }

  nextTimerMs(): number | undefined {
    return this.#timers[0]?.dueMs;
  }

  advanceTo(epochMs: number): void {
    assert(epochMs >= this.#nowMs, () => `time does not go back: ${epochMs} < ${this.#nowMs}`);
    while ((this.nextTimerMs() ?? Number.POSITIVE_INFINITY) <= epochMs) this.runNextTimer();
    this.#nowMs = Math.max(this.#nowMs, epochMs);
  }

  advanceBy(durationMs: number): void {
    this.advanceTo(this.#nowMs + durationMs);
  }

  stall(durationMs: number): void {
    assert(
      Number.isSafeInteger(durationMs) && durationMs >= 0,
      () => `a stall is whole milliseconds, got ${durationMs}`,
    );
    this.#nowMs += durationMs;
  }

  runNextTimer(): boolean {
    const timer = this.#timers.shift();
    if (timer === undefined) return false;
    this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
    timer.callback();
    return true;
  }

  advanceToNextTimer(): boolean {
    const dueMs = this.nextTimerMs();
    if (dueMs === undefined) return false;
    this.advanceTo(Math.max(this.#nowMs, dueMs));
    return true;
  }

  #cancel(timer: PendingTimer): void {
    const index = this.#timers.indexOf(timer);
    if (index >= 0) this.#timers.splice(index, 1);
  }

  #insertionIndex(dueMs: number): number {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#timers[middle]?.dueMs ?? 0) <= dueMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
