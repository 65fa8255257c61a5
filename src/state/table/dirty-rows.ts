/**
 * @dataplane Which entries of a table have changed since when: bit `entry & 31` of word
 * `entry >> 5`, in one flat array per question.
 *
 *      dirty       changed since the last cut for a checkpoint
 *      outstanding taken by a cut whose checkpoint is neither complete nor aborted (one per cut)
 *      pending     part of the cut that is being written, and not written yet
 *      persisted   written by some cut: a removal needs a tombstone
 *      unmerged    changed since it was last put into the store below  } only with
 *      referenced  used since the sweep's hand has passed              } such a store
 *
 * Invariants:
 * 1. Only entries in use are pending.
 * 2. Whoever is about to change a pending entry has it written first (`beforeChange`).
 * 3. A cut swaps arrays or runs over words; it never visits entries.
 */
import type { CutOptions } from '../cold-state.ts';
import { Outstanding } from '../outstanding.ts';
import type { EntryChunks } from './entry-chunks.ts';

const WORDS_MIN = 8;

/** Writes the old state of an entry that is about to change. */
export interface OldRows {
  beforeChange(entry: number): void;
  /** All entries are about to go. */
  beforeClear(): void;
}

/** See the file's head. */
export class DirtyRows {
  #dirty: Int32Array = new Int32Array(WORDS_MIN);
  #pending: Int32Array = new Int32Array(WORDS_MIN);
  #persisted: Int32Array = new Int32Array(WORDS_MIN);
  #unmerged: Int32Array;
  #referenced: Int32Array;
  readonly #hasStore: boolean;
  readonly #outstanding = new Outstanding<Int32Array>();
  #scanned = 0;

  /** @param hasStore - whether rows may leave memory */
  constructor(hasStore: boolean) {
    this.#hasStore = hasStore;
    this.#unmerged = new Int32Array(hasStore ? WORDS_MIN : 0);
    this.#referenced = new Int32Array(hasStore ? WORDS_MIN : 0);
  }

