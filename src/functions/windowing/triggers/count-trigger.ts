/** Fires whenever so many records have come to a window. What is left over never fires. */
import { MillraceError } from '../../../base/errors.ts';
import { types } from '../../../types/types.ts';
import { ReducingStateDescriptor } from '../../state.ts';
import type { Window } from '../window.ts';
import type { OnMergeContext, Trigger, TriggerContext, TriggerResult } from './trigger.ts';

const COUNT = new ReducingStateDescriptor<number>('trigger-count', (a, b) => a + b, types.long);

/** See the file's head. */
export class CountTrigger implements Trigger<unknown, Window> {
  readonly maxCount: number;

  private constructor(maxCount: number) {
    this.maxCount = maxCount;
  }

  static of(maxCount: number): CountTrigger {
    requireCount('a CountTrigger', maxCount);
    return new CountTrigger(maxCount);
  }

  onElement(
    _element: unknown,
    _timestamp: number,
    _window: Window,
    context: TriggerContext,
  ): TriggerResult {
    const count = context.getPartitionedState(COUNT);
    count.add(1);
    if ((count.get() ?? 0) < this.maxCount) return 'CONTINUE';
    count.clear();
    return 'FIRE';
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

  onMerge(_window: Window, context: OnMergeContext): void {
    context.mergePartitionedState(COUNT);
  }

  clear(_window: Window, context: TriggerContext): void {
    context.getPartitionedState(COUNT).clear();
  }
}

/** @throws ILLEGAL_ARGUMENT unless `count` is whole and above 0 */
export function requireCount(what: string, count: number): void {
  if (Number.isSafeInteger(count) && count > 0) return;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `${what} of ${String(count)}: give a whole number above 0`,
  );
}
