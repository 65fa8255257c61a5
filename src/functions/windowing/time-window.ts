/** A half-open interval of time, and the arithmetic of aligned and of merging windows. */
import type { Window } from './window.ts';

/** The interval [start, end) in epoch milliseconds. */
export interface TimeWindow extends Window {
  readonly start: number;
  readonly end: number;
  /** `end − 1`: the last timestamp that belongs to the window. */
  readonly maxTimestamp: number;
}

/** Makes a {@link TimeWindow}. */
export function timeWindow(start: number, end: number): TimeWindow {
  return { start, end, maxTimestamp: end - 1 };
}

/**
 * The start of the aligned window that holds `timestamp`: `timestamp − ((timestamp − offset) mod
 * size)` with a remainder that is never negative (Flink: TimeWindow.getWindowStartWithOffset).
 */
export function windowStart(timestamp: number, offsetMs: number, sizeMs: number): number {
  const remainder = (timestamp - offsetMs) % sizeMs;
  return timestamp - (remainder < 0 ? remainder + sizeMs : remainder);
}

/** What a merging assigner calls for each set of windows that become one. */
export type MergeCallback<W> = (toBeMerged: readonly W[], mergeResult: W) => void;

/**
 * Merges windows that overlap or touch (Flink: TimeWindow.mergeWindows): one ends where another
 * begins, and they are one. A set of one is not told.
 */
export function mergeTimeWindows(
  windows: readonly TimeWindow[],
  merge: MergeCallback<TimeWindow>,
): void {
  const sorted = windows.toSorted((a, b) => a.start - b.start);
  let group: TimeWindow[] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const window of sorted) {
    if (group.length > 0 && window.start > end) {
      tell(group, end, merge);
      group = [];
      end = Number.NEGATIVE_INFINITY;
    }
    group.push(window);
    end = Math.max(end, window.end);
  }
  tell(group, end, merge);
}

function tell(group: readonly TimeWindow[], end: number, merge: MergeCallback<TimeWindow>): void {
  const [first] = group;
  if (first !== undefined && group.length > 1) merge(group, timeWindow(first.start, end));
}
