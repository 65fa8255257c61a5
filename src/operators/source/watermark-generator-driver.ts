/**
 * @dataplane Runs a {@link WatermarkStrategy} over records: gives them timestamps, makes
 * watermarks, declares silence. Used by sources and by `assignTimestampsAndWatermarks`.
 *
 * Per record the caller does: `timestamp = assign(value, timestamp)`, emits the record, then
 * `observe(value, timestamp)`. Both functions belong to this driver alone, so that they inline into
 * the loop that calls them.
 *
 * Invariants:
 * 1. Watermarks only rise: one that does not advance is not emitted.
 * 2. Built-in generators ask for a wake-up only while a watermark is due or silence is being
 *    measured, so a job without input has no timers. A custom generator is called in every
 *    interval: it may live by the clock.
 * 3. Bounded out-of-orderness emits `maxTimestamp − delayMs − 1`; before the first record there is
 *    no watermark.
 * 4. After a restore the watermark that was out at the checkpoint is out again before the first
 *    record is: a record that was late then is late now.
 * 5. Idle is declared `idlenessMs` after the last record, late by at most one watermark interval;
 *    time in which the task was held back does not count.
 */
import { MillraceError } from '../../base/errors.ts';
import type {
  WatermarkGenerator,
  WatermarkOutput,
  WatermarkStrategy,
} from '../../functions/watermark-strategy.ts';
import type { AnyRecord } from '../../graph/operator-spec.ts';
import { NO_TIMESTAMP } from '../chain-stage.ts';

/** What the driver needs; a {@link StageContext} has it all. */
export interface WatermarkHost {
  /** For messages. */
  readonly operatorName: string;
  readonly autoWatermarkIntervalMs: number;
  currentProcessingTime(): number;
  /** Asks for {@link WatermarkGeneratorDriver.onProcessingTime}. */
  wakeAt(epochMs: number): void;
  emitWatermark(watermark: number): void;
  emitStatus(idle: boolean): void;
}

/** What a driver goes on from: plain data. */
export interface WatermarkState {
  /** The largest timestamp seen by a built-in generator. */
  readonly maxTimestamp: number;
  /** The last watermark emitted. */
  readonly watermark: number;
}

/** Gives a record its timestamp. */
export type AssignTimestamp = (value: unknown, timestamp: number) => number;
/** Takes note of a record that has been emitted. */
export type ObserveRecord = (value: unknown, timestamp: number) => void;

const NEVER = Number.POSITIVE_INFINITY;

/** See the file's head. */
export class WatermarkGeneratorDriver implements WatermarkOutput {
  /** Call it before a record is emitted. */
  readonly assign: AssignTimestamp;
  /** Call it after a record was emitted. */
  readonly observe: ObserveRecord;
  /** For the generated code of {@link observe} only, as the fields below. */
  maxTimestamp: number = NO_TIMESTAMP;
  /** Whether there was no record since the silence was last measured. */
  isQuiet = true;
  /** Whether a periodic emission is due. */
  isDue = false;
  /** Whether {@link emitRestored} is to be called before the next record. */
  isRestoring = false;
  readonly #host: WatermarkHost;
  readonly #delayMs: number;
  readonly #generator: WatermarkGenerator<AnyRecord> | undefined;
  readonly #idlenessMs: number;
  readonly #intervalMs: number;
  #lastEmitted: number = NO_TIMESTAMP;
  #restoredWatermark: number = NO_TIMESTAMP;
  #isIdle = false;
  #emitDueMs = NEVER;
  #quietCheckMs = NEVER;
  #quietSinceMs = 0;

