/**
 * @dataplane The timers of one time domain: one row per key in a resident table, so that snapshots
 * and rescaling see them as any state, with a heap beside it that knows which key is due next.
 *
 *     table   key ──▶ entry ──▶ [t0, t1, …], a heap of times        heap   entries by their t0
 *
 * Invariants:
 * 1. A key's times differ, and there is at least one; so a timer is unique per key and time.
 * 2. The heap holds exactly the table's entries, by their first times. It is not in snapshots but
 *    made anew when a queue is opened.
 * 3. `#times` of an entry, if there, holds the times of its row: only rows with many have one.
 */
import type { StateTable } from '../keyed-state-backend.ts';
import { pushTime, removeTimeAt } from './time-heap.ts';
import { TimerHeap } from './timer-heap.ts';

const SCAN_ENTRIES = 1024;
/** Up to here a time is looked for in the row itself. */
const LISTED_TIMES_MAX = 32;

/** See the file's head. */
export class TimerQueue {
  /** What the last {@link takeFirst} took: the timer's key and its hash. */
  takenKey: unknown = undefined;
  takenHash = 0;
  readonly #rows: StateTable;
  readonly #heap = new TimerHeap();
  readonly #times = new Map<number, Set<number>>();
  #size = 0;

  /** Takes over the timers that the table holds. */
  constructor(rows: StateTable) {
    this.#rows = rows;
    this.#readRows();
  }

  /** How many timers there are. */
  get size(): number {
    return this.#size;
  }

  /** When the first timer is due; Infinity if there is none. */
  get firstTime(): number {
    return this.#heap.firstTime;
  }

  /** Adds a timer if the key has none at that time. */
  add(key: unknown, hash: number, time: number): void {
    const rows = this.#rows;
    const entry = rows.findOrInsert(key, hash);
    if (rows.wasInserted) {
      rows.write(entry, [time], key);
      this.#heap.add(time, entry);
      this.#size++;
      return;
    }
    const times = rows.read(entry) as number[];
    if (this.#has(entry, times, time)) return;
    pushTime(times, time);
    this.#times.get(entry)?.add(time);
    this.#size++;
    if (times[0] === time) this.#heap.change(entry, time);
  }

  /** Removes the key's timer at that time, if there is one. */
  delete(key: unknown, hash: number, time: number): void {
    const entry = this.#rows.find(key, hash);
    if (entry < 0) return;
    const times = this.#rows.read(entry) as number[];
    if (!this.#has(entry, times, time)) return;
    this.#removeAt(entry, times, times.indexOf(time), { key, hash });
  }

  /** Takes the first timer out and returns its time; only if there is one. */
  takeFirst(): number {
    const entry = this.#heap.firstEntry;
    const rows = this.#rows;
    const key = rows.keyAt(entry);
    const hash = rows.hashAt(entry);
    const times = rows.read(entry) as number[];
    const time = times[0] as number;
    this.takenKey = key;
    this.takenHash = hash;
    this.#removeAt(entry, times, 0, { key, hash });
    return time;
  }

  #removeAt(
    entry: number,
    times: number[],
    place: number,
    row: { readonly key: unknown; readonly hash: number },
  ): void {
    this.#size--;
    if (times.length === 1) {
      this.#heap.remove(entry);
      this.#rows.remove(row.key, row.hash);
      return;
    }
    this.#rows.willUpdate(entry);
    const time = times[place] as number;
    removeTimeAt(times, place);
    if (place === 0) this.#heap.change(entry, times[0] as number);
    const known = this.#times.get(entry);
    if (known === undefined) return;
    if (times.length <= LISTED_TIMES_MAX) this.#times.delete(entry);
    else known.delete(time);
  }

  #has(entry: number, times: readonly number[], time: number): boolean {
    if (times.length <= LISTED_TIMES_MAX) return times.includes(time);
    let known = this.#times.get(entry);
    if (known === undefined) {
      known = new Set(times);
      this.#times.set(entry, known);
    }
    return known.has(time);
  }

  #readRows(): void {
    const rows = this.#rows;
    const entries = new Int32Array(SCAN_ENTRIES);
    let cursor = rows.size === 0 ? -1 : 0;
    while (cursor >= 0) {
      cursor = rows.scan(cursor, SCAN_ENTRIES, entries);
      for (let i = 0; i < rows.scanned; i++) {
        const entry = entries[i] as number;
        const times = rows.read(entry) as readonly number[];
        this.#heap.add(times[0] as number, entry);
        this.#size += times.length;
      }
    }
  }
}
