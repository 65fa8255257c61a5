/**
 * Fires at regular times of the watermark, and at the window's end. The times are multiples of the
 * interval; the first is that after the window's first record.
 */
import { types } from '../../../types/types.ts';
import { type ReducingState, ReducingStateDescriptor } from '../../state.ts';
import { windowStart } from '../time-window.ts';
import type { Window } from '../window.ts';
import { requireWholeMs } from '../window-assigner.ts';
import type { OnMergeContext, Trigger, TriggerContext, TriggerResult } from './trigger.ts';

const NEXT = new ReducingStateDescriptor<number>(
  'trigger-event-fire-time',
  (a, b) => Math.min(a, b),
  types.double,
);

/** See the file's head. */
export class ContinuousEventTimeTrigger implements Trigger<unknown, Window> {
  readonly intervalMs: number;

  private constructor(intervalMs: number) {
    this.intervalMs = intervalMs;
  }

  static of(intervalMs: number): ContinuousEventTimeTrigger {
    requireWholeMs('a trigger interval', intervalMs);
    return new ContinuousEventTimeTrigger(intervalMs);
  }

  onElement(
    _element: unknown,
    timestamp: number,
    window: Window,
    context: TriggerContext,
  ): TriggerResult {
    const { maxTimestamp } = window;
    if (maxTimestamp <= context.getCurrentWatermark()) return 'FIRE';
    context.registerEventTimeTimer(maxTimestamp);
    const next = context.getPartitionedState(NEXT);
    if (next.get() === undefined)
      this.#setNext(windowStart(timestamp, 0, this.intervalMs), window, context, next);
    return 'CONTINUE';
  }

  onEventTime(time: number, window: Window, context: TriggerContext): TriggerResult {
    if (time === window.maxTimestamp) return 'FIRE';
    const next = context.getPartitionedState(NEXT);
    if (next.get() !== time) return 'CONTINUE';
    next.clear();
    this.#setNext(time, window, context, next);
    return 'FIRE';
  }

  onProcessingTime(): TriggerResult {
    return 'CONTINUE';
  }

  canMerge(): boolean {
    return true;
  }

  onMerge(_window: Window, context: OnMergeContext): void {
    context.mergePartitionedState(NEXT);
    const time = context.getPartitionedState(NEXT).get();
    if (time !== undefined) context.registerEventTimeTimer(time);
  }

  clear({ maxTimestamp }: Window, context: TriggerContext): void {
    context.deleteEventTimeTimer(maxTimestamp);
    const next = context.getPartitionedState(NEXT);
    const time = next.get();
    if (time === undefined) return;
    context.deleteEventTimeTimer(time);
    next.clear();
  }

  #setNext(
    time: number,
    { maxTimestamp }: Window,
    context: TriggerContext,
    next: ReducingState<number>,
  ): void {
    const nextTime = Math.min(time + this.intervalMs, maxTimestamp);
    next.add(nextTime);
    context.registerEventTimeTimer(nextTime);
  }
}
