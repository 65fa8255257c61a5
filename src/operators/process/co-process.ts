/**
 * Two streams without keys in one operator: one to one (`map1`, `map2`), one to many (`flatMap1`,
 * `flatMap2`), or in general (`processElement1`, `processElement2`).
 * Invariant: calls never overlap; results are in the order of the calls and have the timestamps of
 * their records.
 */
import type { RichFunction } from '../../functions/runtime-context.ts';
import type { CoProcessSpec } from '../../graph/operator-spec.ts';
import type { ChainStage, LoopBuilder, RowNames, StageContext } from '../chain-stage.ts';
import { writeFlatMapping } from '../flat-map.ts';
import { writeProcessing } from '../process.ts';
import { TimestampedCollector } from '../timestamped-collector.ts';
import { instanceOf, userObject } from '../user-function.ts';
import type { AnyFunction } from '../user-function.ts';
import { coMethods } from './co-methods.ts';
import { ElementContext } from './element-context.ts';

/** The stage of connected streams that are not keyed. */
export function coProcessStage(spec: CoProcessSpec): ChainStage {
  const { instance } = instanceOf<RichFunction>(spec.function);
  const { life, open } = userObject(instance);
  const methods = coMethods(instance, spec.method);
  let writeRow: WriteRow;
  return {
    kind: 'co-process',
    inputCount: 2,
    keyed: false,
    isOneToOne: spec.method === 'map',
    open: (context) => {
      writeRow = writerOf(spec.method, context);
      open(context);
    },
    onRow: (loop, row, input) => writeRow(loop, row, methods[input] as AnyFunction),
    ...life,
  };
}

type WriteRow = (loop: LoopBuilder, row: RowNames, method: AnyFunction) => void;

function writerOf(method: CoProcessSpec['method'], context: StageContext): WriteRow {
  switch (method) {
    case 'map':
      return (loop, row, map) => {
        const value = loop.local(loop.call(map, row.value), 'mapped');
        loop.emit({ value, timestamp: row.timestamp });
      };
    case 'flatMap': {
      const { operatorName, emit } = context;
      const output = { collector: new TimestampedCollector(emit), operatorName };
      return (loop, row, flatMap) => writeFlatMapping(loop, row, flatMap, output);
    }
    case 'processElement': {
      const elementContext = new ElementContext(context);
      return (loop, row, process) => writeProcessing(loop, row, process, elementContext);
    }
    default:
      return method satisfies never;
  }
}
