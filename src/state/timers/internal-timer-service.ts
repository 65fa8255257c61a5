/**
 * @dataplane The timers of one keyed operator: set and deleted for the current key, fired in the
 * order of their times.
 *
 * As Flink's InternalTimerService:
 * 1. A timer is unique per key, namespace, domain and time; setting it again changes nothing.
 * 2. Event timers fire when `time ≤ watermark`, processing timers when `time ≤ now`, each with its
 *    key as the current one. One that is set while others fire, and is due, fires in the same pass.
 * 3. One that is set when its time has passed fires at the next advance of the watermark (or of the
 *    clock).
 * 4. A timer that is taken out to be fired is in no later snapshot; those of a pass that was cut
 *    short by one are.
 *
 * Firing goes in slices: `advance…` fires some and returns whether it is done.
 */
import type { Clock } from '../../base/environment.ts';
import { MillraceError } from '../../base/errors.ts';
import { types } from '../../types/types.ts';
import type { KeyedStateBackend, NamedState } from '../keyed-state-backend.ts';
import { TimerQueue } from './timer-queue.ts';

/** Timers that one slice fires at most. */
const SLICE_TIMERS = 1024;
/** The clock is looked at after so many, since user code may take long. */
const CLOCK_TIMERS = 32;
const SLICE_MS = 4;

const EVENT_TIME = 'event-time';
const PROCESSING_TIME = 'processing-time';
type Domain = typeof EVENT_TIME | typeof PROCESSING_TIME;

/** Whose timers are set, and whose fire. */
export interface KeyContext {
  readonly currentKey: unknown;
  readonly currentKeyHash: number;
  setCurrentKey(key: unknown, hash: number): void;
}

/** What a fired timer calls; the current key is set. */
export interface Triggerable {
  onEventTime(time: number, namespace: unknown): void;
  onProcessingTime(time: number, namespace: unknown): void;
}

/** What an {@link InternalTimerService} is made of. */
export interface TimerServiceOptions {
  /**
   * What it holds of timers is taken over. If it is restored later: {@link
   * InternalTimerService.takeOver}.
   */
  readonly backend: KeyedStateBackend;
  readonly operatorName: string;
  readonly keyContext: KeyContext;
  readonly target: Triggerable;
  /** Asks for {@link InternalTimerService.advanceProcessingTime} at a time, epoch ms. */
  readonly wakeAt: (epochMs: number) => void;
  readonly clock: Clock;
  /**
   * Whether every timer is given what else tells timers of one key apart, such as a window (false:
   * none is).
   */
  readonly hasNamespaces?: boolean | undefined;
}

/** See the file's head. */
export class InternalTimerService {
  readonly #options: TimerServiceOptions;
  readonly #hasNamespaces: boolean;
  readonly #state: NamedState;
  #eventTime: TimerQueue | undefined;
  #processingTime: TimerQueue | undefined;

