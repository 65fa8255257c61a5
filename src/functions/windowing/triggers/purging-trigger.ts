/** Makes a trigger throw the contents away whenever it fires, so that results are increments. */
import type { Window } from '../window.ts';
import { requireTrigger } from './require-trigger.ts';
import type { OnMergeContext, Trigger, TriggerContext, TriggerResult } from './trigger.ts';

/** See the file's head. */
export class PurgingTrigger<T, W extends Window> implements Trigger<T, W> {
  readonly nestedTrigger: Trigger<T, W>;

  private constructor(nestedTrigger: Trigger<T, W>) {
    this.nestedTrigger = nestedTrigger;
  }

  static of<T, W extends Window>(nestedTrigger: Trigger<T, W>): PurgingTrigger<T, W> {
    requireTrigger('PurgingTrigger.of', nestedTrigger);
    return new PurgingTrigger(nestedTrigger);
  }

  onElement(element: T, timestamp: number, window: W, context: TriggerContext): TriggerResult {
    return purging(this.nestedTrigger.onElement(element, timestamp, window, context));
  }

  onEventTime(time: number, window: W, context: TriggerContext): TriggerResult {
    return purging(this.nestedTrigger.onEventTime(time, window, context));
  }

  onProcessingTime(time: number, window: W, context: TriggerContext): TriggerResult {
    return purging(this.nestedTrigger.onProcessingTime(time, window, context));
  }

  canMerge(): boolean {
    return this.nestedTrigger.canMerge?.() ?? false;
  }

  onMerge(window: W, context: OnMergeContext): void {
    this.nestedTrigger.onMerge?.(window, context);
  }

  clear(window: W, context: TriggerContext): void {
    this.nestedTrigger.clear(window, context);
  }
}

function purging(result: TriggerResult): TriggerResult {
  return result === 'FIRE' ? 'FIRE_AND_PURGE' : result;
}
