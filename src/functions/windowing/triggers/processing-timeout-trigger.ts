/**
 * Makes a trigger fire at the latest when so much time has passed, by the clock, since the window's
 * first record, or since its last.
 */
import { types } from '../../../types/types.ts';
import { ValueStateDescriptor } from '../../state.ts';
import type { Window } from '../window.ts';
import { requireWholeMs } from '../window-assigner.ts';
import { requireTrigger } from './require-trigger.ts';
import { isFire, isPurge } from './trigger.ts';
import type { Trigger, TriggerContext, TriggerResult } from './trigger.ts';

const TIMEOUT = new ValueStateDescriptor<number>('trigger-timeout', types.double);

/** How a {@link ProcessingTimeoutTrigger} counts. */
export interface ProcessingTimeoutOptions {
  /** Whether each record begins the time anew (false). */
  readonly resetTimerOnNewRecord?: boolean | undefined;
  /** Whether the nested trigger forgets its state when the time is up (true). */
  readonly shouldClearOnTimeout?: boolean | undefined;
}

/** See the file's head. Not for windows that merge. */
export class ProcessingTimeoutTrigger<T, W extends Window> implements Trigger<T, W> {
  readonly nestedTrigger: Trigger<T, W>;
  readonly timeoutMs: number;
  readonly resetTimerOnNewRecord: boolean;
  readonly shouldClearOnTimeout: boolean;

  private constructor(
    nestedTrigger: Trigger<T, W>,
    timeoutMs: number,
    options: ProcessingTimeoutOptions,
  ) {
    this.nestedTrigger = nestedTrigger;
    this.timeoutMs = timeoutMs;
    this.resetTimerOnNewRecord = options.resetTimerOnNewRecord ?? false;
    this.shouldClearOnTimeout = options.shouldClearOnTimeout ?? true;
  }

  static of<T, W extends Window>(
    nestedTrigger: Trigger<T, W>,
    timeoutMs: number,
    options: ProcessingTimeoutOptions = {},
  ): ProcessingTimeoutTrigger<T, W> {
    requireTrigger('ProcessingTimeoutTrigger.of', nestedTrigger);
    requireWholeMs('a trigger timeout', timeoutMs);
    return new ProcessingTimeoutTrigger(nestedTrigger, timeoutMs, options);
  }

  onElement(element: T, timestamp: number, window: W, context: TriggerContext): TriggerResult {
    const result = this.nestedTrigger.onElement(element, timestamp, window, context);
    if (isFire(result)) {
      this.clear(window, context);
      return result;
    }
    const timeout = context.getPartitionedState(TIMEOUT);
    const before = timeout.value();
    if (before !== undefined && !this.resetTimerOnNewRecord) return result;
    if (before !== undefined) context.deleteProcessingTimeTimer(before);
    const time = context.getCurrentProcessingTime() + this.timeoutMs;
    timeout.update(time);
    context.registerProcessingTimeTimer(time);
    return result;
  }

  onEventTime(time: number, window: W, context: TriggerContext): TriggerResult {
    return this.#timedOut(this.nestedTrigger.onEventTime(time, window, context), window, context);
  }

  onProcessingTime(time: number, window: W, context: TriggerContext): TriggerResult {
    const result = this.nestedTrigger.onProcessingTime(time, window, context);
    return this.#timedOut(result, window, context);
  }

  clear(window: W, context: TriggerContext): void {
    const timeout = context.getPartitionedState(TIMEOUT);
    const time = timeout.value();
    if (time !== undefined) {
      context.deleteProcessingTimeTimer(time);
      timeout.clear();
    }
    this.nestedTrigger.clear(window, context);
  }

  #timedOut(result: TriggerResult, window: W, context: TriggerContext): TriggerResult {
    if (this.shouldClearOnTimeout) this.clear(window, context);
    return isPurge(result) ? 'FIRE_AND_PURGE' : 'FIRE';
  }
}
