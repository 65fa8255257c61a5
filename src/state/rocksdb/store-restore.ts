/**
 * Puts the rows of earlier databases into a backend's own tables and database.
 *
 * Invariants:
 * 1. Rows are copied as they are if their schemas have the numbers that the state's own have, else
 *    they are read and written anew.
 * 2. A resident state's rows go to memory and stay in no database.
 */
import { isDeepStrictEqual } from 'node:util';
import type { IndexRange } from '../key-groups.ts';
import type { OpenedState } from '../opened-states.ts';
import { NO_VALUE } from '../row-encoder.ts';
import type { KeyedStateHandle, SnapshotInput, StateMeta } from '../snapshot.ts';
import type { KeyValueStore } from './key-value-store.ts';
import { COLUMN_FAMILY } from './state-database.ts';
import type { StateDatabase } from './state-database.ts';
import { StoreRows } from './store-rows.ts';
import type { SectionCursor, SectionRows } from './store-rows.ts';

/** Where rows come from. */
interface RowSource {
  readonly rows: StoreRows;
  readonly stateIndex: number;
  /** What is known of their schemas. */
  readonly meta: StateMeta;
  readonly hashes: IndexRange;
}

/**
 * Copies all rows of a state from `source`; `restored` is what the state's own schemas began with.
 */
export function copyRows(
  source: RowSource,
  target: StoreRows,
  opened: OpenedState,
  restored: StateMeta,
): void {
  const { stateIndex, hashes } = source;
  const isSame = hasSameSchemas(source.meta, restored);
  const asItIs = isSame && source.meta.hasTtl === (opened.state.declaration.hasTtl === true);
  const decoder = opened.coder.decoderOf(source.meta);
  using cursor = source.rows.range({ stateIndex, first: hashes.first, last: hashes.last });
  while (cursor.next()) {
    const { key, value } = cursor;
    const namespace = cursor.section?.namespace;
    const table = namespace === undefined ? opened.state.table : opened.state.tableOf(namespace);
    if (opened.state.declaration.resident === true) {
      const decoded = decoder.decodeValue(value, 0, value.length);
      table.restore(decoder.decodeKey(key, 0, key.length), cursor.hash, decoded);
    } else {
      const section = target.open(opened.state.stateIndex, namespace);
      if (asItIs) putAsItIs(target, section, cursor);
      else putAnew(target, section, cursor, opened, decoder);
    }
  }
}

/** The databases of a restored checkpoint that are not this backend's to take over. */
export class RestoredDatabases implements Disposable {
  readonly #sources: { readonly handle: KeyedStateHandle; readonly store: KeyValueStore }[] = [];
  readonly #database: StateDatabase;
  readonly #hashes: IndexRange;

  constructor(database: StateDatabase, hashes: IndexRange) {
    this.#database = database;
    this.#hashes = hashes;
  }

  open(handles: readonly KeyedStateHandle[], input: SnapshotInput): void {
    for (const handle of handles) {
      if (handle.base?.kind !== 'rocksdb') continue;
      const store = this.#database.openSource(handle.base.files, input);
      this.#sources.push({ handle, store });
    }
  }

  /** Copies the rows of a state, as far as their hashes are this subtask's. */
  copy(opened: OpenedState, restored: StateMeta, target: StoreRows): void {
    for (const { handle, store } of this.#sources) {
      const stateIndex = handle.states.findIndex(({ name }) => name === restored.name);
      const meta = handle.states[stateIndex];
      if (meta === undefined) continue;
      const rows = new StoreRows(() => store.columnFamily(COLUMN_FAMILY));
      rows.load();
      const first = Math.max(handle.hashFirst, this.#hashes.first);
      const last = Math.min(handle.hashLast, this.#hashes.last);
      copyRows({ rows, stateIndex, meta, hashes: { first, last } }, target, opened, restored);
    }
  }

  [Symbol.dispose](): void {
    for (const { store } of this.#sources) {
      store.close();
      this.#database.release(store.folder);
    }
    this.#sources.length = 0;
  }
}

function putAsItIs(
  target: StoreRows,
  section: SectionRows,
  { hash, key, value }: SectionCursor,
): void {
  const bytes = new Uint8Array(key.length + value.length);
  bytes.set(key);
  bytes.set(value, key.length);
  target.put(section, hash, bytes, 0, key.length, bytes.length);
}

function putAnew(
  target: StoreRows,
  section: SectionRows,
  { hash, key, value }: SectionCursor,
  { coder }: OpenedState,
  decoder: ReturnType<OpenedState['coder']['decoderOf']>,
): void {
  const decoded = decoder.decodeValue(value, 0, value.length);
  coder.encodeRow(decoder.decodeKey(key, 0, key.length), decoded === NO_VALUE ? NO_VALUE : decoded);
  target.put(section, hash, coder.writer.bytes, 0, coder.keyLength, coder.writer.length);
}

function hasSameSchemas(a: StateMeta, b: StateMeta): boolean {
  return (
    isDeepStrictEqual(a.keySchemas, b.keySchemas) &&
    isDeepStrictEqual(a.valueSchemas, b.valueSchemas) &&
    isDeepStrictEqual(a.mapKeySchemas, b.mapKeySchemas)
  );
}
