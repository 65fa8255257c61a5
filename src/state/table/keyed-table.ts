/**
 * @dataplane The hot tier of keyed state: a table from keys to values that is worked on in batches
 * and never pauses.
 *
 *      hash ──▶ HashIndex ──▶ entry ──▶ key and numbers side by side (EntryChunks)
 *      (typed arrays, by order of hash)   └▶ all else in object columns (ValueStore, KeyColumn)
 *
 * Invariants:
 * 1. An entry keeps its number until it is removed; keys are equal by content (`keysEqual`).
 * 2. The caller gives `hashKey(key)` as the hash: equal keys come with equal hashes.
 * 3. No call does work in proportion to the table: growth and scans go in slices.
 */
import { assert } from '../../base/assert.ts';
import { EntryChunks } from './entry-chunks.ts';
import { HashIndex } from './hash-index.ts';
import type { OrderScan } from './hash-index.ts';
import { GenericKeys, keyKindOf, keyPlaces, NumberKeys } from './key-column.ts';
import type { KeyArray, KeyColumn, KeyKind } from './key-column.ts';
import { orderOf } from './slot-table.ts';
import { StringKeys } from './string-keys.ts';
import { captureValueLayout } from './value-layout.ts';
import type { ValueLayout } from './value-layout.ts';
import { ValueStore } from './value-store.ts';

/**
 * Rows that go through the passes at once: what they touch stays in the first-level cache (1024: 5
 * % slower).
 */
const BLOCK_ROWS = 256;
/**
 * Up to this size the entries are in the second-level cache, and a pass to fetch them costs more
 * than it gives.
 */
const CACHED_ENTRIES = 32_768;
/**
 * Scratch of all tables of this thread, used within one call only: no user code runs in between.
 */
const blockOrders = new Int32Array(BLOCK_ROWS);
const blockRows = new Int32Array(BLOCK_ROWS);
const blockFound = new Int32Array(BLOCK_ROWS);

/** What a {@link KeyedTable} is made with; everything that is left out is learnt. */
export interface KeyedTableOptions {
  /** The kind of key to be fast for; the first key's when left out. Others work, too. */
  readonly keyKind?: KeyKind | undefined;
  /** How values are kept; captured from the first value written when left out. */
  readonly value?: ValueLayout | undefined;
  /**
   * Whether a captured row's field that is the key, a string, is not kept twice. Reading and
   * writing then take the key, so it is for values that are read where the key is at hand.
   */
  readonly omitsKeyField?: boolean | undefined;
  /** How many entries to expect. */
  readonly initialCapacity?: number | undefined;
  /** The unsigned hashes that can occur: those of the subtask's key groups (`hashRange`). */
  readonly hashRange?: { readonly first: number; readonly last: number } | undefined;
}

/** See the file's head. */
export class KeyedTable {
  /**
   * The numbers of all entries, for generated code: `entry >> CHUNK_SHIFT`, `(entry & CHUNK_MASK) *
   * stride`.
   */
  readonly entries: EntryChunks;
  /** Whether the last {@link findOrInsert} made a new entry. */
  wasInserted = false;
  readonly #options: KeyedTableOptions;
  #index: HashIndex;
  #keys: KeyColumn | undefined;
  #values: ValueStore | undefined;
  /** Keeps the passes that only fetch alive; means nothing. */
  touched = 0;

  constructor(options: KeyedTableOptions = {}) {
    this.#options = options;
    this.#index = new HashIndex(options);
    this.entries = new EntryChunks(1);
    if (options.keyKind !== undefined) this.#openKeys(options.keyKind);
  }

  /** How many keys there are. */
  get size(): number {
    return this.#index.size;
  }

  /** Bytes of the typed arrays; objects come on top. */
  get bytes(): number {
    return this.#index.bytes + this.entries.bytes + (this.#keys?.bytes ?? 0);
  }

  /** Whether a growth of the index is under way. */
  get migrating(): boolean {
    return this.#index.migrating;
  }

  /** The kind of key that the table is fast for; `undefined` before the first key. */
  get keyKind(): KeyKind | undefined {
    return this.#keys?.kind;
  }

  /** The columns of the values; `undefined` before the first value if its layout is captured. */
  get values(): ValueStore | undefined {
    return this.#values;
  }

  /**
   * The entries of the keys of rows 0 to `count`, new ones where there were none. A key that comes
   * twice has one entry, and is new for its first row only.
   */
  findOrInsertBatch(
    keys: KeyArray,
    hashes: Int32Array,
    count: number,
    entriesOut: Int32Array,
    isNewOut: Uint8Array,
  ): void {
    for (let start = 0; start < count; start += BLOCK_ROWS) {
      const rows = Math.min(BLOCK_ROWS, count - start);
      takeRows(hashes, start, rows);
      this.#resolve(keys, rows);
      this.#insertMissing(keys, hashes, rows, start, entriesOut, isNewOut);
    }
  }

