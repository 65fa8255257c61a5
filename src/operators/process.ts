/**
 * The general function on a stream that is not keyed: results, side outputs and time; no timers, no
 * keyed state.
 * Invariant: main and side outputs have the timestamp of the input record, in the order in which
 * the function gives them.
 */
import type { ProcessSpec } from '../graph/operator-spec.ts';
import type { ChainStage, LoopBuilder, RowNames } from './chain-stage.ts';
import { ElementContext } from './process/element-context.ts';
import { instanceOf, userFunction } from './user-function.ts';
import type { AnyFunction } from './user-function.ts';

/** The stage of a `process` on a stream that is not keyed. */
export function processStage(spec: ProcessSpec): ChainStage {
  const { instance } = instanceOf(spec.function);
  const process = userFunction(instance, 'processElement');
  let context: ElementContext;
  return {
    kind: 'process',
    inputCount: 1,
    keyed: false,
    open: (stageContext) => {
      context = new ElementContext(stageContext);
      process.open(stageContext);
    },
    onRow: (loop, row) => writeProcessing(loop, row, process.invoke, context),
    ...process.life,
  };
}

/** Code that calls a process function's method with a row, its context and its collector. */
export function writeProcessing(
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
