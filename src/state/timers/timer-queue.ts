/**
 * @dataplane The timers of one time domain: rows of a resident table, so that snapshots and rescaling see them as any state,
 * with a heap beside it that knows which is due.
 *
 * Invariants:
 * 1. A timer is a row with the key `[key, time]` or `[key, time, namespace]`: so there is one of each.
 * 2. The heap holds exactly the table's entries. It is not in snapshots but made anew when a queue is opened.
 */
import type { StateTable } from '../keyed-state-backend.ts';
import type { TimerHashes } from './timer-hash.ts';
import { TimerHeap } from './timer-heap.ts';

/** The key of a timer's row. */
export type TimerKey = readonly [key: unknown, time: number, namespace?: unknown];

const SCAN_ENTRIES = 1024;

/** See the file's head. */
export class TimerQueue {
  readonly #rows: StateTable;
  readonly #hashes: TimerHashes;
  readonly #heap = new TimerHeap();

  /** Takes over the timers that the table holds. */
  constructor(rows: StateTable, hashes: TimerHashes) {
    this.#rows = rows;
    this.#hashes = hashes;
    this.#readRows();
  }

  get size(): number {
    return this.#heap.size;
  }

  /** When the first timer is due; Infinity if there is none. */
  get firstTime(): number {
    return this.#heap.firstTime;
  }

  /** Adds a timer if there is no equal one. */
  add(timer: TimerKey, keyHash: number): void {
    const rows = this.#rows;
    const hash = this.#hashes.timerHash(keyHash, timer[1], timer[2]);
    const entry = rows.findOrInsert(timer, hash);
    if (!rows.wasInserted) return;
    rows.write(entry, true, timer);
    this.#heap.add(timer[1], entry);
  }

  /** Removes the equal timer, if there is one. */
  delete(timer: TimerKey, keyHash: number): void {
    const hash = this.#hashes.timerHash(keyHash, timer[1], timer[2]);
    const entry = this.#rows.find(timer, hash);
    if (entry < 0) return;
    this.#heap.remove(entry);
    this.#rows.remove(timer, hash);
  }

  /** Takes the first timer out; only if there is one. {@link takenKeyHash} is its key's hash. */
  takeFirst(): TimerKey {
    const entry = this.#heap.firstEntry;
    const timer = this.#rows.keyAt(entry) as TimerKey;
    const hash = this.#rows.hashAt(entry);
    this.#heap.remove(entry);
    this.#rows.remove(timer, hash);
    this.takenKeyHash = this.#hashes.keyHashOf(hash, timer[1], timer[2]);
    return timer;
  }

  /** Of the last timer that {@link takeFirst} gave. */
  takenKeyHash = 0;

  #readRows(): void {
    const rows = this.#rows;
    const entries = new Int32Array(SCAN_ENTRIES);
    let cursor = rows.size === 0 ? -1 : 0;
    while (cursor >= 0) {
      cursor = rows.scan(cursor, SCAN_ENTRIES, entries);
      for (let i = 0; i < rows.scanned; i++) {
        const entry = entries[i] as number;
        this.#heap.add((rows.keyAt(entry) as TimerKey)[1], entry);
      }
    }
  }
}
