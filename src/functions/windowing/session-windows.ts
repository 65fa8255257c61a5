/**
 * Session windows: a record opens a window of one gap, and windows that meet are one session. So a
 * session ends when nothing has come for the gap.
 */
import { MillraceError } from '../../base/errors.ts';
import {
  type MergeCallback,
  mergeTimeWindows,
  timeWindow,
  type TimeWindow,
} from './time-window.ts';
import { EventTimeTrigger } from './triggers/event-time-trigger.ts';
import { ProcessingTimeTrigger } from './triggers/processing-time-trigger.ts';
import type { Trigger } from './triggers/trigger.ts';
import type { MergingWindowAssigner, WindowAssignerContext } from './window-assigner.ts';

/** Gives the gap after a record, in whole milliseconds above 0. */
export type SessionWindowTimeGapExtractor<T> = (element: T) => number;

/** A session assigner; made by the four factories below. */
export class SessionWindows<T> implements MergingWindowAssigner<T, TimeWindow> {
  readonly time: 'event-time' | 'processing-time';
  /** The gap, or what gives it. */
  readonly gap: number | SessionWindowTimeGapExtractor<T>;

  /** @internal */
  constructor(
    time: 'event-time' | 'processing-time',
    gap: number | SessionWindowTimeGapExtractor<T>,
  ) {
    this.time = time;
    this.gap = gap;
    Object.freeze(this);
  }

  isEventTime(): boolean {
    return this.time === 'event-time';
  }

  assignWindows(
    element: T,
    timestamp: number,
    context: WindowAssignerContext,
  ): readonly TimeWindow[] {
    const start = this.isEventTime() ? timestamp : context.getCurrentProcessingTime();
    const { gap } = this;
    const gapMs = typeof gap === 'number' ? gap : gap(element);
    if (!(Number.isSafeInteger(gapMs) && gapMs > 0)) throw noGap(gapMs);
    return [timeWindow(start, start + gapMs)];
  }

  getDefaultTrigger(): Trigger<unknown, TimeWindow> {
    return this.isEventTime() ? EventTimeTrigger.create() : ProcessingTimeTrigger.create();
  }

  mergeWindows(windows: readonly TimeWindow[], callback: MergeCallback<TimeWindow>): void {
    mergeTimeWindows(windows, callback);
  }
}

/** Makes session windows of one kind of time. */
export interface SessionWindowsFactory {
  /** A session ends when nothing has come for `gapMs`. */
  withGap(gapMs: number): SessionWindows<unknown>;
  /** Each record says how long its session goes on at least. */
  withDynamicGap<T>(extractor: SessionWindowTimeGapExtractor<T>): SessionWindows<T>;
}

/** Makes session windows whose gap each record gives. */
export type DynamicSessionWindowsFactory = Pick<SessionWindowsFactory, 'withDynamicGap'>;

function sessionsOf(time: SessionWindows<unknown>['time']): SessionWindowsFactory {
  return {
    withGap: (gapMs) => {
      if (!(Number.isSafeInteger(gapMs) && gapMs > 0)) throw noGap(gapMs);
      return new SessionWindows<unknown>(time, gapMs);
    },
    withDynamicGap: <T>(extractor: SessionWindowTimeGapExtractor<T>) => {
      if (typeof extractor !== 'function') throw noExtractor(extractor);
      return new SessionWindows<T>(time, extractor);
    },
  };
}

function noGap(gapMs: unknown): MillraceError {
  return new MillraceError(
    'ILLEGAL_ARGUMENT',
    `a session gap of ${String(gapMs)}: give whole milliseconds above 0, for example minutes(5)`,
  );
}

function noExtractor(given: unknown): MillraceError {
  return new MillraceError(
    'ILLEGAL_ARGUMENT',
    `withDynamicGap got ${typeof given}: give a function from a record to milliseconds`,
  );
}

/** Sessions by event time. */
export const EventTimeSessionWindows: SessionWindowsFactory = sessionsOf('event-time');

/** Sessions by the wall clock. */
export const ProcessingTimeSessionWindows: SessionWindowsFactory = sessionsOf('processing-time');

/** Sessions by event time whose gap each record gives. */
export const DynamicEventTimeSessionWindows: DynamicSessionWindowsFactory = EventTimeSessionWindows;

/** Sessions by the wall clock whose gap each record gives. */
export const DynamicProcessingTimeSessionWindows: DynamicSessionWindowsFactory =
  ProcessingTimeSessionWindows;