  /**
   * {@link findOrInsertBatch} for the rows `indices[0..count)` of the batch; the outs are by
   * position in `indices`.
   */
  findOrInsertSelected(
    keys: KeyArray,
    hashes: Int32Array,
    indices: Int32Array,
    count: number,
    entriesOut: Int32Array,
    isNewOut: Uint8Array,
  ): void {
    for (let start = 0; start < count; start += BLOCK_ROWS) {
      const rows = Math.min(BLOCK_ROWS, count - start);
      takeSelected(hashes, indices, start, rows);
      this.#resolve(keys, rows);
      this.#insertMissing(keys, hashes, rows, start, entriesOut, isNewOut);
    }
  }

  /** The entries of the keys of rows 0 to `count`, -1 where there is none. */
  findBatch(keys: KeyArray, hashes: Int32Array, count: number, entriesOut: Int32Array): void {
    for (let start = 0; start < count; start += BLOCK_ROWS) {
      const rows = Math.min(BLOCK_ROWS, count - start);
      takeRows(hashes, start, rows);
      this.#resolve(keys, rows);
      this.#findMissing(keys, hashes, rows, start, entriesOut);
    }
  }

  /** The entry of a key, a new one if there was none: see {@link wasInserted}. */
  findOrInsert(key: unknown, hash: number): number {
    this.#index.migrateForOne();
    return this.#findOrInsert(key, hash);
  }

  /** The entry of a key, or -1. */
  find(key: unknown, hash: number): number {
    const keys = this.#keys;
    return keys === undefined ? -1 : this.#seek(keys, key, orderOf(hash)) - 1;
  }

  /** Removes a key; whether it was there. */
  remove(key: unknown, hash: number): boolean {
    this.#index.migrateForOne();
    const keys = this.#keys;
    const entry = keys === undefined ? -1 : this.#seek(keys, key, orderOf(hash)) - 1;
    if (entry < 0) return false;
    this.#index.remove();
    this.#free(entry);
    return true;
  }

  /** Removes an entry in use. */
  removeEntry(entry: number): void {
    assert(this.entries.isLive(entry), () => `entry ${entry} is not in use`);
    this.#index.migrateForOne();
    const order = orderOf(this.entries.hashAt(entry));
    let candidate = this.#index.seek(order);
    while (candidate !== entry + 1) candidate = this.#index.seekNext(order);
    this.#index.remove();
    this.#free(entry);
  }

  /**
   * The key of an entry in use, in canonical form (−0 is 0, a bigint that is a safe integer is a
   * number).
   */
  keyAt(entry: number): unknown {
    return this.#keys?.keyAt(entry);
  }

  /** The hash of an entry in use. */
  hashAt(entry: number): number {
    return this.entries.hashAt(entry);
  }

  /** The value of an entry in use: a fresh object if it is a row. */
  read(entry: number): unknown {
    const values = this.#values;
    return values?.read(entry, values.hasKeyColumn ? this.keyAt(entry) : undefined);
  }

  /** Sets the value of an entry in use; its key, if it is at hand, saves a look for it. */
  write(entry: number, value: unknown, key?: unknown): void {
    const values = this.#values ?? this.#openValues(this.#capture(entry, value));
    values.write(entry, value, values.hasKeyColumn ? (key ?? this.keyAt(entry)) : undefined);
  }

  /** The chunk with an entry's numbers. Fetch it again after an insert. */
  chunkOf(entry: number): Float64Array {
    return this.entries.chunkOf(entry);
  }

  /** Where in its chunk an entry's numbers begin; a column is at its `place` from here. */
  offsetOf(entry: number): number {
    return this.entries.offsetOf(entry);
  }

  /**
   * Writes up to `limit` entries in use, from number `cursor` on (0 at the start), to `entriesOut`;
   * {@link scanned} says how many. Returns the next cursor, or -1 after the last slice. Between
   * slices entries may be removed; entries added may be seen or not.
   */
  scan(cursor: number, limit: number, entriesOut: Int32Array): number {
    return this.entries.scan(cursor, limit, entriesOut);
  }

  /** How many entries the last {@link scan} wrote. */
  get scanned(): number {
    return this.entries.scanned;
  }

  /**
   * A scan of the entries with unsigned hashes `first` to `last`, ascending. The table must not
   * change meanwhile.
   */
  entriesInHashOrder(first: number, last: number): OrderScan {
    return this.#index.scan({ first: orderOf(first), last: orderOf(last) });
  }

