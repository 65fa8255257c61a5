/** A table's content as plain data, and back. */
import { hashKey } from '../../base/hash.ts';
import type { KeyedTable } from '../../state/table/keyed-table.ts';
import { SLICE_ROWS } from '../chain-stage.ts';

/** Keys and values by position. */
export interface TableSnapshot {
  readonly keys: readonly unknown[];
  readonly values: readonly unknown[];
}

/**
 * The entries from number `from` on; `copy` is applied to values that the operator goes on
 * changing.
 */
export function snapshotTable(
  table: KeyedTable,
  copy: (value: unknown) => unknown = (value) => value,
  from = 0,
): TableSnapshot {
  const keys: unknown[] = [];
  const values: unknown[] = [];
  const entries = new Int32Array(SLICE_ROWS);
  for (let cursor = from < table.size ? from : -1; cursor >= 0; ) {
    cursor = table.scan(cursor, SLICE_ROWS, entries);
    for (let i = 0; i < table.scanned; i++) {
      const entry = entries[i] as number;
      keys.push(table.keyAt(entry));
      values.push(copy(table.read(entry)));
    }
  }
  return { keys, values };
}

/** Adds the entries of a snapshot. */
export function restoreTable(
  table: KeyedTable,
  snapshot: TableSnapshot,
  copy: (value: unknown) => unknown = (value) => value,
): void {
  snapshot.keys.forEach((key, i) => {
    const entry = table.findOrInsert(key, hashKey(key));
    table.write(entry, copy(snapshot.values[i]), key);
  });
}
