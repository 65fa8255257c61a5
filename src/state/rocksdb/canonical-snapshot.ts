/**
 * A snapshot of segments only, in the order of the hashes, though rows lie in the database: every
 * backend can read it.
 *
 * Invariants:
 * 1. What the database lacks at the cut is gathered in memory, which holds it anyway; the
 *    database's checkpoint of the cut is then read beside the live one, in slices, with the
 *    gathered rows over it.
 * 2. A key that was gathered, put or removed, hides the one in the database.
 */
import { assert } from '../../base/assert.ts';
import type { RowSection, RowSink } from '../cold-state.ts';
import { CutRun } from '../cut-run.ts';
import type { CutRunParts } from '../cut-run.ts';
import { SegmentWriter } from '../segment/segment-writer.ts';
import type { SegmentWriterOptions } from '../segment/segment-writer.ts';
import type { FileRef, KeyedStateHandle, SnapshotWork } from '../snapshot.ts';
import { COLUMN_FAMILY } from './state-database.ts';
import type { DatabaseCheckpoint, StateDatabase } from './state-database.ts';
import { StoreRows } from './store-rows.ts';
import type { SectionCursor } from './store-rows.ts';

/** What a {@link CanonicalSnapshot} is made with. */
export interface CanonicalSnapshotParts {
  readonly cut: Omit<CutRunParts, 'sink'>;
  readonly files: SegmentWriterOptions;
  readonly rows: StoreRows;
  readonly database: StateDatabase;
  readonly statesCount: number;
  readonly onStoreCheckpoint: () => void;
  /** Lets others run, between two slices. */
  readonly yield: () => Promise<void>;
  readonly handleOf: (files: readonly FileRef[]) => KeyedStateHandle;
}

const SLICE_ROWS = 2048;

/** See the file's head. */
export class CanonicalSnapshot implements SnapshotWork<KeyedStateHandle> {
  readonly #parts: CanonicalSnapshotParts;
  readonly #gathered = new GatheredRows();
  readonly #cut: CutRun;
  readonly #writer: SegmentWriter;
  readonly #checkpoint: Promise<DatabaseCheckpoint>;
  /** Key and value side by side. */
  #row = new Uint8Array(1024);
  #isCut = false;
  #isAborted = false;

  constructor(parts: CanonicalSnapshotParts) {
    this.#parts = parts;
    this.#writer = new SegmentWriter(parts.files);
    const sections = parts.rows.sections();
    this.#checkpoint = parts.database.checkpoint(() => parts.rows.save(sections));
    this.#cut = new CutRun({ ...parts.cut, sink: this.#gathered });
    this.#checkpoint.catch(() => undefined);
  }

  step(budgetMs: number): boolean {
    this.#isCut ||= this.#cut.step(budgetMs);
    return this.#isCut;
  }

  async finish(): Promise<KeyedStateHandle> {
    assert(this.#isCut, 'a snapshot is finished before its last step');
    const { database, onStoreCheckpoint, handleOf } = this.#parts;
    const checkpoint = await this.#checkpoint;
    try {
      onStoreCheckpoint();
      using store = database.openCheckpoint(checkpoint);
      const below = new StoreRows(() => store.columnFamily(COLUMN_FAMILY));
      below.load();
      for (let index = 0; index < this.#parts.statesCount; index++)
        await this.#writeState(below, index);
      return handleOf(this.#writer.finish());
    } catch (error) {
      this.#writer.abort();
      throw error;
    } finally {
      database.release(checkpoint.folder);
    }
  }

  abort(): void {
    this.#isAborted = true;
    this.#writer.abort();
    if (this.#isCut) return;
    this.#cut.abort();
    void this.#checkpoint.then(
      ({ folder }) => this.#parts.database.release(folder),
      () => undefined,
    );
  }

  async #writeState(below: StoreRows, stateIndex: number): Promise<void> {
    const { first, last } = this.#parts.cut.hashes;
    const above = this.#gathered.rowsOf(stateIndex);
    let at = 0;
    const putAbove = (hashMax: number): void => {
      for (; at < above.length && (above[at] as GatheredRow).hash >>> 0 <= hashMax; at++) {
        const { section, hash, bytes, valueFrom } = above[at] as GatheredRow;
        this.#writer.put(section, hash, bytes, 0, valueFrom, bytes.length);
      }
    };
    using cursor = below.range({ stateIndex, first, last });
    for (let rows = 1; cursor.next(); rows++) {
      putAbove(cursor.hash >>> 0);
      this.#putBelow(cursor);
      if (rows % SLICE_ROWS === 0) await this.#parts.yield();
      assert(!this.#isAborted, 'a snapshot is finished and given up');
    }
    putAbove(last);
  }

  #putBelow(cursor: SectionCursor): void {
    const { section, hash, key, value } = cursor;
    if (section === undefined || this.#gathered.has(section, hash, key, key.length)) return;
    const length = key.length + value.length;
    if (this.#row.length < length) this.#row = new Uint8Array(2 * length);
    this.#row.set(key);
    this.#row.set(value, key.length);
    this.#writer.put(section, hash, this.#row, 0, key.length, length);
  }
}

interface GatheredRow {
  readonly section: RowSection;
  readonly hash: number;
  readonly bytes: Uint8Array;
  readonly valueFrom: number;
}

/** What the database lacks. */
class GatheredRows implements RowSink {
  readonly #rows = new Map<number, GatheredRow[]>();
  readonly #keys = new Set<string>();
  /** Of the keys: most rows of the database are told from them without making a name. */
  readonly #hashes = new Set<number>();

  drop(): void {
    // The database has forgotten what was dropped.
  }

  remove(section: RowSection, hash: number, bytes: Uint8Array, from: number, to: number): void {
    this.#add(section, hash, bytes.subarray(from, to));
  }

  put(
    section: RowSection,
    hash: number,
    bytes: Uint8Array,
    from: number,
    valueFrom: number,
    to: number,
  ): void {
    this.#add(section, hash, bytes.subarray(from, valueFrom));
    // A Buffer's `slice` would share its memory.
    const copy = new Uint8Array(bytes.subarray(from, to));
    const row = { section, hash, bytes: copy, valueFrom: valueFrom - from };
    const rows = this.#rows.get(section.stateIndex);
    if (rows === undefined) this.#rows.set(section.stateIndex, [row]);
    else rows.push(row);
  }

  /** The rows of a state by ascending unsigned hash. */
  rowsOf(stateIndex: number): readonly GatheredRow[] {
    const rows = this.#rows.get(stateIndex) ?? [];
    return rows.sort((a, b) => (a.hash >>> 0) - (b.hash >>> 0));
  }

  has(section: RowSection, hash: number, bytes: Uint8Array, keyLength: number): boolean {
    if (!this.#hashes.has(hash | 0)) return false;
    return this.#keys.has(nameOf(section, hash, bytes.subarray(0, keyLength)));
  }

  #add(section: RowSection, hash: number, key: Uint8Array): void {
    this.#hashes.add(hash | 0);
    this.#keys.add(nameOf(section, hash, key));
  }
}

function nameOf({ stateIndex, namespace }: RowSection, hash: number, key: Uint8Array): string {
  const text = Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
  return `${stateIndex} ${typeof namespace} ${String(namespace).length} ${String(namespace)} ${hash | 0} ${text}`;
}
