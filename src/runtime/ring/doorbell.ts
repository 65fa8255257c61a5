/**
 * Puts a worker to sleep until one of its rings has news, and wakes it.
 *
 * Part of the real scheduler: the timeout of {@link Doorbell.wait} is the futex's own, not a timer.
 *
 * Invariants:
 * 1. A word is {@link AWAKE} or {@link ASLEEP}. Only its owner stores ASLEEP, in
 *    {@link Doorbell.prepare}.
 * 2. No wake-up is lost. The owner stores ASLEEP, *then* looks at its rings; a ringer stores its
 *    position, *then* looks at the word. All four accesses are atomic, so at least one of the two
 *    sees what the other one stored: the owner finds the news, or the ringer finds ASLEEP, and then
 *    `wait` does not sleep on a word that has become AWAKE.
 * 3. A waking may be spurious (several ringers, an old one): after it the owner looks at its rings
 *    again.
 */
import type { Clock } from '../../base/environment.ts';
import { MillraceError } from '../../base/errors.ts';

const AWAKE = 0;
const ASLEEP = 1;

/** Words lie 128 bytes apart, so that ringing one worker does not slow down the others. */
const DOORBELL_BYTES = 128;
const WORDS_PER_DOORBELL: number = DOORBELL_BYTES / Int32Array.BYTES_PER_ELEMENT;

/**
 * One word of shared memory per worker: many ringers, one sleeper. The sleeper owns the doorbell;
 * each thread that rings it has its own `Doorbell` over the same memory and index.
 *
 * @example
 * doorbell.prepare();
 * if (reader.isEmpty()) doorbell.wait(Infinity);
 * else doorbell.cancel();
 */
export class Doorbell {
  readonly #words: Int32Array;
  readonly #word: number;

  /** Allocates `count` doorbells, with indices from 0, all awake. */
  static allocate(count: number): SharedArrayBuffer {
    if (!Number.isInteger(count) || count < 1) {
      throw new MillraceError(
        'ILLEGAL_ARGUMENT',
        `${count} doorbells were asked for: pass a whole number from 1`,
      );
    }
    return new SharedArrayBuffer(count * DOORBELL_BYTES);
  }

  /**
   * @param shared - what {@link Doorbell.allocate} returned
   * @param index - which of its doorbells
   */
  constructor(shared: SharedArrayBuffer, index: number) {
    const count = shared.byteLength / DOORBELL_BYTES;
    if (!Number.isInteger(index) || index < 0 || index >= count) {
      throw new MillraceError(
        'ILLEGAL_ARGUMENT',
        `doorbell ${index} does not exist: there are ${count}, counted from 0`,
      );
    }
    this.#words = new Int32Array(shared);
    this.#word = index * WORDS_PER_DOORBELL;
  }

  /**
   * Wakes the owner if it sleeps or is about to; else one load. Call it after the news is stored.
   */
  ring(): void {
    if (Atomics.load(this.#words, this.#word) === AWAKE) return;
    if (Atomics.compareExchange(this.#words, this.#word, ASLEEP, AWAKE) === ASLEEP) {
      Atomics.notify(this.#words, this.#word);
    }
  }

  /**
   * First step of falling asleep. The owner then looks at its rings again, and calls `cancel` or
   * one of the waits.
   */
  prepare(): void {
    Atomics.store(this.#words, this.#word, ASLEEP);
  }

  /** Whether the owner need not, or should no longer, sleep: for those that simulate sleeping. */
  get isAwake(): boolean {
    return Atomics.load(this.#words, this.#word) === AWAKE;
  }

  /** The owner found news after `prepare` and stays awake. */
  cancel(): void {
    Atomics.store(this.#words, this.#word, AWAKE);
  }

  /**
   * Blocks the thread until the doorbell rings, or rang since `prepare`, or the timeout passes.
   *
   * @param timeoutMs - `Infinity` for none
   */
  wait(timeoutMs: number): void {
    Atomics.wait(this.#words, this.#word, ASLEEP, timeoutMs);
    Atomics.store(this.#words, this.#word, AWAKE);
  }

  /**
   * Like {@link wait}, but the thread's event loop goes on; whatever makes the owner runnable
   * meanwhile (a socket, a message) ends the wait by calling `ring`. One wait at a time.
   *
   * The waiting alone does not keep the event loop, and so the thread, alive; a timer of `clock`
   * does.
   *
   * @param timeoutMs - `Infinity` for none
   * @param clock - for a finite timeout: its timer is canceled when the doorbell rings. Without it
   *   the timeout is that of `Atomics.waitAsync`, and Node then keeps some 400 bytes per wait until
   *   the timeout would have passed, rung or not.
   */
  async waitAsync(timeoutMs: number, clock?: Clock): Promise<void> {
    if (clock === undefined || timeoutMs === Infinity) return this.#waitAsync(timeoutMs);
    const timer = clock.setTimer(timeoutMs, () => this.ring());
    try {
      await this.#waitAsync(Infinity);
    } finally {
      timer.cancel();
    }
  }

  async #waitAsync(timeoutMs: number): Promise<void> {
    const waiting = Atomics.waitAsync(this.#words, this.#word, ASLEEP, timeoutMs);
    if (waiting.async) await waiting.value;
    Atomics.store(this.#words, this.#word, AWAKE);
  }
}
