/**
 * Pulls values from an async iterable into a bounded queue, so that a loop that never awaits can
 * take them.
 *
 * Invariants:
 * 1. At most one `next()` of the iterator is pending, and the queue never holds more than
 *    `valuesMax`.
 * 2. Nothing is pulled after the iterator's end, its error, or `close`.
 * 3. `onChange` is called when the first value arrives in an empty queue, at the end, and on an
 *    error.
 */
import { assert } from '../../base/assert.ts';
import type { Clock } from '../../base/environment.ts';
import { MillraceError } from '../../base/errors.ts';

/** Options of {@link ReadAhead}. */
export interface ReadAheadOptions {
  /** Values at the start to leave out. */
  readonly skip: number;
  /** The most values that are pulled and not taken. */
  readonly valuesMax: number;
  readonly clock: Clock;
  /** There is something to take, or the end. */
  readonly onChange: () => void;
}

/**
 * How long `close` waits for an iterator that does not settle; it was told to return and is then
 * left alone.
 */
const CLOSE_WAIT_MS = 500;

/** A queue that fills itself; starts when made. */
export class ReadAhead<T> {
  readonly #options: ReadAheadOptions;
  readonly #filled: Promise<void>;
  /** Values from {@link #head} on. */
  #queue: T[] = [];
  #head = 0;
  #iterator: AsyncIterator<T> | undefined;
  #room: PromiseWithResolvers<void> | undefined;
  #error: MillraceError | undefined;
  #ended = false;
  #closed = false;

  constructor(factory: () => AsyncIterable<T>, options: ReadAheadOptions) {
    this.#options = options;
    this.#filled = this.#fill(factory);
  }

  /** How many values can be taken now. */
  get available(): number {
    return this.#queue.length - this.#head;
  }

  /** Whether there is a value, an error or the end to be seen. */
  isReady(): boolean {
    return this.available > 0 || this.#ended;
  }

  /** Removes the oldest value; there must be one. */
  take(): T {
    assert(this.#head < this.#queue.length, 'take needs a value: ask available first');
    const value = this.#queue[this.#head++] as T;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
      this.#makeRoom();
    }
    return value;
  }

  /** Whether all values were taken and none follows; throws the iterator's error. */
  finished(): boolean {
    if (!this.#ended || this.available > 0) return false;
    if (this.#error !== undefined) throw this.#error;
    return true;
  }

  /** Ends the iterator and waits for its clean-up, but not for ever. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#makeRoom();
    if (this.#ended) return;
    const late = Promise.withResolvers<void>();
    const timer = this.#options.clock.setTimer(CLOSE_WAIT_MS, () => late.resolve());
    try {
      await Promise.race([this.#returnIterator(), late.promise]);
    } finally {
      timer.cancel();
    }
  }

  async #returnIterator(): Promise<void> {
    try {
      // A generator that hangs in an await answers `return` only after it: hence `close`'s limit.
      await Promise.all([this.#iterator?.return?.(), this.#filled]);
    } catch (cause) {
      throw failed('could not be closed', cause);
    }
  }

  /** Never rejects: an error waits in {@link #error} for the values before it. */
  async #fill(factory: () => AsyncIterable<T>): Promise<void> {
    try {
      await this.#pullAll(factory()[Symbol.asyncIterator]());
    } catch (cause) {
      this.#error = failed('threw', cause);
    }
    this.#ended = true;
    this.#options.onChange();
  }

  async #pullAll(iterator: AsyncIterator<T>): Promise<void> {
    this.#iterator = iterator;
    let skip = this.#options.skip;
    while (!this.#closed) {
      const result = await iterator.next();
      if (result.done === true) return;
      if (skip > 0) skip--;
      else await this.#put(result.value);
    }
  }

  async #put(value: T): Promise<void> {
    this.#queue.push(value);
    if (this.available === 1) this.#options.onChange();
    if (this.#queue.length < this.#options.valuesMax || this.#closed) return;
    this.#room = Promise.withResolvers<void>();
    await this.#room.promise;
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}

function failed(what: string, cause: unknown): MillraceError {
  return new MillraceError(
    'CONNECTOR_FAILED',
    `the async iterable of asyncIterableSource ${what}: ${String(cause)}`,
    { cause },
  );
}
