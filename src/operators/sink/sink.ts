/**
 * Writes records to a sink and commits what it wrote when the input has ended.
 *
 * Invariants:
 * 1. Order of calls on a writer: `write`*, `flush(true)`, `prepareCommit`, then the committer,
 *    `close` always and last.
 * 2. While a writer with timers has something to wait for, one wake-up is asked for; a quiet sink
 *    asks for none.
 */
import type { SinkWriteContext, SinkWriter } from '../../functions/sink.ts';
import type { AnyRecord, SinkSpec } from '../../graph/operator-spec.ts';
import { NO_TIMESTAMP } from '../chain-stage.ts';
import type { ChainStage, LoopBuilder, RowNames, StageContext } from '../chain-stage.ts';

/** The stage of a sink. */
export function sinkStage(spec: SinkSpec): ChainStage {
  return new SinkStage(spec);
}

type AnyWriter = SinkWriter<AnyRecord, AnyRecord>;

class SinkStage implements ChainStage {
  readonly kind = 'sink';
  readonly inputCount = 1;
  readonly keyed = false;
  readonly #sink: SinkSpec['sink'];
  #writer: AnyWriter | undefined;
  #context: StageContext | undefined;
  #element: WriteContext | undefined;
  #timer: WriterTimer | undefined;

  constructor(spec: SinkSpec) {
    this.#sink = spec.sink;
  }

  open(context: StageContext): void {
    const writer: AnyWriter = this.#sink.createWriter(context.runtimeContext);
    this.#context = context;
    this.#writer = writer;
    this.#element = new WriteContext(context);
    if (writer.nextTimerMs === undefined) return;
    this.#timer = new WriterTimer(writer, context);
    this.#timer.set();
  }

  readonly onRow = (loop: LoopBuilder, row: RowNames): void => {
    const writer = this.#writer as AnyWriter;
    const element = loop.constant(this.#element, 'element');
    loop.line(`${element}.time = ${row.timestamp};`);
    loop.line(`${loop.call(writer.write.bind(writer), row.value, element)};`);
    if (this.#timer === undefined) return;
    // A write may begin what a timer is to end, such as a file that rolls by age.
    const timer = loop.constant(this.#timer, 'timer');
    loop.line(`if (!${timer}.isSet) ${timer}.set();`);
  };

  onProcessingTime(): boolean {
    this.#timer?.fire();
    return true;
  }

  backpressure(): Promise<void> | undefined {
    return this.#writer?.backpressure?.();
  }

  async finish(): Promise<void> {
    const writer = this.#writer as AnyWriter;
    await writer.flush(true);
    const committables = writer.prepareCommit?.() ?? [];
    if (committables.length > 0) await this.#commit(committables);
  }

  async #commit(committables: readonly AnyRecord[]): Promise<void> {
    const context = this.#context as StageContext;
    const committer = this.#sink.createCommitter?.(context.runtimeContext);
    if (committer === undefined) return;
    try {
      await committer.commit(committables);
    } finally {
      await committer.close?.();
    }
  }

  close(): void | Promise<void> {
    return this.#writer?.close();
  }
}

/** One per stage: what it says is about the record being written. */
class WriteContext implements SinkWriteContext {
  time: number = NO_TIMESTAMP;
  readonly #context: StageContext;

  constructor(context: StageContext) {
    this.#context = context;
  }

  timestamp(): number | undefined {
    return this.time === NO_TIMESTAMP ? undefined : this.time;
  }

  currentWatermark(): number {
    return this.#context.currentWatermark();
  }
}

/** Turns a writer's wish (monotonic time) into a wake-up of the stage (wall clock). */
class WriterTimer {
  isSet = false;
  readonly #writer: AnyWriter;
  readonly #context: StageContext;

  constructor(writer: AnyWriter, context: StageContext) {
    this.#writer = writer;
    this.#context = context;
  }

  set(): void {
    const remainingMs = this.#remainingMs();
    if (remainingMs === Number.POSITIVE_INFINITY) return;
    const now = this.#context.currentProcessingTime();
    this.#context.wakeAt(now + Math.max(0, Math.ceil(remainingMs)));
    this.isSet = true;
  }

  fire(): void {
    this.isSet = false;
    // The wish may have moved since it was asked for.
    if (this.#remainingMs() <= 0) this.#writer.onTimer?.();
    this.set();
  }

  #remainingMs(): number {
    const dueMs = this.#writer.nextTimerMs?.() ?? Number.POSITIVE_INFINITY;
    return dueMs - this.#context.runtimeContext.environment.clock.monotonicMs();
  }
}
