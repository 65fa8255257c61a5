/**
 * What makes a window fire. A trigger keeps nothing itself, since all windows of a thread share it:
 * what it remembers is state of the key and window, by its context.
 */
import type { MetricGroup } from '../../runtime-context.ts';
import type {
  AggregatingState,
  AggregatingStateDescriptor,
  ListState,
  ListStateDescriptor,
  MapState,
  MapStateDescriptor,
  ReducingState,
  ReducingStateDescriptor,
  ValueState,
  ValueStateDescriptor,
} from '../../state.ts';
import type { Window } from '../window.ts';

/** What becomes of a window. */
export type TriggerResult =
  /** Nothing. */
  | 'CONTINUE'
  /** Its function gets the contents, which are kept. */
  | 'FIRE'
  /** The contents are thrown away; the window itself lives on. */
  | 'PURGE'
  /** Both, in this order. */
  | 'FIRE_AND_PURGE';

/** The results of triggers, by Flink's names. */
export const TriggerResult: { readonly [Name in TriggerResult]: Name } = Object.freeze({
  CONTINUE: 'CONTINUE',
  FIRE: 'FIRE',
  PURGE: 'PURGE',
  FIRE_AND_PURGE: 'FIRE_AND_PURGE',
});

/** Whether the window fires. */
export function isFire(result: TriggerResult): boolean {
  return result === 'FIRE' || result === 'FIRE_AND_PURGE';
}

/** Whether the contents go. */
export function isPurge(result: TriggerResult): boolean {
  return result === 'PURGE' || result === 'FIRE_AND_PURGE';
}

/** Time, timers and state of the current key and window. */
export interface TriggerContext {
  getCurrentProcessingTime(): number;
  /** The operator's watermark; `-Infinity` before the first. */
  getCurrentWatermark(): number;
  getMetricGroup(): MetricGroup;
  /** Wants `onEventTime` for this key and window when the watermark reaches `time`. */
  registerEventTimeTimer(time: number): void;
  /** Wants `onProcessingTime` for this key and window when the clock has passed `time`. */
  registerProcessingTimeTimer(time: number): void;
  deleteEventTimeTimer(time: number): void;
  deleteProcessingTimeTimer(time: number): void;
  /** State of this key and window. Ask for it in each call: the handle is good until it returns. */
  getPartitionedState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T>;
  getPartitionedState<T>(descriptor: ListStateDescriptor<T>): ListState<T>;
  getPartitionedState<K, V>(descriptor: MapStateDescriptor<K, V>): MapState<K, V>;
  getPartitionedState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T>;
  getPartitionedState<IN, ACC, OUT>(
    descriptor: AggregatingStateDescriptor<IN, ACC, OUT>,
  ): AggregatingState<IN, OUT>;
}

/** {@link TriggerContext} of the window that others have been merged into. */
export interface OnMergeContext extends TriggerContext {
  /** Brings the state of the merged windows together in that of this one. */
  mergePartitionedState<T>(descriptor: ListStateDescriptor<T> | ReducingStateDescriptor<T>): void;
  mergePartitionedState<IN, ACC, OUT>(descriptor: AggregatingStateDescriptor<IN, ACC, OUT>): void;
}

/**
 * See the file's head. Your own trigger is an object with these methods.
 *
 * @example
 * // Fires at every hundredth record of a window, and at its end.
 * const countState = new ReducingStateDescriptor<number>('count', (a, b) => a + b);
 * const often: Trigger<Flight, TimeWindow> = {
 *   onElement(flight, timestamp, window, context) {
 *     context.registerEventTimeTimer(window.maxTimestamp);
 *     const count = context.getPartitionedState(countState);
 *     count.add(1);
 *     return (count.get() ?? 0) % 100 === 0 ? 'FIRE' : 'CONTINUE';
 *   },
 *   onEventTime: (time, window) => (time === window.maxTimestamp ? 'FIRE' : 'CONTINUE'),
 *   onProcessingTime: () => 'CONTINUE',
 *   clear(window, context) {
 *     context.deleteEventTimeTimer(window.maxTimestamp);
 *     context.getPartitionedState(countState).clear();
 *   },
 * };
 */
export interface Trigger<T, W extends Window> {
  /** A record has come to a window and is part of its contents. */
  onElement(element: T, timestamp: number, window: W, context: TriggerContext): TriggerResult;
  /** A timer of the clock has come. */
  onProcessingTime(time: number, window: W, context: TriggerContext): TriggerResult;
  /** A timer of the watermark has come. */
  onEventTime(time: number, window: W, context: TriggerContext): TriggerResult;
  /** Whether it works with windows that merge; not if left out. */
  canMerge?(): boolean;
  /** Windows have been merged into `window`: bring state together, set its timers. */
  onMerge?(window: W, context: OnMergeContext): void;
  /** The window goes: leave neither timers nor state. */
  clear(window: W, context: TriggerContext): void;
}
