/**
 * @dataplane The dense entries of a table: numbered from 0, never moved, in chunks of 16 Ki
 * entries.
 *
 *      entry ──▶ chunks[entry >> CHUNK_SHIFT], from (entry & CHUNK_MASK) * stride:
 *
 *      ┌─────────────┬─────────┬─────────┬── … ──┬─────────┐
 *      │ key, if its │ number  │ number  │       │ number  │   float64s (strings: two), side by
 *      │ kind has one│ value 0 │ value 1 │       │ value n │   side: they share a cache line
 *      └─────────────┴─────────┴─────────┴── … ──┴─────────┘
 *
 * Invariants:
 * 1. The number of an entry is its for life; a removed entry's number is given out again, last
 *    removed first.
 * 2. The first chunk grows by doubling, so a small table is small. Whoever holds a chunk fetches it
 *    again after an insert.
 * 3. The numbers of a new entry are 0.
 * 4. A bit of `live` is set exactly for entries in use; the hash of any other entry holds the next
 *    free one + 1.
 */

/** `entry >> CHUNK_SHIFT` is the index of an entry's chunk. */
export const CHUNK_SHIFT = 14;
/** Entries in a full chunk. */
export const CHUNK_ENTRIES: number = 1 << CHUNK_SHIFT;
/** `entry & CHUNK_MASK` is the index of an entry in its chunk. */
export const CHUNK_MASK: number = CHUNK_ENTRIES - 1;

const FIRST_CHUNK_ENTRIES = 32;
/** A slice of a scan looks at no more dead entries than this. */
const SCAN_ENTRIES_MAX = 65_536;

/** See the file's head. */
export class EntryChunks {
  /** The same array for life; its elements change by invariant 2. */
  readonly chunks: Float64Array[] = [];
  /** The same memory as int32: two words per float64 place. */
  readonly words: Int32Array[] = [];
  /** The same memory as bytes: eight per float64 place. */
  readonly bytesOf: Uint8Array[] = [];
  /** Float64 places per entry. */
  stride: number;
  readonly #hashes: Int32Array[] = [];
  readonly #live: Int32Array[] = [];
  /** Entries ever given out. */
  #count = 0;
  #freeCount = 0;
  /** The last removed entry + 1. */
  #free = 0;
  #room = 0;
  #scanned = 0;

  constructor(stride: number) {
    this.stride = stride;
  }

  /** Entries in use. */
  get size(): number {
    return this.#count - this.#freeCount;
  }

  /** Every entry number that was ever given out is below this. */
  get room(): number {
    return this.#room;
  }

  /** The bits of the entries `32 * index` and on that are in use. */
  liveWord(index: number): number {
    const words = this.#live[index >> (CHUNK_SHIFT - 5)];
    return words?.[index & (CHUNK_MASK >> 5)] ?? 0;
  }

  /** Clears the bits of entries that are not in use; bit `entry & 31` of word `entry >> 5`. */
  keepLive(bits: Int32Array): void {
    for (let i = 0; i < bits.length; i++) bits[i] = (bits[i] as number) & this.liveWord(i);
  }

  /** Sets the bits of the entries in use, and no others. */
  copyLive(bits: Int32Array): void {
    for (let i = 0; i < bits.length; i++) bits[i] = this.liveWord(i);
  }

