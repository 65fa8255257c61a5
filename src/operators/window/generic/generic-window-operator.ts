/**
 * @dataplane Keyed windows of any form, after Flink's WindowOperator and EvictingWindowOperator:
 * one row of contents per key and window, a timer for whatever has to happen later.
 *
 * 1. A record goes to each of its windows that is not late; the trigger then says what becomes of
 *    the window. A window by event time is late if `maxTimestamp + allowedLateness ≤ watermark`.
 * 2. A record is late if all its windows are and `timestamp + allowedLateness ≤ watermark`: it goes
 *    to the late side output if one is set and read, else it is counted.
 * 3. Windows that merge become one before the record counts. What they hold stays in the namespace
 *    of their state window.
 * 4. Every window has a clean-up timer at `maxTimestamp` (plus the lateness, by event time), but
 *    for those that never end. PURGE takes the contents and nothing else.
 *
 * By the clock timers fire when it has passed their time (Flink delays them by 1 ms for the same
 * reason: nothing can come to the window any more). The clock is read once per batch and slice.
 */
import { MillraceError } from '../../../base/errors.ts';
import { isFire, isPurge } from '../../../functions/windowing/triggers/trigger.ts';
import type { TriggerResult } from '../../../functions/windowing/triggers/trigger.ts';
import type { Window } from '../../../functions/windowing/window.ts';
import type { GenericWindowSpec } from '../../../graph/operator-spec.ts';
import type { Triggerable } from '../../../state/timers/internal-timer-service.ts';
import { KeyedBatch } from '../../aggregate/keyed-batch.ts';
import type { Emit, RowBatch, StageContext, StageSnapshot } from '../../chain-stage.ts';
import { TimerProgress } from '../../timer-progress.ts';
import { makeWindowParts, type WindowParts } from './window-parts.ts';
import type { MergedWindows } from './merging-window-set.ts';
import { namespaceOf, windowOf } from './window-namespaces.ts';

/** See the file's head. */
export class GenericWindowOperator implements Triggerable {
  readonly parts: WindowParts;
  readonly #spec: GenericWindowSpec;
  readonly #context: StageContext;
  readonly #rows: KeyedBatch;
  readonly #isEventTime: boolean;
  readonly #latenessMs: number;
  readonly #lateOutput: Emit | undefined;
  readonly #progress: TimerProgress;
  /** The row of the batch that is being processed. */
  #row = 0;
  #nowMs = 0;

  constructor(spec: GenericWindowSpec, context: StageContext) {
    this.#spec = spec;
    this.#context = context;
    this.#rows = new KeyedBatch(context);
    this.#isEventTime = spec.assigner.isEventTime();
    // Flink, too, knows no lateness without event time.
    this.#latenessMs = this.#isEventTime ? spec.allowedLatenessMs : 0;
    this.#lateOutput = spec.lateDataTag && context.sideOutput(spec.lateDataTag.id);
    this.#nowMs = context.currentProcessingTime();
    this.parts = makeWindowParts(spec, context, this);
    this.#progress = new TimerProgress(context, this.parts.timers);
  }

  currentWatermark(): number {
    return this.#progress.watermark;
  }

  currentProcessingTime(): number {
    return this.#nowMs;
  }

  /** @controlplane Once per batch. */
  onBatch(batch: RowBatch): void {
    const rows = this.#rows;
    rows.take(batch);
    this.#nowMs = this.#context.currentProcessingTime();
    this.#progress.finishFiring();
    try {
      this.#processRows(rows, batch);
    } catch (error) {
      rows.failed(this.#row);
      throw error;
    }
  }

  #processRows(rows: KeyedBatch, batch: RowBatch): void {
    const { key } = this.parts;
    for (this.#row = 0; this.#row < batch.count; this.#row++) {
      const row = this.#row;
      key.setCurrentKey(rows.keys[row], batch.hashes[row] as number);
      this.#processElement(rows.valueAt(row), batch.timestamps[row] as number);
    }
  }

  onWatermark(watermark: number): boolean {
    this.#nowMs = this.#context.currentProcessingTime();
    return this.#progress.advance(watermark);
  }

  onClock(nowMs: number): boolean {
    this.#nowMs = nowMs;
    return this.parts.timers.advanceProcessingTime(nowMs - 1);
  }

