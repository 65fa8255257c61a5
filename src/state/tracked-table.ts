/**
 * @dataplane The rows of one state and namespace: a {@link KeyedTable} with what keeps it durable.
 *
 * Invariants:
 * 1. Without tracking it is the table and costs one comparison per batch.
 * 2. Before a pending row changes or goes, its old state is with the cut.
 * 3. With a store below, a key that is not in memory but may be below is loaded before it counts as
 *    new; so what is above is all that anybody sees.
 */
import type { ByteWriter } from '../types/row-codec.ts';
import type { ColdState, RowSection } from './cold-state.ts';
import type { DirectEncoder } from './direct-encoder.ts';
import type { StateTable } from './keyed-state-backend.ts';
import { NO_VALUE } from './row-encoder.ts';
import type { RowEncoder } from './row-encoder.ts';
import { DirtyRows } from './table/dirty-rows.ts';
import type { OldRows } from './table/dirty-rows.ts';
import type { KeyArray } from './table/key-column.ts';
import type { KeyedTable } from './table/keyed-table.ts';
import { Tombstones } from './tombstones.ts';

/** What a {@link TrackedTable} is made of. */
export interface TrackedTableParts {
  readonly table: KeyedTable;
  readonly section: RowSection;
  readonly encoder: RowEncoder;
  readonly isTracking: boolean;
  readonly cold: ColdState | undefined;
  readonly isExpired: ((stored: unknown) => boolean) | undefined;
  /** The table is about to forget all rows, at once. */
  readonly onClear: () => void;
}

const SCANNED_MAX = 1024;
const SAMPLE_ROWS = 64;
/** Bytes in memory per encoded byte of an object's value, and per object. */
const OBJECT_FACTOR = 2;
const OBJECT_BYTES = 24;
/** Bytes per object where nothing is known. */
const OBJECT_BYTES_GUESS = 64;

/** See the file's head. */
export class TrackedTable implements StateTable {
  readonly table: KeyedTable;
  section: RowSection;
  encoder: RowEncoder;
  /** Undefined without tracking. */
  readonly rows: DirtyRows | undefined;
  readonly tombstones: Tombstones;
  /** The cut that the table is part of. */
  cut: OldRows | undefined;
  wasInserted = false;
  /** Encodes without keys and values being made, as of the encoder's revision. */
  #direct: DirectEncoder | undefined;
  #directRevision = Number.NaN;
  #sampledSize = 0;
  #sampledBytes = 0;
  #cold: ColdState | undefined;
  readonly #onClear: () => void;
  readonly #isExpired: ((stored: unknown) => boolean) | undefined;

  constructor(parts: TrackedTableParts) {
    this.table = parts.table;
    this.section = parts.section;
    this.encoder = parts.encoder;
    this.#cold = parts.cold;
    this.#onClear = parts.onClear;
    this.#isExpired = parts.isExpired;
    const hasStore = parts.cold !== undefined;
    this.rows = parts.isTracking || hasStore ? new DirtyRows(hasStore) : undefined;
    this.tombstones = new Tombstones(hasStore, parts.isTracking);
  }

