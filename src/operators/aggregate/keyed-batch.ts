/**
 * @dataplane Reads the keys of a batch's rows and holds the scratch arrays with which a keyed
 * operator works on it.
 * Invariant: keys are neither null nor undefined.
 */
import { MillraceError } from '../../base/errors.ts';
import { BATCH_ROWS } from '../chain-stage.ts';
import type { RowBatch, StageContext } from '../chain-stage.ts';
import type { FoldRows } from './keyed-fold.ts';

type ReadKeys = (values: readonly unknown[], count: number, keys: unknown[]) => void;

/** The rows 0, 1, 2, … */
export const ALL_ROWS: Int32Array = Int32Array.from({ length: BATCH_ROWS }, (_, row) => row);

/** See the file's head. One per stage. */
export class KeyedBatch implements FoldRows {
  /** The keys of all rows of the batch. */
  readonly keys: unknown[] = new Array<unknown>(BATCH_ROWS).fill(undefined);
  values: readonly unknown[] = [];
  timestamps: Float64Array = new Float64Array(0);
  hashes: Int32Array = new Int32Array(0);
  rows: Int32Array = ALL_ROWS;
  readonly entries: Int32Array = new Int32Array(BATCH_ROWS);
  readonly isNew: Uint8Array = new Uint8Array(BATCH_ROWS);
  count = 0;
  readonly #readKeys: ReadKeys;

  constructor(context: StageContext) {
    this.#readKeys = makeReadKeys(context);
  }

  /** Takes a batch, all its rows chosen. */
  take(batch: RowBatch): void {
    this.values = batch.values;
    this.timestamps = batch.timestamps;
    this.hashes = batch.hashes;
    this.rows = ALL_ROWS;
    this.count = batch.count;
    this.#readKeys(batch.values, batch.count, this.keys);
  }
}

/** Hot: a loop of its own per operator, so that the key selector inlines. */
function makeReadKeys(context: StageContext): ReadKeys {
  const code = `'use strict';
    return function readKeys(values, count, keys) {
      for (let row = 0; row < count; row++) {
        const key = selectKey(values[row]);
        if (key === null || key === undefined) refuse(key);
        keys[row] = key;
      }
    };`;
  const make = new Function('selectKey', 'refuse', code) as (...constants: unknown[]) => ReadKeys;
  return make(context.keySelector, (key: unknown) => refuse(key, context.operatorName));
}

function refuse(key: unknown, operatorName: string): never {
  throw new MillraceError(
    'KEY_INVALID',
    `the key selector before '${operatorName}' returned ${String(key)} for a record; ` +
      `return a value for every record, or filter those without a key out before keyBy`,
    { details: { operator: operatorName } },
  );
}