  onEventTime(time: number, namespace: unknown): void {
    const window = windowOf(namespace);
    const isCleanUp = this.#isEventTime && time === this.#cleanUpTime(window);
    this.#onTimer(window, isCleanUp, (trigger, context) =>
      trigger.onEventTime(time, window, context),
    );
  }

  onProcessingTime(time: number, namespace: unknown): void {
    const window = windowOf(namespace);
    const isCleanUp = !this.#isEventTime && time === this.#cleanUpTime(window);
    this.#onTimer(window, isCleanUp, (trigger, context) =>
      trigger.onProcessingTime(time, window, context),
    );
  }

  snapshot(): StageSnapshot {
    return this.#progress.snapshot();
  }

  /** @controlplane Once. */
  restore(): void {
    this.#progress.restore();
  }

  #processElement(value: unknown, timestamp: number): void {
    if (this.#isEventTime && timestamp - timestamp !== 0) this.#refuseTimestamp();
    const { assigner } = this.#spec;
    const windows = assigner.assignWindows(value, timestamp, this.parts.assignerContext);
    const { windowSet } = this.parts;
    let isSkipped = true;
    windowSet?.load();
    for (let i = 0; i < windows.length; i++) {
      const window = windows[i] as Window;
      const actual = windowSet === undefined ? window : windowSet.add(window, this.#onMerge);
      if (this.#isLate(actual)) {
        windowSet?.retire(actual);
        continue;
      }
      isSkipped = false;
      this.#addTo(actual, value, timestamp);
    }
    windowSet?.persist();
    if (isSkipped && this.#isEventTime && timestamp + this.#latenessMs <= this.#progress.watermark)
      this.#emitLate(value, timestamp);
  }

  #addTo(window: Window, value: unknown, timestamp: number): void {
    const { windowSet, contents, triggerContext } = this.parts;
    const namespace = namespaceOf(window);
    const stateNamespace = windowSet === undefined ? namespace : windowSet.stateNamespaceOf(window);
    contents.add(stateNamespace, value, timestamp);
    triggerContext.enter(namespace);
    const result = this.#spec.trigger.onElement(value, timestamp, window, triggerContext);
    this.#obey(result, window, stateNamespace);
    this.#registerCleanUp(window, namespace);
  }

  #obey(result: TriggerResult, window: Window, stateNamespace: unknown): void {
    if (result === 'CONTINUE') return;
    if (isFire(result)) this.parts.evaluation.fire(window, stateNamespace);
    if (isPurge(result)) this.parts.contents.clear(stateNamespace);
  }

  #onTimer(
    window: Window,
    isCleanUp: boolean,
    call: (
      trigger: GenericWindowSpec['trigger'],
      context: WindowParts['triggerContext'],
    ) => TriggerResult,
  ): void {
    const { windowSet, triggerContext } = this.parts;
    const namespace = namespaceOf(window);
    let stateNamespace = namespace;
    if (windowSet !== undefined) {
      windowSet.load();
      stateNamespace = windowSet.stateNamespaceOf(window);
      // The window has become part of another one, and its trigger has left a timer behind.
      if (stateNamespace === undefined) return;
    }
    triggerContext.enter(namespace);
    this.#obey(call(this.#spec.trigger, triggerContext), window, stateNamespace);
    if (isCleanUp) this.#clearAll(window, stateNamespace);
    windowSet?.persist();
  }

  #clearAll(window: Window, stateNamespace: unknown): void {
    const { windowSet, contents, triggerContext, evaluation } = this.parts;
    contents.clear(stateNamespace);
    triggerContext.enter(namespaceOf(window));
    this.#spec.trigger.clear(window, triggerContext);
    evaluation.clear(window);
    windowSet?.retire(window);
  }

  readonly #onMerge = (merged: MergedWindows): void => {
    const { result, windows, stateNamespace, mergedNamespaces } = merged;
    const { triggerContext, contents } = this.parts;
    const { trigger } = this.#spec;
    this.#requireMergeable(result);
    triggerContext.enterMerge(namespaceOf(result), windows);
    trigger.onMerge?.(result, triggerContext);
    for (let index = 0; index < windows.length; index++) {
      const window = windows[index] as Window;
      const namespace = namespaceOf(window);
      triggerContext.enter(namespace);
      trigger.clear(window, triggerContext);
      this.#deleteCleanUp(window, namespace);
    }
    contents.merge(stateNamespace, mergedNamespaces);
  };

  /** What has ended has given its results: it cannot become part of anything. */
  #requireMergeable(result: Window): void {
    const now = this.#isEventTime ? this.#progress.watermark : this.#nowMs;
    if (this.#cleanUpTime(result) > now) return;
    const operator = this.#context.operatorName;
    throw new MillraceError(
      'ILLEGAL_STATE',
      `'${operator}' merges windows into one whose end ${result.maxTimestamp} the ` +
        `${this.#isEventTime ? 'watermark' : 'clock'} ${now} has passed: mergeWindows of its ` +
        'assigner must not make windows end earlier',
      { details: { operator } },
    );
  }

  #isLate(window: Window): boolean {
    return this.#isEventTime && this.#cleanUpTime(window) <= this.#progress.watermark;
  }

  #emitLate(value: unknown, timestamp: number): void {
    const { counts } = this.#context;
    if (this.#lateOutput === undefined) {
      counts.numLateRecordsDropped++;
      return;
    }
    counts.numLateRecordsSideOutput++;
    this.#lateOutput(value, timestamp);
  }

  #cleanUpTime({ maxTimestamp }: Window): number {
    return maxTimestamp + this.#latenessMs;
  }

  #registerCleanUp(window: Window, namespace: unknown): void {
    const time = this.#cleanUpTime(window);
    if (time === Number.POSITIVE_INFINITY) return;
    const { timers } = this.parts;
    if (this.#isEventTime) timers.registerEventTimeTimer(time, namespace);
    else timers.registerProcessingTimeTimer(time, namespace);
  }

  #deleteCleanUp(window: Window, namespace: unknown): void {
    const time = this.#cleanUpTime(window);
    if (this.#isEventTime) this.parts.timers.deleteEventTimeTimer(time, namespace);
    else this.parts.timers.deleteProcessingTimeTimer(time, namespace);
  }

  #refuseTimestamp(): never {
    const operator = this.#context.operatorName;
    throw new MillraceError(
      'TIMESTAMP_MISSING',
      `'${operator}' has event-time windows, but got a record without a timestamp; give records ` +
        'timestamps with assignTimestampsAndWatermarks and a strategy.withTimestampAssigner(…), ' +
        'or use processing-time windows',
      { details: { operator } },
    );
  }
}
