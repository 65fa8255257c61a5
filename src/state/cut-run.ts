/**
 * A cut over all tables of a backend that is written in slices while records go on.
 *
 * Invariants:
 * 1. What is dropped comes first; of each table what is removed comes before its rows.
 * 2. An old row that was encoded because its entry was about to change waits with its table until
 *    that table's turn, or until much has gathered: so sections do not alternate per row.
 * 3. In an ordered cut the hashes are cut into ranges of some hundred rows. A range is written at
 *    once; if there are old rows of it, they are sorted in.
 */
import type { CutOptions, CutWork, RowSection, RowSink } from './cold-state.ts';
import type { NamedTables } from './named-tables.ts';
import { RowBuffer } from './row-buffer.ts';
import type { OldRows } from './table/dirty-rows.ts';
import type { TrackedTable } from './tracked-table.ts';

/** What a cut is made with. */
export interface CutRunParts {
  readonly states: readonly NamedTables[];
  readonly options: CutOptions;
  readonly sink: RowSink;
  readonly hashes: { readonly first: number; readonly last: number };
  readonly monotonicMs: () => number;
  /** All rows of a state are out. */
  readonly onStateWritten: () => void;
}

/** Rows between two looks at the clock. */
const SLICE_ROWS = 256;
const GATHERED_BYTES_MAX = 65_536;
const RANGE_ROWS = 256;
const RANGES_MAX = 65_536;
const entries = new Int32Array(SLICE_ROWS);

/** See the file's head. */
export class CutRun implements CutWork {
  readonly #parts: CutRunParts;
  readonly #sections: TableCut[] = [];
  readonly #dropped: readonly RowSection[];
  #isBegun = false;
  #at = 0;

  /** Cuts: what changes afterwards is not in it. */
  constructor(parts: CutRunParts) {
    this.#parts = parts;
    const dropped: RowSection[] = [];
    for (const state of parts.states) {
      dropped.push(...state.beginCut(parts.options));
      for (const table of state.tables()) this.#sections.push(new TableCut(table, parts));
    }
    this.#dropped = dropped;
  }

  step(budgetMs: number): boolean {
    const { monotonicMs } = this.#parts;
    const end = monotonicMs() + budgetMs;
    if (!this.#isBegun) this.#begin();
    do {
      const section = this.#sections[this.#at];
      if (section === undefined) return true;
      if (section.slice()) this.#next(section);
    } while (monotonicMs() < end);
    return this.#at === this.#sections.length;
  }

  abort(): void {
    const { checkpointId } = this.#parts.options;
    for (const { table } of this.#sections) {
      table.cut = undefined;
      table.rows?.abortCut(checkpointId);
      table.tombstones.abortCut(checkpointId);
    }
    for (const state of this.#parts.states) state.abortCut(checkpointId);
  }

  #begin(): void {
    this.#isBegun = true;
    for (const section of this.#dropped) this.#parts.sink.drop(section);
  }

  #next(section: TableCut): void {
    section.table.cut = undefined;
    this.#at++;
    const next = this.#sections[this.#at];
    const { stateIndex } = section.table.section;
    if (next?.table.section.stateIndex !== stateIndex) this.#parts.onStateWritten();
  }
}

/** One table's part of a cut. */
class TableCut implements OldRows {
  readonly table: TrackedTable;
  readonly #parts: CutRunParts;
  readonly #removed: RowBuffer;
  /** Old rows; in an ordered cut by range. */
  readonly #gathered = new RowBuffer();
  readonly #byRange = new Map<number, RowBuffer>();
  readonly #rangeHashes: number;
  /** All that was removed is out. */
  #hasBegun = false;
  #cursor = 0;
  /** Keeps the pass that only fetches alive; means nothing. */
  touched = 0;

  constructor(table: TrackedTable, parts: CutRunParts) {
    const { options, hashes } = parts;
    this.table = table;
    this.#parts = parts;
    this.#removed = table.tombstones.beginCut(options);
    table.rows?.beginCut(options, table.table.entries);
    table.cut = this;
    const ranges = Math.max(1, Math.min(RANGES_MAX, Math.ceil(table.table.size / RANGE_ROWS)));
    this.#rangeHashes = Math.ceil((hashes.last - hashes.first + 1) / ranges);
  }

