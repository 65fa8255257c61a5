/**
 * @dataplane String keys: bytes in a {@link StringArena}, the reference at the head of the entry.
 * A negative second word of it says that the key is another kind of value, or a very long string:
 * look beside.
 */
import { assert } from '../../base/assert.ts';
import { CHUNK_MASK, CHUNK_SHIFT } from './entry-chunks.ts';
import type { EntryChunks } from './entry-chunks.ts';
import type { KeyArray, KeyColumn } from './key-column.ts';
import { canonicalKey, keysEqual } from './key-equality.ts';
import { ABSENT, ObjectColumn } from './object-column.ts';
import { ARENA_UNITS_MAX, StringArena } from './string-arena.ts';

const BESIDE = -1;
const BLOCK_ROWS = 1024;
/** Scratch of all tables of this thread, used within one call only. */
const cells = new Int32Array(BLOCK_ROWS);
const metas = new Int32Array(BLOCK_ROWS);

/** See the file's head. */
export class StringKeys implements KeyColumn {
  readonly kind = 'string';
  readonly #entries: EntryChunks;
  readonly #arena = new StringArena();
  readonly #others = new ObjectColumn(ABSENT);
  /** Keeps the pass that only fetches alive; means nothing. */
  touched = 0;

  constructor(entries: EntryChunks) {
    this.#entries = entries;
  }

  get bytes(): number {
    return this.#arena.bytes;
  }

  keyAt(entry: number): unknown {
    const words = this.#wordsOf(entry);
    const at = this.#offsetOf(entry);
    const meta = words[at + 1] as number;
    return meta >= 0 ? this.#arena.get(words[at] as number, meta) : this.#others.get(entry);
  }

  equals(entry: number, key: unknown): boolean {
    const words = this.#wordsOf(entry);
    const at = this.#offsetOf(entry);
    const meta = words[at + 1] as number;
    if (meta < 0) return keysEqual(this.#others.get(entry), key);
    return typeof key === 'string' && this.#arena.equals(words[at] as number, meta, key);
  }

  put(entry: number, key: unknown): void {
    const arena = this.#arena;
    const words = this.#wordsOf(entry);
    const at = this.#offsetOf(entry);
    const isInArena = typeof key === 'string' && key.length <= ARENA_UNITS_MAX && arena.put(key);
    words[at] = isInArena ? arena.lastCell : 0;
    words[at + 1] = isInArena ? arena.lastMeta : BESIDE;
    if (!isInArena) this.#others.set(entry, canonicalKey(key));
  }

  remove(entry: number): void {
    const words = this.#wordsOf(entry);
    const at = this.#offsetOf(entry);
    const meta = words[at + 1] as number;
    if (meta >= 0) this.#arena.remove(words[at] as number, meta);
    else this.#others.delete(entry);
  }

  clear(): void {
    this.#arena.clear();
    this.#others.clear();
  }

  match(keys: KeyArray, rows: Int32Array, count: number, candidates: Int32Array): void {
    assert(count <= BLOCK_ROWS, () => `${count} rows are more than a block`);
    this.#readReferences(count, candidates);
    this.#touchStrings(count);
    const arena = this.#arena;
    for (let i = 0; i < count; i++) {
      const meta = metas[i] as number;
      const key = keys[rows[i] as number];
      const isSame =
        meta >= 0 && typeof key === 'string' && arena.equals(cells[i] as number, meta, key);
      candidates[i] = isSame ? (candidates[i] as number) - 1 : -1;
    }
  }

  #readReferences(count: number, candidates: Int32Array): void {
    const chunks = this.#entries.words;
    const stride = 2 * this.#entries.stride;
    for (let i = 0; i < count; i++) {
      const entry = (candidates[i] as number) - 1;
      if (entry < 0) {
        metas[i] = BESIDE;
        continue;
      }
      const words = chunks[entry >> CHUNK_SHIFT] as Int32Array;
      const at = (entry & CHUNK_MASK) * stride;
      cells[i] = words[at] as number;
      metas[i] = words[at + 1] as number;
    }
  }

  /** Hot: a pass of its own, so that the misses on the arena overlap. */
  #touchStrings(count: number): void {
    const arena = this.#arena;
    let touched = 0;
    for (let i = 0; i < count; i++) {
      if ((metas[i] as number) >= 0) touched ^= arena.touch(cells[i] as number);
    }
    this.touched = touched;
  }

  #wordsOf(entry: number): Int32Array {
    return this.#entries.words[entry >> CHUNK_SHIFT] as Int32Array;
  }

  #offsetOf(entry: number): number {
    return (entry & CHUNK_MASK) * 2 * this.#entries.stride;
  }
}