  /** Bytes of numbers and hashes. */
  get bytes(): number {
    let bytes = 0;
    for (let i = 0; i < this.chunks.length; i++) {
      bytes += (this.chunks[i] as Float64Array).byteLength;
      bytes +=
        (this.#hashes[i] as Int32Array).byteLength + (this.#live[i] as Int32Array).byteLength;
    }
    return bytes;
  }

  /** The chunk with an entry's numbers. */
  chunkOf(entry: number): Float64Array {
    return this.chunks[entry >> CHUNK_SHIFT] as Float64Array;
  }

  /** Where in its chunk an entry's numbers begin. */
  offsetOf(entry: number): number {
    return (entry & CHUNK_MASK) * this.stride;
  }

  /** The hash that the entry was added with. */
  hashAt(entry: number): number {
    return (this.#hashes[entry >> CHUNK_SHIFT] as Int32Array)[entry & CHUNK_MASK] as number;
  }

  /** Whether the entry is in use. */
  isLive(entry: number): boolean {
    const bits = this.#live[entry >> CHUNK_SHIFT];
    return (
      bits !== undefined && (((bits[(entry & CHUNK_MASK) >> 5] ?? 0) >>> (entry & 31)) & 1) === 1
    );
  }

  /**
   * Brings the entries `candidates[i] - 1` into the cache; the result means nothing.
   * Hot: a pass of its own, since behind a compare the misses do not overlap (at 10 M keys 48
   * against 85 ns).
   */
  touch(candidates: Int32Array, count: number): number {
    if (this.stride === 0) return 0;
    const chunks = this.words;
    const stride = 2 * this.stride;
    let touched = 0;
    for (let i = 0; i < count; i++) {
      const entry = (candidates[i] as number) - 1;
      if (entry < 0) continue;
      touched ^= (chunks[entry >> CHUNK_SHIFT] as Int32Array)[
        (entry & CHUNK_MASK) * stride
      ] as number;
    }
    return touched;
  }

  /** {@link touch} for entries as they are numbered. */
  touchEntries(entries: Int32Array, count: number): number {
    if (this.stride === 0) return 0;
    const chunks = this.words;
    const stride = 2 * this.stride;
    let touched = 0;
    for (let i = 0; i < count; i++) {
      const entry = entries[i] as number;
      touched ^= (chunks[entry >> CHUNK_SHIFT] as Int32Array)[
        (entry & CHUNK_MASK) * stride
      ] as number;
    }
    return touched;
  }

  /** A new entry. */
  add(hash: number): number {
    const entry = this.#free === 0 ? this.#extend() : this.#reuse();
    const chunk = entry >> CHUNK_SHIFT;
    const at = entry & CHUNK_MASK;
    (this.#hashes[chunk] as Int32Array)[at] = hash;
    const live = this.#live[chunk] as Int32Array;
    live[at >> 5] = (live[at >> 5] as number) | (1 << (at & 31));
    return entry;
  }

  /** Frees an entry in use. */
  remove(entry: number): void {
    const chunk = entry >> CHUNK_SHIFT;
    const at = entry & CHUNK_MASK;
    const live = this.#live[chunk] as Int32Array;
    live[at >> 5] = (live[at >> 5] as number) & ~(1 << (at & 31));
    (this.#hashes[chunk] as Int32Array)[at] = this.#free;
    this.#free = entry + 1;
    this.#freeCount++;
  }

  /**
   * Writes up to `limit` entries in use, from number `cursor` on, to `out`; {@link scanned} says
   * how many. Returns the cursor for the next slice, or -1 after the last. A slice may be empty.
   */
  scan(cursor: number, limit: number, out: Int32Array): number {
    const stop = Math.min(this.#count, cursor + Math.max(limit, SCAN_ENTRIES_MAX));
    this.#scanned = 0;
    const next =
      this.#freeCount === 0
        ? this.#scanDense(cursor, Math.min(stop, cursor + limit), out)
        : this.#scanSparse(cursor, stop, limit, out);
    return next >= this.#count ? -1 : next;
  }

  /** How many entries the last {@link scan} wrote. */
  get scanned(): number {
    return this.#scanned;
  }

  /** Makes room for more numbers per entry. Costs a copy: meant for the first rows of a table. */
  setStride(stride: number): void {
    for (let i = 0; i < this.chunks.length; i++) {
      const entries = (this.#hashes[i] as Int32Array).length;
      this.#setChunk(i, restride(this.chunks[i] as Float64Array, this.stride, stride, entries));
    }
    this.stride = stride;
  }

  /** Forgets all entries and their memory. */
  clear(): void {
    this.chunks.length = this.words.length = this.bytesOf.length = 0;
    this.#hashes.length = 0;
    this.#live.length = 0;
    this.#count = this.#freeCount = this.#free = this.#room = 0;
  }

  #scanDense(cursor: number, stop: number, out: Int32Array): number {
    for (let entry = cursor; entry < stop; entry++) out[entry - cursor] = entry;
    this.#scanned = Math.max(0, stop - cursor);
    return stop;
  }

  #scanSparse(cursor: number, stop: number, limit: number, out: Int32Array): number {
    let count = 0;
    let entry = cursor;
    while (entry < stop && count < limit) {
      const word = (this.#live[entry >> CHUNK_SHIFT] as Int32Array)[
        (entry & CHUNK_MASK) >> 5
      ] as number;
      const rest = word >>> (entry & 31);
      if (rest === 0) {
        entry = (entry | 31) + 1;
        continue;
      }
      // The lowest set bit of `rest` is the next entry in use.
      entry += 31 - Math.clz32(rest & -rest);
      out[count++] = entry++;
    }
    this.#scanned = count;
    return entry;
  }

  #reuse(): number {
    const entry = this.#free - 1;
    this.#free = this.hashAt(entry);
    this.#freeCount--;
    const from = (entry & CHUNK_MASK) * this.stride;
    (this.chunks[entry >> CHUNK_SHIFT] as Float64Array).fill(0, from, from + this.stride);
    return entry;
  }

  #extend(): number {
    if (this.#count === this.#room) this.#addRoom();
    return this.#count++;
  }

  #addRoom(): void {
    const isFirst = this.#room < CHUNK_ENTRIES;
    const index = isFirst ? 0 : this.chunks.length;
    const entries = isFirst ? Math.max(FIRST_CHUNK_ENTRIES, 2 * this.#room) : CHUNK_ENTRIES;
    this.#setChunk(index, grownDoubles(this.chunks[index], entries * this.stride));
    this.#hashes[index] = grownInts(this.#hashes[index], entries);
    this.#live[index] = grownInts(this.#live[index], entries >> 5);
    this.#room = index * CHUNK_ENTRIES + entries;
  }

  #setChunk(index: number, chunk: Float64Array<ArrayBuffer>): void {
    this.chunks[index] = chunk;
    this.words[index] = new Int32Array(chunk.buffer);
    this.bytesOf[index] = new Uint8Array(chunk.buffer);
  }
}

function grownDoubles(old: Float64Array | undefined, length: number): Float64Array<ArrayBuffer> {
  const grown = new Float64Array(length);
  if (old !== undefined) grown.set(old);
  return grown;
}

function grownInts(old: Int32Array | undefined, length: number): Int32Array {
  const grown = new Int32Array(length);
  if (old !== undefined) grown.set(old);
  return grown;
}

function restride(
  old: Float64Array,
  from: number,
  to: number,
  entries: number,
): Float64Array<ArrayBuffer> {
  const chunk = new Float64Array(entries * to);
  // By words: a place may hold a part of a string key, whose bits must not pass through a
  // float64.
  const target = new Int32Array(chunk.buffer);
  const source = new Int32Array(old.buffer, old.byteOffset, old.length * 2);
  const kept = 2 * Math.min(from, to);
  for (let i = 0; i < entries; i++) {
    for (let word = 0; word < kept; word++)
      target[2 * i * to + word] = source[2 * i * from + word] as number;
  }
  return chunk;
}
