/**
 * What a trigger sees: time, the timers and the state of the current key and one window.
 * Invariant: the window is set before each call of the trigger; no handle outlives the call.
 */
import type { MetricGroup } from '../../../functions/runtime-context.ts';
import type { State } from '../../../functions/state.ts';
import type { OnMergeContext } from '../../../functions/windowing/triggers/trigger.ts';
import type { Window } from '../../../functions/windowing/window.ts';
import type { InternalTimerService } from '../../../state/timers/internal-timer-service.ts';
import type { StageContext } from '../../chain-stage.ts';
import { type AnyDescriptor, PartitionedStates, putInto, takeOut } from './partitioned-states.ts';
import { namespaceOf } from './window-namespaces.ts';
import type { WindowStates } from './window-states.ts';

/** Time as the operator sees it. */
export interface OperatorTime {
  currentWatermark(): number;
  currentProcessingTime(): number;
}

/** What an {@link OperatorTriggerContext} is made of. */
export interface TriggerContextParts {
  readonly context: StageContext;
  readonly time: OperatorTime;
  readonly timers: InternalTimerService;
  readonly states: WindowStates;
}

/** See the file's head. One per operator. */
export class OperatorTriggerContext implements OnMergeContext {
  readonly #parts: TriggerContextParts;
  readonly #partitioned = new PartitionedStates();
  #namespace: unknown = undefined;
  #merged: readonly unknown[] = [];

  constructor(parts: TriggerContextParts) {
    this.#parts = parts;
  }

  /** Before each call of a trigger. */
  enter(namespace: unknown): void {
    this.#namespace = namespace;
  }

  /** {@link enter} for `onMerge`. */
  enterMerge(namespace: unknown, merged: readonly Window[]): void {
    this.#namespace = namespace;
    this.#merged = merged.map(namespaceOf);
  }

  getCurrentProcessingTime(): number {
    return this.#parts.time.currentProcessingTime();
  }

  getCurrentWatermark(): number {
    return this.#parts.time.currentWatermark();
  }

  getMetricGroup(): MetricGroup {
    return this.#parts.context.runtimeContext.metricGroup;
  }

  registerEventTimeTimer(time: number): void {
    this.#parts.timers.registerEventTimeTimer(time, this.#namespace);
  }

  registerProcessingTimeTimer(time: number): void {
    this.#parts.timers.registerProcessingTimeTimer(time, this.#namespace);
  }

  deleteEventTimeTimer(time: number): void {
    this.#parts.timers.deleteEventTimeTimer(time, this.#namespace);
  }

  deleteProcessingTimeTimer(time: number): void {
    this.#parts.timers.deleteProcessingTimeTimer(time, this.#namespace);
  }

  /** As the overloads of the interface say: the state that belongs to the descriptor's kind. */
  getPartitionedState(descriptor: AnyDescriptor): never {
    return this.#stateOf(this.#namespace, descriptor) as never;
  }

  mergePartitionedState(descriptor: AnyDescriptor): void {
    for (const namespace of this.#merged) {
      const held = takeOut(this.#stateOf(namespace, descriptor), descriptor);
      if (held !== undefined) putInto(this.#stateOf(this.#namespace, descriptor), descriptor, held);
    }
  }

  #stateOf(namespace: unknown, descriptor: AnyDescriptor): State {
    return this.#partitioned.get(this.#parts.states.of(namespace), descriptor);
  }
}
