/**
 * Collected records on their way to the program that reads them: a bounded queue with an async
 * iterator at its end.
 *
 * Invariants:
 * 1. At most {@link COLLECT_ROWS_MAX} records plus one batch wait; beyond that `hasCredit` holds
 *    the job back.
 * 2. Once the reader has left early, everything is taken and forgotten, so that the job can go on
 *    or end.
 */

/** Records that may wait for the reader before the job waits. */
export const COLLECT_ROWS_MAX = 8192;

/** See the file's head. */
export class CollectBuffer implements AsyncIterableIterator<unknown> {
  #rows: unknown[] = [];
  #first = 0;
  #ended = false;
  #left = false;
  #failure: { readonly error: unknown } | undefined;
  /** Reads that wait; a reader may ask for more than one record at once. */
  #waiting: (() => void)[] = [];
  readonly #onRoom: () => void;

  /** `onRoom` is called when there is room again. */
  constructor(onRoom: () => void) {
    this.#onRoom = onRoom;
  }

  append(value: unknown): void {
    if (this.#left) return;
    this.#rows.push(value);
    this.#wakeReader();
  }

  hasCredit(): boolean {
    return this.#left || this.#rows.length - this.#first < COLLECT_ROWS_MAX;
  }

  /** No more records; with an error the reader's loop throws after the last record. */
  end(failure?: { readonly error: unknown }): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.#wakeReader();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<unknown>> {
    while (this.#first === this.#rows.length && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    if (this.#first < this.#rows.length) return { done: false, value: this.#take() };
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<unknown>> {
    this.discard();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Takes no more records and forgets those that wait. */
  discard(): void {
    this.#left = true;
    this.#ended = true;
    this.#rows = [];
    this.#first = 0;
    this.#wakeReader();
    this.#onRoom();
  }

  #take(): unknown {
    const value = this.#rows[this.#first];
    this.#rows[this.#first] = undefined;
    this.#first++;
    if (this.#first === this.#rows.length) {
      this.#rows = [];
      this.#first = 0;
      this.#onRoom();
    } else if (this.#first === COLLECT_ROWS_MAX / 2) {
      this.#rows = this.#rows.slice(this.#first);
      this.#first = 0;
      this.#onRoom();
    }
    return value;
  }

  #wakeReader(): void {
    if (this.#waiting.length === 0) return;
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
