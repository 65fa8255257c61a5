/** Fires when the clock has passed the window's end. */
import type { Window } from '../window.ts';
import type { OnMergeContext, Trigger, TriggerContext, TriggerResult } from './trigger.ts';

/** See the file's head. The default of windows by the clock. */
export class ProcessingTimeTrigger implements Trigger<unknown, Window> {
  static create(): ProcessingTimeTrigger {
    return new ProcessingTimeTrigger();
  }

  onElement(
    _element: unknown,
    _timestamp: number,
    { maxTimestamp }: Window,
    context: TriggerContext,
  ): TriggerResult {
    context.registerProcessingTimeTimer(maxTimestamp);
    return 'CONTINUE';
  }

  onEventTime(): TriggerResult {
    return 'CONTINUE';
  }

  onProcessingTime(): TriggerResult {
    return 'FIRE';
  }

  canMerge(): boolean {
    return true;
  }

  onMerge({ maxTimestamp }: Window, context: OnMergeContext): void {
    if (maxTimestamp > context.getCurrentProcessingTime())
      context.registerProcessingTimeTimer(maxTimestamp);
  }

  clear({ maxTimestamp }: Window, context: TriggerContext): void {
    context.deleteProcessingTimeTimer(maxTimestamp);
  }
}