  /** Bytes of the arrays. */
  get bytes(): number {
    return 4 * (3 * this.#dirty.length + 2 * this.#unmerged.length);
  }

  /** Makes room for entries below `room`. */
  ensure(room: number): void {
    const words = this.#dirty.length;
    if (room > words * 32) this.#grow(Math.max(2 * words, (room + 31) >> 5));
  }

  /** Entries that are about to change; none is pending. */
  mark(entries: Int32Array, count: number): void {
    const dirty = this.#dirty;
    for (let i = 0; i < count; i++) {
      const entry = entries[i] as number;
      const word = entry >> 5;
      dirty[word] = (dirty[word] as number) | (1 << (entry & 31));
    }
    if (this.#hasStore) this.#markForStore(entries, count);
  }

  /** {@link mark} while a cut is being written. */
  markInCut(entries: Int32Array, count: number, old: OldRows): void {
    for (let i = 0; i < count; i++) {
      const entry = entries[i] as number;
      if (this.isPending(entry)) old.beforeChange(entry);
    }
    this.mark(entries, count);
  }

  /** {@link mark} of one entry. */
  markOne(entry: number): void {
    set(this.#dirty, entry);
    if (!this.#hasStore) return;
    set(this.#unmerged, entry);
    set(this.#referenced, entry);
  }

  /** An entry was read: keeps it in memory for longer. */
  refer(entry: number): void {
    if (this.#hasStore) set(this.#referenced, entry);
  }

  isPending(entry: number): boolean {
    return has(this.#pending, entry);
  }

  /** Whether a cut may have written the entry, so that its removal must be told. */
  isPersisted(entry: number): boolean {
    return has(this.#persisted, entry);
  }

  /** The entry is as some cut wrote it: what is restored or loaded. */
  markPersisted(entry: number): void {
    set(this.#persisted, entry);
  }

  /** The entry is as a snapshot has it and as the store below has not. */
  markUnmerged(entry: number): void {
    set(this.#unmerged, entry);
  }

  /** Whether the store below has the entry as it is. */
  isMerged(entry: number): boolean {
    return !has(this.#unmerged, entry);
  }

  /** The store below has got the entry as it is. */
  setMerged(entry: number): void {
    unset(this.#unmerged, entry);
    set(this.#persisted, entry);
  }

  /** Whether the entry was used since it was last asked. */
  takeReference(entry: number): boolean {
    if (!has(this.#referenced, entry)) return false;
    unset(this.#referenced, entry);
    return true;
  }

  /** Whether a checkpoint to come, or one whose end is not known, needs the entry. */
  isHeld(entry: number): boolean {
    if (has(this.#dirty, entry)) return true;
    const parts = this.#outstanding.parts;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i] as Int32Array;
      if (entry >> 5 < part.length && has(part, entry)) return true;
    }
    return false;
  }

  /** An entry is about to be freed; it is not pending. */
  forget(entry: number): void {
    unset(this.#dirty, entry);
    unset(this.#persisted, entry);
    if (!this.#hasStore) return;
    unset(this.#unmerged, entry);
    unset(this.#referenced, entry);
  }

  /** Entries of `options.kind` become pending. */
  beginCut(options: CutOptions, entries: EntryChunks): void {
    this.ensure(entries.room);
    const taken = this.#dirty;
    const pending = this.#pending;
    switch (options.kind) {
      case 'all':
        entries.copyLive(pending);
        break;
      case 'since-base':
        // Without a store below all rows are what it lacks.
        if (this.#hasStore) pending.set(this.#unmerged);
        else entries.copyLive(pending);
        break;
      case 'since-checkpoint':
        pending.set(taken);
        for (let i = 0; i < this.#outstanding.parts.length; i++)
          add(pending, this.#outstanding.parts[i] as Int32Array);
        break;
      default:
        options.kind satisfies never;
    }
    if (options.kind !== 'all') entries.keepLive(pending);
    if (options.checkpointId === undefined) return;
    this.#dirty = new Int32Array(taken.length);
    this.#outstanding.add(options.checkpointId, taken);
  }

  /**
   * Takes up to `limit` pending entries from word `cursor` on: they count as written.
   * {@link scanned} says how many; returns the next cursor, -1 at the end.
   */
  takePending(cursor: number, limit: number, out: Int32Array): number {
    const next = this.peekPending(cursor, limit, out);
    const stop = next < 0 ? this.#pending.length : next;
    for (let word = cursor; word < stop; word++) {
      this.#persisted[word] = (this.#persisted[word] as number) | (this.#pending[word] as number);
      this.#pending[word] = 0;
    }
    return next;
  }

  /** {@link takePending}, but they stay pending. */
  peekPending(cursor: number, limit: number, out: Int32Array): number {
    const pending = this.#pending;
    let count = 0;
    let word = cursor;
    for (; word < pending.length && count + 32 <= limit; word++) {
      let bits = pending[word] as number;
      while (bits !== 0) {
        out[count++] = word * 32 + 31 - Math.clz32(bits & -bits);
        bits &= bits - 1;
      }
    }
    this.#scanned = count;
    return word < pending.length ? word : -1;
  }

  /** How many entries the last {@link takePending} wrote. */
  get scanned(): number {
    return this.#scanned;
  }

  /** Takes one entry if it is pending: it counts as written. */
  takeOne(entry: number): boolean {
    if (!has(this.#pending, entry)) return false;
    unset(this.#pending, entry);
    set(this.#persisted, entry);
    return true;
  }

  /** Nothing is pending any more, and what the cut has taken counts as changed. */
  abortCut(checkpointId: number | undefined): void {
    this.#pending.fill(0);
    if (checkpointId !== undefined) this.abort(checkpointId);
  }

  /** The checkpoint counts. */
  complete(checkpointId: number): void {
    this.#outstanding.complete(checkpointId);
  }

  /** The checkpoint does not: what it took has changed again. */
  abort(checkpointId: number): void {
    // Arrays only grow, so a later one is at least as long.
    const taken = this.#outstanding.abort(checkpointId, (aborted, next) => add(next, aborted));
    if (taken !== undefined) add(this.#dirty, taken);
  }

  /** Forgets everything; the table is empty, nothing is pending. */
  clear(): void {
    const fresh = new DirtyRows(this.#hasStore);
    this.#dirty = fresh.#dirty;
    this.#pending = fresh.#pending;
    this.#persisted = fresh.#persisted;
    this.#unmerged = fresh.#unmerged;
    this.#referenced = fresh.#referenced;
    const held = this.#outstanding.parts;
    for (let i = 0; i < held.length; i++) (held[i] as Int32Array).fill(0);
  }

  #markForStore(entries: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const entry = entries[i] as number;
      set(this.#unmerged, entry);
      set(this.#referenced, entry);
    }
  }

  #grow(words: number): void {
    this.#dirty = grown(this.#dirty, words);
    this.#pending = grown(this.#pending, words);
    this.#persisted = grown(this.#persisted, words);
    if (!this.#hasStore) return;
    this.#unmerged = grown(this.#unmerged, words);
    this.#referenced = grown(this.#referenced, words);
  }
}

function has(bits: Int32Array, entry: number): boolean {
  return ((bits[entry >> 5] as number) & (1 << (entry & 31))) !== 0;
}

function set(bits: Int32Array, entry: number): void {
  bits[entry >> 5] = (bits[entry >> 5] as number) | (1 << (entry & 31));
}

function unset(bits: Int32Array, entry: number): void {
  bits[entry >> 5] = (bits[entry >> 5] as number) & ~(1 << (entry & 31));
}

/** Adds the bits of an array that is not longer. */
function add(bits: Int32Array, more: Int32Array): void {
  for (let i = 0; i < more.length; i++) bits[i] = (bits[i] as number) | (more[i] as number);
}

function grown(bits: Int32Array, words: number): Int32Array {
  const copy = new Int32Array(words);
  copy.set(bits);
  return copy;
}
