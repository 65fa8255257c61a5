/**
 * @dataplane Reads the keys of a batch's rows and holds the scratch arrays with which a keyed
 * operator works on it.
 * Invariant: keys are neither null nor undefined.
 */
import { MillraceError } from '../../base/errors.ts';
import { BATCH_ROWS } from '../chain-stage.ts';
import type { RowBatch, StageContext } from '../chain-stage.ts';
import { compile } from '../../types/codec-generation.ts';
import { type FoldRows, type ReadRow, recordText } from './keyed-fold.ts';

type ReadKeys = (batch: KeyedBatch, count: number, keys: unknown[]) => void;

/** The rows 0, 1, 2, … */
export const ALL_ROWS: Int32Array = Int32Array.from({ length: BATCH_ROWS }, (_, row) => row);

/** See the file's head. One per stage. */
export class KeyedBatch implements FoldRows {
  /** The keys of all rows of the batch. */
  readonly keys: unknown[] = new Array<unknown>(BATCH_ROWS).fill(undefined);
  values: readonly unknown[] = [];
  read: ReadRow | undefined;
  timestamps: Float64Array = new Float64Array(0);
  hashes: Int32Array = new Int32Array(0);
  rows: Int32Array = ALL_ROWS;
  readonly entries: Int32Array = new Int32Array(BATCH_ROWS);
  readonly isNew: Uint8Array = new Uint8Array(BATCH_ROWS);
  count = 0;
  readonly #context: StageContext;
  readonly #input: number;
  /** The loops over rows by reference (`undefined`) and over the frames of each reader. */
  readonly #readKeys = new Map<ReadRow | undefined, ReadKeys>();

  /** @param input - whose rows come, on operators of two */
  constructor(context: StageContext, input: number = 0) {
    this.#context = context;
    this.#input = input;
  }

  /** Takes a batch, all its rows chosen. */
  take(batch: RowBatch): void {
    this.values = batch.values;
    this.read = batch.read;
    this.timestamps = batch.timestamps;
    this.hashes = batch.hashes;
    this.rows = ALL_ROWS;
    this.count = batch.count;
    this.#readKeysOf(batch.read)(this, batch.count, this.keys);
  }

  failed(row: number): void {
    this.#context.failedOn(this.valueAt(row));
  }

  /** A row of the batch: the record itself, or a fresh copy from its frame. */
  valueAt(row: number): unknown {
    return this.read === undefined ? this.values[row] : this.read(row);
  }

  #readKeysOf(read: ReadRow | undefined): ReadKeys {
    let readKeys = this.#readKeys.get(read);
    if (readKeys === undefined) {
      readKeys = makeReadKeys(this.#context, this.#input, read);
      this.#readKeys.set(read, readKeys);
    }
    return readKeys;
  }
}

/**
 * Hot: a loop of its own per operator and reader, so that the key selector inlines and a row read
 * for its key is no object.
 */
function makeReadKeys(context: StageContext, input: number, read: ReadRow | undefined): ReadKeys {
  const constants = {
    selectKey: context.keySelectors[input],
    refuse: (key: unknown) => refuseKey(key, context.operatorName),
    read,
  };
  const code = `return function readKeys(batch, count, keys) {
      const values = batch.values;
      let row = 0;
      try {
        for (; row < count; row++) {
          const key = selectKey(${recordText(read)});
          if (key === null || key === undefined) refuse(key);
          keys[row] = key;
        }
      } catch (error) {
        batch.failed(row);
        throw error;
      }
    };`;
  return compile('read-keys', constants, code) as ReadKeys;
}

/** @throws KEY_INVALID */
export function refuseKey(key: unknown, operatorName: string): never {
  throw new MillraceError(
    'KEY_INVALID',
    `the key selector before '${operatorName}' returned ${String(key)} for a record; ` +
      `return a value for every record, or filter those without a key out before keyBy`,
    { details: { operator: operatorName } },
  );
}
