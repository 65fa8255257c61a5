/** Keeps the last records of a window, up to a count. */
import { requireCount } from '../triggers/count-trigger.ts';
import type { Window } from '../window.ts';
import type { Evictor, TimestampedValue } from './evictor.ts';

/** See the file's head. */
export class CountEvictor implements Evictor<unknown, Window> {
  readonly maxCount: number;
  readonly doEvictAfter: boolean;

  private constructor(maxCount: number, doEvictAfter: boolean) {
    this.maxCount = maxCount;
    this.doEvictAfter = doEvictAfter;
  }

  /** @param doEvictAfter - whether it evicts after the function, not before (false) */
  static of(maxCount: number, doEvictAfter = false): CountEvictor {
    requireCount('a CountEvictor', maxCount);
    return new CountEvictor(maxCount, doEvictAfter);
  }

  evictBefore(elements: TimestampedValue<unknown>[], size: number): void {
    if (!this.doEvictAfter) this.#evict(elements, size);
  }

  evictAfter(elements: TimestampedValue<unknown>[], size: number): void {
    if (this.doEvictAfter) this.#evict(elements, size);
  }

  #evict(elements: TimestampedValue<unknown>[], size: number): void {
    if (size > this.maxCount) elements.splice(0, size - this.maxCount);
  }
}