  /** Brings entries and their byte arrays into the cache; the result means nothing. */
  touchEntries(entries: Int32Array, count: number): number {
    const touched = this.entries.touchEntries(entries, count);
    return touched ^ (this.#values?.touchObjects(entries, count) ?? 0);
  }

  /** Makes room for so many entries with these unsigned hashes; only while there are none. */
  reserve(entries: number, hashRange: { readonly first: number; readonly last: number }): void {
    if (this.size > 0) return;
    this.#index = new HashIndex({ initialCapacity: entries, hashRange });
  }

  /** Forgets all entries; kinds and layouts stay. */
  clear(): void {
    this.#index = new HashIndex({ hashRange: this.#options.hashRange });
    this.entries.clear();
    this.#keys?.clear();
    this.#values?.clear();
  }

  /** Same as {@link clear}: all memory is the garbage collector's. */
  [Symbol.dispose](): void {
    this.clear();
  }

  /**
   * The passes that only look: leaves the entry of each row, or -1 if it is not its order's first,
   * in `blockFound`.
   */
  #resolve(keys: KeyArray, rows: number): void {
    const index = this.#index;
    index.migrate(rows);
    const column = this.#keys ?? this.#openKeys(keyKindOf(keys[blockRows[0] as number]));
    this.touched = index.candidates(blockOrders, rows, blockFound);
    if (this.size > CACHED_ENTRIES) this.touched = this.entries.touch(blockFound, rows);
    column.match(keys, blockRows, rows, blockFound);
  }

  #insertMissing(
    keys: KeyArray,
    hashes: Int32Array,
    rows: number,
    start: number,
    entriesOut: Int32Array,
    isNewOut: Uint8Array,
  ): void {
    for (let i = 0; i < rows; i++) {
      const found = blockFound[i] as number;
      if (found >= 0) {
        entriesOut[start + i] = found;
        isNewOut[start + i] = 0;
        continue;
      }
      const row = blockRows[i] as number;
      entriesOut[start + i] = this.#findOrInsert(keys[row], hashes[row] as number);
      isNewOut[start + i] = this.wasInserted ? 1 : 0;
    }
  }

  #findMissing(
    keys: KeyArray,
    hashes: Int32Array,
    rows: number,
    start: number,
    entriesOut: Int32Array,
  ): void {
    for (let i = 0; i < rows; i++) {
      const found = blockFound[i] as number;
      const row = blockRows[i] as number;
      entriesOut[start + i] = found >= 0 ? found : this.find(keys[row], hashes[row] as number);
    }
  }

  #findOrInsert(key: unknown, hash: number): number {
    const keys = this.#keys ?? this.#openKeys(keyKindOf(key));
    const order = orderOf(hash);
    const found = this.#seek(keys, key, order);
    this.wasInserted = found === 0;
    if (found !== 0) return found - 1;
    const entry = this.entries.add(hash);
    keys.put(entry, key);
    this.#index.insert(order, entry);
    return entry;
  }

  /** The entry + 1 of a key, or 0; the index stands where it is or belongs. */
  #seek(keys: KeyColumn, key: unknown, order: number): number {
    const index = this.#index;
    let candidate = index.seek(order);
    while (candidate !== 0 && !keys.equals(candidate - 1, key)) candidate = index.seekNext(order);
    return candidate;
  }

  #free(entry: number): void {
    this.#keys?.remove(entry);
    this.#values?.remove(entry);
    this.entries.remove(entry);
  }

  #capture(entry: number, value: unknown): ValueLayout {
    return captureValueLayout(
      value,
      this.#options.omitsKeyField === true ? this.keyAt(entry) : undefined,
    );
  }

  #openKeys(kind: KeyKind): KeyColumn {
    this.#keys = makeKeys(kind, this.entries);
    if (this.#options.value !== undefined) this.#openValues(this.#options.value);
    else this.entries.setStride(keyPlaces(kind));
    return this.#keys;
  }

  #openValues(layout: ValueLayout): ValueStore {
    const kind = this.#keys?.kind;
    assert(kind !== undefined, 'a value is written before any key');
    this.#values = new ValueStore(layout, this.entries, keyPlaces(kind));
    return this.#values;
  }
}

function takeRows(hashes: Int32Array, start: number, rows: number): void {
  for (let i = 0; i < rows; i++) {
    blockRows[i] = start + i;
    blockOrders[i] = orderOf(hashes[start + i] as number);
  }
}

function takeSelected(hashes: Int32Array, indices: Int32Array, start: number, rows: number): void {
  for (let i = 0; i < rows; i++) {
    const row = indices[start + i] as number;
    blockRows[i] = row;
    blockOrders[i] = orderOf(hashes[row] as number);
  }
}

function makeKeys(kind: KeyKind, entries: EntryChunks): KeyColumn {
  switch (kind) {
    case 'number':
      return new NumberKeys(entries);
    case 'string':
      return new StringKeys(entries);
    case 'generic':
      return new GenericKeys();
    default:
      return kind satisfies never;
  }
}
