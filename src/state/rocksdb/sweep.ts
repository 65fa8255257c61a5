/**
 * @dataplane Moves rows from the hot tables to the store and out of memory: a hand that goes round
 * over each table in order of the hashes, since puts in the store's own order cost a fraction of
 * those in any other.
 *
 * Invariants:
 * 1. It runs between batches only: nobody holds an entry number then.
 * 2. What a table has removed goes to the store before what it has put.
 * 3. A row leaves memory only if the store has it as it is; a cut that is being written takes it
 *    first. A row that was used since the hand last passed stays for another round.
 */
import type { RowSection, RowSink } from '../cold-state.ts';
import type { TrackedTable } from '../tracked-table.ts';
import type { SectionRows, StoreRows } from './store-rows.ts';

/** Rows between two looks at clock and memory. */
const SLICE_ROWS = 256;
const HASH_LAST = 0xffff_ffff;
const entries = new Int32Array(SLICE_ROWS);
const victims = new Int32Array(SLICE_ROWS);

/** What a slice is to do. */
export interface SweepOptions {
  /** Whether rows are put that stay in memory. */
  readonly mergesAll: boolean;
  readonly evicts: boolean;
  /** Whether the store takes rows now. */
  readonly canPut: boolean;
}

/** See the file's head. */
export class Sweep {
  /** Rows that left memory though a checkpoint to come needs what has changed in them. */
  lostRows = 0;
  /** Rows put into the store. */
  putRows = 0;
  /** Rows that left memory. */
  evictedRows = 0;
  readonly #rows: StoreRows;
  readonly #removals: Removals;
  readonly #hands = new WeakMap<TrackedTable, number>();

  constructor(rows: StoreRows) {
    this.#rows = rows;
    this.#removals = new Removals(rows);
  }

  /** Where a table's hand is, as an unsigned hash; 0 at the start of a round. */
  handOf(table: TrackedTable): number {
    return this.#hands.get(table) ?? 0;
  }

  /** Looks at some rows of a table; true when the hand has come round. */
  slice(table: TrackedTable, options: SweepOptions): boolean {
    const { rows } = table;
    if (rows === undefined || table.table.size === 0) return true;
    const section = this.#rows.open(table.section.stateIndex, table.section.namespace);
    if (options.canPut) table.tombstones.takeUnmerged(table.section, this.#removals.of(section));
    const count = table.table
      .entriesInHashOrder(this.handOf(table), HASH_LAST)
      .next(entries, SLICE_ROWS);
    const last = count === 0 ? HASH_LAST : table.table.hashAt(entries[count - 1] as number) >>> 0;
    let found = 0;
    for (let i = 0; i < count; i++) {
      const entry = entries[i] as number;
      const isVictim = options.evicts && !rows.takeReference(entry);
      if (isVictim && table.isExpired(entry)) {
        table.remove(table.table.keyAt(entry), table.table.hashAt(entry));
        continue;
      }
      if (!rows.isMerged(entry)) {
        if (!options.canPut || !(isVictim || options.mergesAll)) continue;
        this.#put(table, section, entry);
      }
      if (isVictim) victims[found++] = entry;
    }
    this.#evict(table, found);
    const isRound = count < SLICE_ROWS || last === HASH_LAST;
    this.#hands.set(table, isRound ? 0 : last + 1);
    return isRound;
  }

  #put(table: TrackedTable, section: SectionRows, entry: number): void {
    table.encode(entry);
    const { writer, keyLength } = table.encoder;
    this.#rows.put(section, table.table.hashAt(entry), writer.bytes, 0, keyLength, writer.length);
    table.rows?.setMerged(entry);
    this.putRows++;
  }

  #evict(table: TrackedTable, count: number): void {
    for (let i = 0; i < count; i++) {
      const entry = victims[i] as number;
      if (table.rows?.isPending(entry) === true) table.cut?.beforeChange(entry);
      if (table.rows?.isHeld(entry) === true) this.lostRows++;
      table.evict(entry);
    }
    this.evictedRows += count;
  }
}

/** Hands removed keys to the store. */
class Removals implements RowSink {
  readonly #rows: StoreRows;
  #section: SectionRows | undefined;

  constructor(rows: StoreRows) {
    this.#rows = rows;
  }

  of(section: SectionRows): this {
    this.#section = section;
    return this;
  }

  drop(_section: RowSection): void {
    // The store forgets a dropped section when it is dropped.
  }

  remove(_section: RowSection, hash: number, bytes: Uint8Array, from: number, to: number): void {
    if (this.#section !== undefined) this.#rows.remove(this.#section, hash, bytes, from, to);
  }

  put(): void {
    // Removed keys only.
  }
}