  /** Some rows; true when there are no more. */
  slice(): boolean {
    if (!this.#hasBegun) {
      const { sink } = this.#parts;
      this.#hasBegun = this.#removed.drainSome(SLICE_ROWS, this.table.section, sink);
      if (!this.#hasBegun) return false;
    }
    return this.#parts.options.isOrdered ? this.#nextRange() : this.#nextRows();
  }

  beforeChange(entry: number): void {
    if (this.table.rows?.takeOne(entry) !== true) return;
    const { isOrdered } = this.#parts.options;
    const hash = this.table.hashAt(entry);
    const buffer = isOrdered ? this.#bufferOf(hash) : this.#gathered;
    this.table.encode(entry);
    this.#keep(buffer, hash);
    if (this.#hasBegun && this.#gathered.length > GATHERED_BYTES_MAX) this.#flush();
  }

  beforeClear(): void {
    const { rows } = this.table;
    if (rows === undefined) return;
    const all = new Int32Array(SLICE_ROWS);
    for (let cursor = 0; cursor >= 0; ) {
      const next = rows.peekPending(cursor, SLICE_ROWS, all);
      for (let i = 0; i < rows.scanned; i++) this.beforeChange(all[i] as number);
      cursor = next;
    }
  }

  #nextRows(): boolean {
    const { rows } = this.table;
    if (rows !== undefined && this.#cursor >= 0) {
      this.#cursor = rows.takePending(this.#cursor, SLICE_ROWS, entries);
      for (let i = 0; i < rows.scanned; i++) {
        const entry = entries[i] as number;
        if (!this.#leavesOut(entry)) this.#write(entry);
      }
      if (this.#cursor >= 0) return false;
    }
    this.#flush();
    return true;
  }

  #write(entry: number): void {
    if (this.#encodeInPlace(entry)) return;
    const { table } = this;
    const { encoder, section } = table;
    table.encode(entry);
    const { bytes, length } = encoder.writer;
    this.#parts.sink.put(section, table.hashAt(entry), bytes, 0, encoder.keyLength, length);
  }

  /** Hot: most rows go this way; with a copy by `put` they take half as long again. */
  #encodeInPlace(entry: number): boolean {
    const { target } = this.#parts.sink;
    if (target === undefined) return false;
    const keyLength = this.table.encodeDirect(entry, target.beginRow(this.table.section));
    if (keyLength < 0) {
      target.cancelRow();
      return false;
    }
    target.endRow(this.table.hashAt(entry), keyLength);
    return true;
  }

  #nextRange(): boolean {
    const { table, rows, section } = this.table;
    const { first, last } = this.#parts.hashes;
    const from = first + this.#cursor * this.#rangeHashes;
    const to = Math.min(last, from + this.#rangeHashes - 1);
    const old = this.#byRange.get(this.#cursor);
    const scan = table.entriesInHashOrder(from, to);
    while (!scan.done && rows !== undefined && table.size > 0) {
      const count = scan.next(entries, SLICE_ROWS);
      this.touched = table.touchEntries(entries, count);
      for (let i = 0; i < count; i++) {
        const entry = entries[i] as number;
        if (!rows.takeOne(entry) || this.#leavesOut(entry)) continue;
        if (old === undefined) this.#write(entry);
        else {
          this.table.encode(entry);
          this.#keep(old, this.table.hashAt(entry));
        }
      }
    }
    old?.drainInOrder(section, this.#parts.sink);
    this.#byRange.delete(this.#cursor);
    this.#cursor++;
    return to === last;
  }

  /** A full snapshot need not hold what nobody will read. */
  #leavesOut(entry: number): boolean {
    return this.#parts.options.kind === 'all' && this.table.isExpired(entry);
  }

  #bufferOf(hash: number): RowBuffer {
    const range = Math.floor(((hash >>> 0) - this.#parts.hashes.first) / this.#rangeHashes);
    let buffer = this.#byRange.get(range);
    if (buffer === undefined) {
      buffer = new RowBuffer();
      this.#byRange.set(range, buffer);
    }
    return buffer;
  }

  #keep(buffer: RowBuffer, hash: number): void {
    const { writer, keyLength } = this.table.encoder;
    buffer.add(hash, writer.bytes, keyLength, writer.length);
  }

  #flush(): void {
    this.#gathered.drain(this.table.section, this.#parts.sink);
  }
}
