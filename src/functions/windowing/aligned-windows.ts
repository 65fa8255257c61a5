/**
 * Tumbling and sliding windows. They are data: the operator of aligned windows generates its code
 * from them, and assigns many records at once; `assignWindows` is for the general one.
 */
import { MillraceError } from '../../base/errors.ts';
import { timeWindow, type TimeWindow, windowStart } from './time-window.ts';
import { EventTimeTrigger } from './triggers/event-time-trigger.ts';
import { ProcessingTimeTrigger } from './triggers/processing-time-trigger.ts';
import type { Trigger } from './triggers/trigger.ts';
import {
  requireWholeMs,
  type WindowAssigner,
  type WindowAssignerContext,
  WindowStagger,
} from './window-assigner.ts';

/** The data of an aligned assigner: tumbling is sliding with slide = size. All in milliseconds. */
export interface AlignedWindowsOptions {
  readonly kind: 'tumbling' | 'sliding';
  readonly time: 'event-time' | 'processing-time';
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly offsetMs: number;
}

/** Windows of one size that start at regular times. */
export class AlignedWindows implements AlignedWindowsOptions, WindowAssigner<unknown, TimeWindow> {
  readonly kind: 'tumbling' | 'sliding';
  readonly time: 'event-time' | 'processing-time';
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly offsetMs: number;
  readonly stagger: WindowStagger;

  /** @internal */
  constructor(options: AlignedWindowsOptions, stagger: WindowStagger = 'ALIGNED') {
    this.kind = options.kind;
    this.time = options.time;
    this.sizeMs = options.sizeMs;
    this.slideMs = options.slideMs;
    this.offsetMs = options.offsetMs;
    this.stagger = stagger;
    Object.freeze(this);
  }

  isEventTime(): boolean {
    return this.time === 'event-time';
  }

  /** From the latest to the earliest. */
  assignWindows(
    _element: unknown,
    timestamp: number,
    context: WindowAssignerContext,
  ): readonly TimeWindow[] {
    const { sizeMs, slideMs, stagger } = this;
    const time = this.isEventTime() ? timestamp : context.getCurrentProcessingTime();
    const staggerMs = stagger === 'ALIGNED' ? 0 : context.getStaggerOffset(stagger, sizeMs);
    const offsetMs = (this.offsetMs + staggerMs) % sizeMs;
    const windows: TimeWindow[] = [];
    let start = windowStart(time, offsetMs, slideMs);
    for (; start > time - sizeMs; start -= slideMs) windows.push(timeWindow(start, start + sizeMs));
    return windows;
  }

  getDefaultTrigger(): Trigger<unknown, TimeWindow> {
    return this.isEventTime() ? EventTimeTrigger.create() : ProcessingTimeTrigger.create();
  }
}

/** Makes tumbling windows of one kind of time. */
export interface TumblingWindowsFactory {
  /** @param stagger - moves the windows of each subtask apart from those of the others */
  of(sizeMs: number, offsetMs?: number, stagger?: WindowStagger): AlignedWindows;
}

/** Makes sliding windows of one kind of time. */
export interface SlidingWindowsFactory {
  of(sizeMs: number, slideMs: number, offsetMs?: number): AlignedWindows;
}

function tumblingOf(time: AlignedWindowsOptions['time']): TumblingWindowsFactory {
  return {
    of: (sizeMs, offsetMs = 0, stagger = 'ALIGNED') => {
      requireWholeMs('a window size', sizeMs);
      requireOffset(offsetMs, 'size', sizeMs);
      requireStagger(stagger);
      return new AlignedWindows(
        { kind: 'tumbling', time, sizeMs, slideMs: sizeMs, offsetMs },
        stagger,
      );
    },
  };
}

function slidingOf(time: AlignedWindowsOptions['time']): SlidingWindowsFactory {
  return {
    of: (sizeMs, slideMs, offsetMs = 0) => {
      requireWholeMs('a window size', sizeMs);
      requireWholeMs('a window slide', slideMs);
      requireOffset(offsetMs, 'slide', slideMs);
      return new AlignedWindows({ kind: 'sliding', time, sizeMs, slideMs, offsetMs });
    },
  };
}

function requireOffset(offsetMs: number, bound: string, boundMs: number): void {
  if (Number.isInteger(offsetMs) && Math.abs(offsetMs) < boundMs) return;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `a window offset of ${offsetMs} ms: its absolute value must be below the ${bound} ${boundMs}`,
  );
}

function requireStagger(stagger: WindowStagger): void {
  if (stagger in WindowStagger) return;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `a window stagger of ${String(stagger)}: give WindowStagger.ALIGNED, RANDOM or NATURAL`,
  );
}

/** Fixed, gapless windows by event time, aligned to the epoch plus an offset. */
export const TumblingEventTimeWindows: TumblingWindowsFactory = tumblingOf('event-time');

/** Fixed, gapless windows by the wall clock. */
export const TumblingProcessingTimeWindows: TumblingWindowsFactory = tumblingOf('processing-time');

/** Overlapping windows by event time: one of `sizeMs` every `slideMs`. */
export const SlidingEventTimeWindows: SlidingWindowsFactory = slidingOf('event-time');

/** Overlapping windows by the wall clock. */
export const SlidingProcessingTimeWindows: SlidingWindowsFactory = slidingOf('processing-time');
