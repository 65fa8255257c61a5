/**
 * What the operators of keyed process functions have in common: the current key, its state, its
 * timers.
 *
 * Invariants:
 * 1. Whatever user code runs, the current key is that of the record or timer, or there is none.
 * 2. All timers that a watermark makes due have fired, and what they emitted is downstream, before
 *    it goes on.
 */
import type { TimeDomain } from '../../functions/process-functions.ts';
import type { KeyedStateStore } from '../../functions/state.ts';
import { KeyedStateHandles } from '../../state/keyed-state-store.ts';
import { InternalTimerService } from '../../state/timers/internal-timer-service.ts';
import type { Triggerable } from '../../state/timers/internal-timer-service.ts';
import type { StageContext } from '../chain-stage.ts';
import type { AnyFunction, UserInstance } from '../user-function.ts';
import { CurrentKey } from './current-key.ts';
import type { TimerContext } from './keyed-contexts.ts';
import { SharedFunction } from './shared-state.ts';
import { UserTimers } from './user-timers.ts';

/** See the file's head. One per operator and subtask. */
export class KeyedOperator {
  readonly handles: KeyedStateHandles;
  /** What the function gets its state from. */
  readonly store: KeyedStateStore;
  readonly key: CurrentKey;
  readonly timers: InternalTimerService;
  readonly userTimers: UserTimers;
  readonly #fired: FiredTimers;
  readonly #shared: SharedFunction | undefined;

  constructor(context: StageContext, given: UserInstance<object>) {
    const { keyedState, operatorName, runtimeContext } = context;
    const { clock } = runtimeContext.environment;
    this.handles = new KeyedStateHandles(keyedState, { operatorName, now: () => clock.now() });
    const isShared = !given.isOwn && runtimeContext.numberOfParallelSubtasks > 1;
    this.#shared = isShared ? SharedFunction.of(given.instance, this.handles) : undefined;
    this.store = this.#shared ?? this.handles;
    this.key = new CurrentKey(this.handles);
    this.#fired = new FiredTimers();
    this.timers = new InternalTimerService({
      backend: keyedState,
      operatorName,
      keyContext: this.key,
      target: this.#fired,
      wakeAt: context.wakeAt,
      clock,
    });
    this.userTimers = new UserTimers(context, this.key, this.timers);
  }

  /** Before the function is called, other subtasks of the thread may have called it meanwhile. */
  enter(): void {
    if (this.#shared !== undefined) this.#shared.current = this.handles;
  }

  /** Fires event timers; true when all that are due have. */
  onWatermark(watermark: number): boolean {
    this.enter();
    return this.timers.advanceWatermark(watermark);
  }

  /** Fires processing timers; true when all that are due have. */
  onProcessingTime(nowMs: number): boolean {
    this.enter();
    return this.timers.advanceProcessingTime(nowMs);
  }

  /** Timers call the function's `onTimer`, if it has one. */
  onTimer(method: AnyFunction | undefined, context: TimerContext): void {
    this.#fired.call(method as OnTimer | undefined, context);
  }
}

type OnTimer = (
  time: number,
  context: TimerContext,
  collector: TimerContext['collector'],
) => unknown;

/** @dataplane Calls `onTimer`. */
class FiredTimers implements Triggerable {
  #onTimer: OnTimer | undefined;
  #context: TimerContext | undefined;

  call(onTimer: OnTimer | undefined, context: TimerContext): void {
    this.#onTimer = onTimer;
    this.#context = context;
  }

  onEventTime(time: number): void {
    this.#fire(time, 'event-time');
  }

  onProcessingTime(time: number): void {
    this.#fire(time, 'processing-time');
  }

  #fire(time: number, domain: TimeDomain): void {
    const context = this.#context;
    if (this.#onTimer === undefined || context === undefined) return;
    context.setTimer(time, domain);
    this.#onTimer(time, context, context.collector);
  }
}
