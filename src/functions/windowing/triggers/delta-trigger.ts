/** Fires when a record differs from the one that fired last by more than a threshold. */
import { MillraceError } from '../../../base/errors.ts';
import type { TypeInformation } from '../../../types/type-information.ts';
import { ValueStateDescriptor } from '../../state.ts';
import type { Window } from '../window.ts';
import type { Trigger, TriggerContext, TriggerResult } from './trigger.ts';

/** How far a record is from an earlier one. */
export type DeltaFunction<T> = (oldDataPoint: T, newDataPoint: T) => number;

/** See the file's head. Not for windows that merge. */
export class DeltaTrigger<T> implements Trigger<T, Window> {
  readonly threshold: number;
  readonly deltaFunction: DeltaFunction<T>;
  readonly #last: ValueStateDescriptor<T>;

  private constructor(
    threshold: number,
    deltaFunction: DeltaFunction<T>,
    type?: TypeInformation<T>,
  ) {
    this.threshold = threshold;
    this.deltaFunction = deltaFunction;
    this.#last = new ValueStateDescriptor('trigger-last-element', type);
  }

  /** @param type - of the records; captured if left out */
  static of<T>(
    threshold: number,
    deltaFunction: DeltaFunction<T>,
    type?: TypeInformation<T>,
  ): DeltaTrigger<T> {
    requireDelta('DeltaTrigger', threshold, deltaFunction);
    return new DeltaTrigger(threshold, deltaFunction, type);
  }

  onElement(
    element: T,
    _timestamp: number,
    _window: Window,
    context: TriggerContext,
  ): TriggerResult {
    const last = context.getPartitionedState(this.#last);
    const before = last.value();
    if (before === undefined) {
      last.update(element);
      return 'CONTINUE';
    }
    if (!(this.deltaFunction(before, element) > this.threshold)) return 'CONTINUE';
    last.update(element);
    return 'FIRE';
  }

  onEventTime(): TriggerResult {
    return 'CONTINUE';
  }

  onProcessingTime(): TriggerResult {
    return 'CONTINUE';
  }

  clear(_window: Window, context: TriggerContext): void {
    context.getPartitionedState(this.#last).clear();
  }
}

/** @throws ILLEGAL_ARGUMENT unless these are a threshold and a function */
export function requireDelta(owner: string, threshold: number, deltaFunction: unknown): void {
  if (
    typeof threshold === 'number' &&
    threshold === threshold &&
    typeof deltaFunction === 'function'
  )
    return;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `${owner}.of got a threshold of ${String(threshold)} and ${typeof deltaFunction}: give a ` +
      'number, and a function (oldDataPoint, newDataPoint) => number',
  );
}
