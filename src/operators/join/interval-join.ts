/**
 * @dataplane The interval join, after Flink's IntervalJoinOperator: a record of the left side and
 * one of the right make a pair if `left.ts + lower ≤ right.ts ≤ left.ts + upper`.
 *
 * 1. A pair comes out when its second record comes, not when a watermark does.
 * 2. A record is late if its timestamp is below the watermark (windows call it late at the
 *    watermark already). It joins nothing: it goes to its side's late output if one is set and
 *    read, else it is counted.
 * 3. A record is kept until the watermark reaches the last timestamp that it can join, on its own
 *    side or on the other.
 */
import { MillraceError } from '../../base/errors.ts';
import type { IntervalJoinSpec } from '../../graph/operator-spec.ts';
import { InternalTimerService } from '../../state/timers/internal-timer-service.ts';
import type { Triggerable } from '../../state/timers/internal-timer-service.ts';
import { KeyedBatch } from '../aggregate/keyed-batch.ts';
import type { ChainStage, Emit, RowBatch, StageContext, StageSnapshot } from '../chain-stage.ts';
import { TimerProgress } from '../timer-progress.ts';
import { userObject } from '../user-function.ts';
import { CurrentWindowKey } from '../window/generic/current-key.ts';
import { WindowStates } from '../window/generic/window-states.ts';
import { IntervalJoinContext } from './interval-join-context.ts';
import { type BufferedRecord, firstFrom, JoinBuffer } from './join-buffer.ts';

const LEFT = 0;
const RIGHT = 1;
type SideIndex = typeof LEFT | typeof RIGHT;

/** One of the inputs. */
interface Side {
  readonly rows: KeyedBatch;
  readonly buffer: JoinBuffer;
  readonly lateOutput: Emit | undefined;
  /** What the timestamps of partners are from and to, relative to a record of this side. */
  readonly lowerMs: number;
  readonly upperMs: number;
  /** How long after its timestamp a record is kept. */
  readonly keptMs: number;
}

/** @controlplane Once: the stage of an interval join. */
export function intervalJoinStage(spec: IntervalJoinSpec): ChainStage {
  const user = userObject(spec.function);
  let operator: IntervalJoinOperator;
  return {
    kind: 'interval-join',
    inputCount: 2,
    keyed: true,
    ...user.life,
    open: (context) => {
      operator = new IntervalJoinOperator(spec, context);
      user.open(context, operator.states.global);
    },
    onBatch: (batch, input) => operator.onBatch(batch, input === 0 ? LEFT : RIGHT),
    onWatermark: (watermark) => operator.onWatermark(watermark),
    snapshot: (snapshotContext) => {
      user.life.snapshot?.(snapshotContext);
      return operator.snapshot();
    },
    restore: () => operator.restore(),
  };
}

class IntervalJoinOperator implements Triggerable {
  readonly states: WindowStates;
  readonly #context: StageContext;
  readonly #function: IntervalJoinSpec['function'];
  readonly #key = new CurrentWindowKey();
  readonly #sides: readonly [Side, Side];
  readonly #timers: InternalTimerService;
  readonly #pair: IntervalJoinContext;
  readonly #progress: TimerProgress;
  /** The row of the batch that is being processed. */
  #row = 0;

