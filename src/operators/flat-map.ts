/**
 * One record in, any number out: through the collector, as the returned iterable, or both (the
 * collected ones first).
 *
 * Invariants:
 * 1. Output order is the order in which the function gives its records; each has the timestamp of
 *    the input record.
 * 2. A returned iterable is read to its end before the next record: output never blocks, so it need
 *    not be held open.
 */
import { MillraceError } from '../base/errors.ts';
import type { FlatMapSpec } from '../graph/operator-spec.ts';
import type { ChainStage, LoopBuilder, RowNames } from './chain-stage.ts';
import { TimestampedCollector } from './timestamped-collector.ts';
import { userFunction } from './user-function.ts';
import type { AnyFunction } from './user-function.ts';

/** The stage of a `flatMap`. */
export function flatMapStage(spec: FlatMapSpec): ChainStage {
  const flatMap = userFunction(spec.function, 'flatMap');
  let collector: TimestampedCollector;
  let operatorName: string;
  return {
    kind: 'flat-map',
    inputCount: 1,
    keyed: false,
    open: (context) => {
      collector = new TimestampedCollector(context.emit);
      operatorName = context.operatorName;
      flatMap.open(context);
    },
    onRow: (loop, row) => writeFlatMapping(loop, row, flatMap.invoke, { collector, operatorName }),
    ...flatMap.life,
  };
}

/** Where the results of a flatMap go. */
export interface FlatMapOutput {
  readonly collector: TimestampedCollector;
  readonly operatorName: string;
}

/** Code that calls a flatMap with a row and emits what it returns. */
export function writeFlatMapping(
  loop: LoopBuilder,
  row: RowNames,
  flatMap: AnyFunction,
  output: FlatMapOutput,
): void {
  const collector = loop.constant(output.collector, 'collector');
  loop.line(`${collector}.timestamp = ${row.timestamp};`);
  const returned = loop.local(loop.call(flatMap, row.value, collector), 'returned');
  const drain = (records: unknown): void => emitAll(records, output);
  // The iterable may be a generator: reading it runs the user's code.
  loop.when(`${returned} !== undefined`, () => loop.line(`${loop.call(drain, returned)};`));
}

/** Emits the records that a flatMap has returned. */
export function emitAll(records: unknown, output: FlatMapOutput): void {
  const { collector, operatorName } = output;
  if (Array.isArray(records)) {
    for (let i = 0; i < records.length; i++) collector.collect(records[i]);
    return;
  }
  if (!isIterable(records)) {
    throw new MillraceError(
      'RECORD_TYPE_MISMATCH',
      `the flatMap function of '${operatorName}' returned ${String(records)} (${typeof records}); ` +
        `return an iterable of records, such as an array, or nothing and use the collector`,
      { details: { operator: operatorName } },
    );
  }
  for (const record of records) collector.collect(record);
}

function isIterable(value: unknown): value is Iterable<unknown> {
  if (typeof value === 'string') return true;
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}
