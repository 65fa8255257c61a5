/**
 * The promise behind `SourceReader.isAvailable`: one waiter or many, woken by new input or by a
 * timer.
 *
 * Invariants:
 * 1. `wake` resolves every promise that `wait` has given; none is left hanging after `close`.
 * 2. At most one timer is pending, and none after `wake` or `close`.
 */
import type { Clock, Timer } from '../../base/environment.ts';

/** Lets a reader's caller wait until there may be something to read. */
export class Availability {
  readonly #clock: Clock;
  #waiting: PromiseWithResolvers<void> | undefined;
  #timer: Timer | undefined;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves at the next {@link wake}, or after `delayMs` if given. */
  wait(delayMs?: number): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#waiting ??= Promise.withResolvers<void>();
    if (delayMs !== undefined) {
      this.#timer ??= this.#clock.setTimer(delayMs, () => this.wake());
    }
    return this.#waiting.promise;
  }

  /** There may be something to read now. */
  wake(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve();
  }

  /** Wakes everybody, now and later. */
  close(): void {
    this.#closed = true;
    this.wake();
  }
}
