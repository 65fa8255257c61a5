/** @dataplane Batches of rows by reference, reused. */
import { BATCH_ROWS, type RowBatch } from '../../operators/chain-stage.ts';

/** An empty batch with room for {@link BATCH_ROWS} rows. */
export function newRowBatch(rowsMax: number = BATCH_ROWS): RowBatch {
  return {
    count: 0,
    values: new Array<unknown>(rowsMax).fill(undefined),
    read: undefined,
    timestamps: new Float64Array(rowsMax),
    hashes: new Int32Array(rowsMax),
  };
}

/** Forgets the rows, so that they can be collected. */
export function clearRowBatch(batch: RowBatch): void {
  batch.values.fill(undefined, 0, batch.count);
  batch.count = 0;
}
