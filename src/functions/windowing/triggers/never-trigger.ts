/** Never fires: what global windows have as long as no other trigger is set. */
import type { Window } from '../window.ts';
import type { Trigger, TriggerResult } from './trigger.ts';

/** See the file's head. */
export class NeverTrigger implements Trigger<unknown, Window> {
  static create(): NeverTrigger {
    return new NeverTrigger();
  }

  onElement(): TriggerResult {
    return 'CONTINUE';
  }

  onEventTime(): TriggerResult {
    return 'CONTINUE';
  }

  onProcessingTime(): TriggerResult {
    return 'CONTINUE';
  }

  canMerge(): boolean {
    return true;
  }

  onMerge(): void {}

  clear(): void {}
}
