/** Keeps the records of a window whose timestamps are near the greatest one. */
import type { Window } from '../window.ts';
import { requireWholeMs } from '../window-assigner.ts';
import { type Evictor, keepOnly, type TimestampedValue } from './evictor.ts';

/** See the file's head: keeps those above the greatest timestamp minus `windowSizeMs`. */
export class TimeEvictor implements Evictor<unknown, Window> {
  readonly windowSizeMs: number;
  readonly doEvictAfter: boolean;

  private constructor(windowSizeMs: number, doEvictAfter: boolean) {
    this.windowSizeMs = windowSizeMs;
    this.doEvictAfter = doEvictAfter;
  }

  /** @param doEvictAfter - whether it evicts after the function, not before (false) */
  static of(windowSizeMs: number, doEvictAfter = false): TimeEvictor {
    requireWholeMs('a TimeEvictor', windowSizeMs);
    return new TimeEvictor(windowSizeMs, doEvictAfter);
  }

  evictBefore(elements: TimestampedValue<unknown>[]): void {
    if (!this.doEvictAfter) this.#evict(elements);
  }

  evictAfter(elements: TimestampedValue<unknown>[]): void {
    if (this.doEvictAfter) this.#evict(elements);
  }

  #evict(elements: TimestampedValue<unknown>[]): void {
    const [first] = elements;
    // As in Flink: where the first record has no timestamp, none is taken to have one.
    if (first === undefined || first.timestamp === Number.NEGATIVE_INFINITY) return;
    let greatest = first.timestamp;
    for (const { timestamp } of elements) greatest = Math.max(greatest, timestamp);
    const cutoff = greatest - this.windowSizeMs;
    keepOnly(elements, ({ timestamp }) => timestamp > cutoff);
  }
}
