/** Fires when the watermark reaches the window's end, and at once for records that come later. */
import type { Window } from '../window.ts';
import type { OnMergeContext, Trigger, TriggerContext, TriggerResult } from './trigger.ts';

/** See the file's head. The default of windows by event time. */
export class EventTimeTrigger implements Trigger<unknown, Window> {
  static create(): EventTimeTrigger {
    return new EventTimeTrigger();
  }

  onElement(
    _element: unknown,
    _timestamp: number,
    { maxTimestamp }: Window,
    context: TriggerContext,
  ): TriggerResult {
    if (maxTimestamp <= context.getCurrentWatermark()) return 'FIRE';
    context.registerEventTimeTimer(maxTimestamp);
    return 'CONTINUE';
  }

  onEventTime(time: number, { maxTimestamp }: Window): TriggerResult {
    return time === maxTimestamp ? 'FIRE' : 'CONTINUE';
  }

  onProcessingTime(): TriggerResult {
    return 'CONTINUE';
  }

  canMerge(): boolean {
    return true;
  }

  onMerge({ maxTimestamp }: Window, context: OnMergeContext): void {
    // Past it, the record that made them merge fires the window.
    if (maxTimestamp > context.getCurrentWatermark()) context.registerEventTimeTimer(maxTimestamp);
  }

  clear({ maxTimestamp }: Window, context: TriggerContext): void {
    context.deleteEventTimeTimer(maxTimestamp);
  }
}
