/**
 * Fires at regular times of the clock. The times are multiples of the interval; the first is that
 * after the window's first record, the last is the window's end.
 */
import { types } from '../../../types/types.ts';
import { type ReducingState, ReducingStateDescriptor } from '../../state.ts';
import { windowStart } from '../time-window.ts';
import type { Window } from '../window.ts';
import { requireWholeMs } from '../window-assigner.ts';
import type { OnMergeContext, Trigger, TriggerContext, TriggerResult } from './trigger.ts';

const NEXT = new ReducingStateDescriptor<number>(
  'trigger-processing-fire-time',
  (a, b) => Math.min(a, b),
  types.double,
);

/** See the file's head. */
export class ContinuousProcessingTimeTrigger implements Trigger<unknown, Window> {
  readonly intervalMs: number;

  private constructor(intervalMs: number) {
    this.intervalMs = intervalMs;
  }

  static of(intervalMs: number): ContinuousProcessingTimeTrigger {
    requireWholeMs('a trigger interval', intervalMs);
    return new ContinuousProcessingTimeTrigger(intervalMs);
  }

  onElement(
    _element: unknown,
    _timestamp: number,
    window: Window,
    context: TriggerContext,
  ): TriggerResult {
    const next = context.getPartitionedState(NEXT);
    if (next.get() !== undefined) return 'CONTINUE';
    const now = context.getCurrentProcessingTime();
    this.#setNext(windowStart(now, 0, this.intervalMs), window, context, next);
    return 'CONTINUE';
  }

  onEventTime(): TriggerResult {
    return 'CONTINUE';
  }

  onProcessingTime(time: number, window: Window, context: TriggerContext): TriggerResult {
    const next = context.getPartitionedState(NEXT);
    if (next.get() !== time) return 'CONTINUE';
    next.clear();
    // The clock may be past the end of a window that waits for the watermark: no more firings then.
    if (time < window.maxTimestamp) this.#setNext(time, window, context, next);
    return 'FIRE';
  }

  canMerge(): boolean {
    return true;
  }

  onMerge(_window: Window, context: OnMergeContext): void {
    context.mergePartitionedState(NEXT);
    const time = context.getPartitionedState(NEXT).get();
    if (time !== undefined) context.registerProcessingTimeTimer(time);
  }

  clear(_window: Window, context: TriggerContext): void {
    const next = context.getPartitionedState(NEXT);
    const time = next.get();
    if (time === undefined) return;
    context.deleteProcessingTimeTimer(time);
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
    context.registerProcessingTimeTimer(nextTime);
  }
}
