/**
 * @dataplane String keys: bytes in a {@link StringArena}, the reference at the head of the entry.
 * A negative reference says that the key is another kind of value, or a very long string: look beside.
 */
import { CHUNK_MASK, CHUNK_SHIFT } from './entry-chunks.ts';
import type { EntryChunks } from './entry-chunks.ts';
import type { KeyArray, KeyColumn } from './key-column.ts';
import { canonicalKey, keysEqual } from './key-equality.ts';
import { ObjectColumn } from './object-column.ts';
import { ARENA_UNITS_MAX, StringArena } from './string-arena.ts';

const BESIDE = -1;
/** Scratch of all tables of this thread, used within one call only. */
let references = new Float64Array(1024);

/** See the file's head. */
export class StringKeys implements KeyColumn {
  readonly kind = 'string';
  readonly #entries: EntryChunks;
  readonly #arena = new StringArena();
  readonly #others = new ObjectColumn();
  #touched = 0;

  constructor(entries: EntryChunks) {
    this.#entries = entries;
  }

  get bytes(): number {
    return this.#arena.bytes;
  }

  keyAt(entry: number): unknown {
    const reference = this.#read(entry);
    return reference >= 0 ? this.#arena.get(reference) : this.#others.get(entry);
  }

  equals(entry: number, key: unknown): boolean {
    const reference = this.#read(entry);
    if (reference < 0) return keysEqual(this.#others.get(entry), key);
    return typeof key === 'string' && this.#arena.equals(reference, key);
  }

  put(entry: number, key: unknown): void {
    const isShort = typeof key === 'string' && key.length <= ARENA_UNITS_MAX;
    const reference = isShort ? this.#arena.put(key) : BESIDE;
    const { chunks, stride } = this.#entries;
    (chunks[entry >> CHUNK_SHIFT] as Float64Array)[(entry & CHUNK_MASK) * stride] = reference;
    if (reference < 0) this.#others.set(entry, canonicalKey(key));
  }

  remove(entry: number): void {
    const reference = this.#read(entry);
    if (reference >= 0) this.#arena.remove(reference);
    else this.#others.delete(entry);
  }

  clear(): void {
    this.#arena.clear();
    this.#others.clear();
  }

  match(keys: KeyArray, rows: Int32Array, count: number, candidates: Int32Array): void {
    if (references.length < count) references = new Float64Array(count);
    this.#readReferences(count, candidates);
    this.#touchStrings(count);
    const arena = this.#arena;
    for (let i = 0; i < count; i++) {
      const entry = (candidates[i] as number) - 1;
      const reference = references[i] as number;
      const key = keys[rows[i] as number];
      const isSame = reference >= 0 && typeof key === 'string' && arena.equals(reference, key);
      candidates[i] = isSame ? entry : -1;
    }
  }

  #readReferences(count: number, candidates: Int32Array): void {
    const chunks = this.#entries.chunks;
    const stride = this.#entries.stride;
    for (let i = 0; i < count; i++) {
      const entry = (candidates[i] as number) - 1;
      references[i] =
        entry < 0 ? BESIDE : ((chunks[entry >> CHUNK_SHIFT] as Float64Array)[(entry & CHUNK_MASK) * stride] as number);
    }
  }

  /** Hot: a pass of its own, so that the misses on the arena overlap. */
  #touchStrings(count: number): void {
    const arena = this.#arena;
    let touched = 0;
    for (let i = 0; i < count; i++) {
      const reference = references[i] as number;
      if (reference >= 0) touched ^= arena.touch(reference);
    }
    this.#touched = touched ^ this.#touched;
  }

  #read(entry: number): number {
    const entries = this.#entries;
    return (entries.chunks[entry >> CHUNK_SHIFT] as Float64Array)[(entry & CHUNK_MASK) * entries.stride] as number;
  }
}