  get size(): number {
    return this.table.size + (this.#cold?.size ?? 0);
  }

  /** Bytes of the typed arrays, and a guess at those of strings and objects. */
  get memoryBytes(): number {
    const bytes = this.table.bytes + (this.rows?.bytes ?? 0);
    return bytes + Math.ceil(this.table.size * this.objectBytes);
  }

  /** Whether there was no row since the last drop, here and below. */
  get isEmpty(): boolean {
    return this.table.size === 0 && (this.#cold === undefined || this.#cold.isEmpty);
  }

  /** What a row is written with that reads as undefined. */
  get valueOfNone(): unknown {
    return this.table.values === undefined ? NO_VALUE : undefined;
  }

  get scanned(): number {
    return this.table.scanned;
  }

  findOrInsertBatch(
    keys: KeyArray,
    hashes: Int32Array,
    count: number,
    entriesOut: Int32Array,
    isNewOut: Uint8Array,
  ): void {
    this.table.findOrInsertBatch(keys, hashes, count, entriesOut, isNewOut);
    if (this.rows === undefined) return;
    this.rows.ensure(this.table.entries.room);
    if (this.#cold !== undefined) {
      for (let i = 0; i < count; i++) {
        if (isNewOut[i] === 0) continue;
        if (this.#load(entriesOut[i] as number, keys[i], hashes[i] as number)) isNewOut[i] = 0;
      }
    }
    this.#mark(this.rows, entriesOut, count);
  }

  findOrInsertSelected(
    keys: KeyArray,
    hashes: Int32Array,
    indices: Int32Array,
    count: number,
    entriesOut: Int32Array,
    isNewOut: Uint8Array,
  ): void {
    this.table.findOrInsertSelected(keys, hashes, indices, count, entriesOut, isNewOut);
    if (this.rows === undefined) return;
    this.rows.ensure(this.table.entries.room);
    if (this.#cold !== undefined) {
      for (let i = 0; i < count; i++) {
        if (isNewOut[i] === 0) continue;
        const row = indices[i] as number;
        if (this.#load(entriesOut[i] as number, keys[row], hashes[row] as number)) isNewOut[i] = 0;
      }
    }
    this.#mark(this.rows, entriesOut, count);
  }

  find(key: unknown, hash: number): number {
    const entry = this.table.find(key, hash);
    if (this.#cold === undefined) return entry;
    if (entry < 0) return this.#fetch(key, hash);
    this.rows?.refer(entry);
    return entry;
  }

  findForUpdate(key: unknown, hash: number): number {
    const entry = this.find(key, hash);
    if (entry >= 0) this.willUpdate(entry);
    return entry;
  }

  findOrInsert(key: unknown, hash: number): number {
    const { table, rows } = this;
    const entry = table.findOrInsert(key, hash);
    this.wasInserted = table.wasInserted;
    if (rows === undefined) return entry;
    if (this.wasInserted) {
      rows.ensure(table.entries.room);
      if (this.#cold !== undefined && this.#load(entry, key, hash)) this.wasInserted = false;
    }
    this.willUpdate(entry);
    return entry;
  }

  willUpdate(entry: number): void {
    const { rows } = this;
    if (rows === undefined) return;
    if (this.cut !== undefined && rows.isPending(entry)) this.cut.beforeChange(entry);
    rows.markOne(entry);
  }

  remove(key: unknown, hash: number): boolean {
    if (this.rows === undefined) return this.table.remove(key, hash);
    const entry = this.find(key, hash);
    if (entry < 0) return false;
    this.#forget(this.rows, entry);
    this.table.removeEntry(entry);
    return true;
  }

  read(entry: number): unknown {
    return this.table.read(entry);
  }

  write(entry: number, value: unknown, key?: unknown): void {
    this.table.write(entry, value, key);
  }

  keyAt(entry: number): unknown {
    return this.table.keyAt(entry);
  }

  hashAt(entry: number): number {
    return this.table.hashAt(entry);
  }

  scan(cursor: number, limit: number, entriesOut: Int32Array): number {
    return this.table.scan(cursor, limit, entriesOut);
  }

  /** @controlplane Visits all rows. */
  forEach(visit: (key: unknown, value: unknown, hash: number) => void): void {
    const { table } = this;
    const entries = new Int32Array(SCANNED_MAX);
    for (let cursor = table.size === 0 ? -1 : 0; cursor >= 0; ) {
      cursor = table.scan(cursor, SCANNED_MAX, entries);
      const count = table.scanned;
      for (let i = 0; i < count; i++) {
        const entry = entries[i] as number;
        visit(table.keyAt(entry), table.read(entry), table.hashAt(entry));
      }
    }
    this.#forEachBelow(visit);
  }

  /** Encodes an entry's row into the encoder's writer. */
  encode(entry: number): void {
    const { table, encoder } = this;
    if (table.values === undefined) return encoder.encodeRow(table.keyAt(entry), NO_VALUE);
    encoder.writer.reset();
    const keyLength = this.encodeDirect(entry, encoder.writer);
    if (keyLength < 0) encoder.encodeRow(table.keyAt(entry), table.read(entry));
    else encoder.keyLength = keyLength;
  }

  /** Appends an entry's row without making its key and value; the key's length, or -1: cannot. */
  encodeDirect(entry: number, writer: ByteWriter): number {
    if (this.table.values === undefined) return -1;
    if (this.encoder.revision !== this.#directRevision) this.#renewDirect();
    return this.#direct === undefined ? -1 : this.#direct(entry, writer);
  }

  /** Whether nothing of an entry's value is to be read any more. */
  isExpired(entry: number): boolean {
    return this.#isExpired?.(this.table.read(entry)) ?? false;
  }

  clear(): void {
    this.cut?.beforeClear();
    this.#onClear();
    this.table.clear();
    this.rows?.clear();
    this.tombstones.clear();
  }

  /** A row as some snapshot has it: for restores, which mark nothing. */
  restore(key: unknown, hash: number, value: unknown): void {
    const { table, rows } = this;
    const entry = table.findOrInsert(key, hash);
    if (value !== NO_VALUE) table.write(entry, value, key);
    if (rows === undefined) return;
    rows.ensure(table.entries.room);
    rows.markPersisted(entry);
    if (this.#cold !== undefined) rows.markUnmerged(entry);
  }

  /** A restore gives the state another number and other schemas: the table is empty. */
  rebind(section: RowSection, encoder: RowEncoder, cold: ColdState | undefined): void {
    this.section = section;
    this.encoder = encoder;
    this.#directRevision = Number.NaN;
    this.#cold = cold;
  }

  /** Takes all rows back that older parts of the snapshot had: for restores. */
  unrestoreAll(): void {
    this.#cold?.clear();
    this.table.clear();
    this.rows?.clear();
    this.tombstones.clear();
  }

  /** Takes a row back that an older part of the snapshot had: for restores. */
  unrestore(key: unknown, hash: number): void {
    if (this.#cold?.mayHave(hash) === true) {
      const { encoder } = this;
      encoder.encodeKey(key);
      this.tombstones.addBelow(hash, encoder.writer.bytes, encoder.writer.length);
    }
    const entry = this.table.find(key, hash);
    if (entry < 0) return;
    this.rows?.forget(entry);
    this.table.removeEntry(entry);
  }

  /** Drops a row from memory that is in the store below as it is, and that no cut waits for. */
  evict(entry: number): void {
    this.rows?.forget(entry);
    this.table.removeEntry(entry);
  }

  /**
   * @controlplane Bytes of objects per row: from some rows, encoded, and what objects cost beyond
   * that. Looked at anew when the table has doubled.
   */
  get objectBytes(): number {
    const { table, encoder } = this;
    const { values } = table;
    const holdsObjects =
      values !== undefined &&
      values.columns.some(({ kind, objects }) => kind === 'object' || objects.isUsed);
    // What is never written need not be serializable.
    if (holdsObjects && this.rows === undefined) return OBJECT_BYTES_GUESS;
    if (!holdsObjects || table.size < 2 * this.#sampledSize) return this.#sampledBytes;
    const rows = new Int32Array(SAMPLE_ROWS);
    table.scan(0, SAMPLE_ROWS, rows);
    const count = table.scanned;
    let total = 0;
    for (let i = 0; i < count; i++) {
      const entry = rows[i] as number;
      this.encode(entry);
      total += OBJECT_FACTOR * (encoder.writer.length - encoder.keyLength) + OBJECT_BYTES;
    }
    this.#sampledSize = table.size;
    this.#sampledBytes = count === 0 ? 0 : total / count;
    return this.#sampledBytes;
  }

  /** @controlplane The schemas that rows are written with have changed. */
  #renewDirect(): void {
    this.#direct = this.encoder.directFor(this.table);
    this.#directRevision = this.encoder.revision;
  }

  #mark(rows: DirtyRows, entries: Int32Array, count: number): void {
    if (this.cut === undefined) rows.mark(entries, count);
    else rows.markInCut(entries, count, this.cut);
  }

  #forget(rows: DirtyRows, entry: number): void {
    if (this.cut !== undefined && rows.isPending(entry)) this.cut.beforeChange(entry);
    if (rows.isPersisted(entry)) {
      const { encoder, table } = this;
      const hash = table.hashAt(entry);
      encoder.encodeKey(table.keyAt(entry));
      this.tombstones.add(hash, encoder.writer.bytes, encoder.writer.length);
    }
    rows.forget(entry);
  }

  /** The entry of a key that is not in memory, or -1. */
  #fetch(key: unknown, hash: number): number {
    const value = this.#lookBelow(key, hash);
    if (value === undefined) return -1;
    const entry = this.table.findOrInsert(key, hash);
    this.rows?.ensure(this.table.entries.room);
    this.#take(entry, key, value);
    return entry;
  }

  /** Fills a new entry with what lies below; false if nothing does. */
  #load(entry: number, key: unknown, hash: number): boolean {
    const value = this.#lookBelow(key, hash);
    if (value === undefined) return false;
    this.#take(entry, key, value);
    return true;
  }

  #take(entry: number, key: unknown, bytes: Uint8Array): void {
    const value = this.encoder.decodeValue(bytes, 0, bytes.length);
    if (value !== NO_VALUE) this.table.write(entry, value, key);
    this.rows?.markPersisted(entry);
    this.rows?.refer(entry);
  }

  #lookBelow(key: unknown, hash: number): Uint8Array | undefined {
    const cold = this.#cold;
    if (cold === undefined || !cold.mayHave(hash)) return undefined;
    const { encoder } = this;
    encoder.encodeKey(key);
    const { bytes, length } = encoder.writer;
    return this.tombstones.has(hash, bytes, length) ? undefined : cold.get(hash, bytes, length);
  }

  /** @controlplane */
  #forEachBelow(visit: (key: unknown, value: unknown, hash: number) => void): void {
    const { encoder, table, tombstones } = this;
    this.#cold?.scan((hash, keyBytes, valueBytes) => {
      if (tombstones.has(hash, keyBytes, keyBytes.length)) return true;
      const key = encoder.decodeKey(keyBytes, 0, keyBytes.length);
      const value = encoder.decodeValue(valueBytes, 0, valueBytes.length);
      if (table.find(key, hash) < 0) visit(key, value === NO_VALUE ? undefined : value, hash);
      return true;
    });
  }
}
