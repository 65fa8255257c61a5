/**
 * Fires when the input has ended: the watermark is then at its maximum, the end of a global window.
 */
import type { Window } from '../window.ts';
import type { OnMergeContext, Trigger, TriggerContext, TriggerResult } from './trigger.ts';

/** See the file's head. */
export class EndOfStreamTrigger implements Trigger<unknown, Window> {
  static create(): EndOfStreamTrigger {
    return new EndOfStreamTrigger();
  }

  onElement(
    _element: unknown,
    _timestamp: number,
    { maxTimestamp }: Window,
    context: TriggerContext,
  ): TriggerResult {
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
    context.registerEventTimeTimer(maxTimestamp);
  }

  clear({ maxTimestamp }: Window, context: TriggerContext): void {
    context.deleteEventTimeTimer(maxTimestamp);
  }
}
