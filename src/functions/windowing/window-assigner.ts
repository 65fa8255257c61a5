/**
 * Window assigners as frozen data: the window operator generates its assignment code from them.
 * Names and argument rules are Flink's (TumblingEventTimeWindows, SlidingEventTimeWindows and their processing-time twins).
 */
import { MillraceError } from '../../base/errors.ts';

/** An aligned assigner: tumbling is sliding with slide = size. All in milliseconds. */
export interface WindowAssigner {
  readonly kind: 'tumbling' | 'sliding';
  readonly time: 'event-time' | 'processing-time';
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly offsetMs: number;
}

function tumbling(time: WindowAssigner['time'], sizeMs: number, offsetMs: number): WindowAssigner {
  requireWholeMs('size', sizeMs);
  if (!Number.isInteger(offsetMs) || Math.abs(offsetMs) >= sizeMs) {
    throw illegal(
      `a window offset of ${offsetMs} ms: its absolute value must be below the size ${sizeMs}`,
    );
  }
  return Object.freeze({ kind: 'tumbling', time, sizeMs, slideMs: sizeMs, offsetMs });
}

function sliding(
  time: WindowAssigner['time'],
  sizeMs: number,
  slideMs: number,
  offsetMs: number,
): WindowAssigner {
  requireWholeMs('size', sizeMs);
  requireWholeMs('slide', slideMs);
  if (!Number.isInteger(offsetMs) || Math.abs(offsetMs) >= slideMs) {
    throw illegal(
      `a window offset of ${offsetMs} ms: its absolute value must be below the slide ${slideMs}`,
    );
  }
  return Object.freeze({ kind: 'sliding', time, sizeMs, slideMs, offsetMs });
}

function requireWholeMs(what: string, ms: number): void {
  if (!Number.isSafeInteger(ms) || ms <= 0) {
    throw illegal(
      `a window ${what} of ${ms}: give whole milliseconds above 0, for example minutes(5)`,
    );
  }
}

function illegal(message: string): MillraceError {
  return new MillraceError('ILLEGAL_ARGUMENT', message);
}

/** Fixed, gapless windows by event time, aligned to the epoch plus an offset. */
export const TumblingEventTimeWindows: {
  of(sizeMs: number, offsetMs?: number): WindowAssigner;
} = { of: (sizeMs, offsetMs = 0) => tumbling('event-time', sizeMs, offsetMs) };

/** Fixed, gapless windows by the wall clock. */
export const TumblingProcessingTimeWindows: {
  of(sizeMs: number, offsetMs?: number): WindowAssigner;
} = { of: (sizeMs, offsetMs = 0) => tumbling('processing-time', sizeMs, offsetMs) };

/** Overlapping windows by event time: one of `sizeMs` every `slideMs`. */
export const SlidingEventTimeWindows: {
  of(sizeMs: number, slideMs: number, offsetMs?: number): WindowAssigner;
} = { of: (sizeMs, slideMs, offsetMs = 0) => sliding('event-time', sizeMs, slideMs, offsetMs) };

/** Overlapping windows by the wall clock. */
export const SlidingProcessingTimeWindows: {
  of(sizeMs: number, slideMs: number, offsetMs?: number): WindowAssigner;
} = {
  of: (sizeMs, slideMs, offsetMs = 0) => sliding('processing-time', sizeMs, slideMs, offsetMs),
};
