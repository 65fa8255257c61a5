/** A half-open interval of time, and the arithmetic of aligned windows. */

/** The interval [start, end) in epoch milliseconds. */
export interface TimeWindow {
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
 * The start of the aligned window that holds `timestamp`: `timestamp − ((timestamp − offset) mod size)` with a remainder that
 * is never negative (Flink: TimeWindow.getWindowStartWithOffset).
 */
export function windowStart(timestamp: number, offsetMs: number, sizeMs: number): number {
  const remainder = (timestamp - offsetMs) % sizeMs;
  return timestamp - (remainder < 0 ? remainder + sizeMs : remainder);
}