  constructor(strategy: WatermarkStrategy<AnyRecord>, host: WatermarkHost) {
    const { generator } = strategy;
    this.#host = host;
    this.#delayMs = generator.kind === 'bounded-out-of-orderness' ? generator.delayMs : 0;
    this.#generator = generator.kind === 'custom' ? generator.supplier() : undefined;
    this.#idlenessMs = strategy.idlenessMs ?? NEVER;
    this.#intervalMs = host.autoWatermarkIntervalMs > 0 ? host.autoWatermarkIntervalMs : NEVER;
    this.assign = makeAssign(strategy.timestampAssigner, host.operatorName);
    this.observe = makeObserve(strategy, this, this.#generator);
  }

  /** Starts the clocks: call it once, before the first record. */
  open(): void {
    const now = this.#host.currentProcessingTime();
    if (this.#generator !== undefined) this.#emitDueMs = now + this.#intervalMs;
    if (this.#idlenessMs !== NEVER) this.#measureSilenceFrom(now, now);
    this.#askForWakeUp();
  }

  /** For a snapshot. The state of a custom generator is not in it: it starts anew, as in Flink. */
  get state(): WatermarkState {
    const watermark = Math.max(this.#lastEmitted, this.#restoredWatermark);
    return { maxTimestamp: this.maxTimestamp, watermark };
  }

  /** Goes on from a snapshot; see invariant 4. */
  restore({ maxTimestamp, watermark }: WatermarkState): void {
    const now = this.#host.currentProcessingTime();
    this.maxTimestamp = maxTimestamp;
    this.#restoredWatermark = watermark;
    this.isRestoring = true;
    if (this.#generator === undefined) {
      this.isDue = true;
      this.#emitDueMs = now;
    }
    // A source without records has nobody else to emit it.
    this.#host.wakeAt(now);
  }

  /** Emits the watermark of {@link restore}. */
  emitRestored(): void {
    this.isRestoring = false;
    this.emitWatermark(this.#restoredWatermark);
  }

  /** A wake-up that the host was asked for has come. */
  onProcessingTime(nowMs: number): void {
    if (this.isRestoring) this.emitRestored();
    if (nowMs >= this.#emitDueMs) this.#emitPeriodically(nowMs);
    if (nowMs >= this.#quietCheckMs) this.#checkSilence(nowMs);
    this.#askForWakeUp();
  }

  /** Emits what the records so far allow. */
  emitNow(): void {
    if (this.#generator !== undefined) this.#generator.onPeriodicEmit(this);
    else this.emitWatermark(this.maxTimestamp - this.#delayMs - 1);
  }

  /** Called by {@link observe} when the maximum has risen and no emission is due yet. */
  makeDue(): void {
    this.isDue = true;
    if (this.#intervalMs === NEVER) return;
    this.#emitDueMs = this.#host.currentProcessingTime() + this.#intervalMs;
    this.#askForWakeUp();
  }

  /** Called by {@link observe} at the first record after a silence was measured. */
  endQuiet(): void {
    this.isQuiet = false;
    if (!this.#isIdle) return;
    this.markActive();
    const now = this.#host.currentProcessingTime();
    this.#measureSilenceFrom(now, now);
    this.#askForWakeUp();
  }

  emitWatermark(timestamp: number): void {
    if (!(timestamp > this.#lastEmitted)) return;
    this.#lastEmitted = timestamp;
    // As in Flink, a watermark from a generator ends idleness that it declared.
    if (this.#isIdle) this.markActive();
    this.#host.emitWatermark(timestamp);
  }

  markIdle(): void {
    if (this.#isIdle) return;
    this.#isIdle = true;
    this.#host.emitStatus(true);
  }

  markActive(): void {
    if (!this.#isIdle) return;
    this.#isIdle = false;
    this.#host.emitStatus(false);
  }

  #emitPeriodically(nowMs: number): void {
    this.isDue = false;
    this.#emitDueMs = this.#generator === undefined ? NEVER : nowMs + this.#intervalMs;
    // As in Flink, a generator rests while its input counts as idle.
    if (!this.#isIdle || this.#idlenessMs === NEVER) this.emitNow();
  }

  #checkSilence(nowMs: number): void {
    if (!this.isQuiet) {
      this.isQuiet = true;
      this.#measureSilenceFrom(nowMs, nowMs);
      return;
    }
    // A wake-up that comes late was held back with the task (backpressure).
    this.#quietSinceMs += nowMs - this.#quietCheckMs;
    if (nowMs - this.#quietSinceMs < this.#idlenessMs) {
      this.#measureSilenceFrom(this.#quietSinceMs, nowMs);
      return;
    }
    this.#quietCheckMs = NEVER;
    if (this.isDue) this.#emitPeriodically(nowMs);
    this.markIdle();
  }

  #measureSilenceFrom(sinceMs: number, nowMs: number): void {
    this.#quietSinceMs = sinceMs;
    this.#quietCheckMs = Math.min(nowMs + this.#intervalMs, sinceMs + this.#idlenessMs);
  }

  #askForWakeUp(): void {
    const dueMs = Math.min(this.#emitDueMs, this.#quietCheckMs);
    if (dueMs !== NEVER) this.#host.wakeAt(dueMs);
  }
}

function makeAssign(
  assigner: WatermarkStrategy<AnyRecord>['timestampAssigner'],
  operatorName: string,
): AssignTimestamp {
  if (assigner === undefined) return (_value, timestamp) => timestamp;
  const code = `
    return function assign(value, before) {
      const timestamp = assigner(value, before === ${NO_TIMESTAMP} ? undefined : before);
      if (typeof timestamp !== 'number' || timestamp - timestamp !== 0) refuse(timestamp);
      return timestamp;
    };`;
  const make = new Function('assigner', 'refuse', code) as (
    assigner: unknown,
    refuse: (found: unknown) => never,
  ) => AssignTimestamp;
  return make(assigner, (found) => refuse(found, operatorName));
}

function refuse(found: unknown, operatorName: string): never {
  const kind = found instanceof Date ? 'a Date' : `${String(found)} (${typeof found})`;
  throw new MillraceError(
    'TIMESTAMP_MISSING',
    `the timestamp assigner of '${operatorName}' returned ${kind}; ` +
      `return epoch milliseconds as a finite number, e.g. date.getTime() for a Date`,
    { details: { operator: operatorName } },
  );
}

/** Hot: one function per driver with only the steps that its strategy needs. */
function makeObserve(
  strategy: WatermarkStrategy<AnyRecord>,
  driver: WatermarkGeneratorDriver,
  generator: WatermarkGenerator<AnyRecord> | undefined,
): ObserveRecord {
  const steps: string[] = [];
  if (strategy.idlenessMs !== undefined) steps.push('if (driver.isQuiet) driver.endQuiet();');
  if (generator !== undefined) steps.push('generator.onEvent(value, timestamp, driver);');
  if (strategy.generator.kind === 'bounded-out-of-orderness') steps.push(riseCode(strategy));
  const code = `return function observe(value, timestamp) {\n${steps.join('\n')}\n};`;
  const make = new Function('driver', 'generator', code) as (
    driver: WatermarkGeneratorDriver,
    generator: unknown,
  ) => ObserveRecord;
  return make(driver, generator);
}

function riseCode(strategy: WatermarkStrategy<AnyRecord>): string {
  const then =
    strategy.emit === 'on-event' ? 'driver.emitNow();' : 'if (!driver.isDue) driver.makeDue();';
  return `if (timestamp > driver.maxTimestamp) { driver.maxTimestamp = timestamp; ${then} }`;
}