  constructor(spec: IntervalJoinSpec, context: StageContext) {
    const { keyedState, operatorName, runtimeContext } = context;
    const { lowerBoundMs: lower, upperBoundMs: upper } = spec;
    this.#context = context;
    this.#function = spec.function;
    this.states = new WindowStates(context, this.#key);
    this.#sides = [
      this.#makeSide(LEFT, spec.leftLateDataTag, lower, upper),
      this.#makeSide(RIGHT, spec.rightLateDataTag, -upper, -lower),
    ];
    this.#pair = new IntervalJoinContext(context);
    this.#timers = new InternalTimerService({
      backend: keyedState,
      operatorName,
      keyContext: this.#key,
      target: this,
      wakeAt: context.wakeAt,
      clock: runtimeContext.environment.clock,
      hasNamespaces: true,
    });
    this.#progress = new TimerProgress(context, this.#timers);
  }

  /** @controlplane Once per batch. */
  onBatch(batch: RowBatch, index: SideIndex): void {
    const { rows } = this.#sides[index];
    rows.take(batch);
    this.#progress.finishFiring();
    try {
      this.#processRows(index, rows, batch);
    } catch (error) {
      rows.failed(this.#row);
      throw error;
    }
  }

  #processRows(index: SideIndex, rows: KeyedBatch, batch: RowBatch): void {
    for (this.#row = 0; this.#row < batch.count; this.#row++) {
      const row = this.#row;
      this.#key.setCurrentKey(rows.keys[row], batch.hashes[row] as number);
      this.#processElement(index, rows.valueAt(row), batch.timestamps[row] as number);
    }
  }

  onWatermark(watermark: number): boolean {
    return this.#progress.advance(watermark);
  }

  onEventTime(time: number, namespace: unknown): void {
    const { buffer, keptMs } = this.#sides[namespace as SideIndex];
    buffer.remove(time - keptMs);
  }

  onProcessingTime(): void {}

  snapshot(): StageSnapshot {
    return this.#progress.snapshot();
  }

  /** @controlplane Once. */
  restore(): void {
    this.#progress.restore();
  }

  #processElement(index: SideIndex, value: unknown, timestamp: number): void {
    if (timestamp - timestamp !== 0) this.#refuseTimestamp();
    const side = this.#sides[index];
    if (timestamp < this.#progress.watermark) {
      this.#emitLate(side, value, timestamp);
      return;
    }
    const record: BufferedRecord = { timestamp, value };
    side.buffer.add(record);
    this.#timers.registerEventTimeTimer(timestamp + side.keptMs, index);
    const others = this.#sides[index === LEFT ? RIGHT : LEFT].buffer.records;
    const last = timestamp + side.upperMs;
    for (let i = firstFrom(others, timestamp + side.lowerMs); i < others.length; i++) {
      const other = others[i] as BufferedRecord;
      if (other.timestamp > last) break;
      if (index === LEFT) this.#emitPair(record, other);
      else this.#emitPair(other, record);
    }
  }

  #emitPair(left: BufferedRecord, right: BufferedRecord): void {
    const pair = this.#pair;
    pair.enter(left.timestamp, right.timestamp);
    this.#function.processElement(left.value, right.value, pair, pair.collector);
  }

  #emitLate({ lateOutput }: Side, value: unknown, timestamp: number): void {
    const { counts } = this.#context;
    if (lateOutput === undefined) {
      counts.numLateRecordsDropped++;
      return;
    }
    counts.numLateRecordsSideOutput++;
    lateOutput(value, timestamp);
  }

  /** @controlplane Once per side. */
  #makeSide(
    index: SideIndex,
    lateDataTag: IntervalJoinSpec['leftLateDataTag'],
    lowerMs: number,
    upperMs: number,
  ): Side {
    const context = this.#context;
    const name = index === LEFT ? 'left-buffer' : 'right-buffer';
    return {
      rows: new KeyedBatch(context, index),
      buffer: new JoinBuffer(name, context.keyedState, this.#key, context.inputTypes[index]),
      lateOutput: lateDataTag && context.sideOutput(lateDataTag.id),
      lowerMs,
      upperMs,
      keptMs: Math.max(0, upperMs),
    };
  }

  #refuseTimestamp(): never {
    const operator = this.#context.operatorName;
    throw new MillraceError(
      'TIMESTAMP_MISSING',
      `'${operator}' joins by event time, but got a record without a timestamp; give records ` +
        'timestamps with assignTimestampsAndWatermarks and a strategy.withTimestampAssigner(…)',
      { details: { operator } },
    );
  }
}
