/**
 * @dataplane The rolling reduce of a keyed stream: one updated value per record.
 *
 * Invariants:
 * 1. Outputs are in the order of the inputs and have their timestamps; a key's first output is its
 *    first record.
 * 2. The state is one value per key, for good; a field that is the key is not kept in it again.
 */
import type { StateTable } from '../../state/keyed-state-backend.ts';
import type { ReduceSpec } from '../../graph/operator-spec.ts';
import type { ChainStage, Emit, RowBatch, StageContext } from '../chain-stage.ts';
import { KeyedBatch } from './keyed-batch.ts';
import type { KeyedFold } from './keyed-fold.ts';
import { reduceFold } from './reduce-kinds.ts';

/** The stage of a rolling `reduce`, `sum`, `min`, `max`, `minBy` or `maxBy`. */
export function reduceStage(spec: ReduceSpec): ChainStage {
  let operator: RollingReduce;
  return {
    kind: 'reduce',
    inputCount: 1,
    keyed: true,
    open: (context) => {
      operator = new RollingReduce(spec, context);
    },
    onBatch: (batch) => operator.onBatch(batch),
  };
}

class RollingReduce {
  readonly #table: StateTable;
  readonly #rows: KeyedBatch;
  readonly #fold: KeyedFold;
  readonly #emit: Emit;

  constructor(spec: ReduceSpec, context: StageContext) {
    this.#table = context.keyedState.declare({
      name: 'reduce',
      kind: 'reducing',
      omitsKeyField: true,
    }).table;
    this.#rows = new KeyedBatch(context);
    this.#fold = reduceFold(spec.reduce, context.operatorName);
    this.#emit = context.emit;
  }

  onBatch(batch: RowBatch): void {
    const rows = this.#rows;
    rows.take(batch);
    const table = this.#table;
    table.findOrInsertBatch(rows.keys, rows.hashes, rows.count, rows.entries, rows.isNew);
    this.#fold.foldEach(table.table, rows, this.#emit);
  }
}
