/**
 * The handle of a state with a map per key. An access costs one look into the map, whatever its
 * size; a snapshot writes the whole map of a key that has changed.
 *
 * Invariant: an empty map is none.
 */
import type { MapState } from '../../functions/state.ts';
import { ContentMap } from '../content-map.ts';
import type { Timed } from '../row-coder.ts';
import type { CurrentRows, Prune } from './current-rows.ts';
import type { TimeToLive } from './time-to-live.ts';

/** What is left of a map. */
export function pruneMap(ttl: TimeToLive | undefined): Prune {
  return (stored) => {
    const entries = (stored as ContentMap<unknown>).entries() as [unknown, Timed][];
    if (ttl === undefined || !entries.some(([, element]) => ttl.isExpired(element))) return stored;
    const left = new ContentMap<unknown>();
    for (const [key, element] of entries) if (!ttl.isExpired(element)) left.set(key, element);
    return left.size === 0 ? undefined : left;
  };
}

/** See the file's head. */
export class MapHandle implements MapState<unknown, unknown> {
  readonly #rows: CurrentRows;
  readonly #ttl: TimeToLive | undefined;

  constructor(rows: CurrentRows, ttl: TimeToLive | undefined) {
    this.#rows = rows;
    this.#ttl = ttl;
  }

  get(key: unknown): unknown {
    return this.#read(key, (value) => value);
  }

  contains(key: unknown): boolean {
    return this.#read(key, () => true) ?? false;
  }

  put(key: unknown, value: unknown): void {
    this.#toChange().set(key, this.#wrap(value));
  }

  putAll(entries: Iterable<readonly [unknown, unknown]>): void {
    const all = [...entries];
    if (all.length === 0) return;
    const map = this.#toChange();
    for (const [key, value] of all) map.set(key, this.#wrap(value));
  }

  remove(key: unknown): void {
    const entry = this.#rows.find();
    if (entry < 0) return;
    const map = this.#mapAt(entry);
    if (map.has(key)) this.#removeFrom(entry, map, key);
  }

  entries(): Iterable<readonly [unknown, unknown]> {
    const entry = this.#rows.find();
    if (entry < 0) return [];
    const all = this.#mapAt(entry).entries();
    return this.#ttl === undefined
      ? all
      : this.#timedEntries(this.#ttl, entry, all as [unknown, Timed][]);
  }

  keys(): Iterable<unknown> {
    return Array.from(this.entries(), ([key]) => key);
  }

  values(): Iterable<unknown> {
    return Array.from(this.entries(), ([, value]) => value);
  }

  isEmpty(): boolean {
    const entry = this.#rows.find();
    if (entry < 0) return true;
    const ttl = this.#ttl;
    if (ttl === undefined || ttl.returnsExpired) return false;
    const all = this.#mapAt(entry).entries() as [unknown, Timed][];
    return all.every(([, element]) => ttl.isExpired(element));
  }

  clear(): void {
    this.#rows.remove();
  }

  /** What `take` makes of the value, or undefined if there is no such key. */
  #read<T>(key: unknown, take: (value: unknown) => T): T | undefined {
    const entry = this.#rows.find();
    if (entry < 0) return undefined;
    const map = this.#mapAt(entry);
    const stored = map.get(key);
    if (stored === undefined && !map.has(key)) return undefined;
    const ttl = this.#ttl;
    if (ttl === undefined) return take(stored);
    const timed = stored as Timed;
    if (ttl.isExpired(timed)) {
      this.#removeFrom(entry, map, key);
      return ttl.returnsExpired ? take(timed.value) : undefined;
    }
    if (ttl.updatesOnRead) {
      this.#rows.willUpdate(entry);
      map.set(key, ttl.wrap(timed.value));
    }
    return take(timed.value);
  }

  #timedEntries(ttl: TimeToLive, entry: number, all: [unknown, Timed][]): [unknown, unknown][] {
    const live = all.filter(([, element]) => !ttl.isExpired(element));
    if (live.length === 0) this.#rows.remove();
    else if (ttl.updatesOnRead || live.length < all.length) {
      this.#rows.willUpdate(entry);
      const kept = new ContentMap<unknown>();
      for (const [key, element] of live) {
        kept.set(key, ttl.updatesOnRead ? ttl.wrap(element.value) : element);
      }
      this.#rows.write(entry, kept);
    }
    return (ttl.returnsExpired ? all : live).map(([key, { value }]) => [key, value]);
  }

  #removeFrom(entry: number, map: ContentMap<unknown>, key: unknown): void {
    if (map.size === 1) {
      this.#rows.remove();
      return;
    }
    this.#rows.willUpdate(entry);
    map.delete(key);
  }

  #toChange(): ContentMap<unknown> {
    const entry = this.#rows.findOrInsert();
    if (!this.#rows.wasInserted) return this.#mapAt(entry);
    const map = new ContentMap<unknown>();
    this.#rows.write(entry, map);
    return map;
  }

  #mapAt(entry: number): ContentMap<unknown> {
    return this.#rows.read(entry) as ContentMap<unknown>;
  }

  #wrap(value: unknown): unknown {
    return this.#ttl === undefined ? value : this.#ttl.wrap(value);
  }
}
