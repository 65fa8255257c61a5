/**
 * @dataplane The timers of one keyed operator: set and deleted for the current key, fired in the order of their times.
 *
 * As Flink's InternalTimerService:
 * 1. A timer is unique per key, namespace, domain and time; setting it again changes nothing.
 * 2. Event timers fire when `time ≤ watermark`, processing timers when `time ≤ now`, each with its key as the current one.
 *    One that is set while others fire, and is due, fires in the same pass.
 * 3. One that is set when its time has passed fires at the next advance of the watermark (or of the clock).
 * 4. A timer that is taken out to be fired is in no later snapshot; those of a pass that was cut short by one are.
 *
 * Firing goes in slices: `advance…` fires some and returns whether it is done.
 */
import type { Clock } from '../../base/environment.ts';
import { MillraceError } from '../../base/errors.ts';
import { types } from '../../types/types.ts';
import type { KeyedStateBackend, NamedState } from '../keyed-state-backend.ts';
import { TimerHashes } from './timer-hash.ts';
import { type TimerKey, TimerQueue } from './timer-queue.ts';

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
  /** Restored already: what it holds of timers is taken over. */
  readonly backend: KeyedStateBackend;
  readonly operatorName: string;
  readonly keyContext: KeyContext;
  readonly target: Triggerable;
  /** Asks for {@link InternalTimerService.advanceProcessingTime} at a time, epoch ms. */
  readonly wakeAt: (epochMs: number) => void;
  readonly clock: Clock;
}

/** See the file's head. */
export class InternalTimerService {
  readonly #options: TimerServiceOptions;
  readonly #state: NamedState;
  readonly #hashes: TimerHashes;
  #eventTime: TimerQueue | undefined;
  #processingTime: TimerQueue | undefined;

  constructor(options: TimerServiceOptions) {
    const { backend } = options;
    this.#options = options;
    this.#hashes = new TimerHashes(backend.maxParallelism);
    this.#state = backend.declare({
      name: '_timers',
      kind: 'timers',
      keyKind: 'generic',
      valueType: types.boolean,
      resident: true,
    });
    if (this.#state.has(EVENT_TIME)) this.#eventTime = this.#open(EVENT_TIME);
    if (this.#state.has(PROCESSING_TIME)) this.#processingTime = this.#open(PROCESSING_TIME);
    this.#askForWakeUp();
  }

  /** How many timers wait, in both domains. */
  get size(): number {
    return (this.#eventTime?.size ?? 0) + (this.#processingTime?.size ?? 0);
  }

  /** @param namespace - what else tells timers of one key apart, such as a window; nothing if undefined */
  registerEventTimeTimer(time: number, namespace?: unknown): void {
    this.#requireTime(time);
    this.#eventTime ??= this.#open(EVENT_TIME);
    this.#eventTime.add(this.#timer(time, namespace), this.#options.keyContext.currentKeyHash);
  }

  registerProcessingTimeTimer(time: number, namespace?: unknown): void {
    this.#requireTime(time);
    this.#processingTime ??= this.#open(PROCESSING_TIME);
    const queue = this.#processingTime;
    const before = queue.firstTime;
    queue.add(this.#timer(time, namespace), this.#options.keyContext.currentKeyHash);
    if (queue.firstTime < before) this.#options.wakeAt(queue.firstTime);
  }

  deleteEventTimeTimer(time: number, namespace?: unknown): void {
    const { currentKeyHash } = this.#options.keyContext;
    this.#eventTime?.delete(this.#timer(time, namespace), currentKeyHash);
  }

  deleteProcessingTimeTimer(time: number, namespace?: unknown): void {
    const { currentKeyHash } = this.#options.keyContext;
    this.#processingTime?.delete(this.#timer(time, namespace), currentKeyHash);
  }

  /** Fires some of the event timers that are due; true when all are. */
  advanceWatermark(watermark: number): boolean {
    const queue = this.#eventTime;
    if (queue === undefined || queue.firstTime > watermark || queue.size === 0) return true;
    const { target } = this.#options;
    const endMs = this.#sliceEndMs();
    for (let fired = 1; queue.size > 0 && queue.firstTime <= watermark; fired++) {
      const timer = this.#take(queue);
      target.onEventTime(timer[1], timer[2]);
      if (this.#isSliceOver(fired, endMs)) return queue.size === 0 || queue.firstTime > watermark;
    }
    return true;
  }

  /** Fires some of the processing timers that are due; true when all are, and then it asks for its next call. */
  advanceProcessingTime(nowMs: number): boolean {
    const queue = this.#processingTime;
    if (queue === undefined) return true;
    const { target } = this.#options;
    const endMs = this.#sliceEndMs();
    for (let fired = 1; queue.size > 0 && queue.firstTime <= nowMs; fired++) {
      const timer = this.#take(queue);
      target.onProcessingTime(timer[1], timer[2]);
      if (this.#isSliceOver(fired, endMs)) break;
    }
    this.#askForWakeUp();
    return queue.size === 0 || queue.firstTime > nowMs;
  }

  #take(queue: TimerQueue): TimerKey {
    const timer = queue.takeFirst();
    this.#options.keyContext.setCurrentKey(timer[0], queue.takenKeyHash);
    return timer;
  }

  #timer(time: number, namespace: unknown): TimerKey {
    const { currentKey } = this.#options.keyContext;
    return namespace === undefined ? [currentKey, time] : [currentKey, time, namespace];
  }

  #open(domain: Domain): TimerQueue {
    return new TimerQueue(this.#state.tableOf(domain), this.#hashes);
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
