/** What takes records out of a window before or after its function. */
import type { MetricGroup } from '../../runtime-context.ts';
import type { Window } from '../window.ts';

/** A record of a window with its timestamp. */
export interface TimestampedValue<T> {
  readonly value: T;
  /** Epoch ms; `-Infinity` if the record has none. */
  readonly timestamp: number;
}

/** What an evictor may know. */
export interface EvictorContext {
  getCurrentProcessingTime(): number;
  getCurrentWatermark(): number;
  getMetricGroup(): MetricGroup;
}

/**
 * Takes records out of a window that fires, for good. A window with an evictor keeps all records
 * until then: nothing is aggregated in advance.
 */
export interface Evictor<T, W extends Window> {
  /** Takes out of `elements`, in place, what the function shall not see. */
  evictBefore(
    elements: TimestampedValue<T>[],
    size: number,
    window: W,
    context: EvictorContext,
  ): void;
  /** Takes out of `elements`, in place, what the next firing shall not see. */
  evictAfter(
    elements: TimestampedValue<T>[],
    size: number,
    window: W,
    context: EvictorContext,
  ): void;
}

/** Keeps, in place, the elements for which `isKept` holds. */
export function keepOnly<E>(elements: E[], isKept: (element: E, index: number) => boolean): void {
  let kept = 0;
  for (let i = 0; i < elements.length; i++) {
    const element = elements[i] as E;
    if (isKept(element, i)) elements[kept++] = element;
  }
  elements.length = kept;
}
