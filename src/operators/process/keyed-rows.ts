/**
 * @dataplane The loops of a keyed operator that calls a user's function per record: one per input
 * and reader, generated with the function and the key selector as constants, so that both inline.
 */
import { compile } from '../../types/codec-generation.ts';
import { refuseKey } from '../aggregate/keyed-batch.ts';
import { type ReadRow, recordText } from '../aggregate/keyed-fold.ts';
import type { RowBatch, StageContext } from '../chain-stage.ts';
import { emitAll } from '../flat-map.ts';
import type { AnyFunction } from '../user-function.ts';
import type { CurrentKey } from './current-key.ts';
import type { ElementContext } from './element-context.ts';

/** What is called per record. */
export type RowMethod = 'processElement' | 'map' | 'flatMap' | 'filter';

/** What {@link keyedRows} needs. */
export interface KeyedRowsOptions {
  readonly context: StageContext;
  /** Which of the operator's inputs; without a key selector its records have no key. */
  readonly input: number;
  readonly method: RowMethod;
  readonly function: AnyFunction;
  readonly key: CurrentKey;
  /** What the function gets besides the record; its collector is everyone's. */
  readonly elementContext: ElementContext;
}

/** Processes the rows of a batch. */
export type ProcessRows = (batch: RowBatch) => void;

/** The loop over the rows of one input. */
export function keyedRows(options: KeyedRowsOptions): ProcessRows {
  const loops = new Map<ReadRow | undefined, ProcessRows>();
  return (batch) => {
    let loop = loops.get(batch.read);
    if (loop === undefined) {
      loop = makeLoop(options, batch.read);
      loops.set(batch.read, loop);
    }
    loop(batch);
  };
}

/** @controlplane Once per input and reader. */
function makeLoop(options: KeyedRowsOptions, read: ReadRow | undefined): ProcessRows {
  const { context, key, elementContext } = options;
  const { operatorName } = context;
  const selectKey = context.keySelectors[options.input];
  const { collector } = elementContext;
  const constants = {
    selectKey,
    read,
    current: key,
    user: options.function,
    context: elementContext,
    collector,
    emit: context.emit,
    refuse: (refused: unknown) => refuseKey(refused, operatorName),
    emitAll: (records: unknown) => emitAll(records, { collector, operatorName }),
    failed: (batch: RowBatch, row: number) => context.failedOn(valueAt(batch, row)),
  };
  const code = `return function processRows(batch) {
      const values = batch.values, timestamps = batch.timestamps, hashes = batch.hashes;
      const count = batch.count;
      let row = 0;
      ${selectKey === undefined ? 'current.clear();' : ''}
      try {
        for (; row < count; row++) {
          const value = ${recordText(read)};
          ${selectKey === undefined ? '' : KEY_TEXT}
          ${CALL_TEXTS[options.method]}
        }
      } catch (error) {
        failed(batch, row);
        throw error;
      }
    };`;
  return compile('process-rows', constants, code) as ProcessRows;
}

const KEY_TEXT = `const key = selectKey(value);
          if (key === null || key === undefined) refuse(key);
          current.setCurrentKey(key, hashes[row]);`;

const CALL_TEXTS: Readonly<Record<RowMethod, string>> = {
  processElement: 'collector.timestamp = timestamps[row]; user(value, context, collector);',
  map: 'emit(user(value), timestamps[row]);',
  flatMap: `collector.timestamp = timestamps[row];
          const returned = user(value, collector);
          if (returned !== undefined) emitAll(returned);`,
  filter: 'if (user(value)) emit(value, timestamps[row]);',
};

function valueAt(batch: RowBatch, row: number): unknown {
  return batch.read === undefined ? batch.values[row] : batch.read(row);
}
