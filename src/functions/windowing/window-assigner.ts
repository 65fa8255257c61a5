/**
 * How records come to their windows. The built-in assigners are frozen data with Flink's names and
 * argument rules; users may write others.
 */
import { MillraceError } from '../../base/errors.ts';
import type { MergeCallback } from './time-window.ts';
import type { Trigger } from './triggers/trigger.ts';
import type { Window } from './window.ts';

/** How windows that many keys share are moved apart, so that they do not all fire at once. */
export type WindowStagger =
  /** Not at all. */
  | 'ALIGNED'
  /** By a random part of the size, one for each subtask. */
  | 'RANDOM'
  /** To where the subtask's first record came, by the clock. */
  | 'NATURAL';

/** The ways of staggering, by Flink's names. */
export const WindowStagger: { readonly [Name in WindowStagger]: Name } = Object.freeze({
  ALIGNED: 'ALIGNED',
  RANDOM: 'RANDOM',
  NATURAL: 'NATURAL',
});

/** What an assigner may know besides the record. */
export interface WindowAssignerContext {
  /** The wall clock of the environment, epoch ms: the same for all records of a batch. */
  getCurrentProcessingTime(): number;
  /** How far the windows of this subtask are moved: settled once, at its first record. */
  getStaggerOffset(stagger: WindowStagger, sizeMs: number): number;
}

/**
 * Puts records into windows. Your own assigner is an object with these methods; it keeps nothing
 * itself, since subtasks of one thread share it.
 *
 * @example
 * // From the time in the record on, for a day.
 * const aDay: WindowAssigner<Flight, TimeWindow> = {
 *   isEventTime: () => true,
 *   assignWindows: ({ time }) => [
 *     { start: time, end: time + days(1), maxTimestamp: time + days(1) - 1 },
 *   ],
 *   getDefaultTrigger: () => EventTimeTrigger.create(),
 * };
 * flights.keyBy('origin').window(aDay).sum('count');
 */
export interface WindowAssigner<T, W extends Window> {
  /** Whether windows end by the watermark; else by the clock. */
  isEventTime(): boolean;
  /** The windows of a record; none drops it, unless it is late. */
  assignWindows(element: T, timestamp: number, context: WindowAssignerContext): readonly W[];
  /** What fires the windows if no other trigger is set. */
  getDefaultTrigger(): Trigger<unknown, W>;
}

/** An assigner whose windows become one when they meet, as sessions do. */
export interface MergingWindowAssigner<T, W extends Window> extends WindowAssigner<T, W> {
  /** Says which of the windows become one, by calling `callback` for each set of several. */
  mergeWindows(windows: readonly W[], callback: MergeCallback<W>): void;
}

/** Whether windows of an assigner merge. */
export function isMerging<T, W extends Window>(
  assigner: WindowAssigner<T, W>,
): assigner is MergingWindowAssigner<T, W> {
  return 'mergeWindows' in assigner && typeof assigner.mergeWindows === 'function';
}

/** @throws ILLEGAL_ARGUMENT unless `ms` is whole and above 0 */
export function requireWholeMs(what: string, ms: number): void {
  if (Number.isSafeInteger(ms) && ms > 0) return;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `${what} of ${String(ms)}: give whole milliseconds above 0, for example minutes(5)`,
  );
}