  constructor(options: TimerServiceOptions) {
    this.#options = options;
    this.#hasNamespaces = options.hasNamespaces === true;
    this.#state = options.backend.declare({
      name: '_timers',
      kind: 'timers',
      valueType: types.array(types.double),
      resident: true,
    });
    this.takeOver();
  }

  /**
   * The backend has been restored: its timers are this operator's from now on. Before the first
   * record.
   */
  takeOver(): void {
    if (this.#state.has(EVENT_TIME)) this.#eventTime = this.#open(EVENT_TIME);
    if (this.#state.has(PROCESSING_TIME)) this.#processingTime = this.#open(PROCESSING_TIME);
    this.#askForWakeUp();
  }

  /** How many timers wait, in both domains. */
  get size(): number {
    return (this.#eventTime?.size ?? 0) + (this.#processingTime?.size ?? 0);
  }

  /** Sets a timer of the current key. */
  registerEventTimeTimer(time: number, namespace?: unknown): void {
    this.#requireTime(time);
    this.#eventTime ??= this.#open(EVENT_TIME);
    this.#eventTime.add(this.#rowKey(namespace), this.#options.keyContext.currentKeyHash, time);
  }

  /** Sets a timer of the current key. */
  registerProcessingTimeTimer(time: number, namespace?: unknown): void {
    this.#requireTime(time);
    this.#processingTime ??= this.#open(PROCESSING_TIME);
    const queue = this.#processingTime;
    const before = queue.firstTime;
    queue.add(this.#rowKey(namespace), this.#options.keyContext.currentKeyHash, time);
    if (queue.firstTime < before) this.#options.wakeAt(queue.firstTime);
  }

  /** Deletes a timer of the current key, if it is there. */
  deleteEventTimeTimer(time: number, namespace?: unknown): void {
    const { currentKeyHash } = this.#options.keyContext;
    this.#eventTime?.delete(this.#rowKey(namespace), currentKeyHash, time);
  }

  /** Deletes a timer of the current key, if it is there. */
  deleteProcessingTimeTimer(time: number, namespace?: unknown): void {
    const { currentKeyHash } = this.#options.keyContext;
    this.#processingTime?.delete(this.#rowKey(namespace), currentKeyHash, time);
  }

  /** Fires some of the event timers that are due; true when all are. */
  advanceWatermark(watermark: number): boolean {
    const queue = this.#eventTime;
    if (queue === undefined || isDone(queue, watermark)) return true;
    const { target } = this.#options;
    const endMs = this.#sliceEndMs();
    for (let fired = 1; !isDone(queue, watermark); fired++) {
      const time = queue.takeFirst();
      target.onEventTime(time, this.#enter(queue));
      if (this.#isSliceOver(fired, endMs)) break;
    }
    return isDone(queue, watermark);
  }

  /**
   * Fires some of the processing timers that are due; true when all are, and it has asked for its
   * next call.
   */
  advanceProcessingTime(nowMs: number): boolean {
    const queue = this.#processingTime;
    if (queue === undefined) return true;
    const { target } = this.#options;
    const endMs = this.#sliceEndMs();
    for (let fired = 1; !isDone(queue, nowMs); fired++) {
      const time = queue.takeFirst();
      target.onProcessingTime(time, this.#enter(queue));
      if (this.#isSliceOver(fired, endMs)) break;
    }
    this.#askForWakeUp();
    return isDone(queue, nowMs);
  }

  /** Makes the key of the timer that was taken the current one; returns its namespace. */
  #enter({ takenKey, takenHash }: TimerQueue): unknown {
    const { keyContext } = this.#options;
    if (!this.#hasNamespaces) {
      keyContext.setCurrentKey(takenKey, takenHash);
      return undefined;
    }
    const parts = takenKey as readonly [key: unknown, namespace: unknown];
    keyContext.setCurrentKey(parts[0], takenHash);
    return parts[1];
  }

  #rowKey(namespace: unknown): unknown {
    const { currentKey } = this.#options.keyContext;
    return this.#hasNamespaces ? [currentKey, namespace] : currentKey;
  }

  #open(domain: Domain): TimerQueue {
    return new TimerQueue(this.#state.tableOf(domain));
  }

  #askForWakeUp(): void {
    const queue = this.#processingTime;
    if (queue !== undefined && queue.size > 0) this.#options.wakeAt(queue.firstTime);
  }

  #sliceEndMs(): number {
    return this.#options.clock.monotonicMs() + SLICE_MS;
  }

  #isSliceOver(fired: number, endMs: number): boolean {
    if (fired >= SLICE_TIMERS) return true;
    return fired % CLOCK_TIMERS === 0 && this.#options.clock.monotonicMs() >= endMs;
  }

  #requireTime(time: number): void {
    if (typeof time === 'number' && time === time) return;
    const { operatorName } = this.#options;
    throw new MillraceError(
      'ILLEGAL_ARGUMENT',
      `'${operatorName}' sets a timer at ${String(time)}: give a time in epoch milliseconds`,
      { details: { operator: operatorName } },
    );
  }
}

/** Whether no timer is due. */
function isDone(queue: TimerQueue, time: number): boolean {
  return queue.size === 0 || queue.firstTime > time;
}
