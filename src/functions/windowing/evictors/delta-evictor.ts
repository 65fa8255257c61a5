/** Keeps the records of a window that are near its last one. */
import { type DeltaFunction, requireDelta } from '../triggers/delta-trigger.ts';
import type { Window } from '../window.ts';
import { type Evictor, keepOnly, type TimestampedValue } from './evictor.ts';

/** See the file's head: evicts what has a delta to the last record of the threshold or more. */
export class DeltaEvictor<T> implements Evictor<T, Window> {
  readonly threshold: number;
  readonly deltaFunction: DeltaFunction<T>;
  readonly doEvictAfter: boolean;

  private constructor(threshold: number, deltaFunction: DeltaFunction<T>, doEvictAfter: boolean) {
    this.threshold = threshold;
    this.deltaFunction = deltaFunction;
    this.doEvictAfter = doEvictAfter;
  }

  /** @param doEvictAfter - whether it evicts after the function, not before (false) */
  static of<T>(
    threshold: number,
    deltaFunction: DeltaFunction<T>,
    doEvictAfter = false,
  ): DeltaEvictor<T> {
    requireDelta('DeltaEvictor', threshold, deltaFunction);
    return new DeltaEvictor(threshold, deltaFunction, doEvictAfter);
  }

  evictBefore(elements: TimestampedValue<T>[]): void {
    if (!this.doEvictAfter) this.#evict(elements);
  }

  evictAfter(elements: TimestampedValue<T>[]): void {
    if (this.doEvictAfter) this.#evict(elements);
  }

  #evict(elements: TimestampedValue<T>[]): void {
    const last = elements.at(-1);
    if (last === undefined) return;
    keepOnly(elements, ({ value }) => !(this.deltaFunction(value, last.value) >= this.threshold));
  }
}
