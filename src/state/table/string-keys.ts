/**
 * @dataplane String keys at the head of their entry, in four words of 32 bits:
 *
 *      │ byte 0 … │          │ … byte 11 │ SHORT + units │   up to 12 units, all below 256
 *      │ cell     │          │           │ arena's meta  │   longer: in a {@link StringArena}
 *      │          │          │           │ BESIDE        │   no string, or a very long one
 *
 * Short keys need no cache miss but that on their entry: a row of a batch finds its entry among
 * 1 M in 136 ns, by way of the arena in 187.
 */
import { assert } from '../../base/assert.ts';
import { CHUNK_MASK, CHUNK_SHIFT } from './entry-chunks.ts';
import type { EntryChunks } from './entry-chunks.ts';
import type { KeyArray, KeyColumn } from './key-column.ts';
import { canonicalKey, keysEqual } from './key-equality.ts';
import { ABSENT, ObjectColumn } from './object-column.ts';
import { hasWideUnit } from './own-string.ts';
import { ARENA_UNITS_MAX, StringArena } from './string-arena.ts';

const BESIDE = -1;
/** Where the last word is, counted from the entry's first; those before it hold a short key. */
export const META = 3;
/** Above any meta of the arena: the last word of a short key is this plus its units. */
export const SHORT: number = 1 << 20;
const SHORT_UNITS_MAX = 12;
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
    const meta = words[at + META] as number;
    if (meta < 0) return this.#others.get(entry);
    if (meta < SHORT) return this.#arena.get(words[at] as number, meta);
    return readShort(this.#bytesOf(entry), 4 * at, meta - SHORT);
  }

  equals(entry: number, key: unknown): boolean {
    const words = this.#wordsOf(entry);
    const at = this.#offsetOf(entry);
    const meta = words[at + META] as number;
    if (meta < 0) return keysEqual(this.#others.get(entry), key);
    if (typeof key !== 'string') return false;
    if (meta < SHORT) return this.#arena.equals(words[at] as number, meta, key);
    return meta - SHORT === key.length && isSameShort(this.#bytesOf(entry), 4 * at, key);
  }

  put(entry: number, key: unknown): void {
    const arena = this.#arena;
    const words = this.#wordsOf(entry);
    const at = this.#offsetOf(entry);
    if (typeof key === 'string' && key.length <= SHORT_UNITS_MAX && !hasWideUnit(key)) {
      writeShort(this.#bytesOf(entry), 4 * at, key);
      words[at + META] = SHORT + key.length;
      return;
    }
    const isInArena = typeof key === 'string' && key.length <= ARENA_UNITS_MAX && arena.put(key);
    words[at] = isInArena ? arena.lastCell : 0;
    words[at + META] = isInArena ? arena.lastMeta : BESIDE;
    if (!isInArena) this.#others.set(entry, canonicalKey(key));
  }

  remove(entry: number): void {
    const words = this.#wordsOf(entry);
    const at = this.#offsetOf(entry);
    const meta = words[at + META] as number;
    if (meta < 0) this.#others.delete(entry);
    else if (meta < SHORT) this.#arena.remove(words[at] as number, meta);
  }

  clear(): void {
    this.#arena.clear();
    this.#others.clear();
  }

  match(keys: KeyArray, rows: Int32Array, count: number, candidates: Int32Array): void {
    assert(count <= BLOCK_ROWS, () => `${count} rows are more than a block`);
    if (this.#readReferences(count, candidates)) this.#touchStrings(count);
    const arena = this.#arena;
    const chunks = this.#entries.bytesOf;
    const stride = 8 * this.#entries.stride;
    for (let i = 0; i < count; i++) {
      const meta = metas[i] as number;
      const key = keys[rows[i] as number];
      const entry = (candidates[i] as number) - 1;
      candidates[i] = -1;
      if (meta < 0 || typeof key !== 'string') continue;
      if (meta < SHORT) {
        if (arena.equals(cells[i] as number, meta, key)) candidates[i] = entry;
      } else if (meta - SHORT === key.length) {
        const bytes = chunks[entry >> CHUNK_SHIFT] as Uint8Array;
        if (isSameShort(bytes, (entry & CHUNK_MASK) * stride, key)) candidates[i] = entry;
      }
    }
  }

  /** Whether any of the strings is in the arena. */
  #readReferences(count: number, candidates: Int32Array): boolean {
    const chunks = this.#entries.words;
    const stride = 2 * this.#entries.stride;
    let isAnyInArena = false;
    for (let i = 0; i < count; i++) {
      const entry = (candidates[i] as number) - 1;
      if (entry < 0) {
        metas[i] = BESIDE;
        continue;
      }
      const words = chunks[entry >> CHUNK_SHIFT] as Int32Array;
      const at = (entry & CHUNK_MASK) * stride;
      const meta = words[at + META] as number;
      cells[i] = words[at] as number;
      metas[i] = meta;
      if (meta < SHORT) isAnyInArena = true;
    }
    return isAnyInArena;
  }

  /** Hot: a pass of its own, so that the misses on the arena overlap. */
  #touchStrings(count: number): void {
    const arena = this.#arena;
    let touched = 0;
    for (let i = 0; i < count; i++) {
      const meta = metas[i] as number;
      if (meta >= 0 && meta < SHORT) touched ^= arena.touch(cells[i] as number);
    }
    this.touched = touched;
  }

  #wordsOf(entry: number): Int32Array {
    return this.#entries.words[entry >> CHUNK_SHIFT] as Int32Array;
  }

  #bytesOf(entry: number): Uint8Array {
    return this.#entries.bytesOf[entry >> CHUNK_SHIFT] as Uint8Array;
  }

  #offsetOf(entry: number): number {
    return (entry & CHUNK_MASK) * 2 * this.#entries.stride;
  }
}

function writeShort(bytes: Uint8Array, from: number, key: string): void {
  for (let i = 0; i < key.length; i++) bytes[from + i] = key.charCodeAt(i);
}

/** For a key of as many units; a wide one equals no byte. */
function isSameShort(bytes: Uint8Array, from: number, key: string): boolean {
  for (let i = 0; i < key.length; i++) if (bytes[from + i] !== key.charCodeAt(i)) return false;
  return true;
}

/**
 * Hot: every snapshot reads all changed keys. A call with as many arguments takes 20 ns, `apply` on
 * a part of the array 85 (ten units; `latin1Slice` 60).
 */
const READERS: readonly ((bytes: Uint8Array, from: number) => string)[] = Array.from(
  { length: SHORT_UNITS_MAX + 1 },
  (_, units) => {
    const parts = Array.from({ length: units }, (_each, i) => `bytes[from + ${i}]`);
    const code = `return String.fromCharCode(${parts.join(', ')});`;
    return new Function('bytes', 'from', code) as (bytes: Uint8Array, from: number) => string;
  },
);

function readShort(bytes: Uint8Array, from: number, units: number): string {
  return (READERS[units] as (bytes: Uint8Array, from: number) => string)(bytes, from);
}
