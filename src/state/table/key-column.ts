/**
 * @dataplane Where a table keeps its keys, one implementation per kind of key.
 *
 * Invariants:
 * 1. Any kind of key may go to any column: what a column is not made for lies beside it in an
 *    {@link ObjectColumn}. So a table whose keys change kind needs no conversion.
 * 2. Keys are equal by `keysEqual`.
 */
import { canonicalKey, keysEqual } from './key-equality.ts';
import { ABSENT, ObjectColumn } from './object-column.ts';
import { CHUNK_MASK, CHUNK_SHIFT } from './entry-chunks.ts';
import type { EntryChunks } from './entry-chunks.ts';

/** The kinds of keys that a table can be made for. */
export type KeyKind = 'number' | 'string' | 'generic';

/** The keys of the rows of a batch. */
export type KeyArray = readonly unknown[] | Float64Array;

/** See the file's head. */
export interface KeyColumn {
  readonly kind: KeyKind;
  /** Bytes beyond the entries' own. */
  readonly bytes: number;
  keyAt(entry: number): unknown;
  equals(entry: number, key: unknown): boolean;
  put(entry: number, key: unknown): void;
  remove(entry: number): void;
  clear(): void;
  /**
   * Compares row `rows[i]`'s key with that of the entry `candidates[i] - 1`. Replaces the candidate
   * by the entry where they are equal, else (or where the candidate is 0) by -1.
   */
  match(keys: KeyArray, rows: Int32Array, count: number, candidates: Int32Array): void;
}

/** Float64 places at the head of an entry that a kind of key takes. */
export function keyPlaces(kind: KeyKind): number {
  switch (kind) {
    case 'number':
      return 1;
    case 'string':
      return 2;
    case 'generic':
      return 0;
    default:
      return kind satisfies never;
  }
}

/** The kind of table that suits a first key. */
export function keyKindOf(key: unknown): KeyKind {
  if (typeof key === 'number') return 'number';
  return typeof key === 'string' ? 'string' : 'generic';
}

/**
 * Numbers at the head of their entry. NaN there says that the key is not a number, or is NaN: look
 * beside.
 */
export class NumberKeys implements KeyColumn {
  readonly kind = 'number';
  readonly bytes = 0;
  readonly #entries: EntryChunks;
  readonly #others = new ObjectColumn(ABSENT);

  constructor(entries: EntryChunks) {
    this.#entries = entries;
  }

  keyAt(entry: number): unknown {
    const key = this.#read(entry);
    return key === key ? key : this.#others.get(entry);
  }

  equals(entry: number, key: unknown): boolean {
    const own = this.#read(entry);
    if (own === key) return true;
    return (own !== own || typeof key !== 'number') && keysEqual(this.keyAt(entry), key);
  }

  put(entry: number, key: unknown): void {
    const kept = canonicalKey(key);
    const isPlain = typeof kept === 'number' && kept === kept;
    const entries = this.#entries;
    (entries.chunks[entry >> CHUNK_SHIFT] as Float64Array)[(entry & CHUNK_MASK) * entries.stride] =
      isPlain ? kept : NaN;
    if (!isPlain) this.#others.set(entry, kept);
  }

  remove(entry: number): void {
    if (this.#others.isUsed) this.#others.delete(entry);
  }

  clear(): void {
    this.#others.clear();
  }

  match(keys: KeyArray, rows: Int32Array, count: number, candidates: Int32Array): void {
    const chunks = this.#entries.chunks;
    const stride = this.#entries.stride;
    for (let i = 0; i < count; i++) {
      const entry = (candidates[i] as number) - 1;
      if (entry < 0) {
        candidates[i] = -1;
        continue;
      }
      const own = (chunks[entry >> CHUNK_SHIFT] as Float64Array)[(entry & CHUNK_MASK) * stride];
      candidates[i] = own === keys[rows[i] as number] ? entry : -1;
    }
  }

  #read(entry: number): number {
    const entries = this.#entries;
    return (entries.chunks[entry >> CHUNK_SHIFT] as Float64Array)[
      (entry & CHUNK_MASK) * entries.stride
    ] as number;
  }
}

/** Keys of any kind, in an {@link ObjectColumn} only. */
export class GenericKeys implements KeyColumn {
  readonly kind = 'generic';
  readonly bytes = 0;
  readonly #keys = new ObjectColumn(ABSENT);

  keyAt(entry: number): unknown {
    return this.#keys.get(entry);
  }

  equals(entry: number, key: unknown): boolean {
    return keysEqual(this.#keys.get(entry), key);
  }

  put(entry: number, key: unknown): void {
    this.#keys.set(entry, canonicalKey(key));
  }

  remove(entry: number): void {
    this.#keys.delete(entry);
  }

  clear(): void {
    this.#keys.clear();
  }

  match(keys: KeyArray, rows: Int32Array, count: number, candidates: Int32Array): void {
    for (let i = 0; i < count; i++) {
      const entry = (candidates[i] as number) - 1;
      candidates[i] = entry >= 0 && this.equals(entry, keys[rows[i] as number]) ? entry : -1;
    }
  }
}
