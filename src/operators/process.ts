/**
 * The general function on a stream that is not keyed: results, side outputs and time; no timers, no
 * keyed state.
 * Invariant: main and side outputs have the timestamp of the input record, in the order in which
 * the function gives them.
 */
import type { ProcessContext } from '../functions/functions.ts';
import type { OutputTag } from '../functions/output-tag.ts';
import type { ProcessSpec } from '../graph/operator-spec.ts';
import { NO_TIMESTAMP } from './chain-stage.ts';
import type { ChainStage, LoopBuilder, RowNames, StageContext } from './chain-stage.ts';
import { SideOutputs } from './side-outputs.ts';
import { TimestampedCollector } from './timestamped-collector.ts';
import { userFunction } from './user-function.ts';
import type { AnyFunction } from './user-function.ts';

/** The stage of a `process` on a stream that is not keyed. */
export function processStage(spec: ProcessSpec): ChainStage {
  const process = userFunction(spec.function, 'processElement');
  let context: ElementContext;
  return {
    kind: 'process',
    inputCount: 1,
    keyed: false,
    open: (stageContext) => {
      context = new ElementContext(stageContext);
      process.open(stageContext.runtimeContext);
    },
    onRow: (loop, row) => writeRow(loop, row, process.invoke, context),
    close: () => process.close(),
  };
}

function writeRow(
  loop: LoopBuilder,
  row: RowNames,
  process: AnyFunction,
  context: ElementContext,
): void {
  const collector = loop.constant(context.collector, 'collector');
  const element = loop.constant(context, 'context');
  loop.line(`${collector}.timestamp = ${row.timestamp};`);
  loop.line(`${loop.call(process, row.value, element, collector)};`);
}

/** One per stage: what it says is about the record whose timestamp the collector has. */
class ElementContext implements ProcessContext {
  readonly collector: TimestampedCollector;
  readonly #context: StageContext;
  readonly #sideOutputs: SideOutputs;

  constructor(context: StageContext) {
    this.collector = new TimestampedCollector(context.emit);
    this.#context = context;
    this.#sideOutputs = new SideOutputs(context);
  }

  timestamp(): number | undefined {
    const timestamp = this.collector.timestamp;
    return timestamp === NO_TIMESTAMP ? undefined : timestamp;
  }

  currentWatermark(): number {
    return this.#context.currentWatermark();
  }

  currentProcessingTime(): number {
    return this.#context.currentProcessingTime();
  }

  output<T>(tag: OutputTag<T>, value: T): void {
    this.#sideOutputs.emit(tag as OutputTag<never>, value, this.collector.timestamp);
  }
}
