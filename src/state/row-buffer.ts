/**
 * @dataplane Encoded rows side by side: tombstones, and old rows that a cut has to keep until their
 * turn comes. Heads: hash, bytes of the key, bytes of the value (-1: a tombstone).
 */
import type { RowSection, RowSink } from './cold-state.ts';

const HEAD = 3;
const ROWS_MIN = 16;
const BYTES_MIN = 256;
const LOOP_BYTES_MAX = 32;

/** See the file's head. */
export class RowBuffer {
  #heads: Int32Array = new Int32Array(0);
  #bytes: Uint8Array = new Uint8Array(0);
  #count = 0;
  #length = 0;
  /** How far a drain has come. */
  #drainedRows = 0;
  #drainedBytes = 0;

  /** Rows. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of keys and values. */
  get length(): number {
    return this.#length;
  }

  /** Adds the row whose key is `bytes[0..keyLength)` and whose value is the rest up to `length`. */
  add(hash: number, bytes: Uint8Array, keyLength: number, length: number): void {
    this.#push(hash, keyLength, length - keyLength);
    this.#copy(bytes, length);
  }

  /** Adds the tombstone of the key `bytes[0..keyLength)`. */
  addTombstone(hash: number, bytes: Uint8Array, keyLength: number): void {
    this.#push(hash, keyLength, -1);
    this.#copy(bytes, keyLength);
  }

  /** Adds all rows of another. */
  addAll(other: RowBuffer): void {
    this.#ensureRows(other.#count);
    this.#heads.set(other.#heads.subarray(0, HEAD * other.#count), HEAD * this.#count);
    this.#count += other.#count;
    this.#ensureBytes(other.#length);
    this.#bytes.set(other.#bytes.subarray(0, other.#length), this.#length);
    this.#length += other.#length;
  }

  /** Hands all rows to a sink in the order in which they were added, and forgets them. */
  drain(section: RowSection, sink: RowSink): void {
    while (!this.drainSome(this.#count, section, sink)) continue;
  }

  /** Up to `limit` rows of a {@link drain}; true when it is through. Nothing is added meanwhile. */
  drainSome(limit: number, section: RowSection, sink: RowSink): boolean {
    const stop = Math.min(this.#count, this.#drainedRows + limit);
    let from = this.#drainedBytes;
    for (let i = this.#drainedRows; i < stop; i++) from = this.#give(i, from, section, sink);
    this.#drainedRows = stop;
    this.#drainedBytes = from;
    if (stop < this.#count) return false;
    this.clear();
    return true;
  }

  /** {@link drain} by ascending unsigned hash. */
  drainInOrder(section: RowSection, sink: RowSink): void {
    const count = this.#count;
    const offsets = new Int32Array(count);
    const order = new Float64Array(count);
    let from = 0;
    for (let i = 0; i < count; i++) {
      offsets[i] = from;
      // The hash above, the row's number below: exact in 53 bits for 2 M rows.
      order[i] = ((this.#heads[HEAD * i] as number) >>> 0) * 2 ** 21 + i;
      from += this.#bytesOf(i);
    }
    order.sort();
    for (let i = 0; i < count; i++) {
      const row = (order[i] as number) % 2 ** 21;
      this.#give(row, offsets[row] as number, section, sink);
    }
    this.clear();
  }

  /** Forgets all rows and, if they took much, their memory. */
  clear(): void {
    this.#count = this.#length = this.#drainedRows = this.#drainedBytes = 0;
    if (this.#bytes.length <= 2 ** 20) return;
    this.#bytes = new Uint8Array(0);
    this.#heads = new Int32Array(0);
  }

  #bytesOf(row: number): number {
    return (
      (this.#heads[HEAD * row + 1] as number) + Math.max(0, this.#heads[HEAD * row + 2] as number)
    );
  }

  /** Returns where the next row begins. */
  #give(row: number, from: number, section: RowSection, sink: RowSink): number {
    const hash = this.#heads[HEAD * row] as number;
    const valueFrom = from + (this.#heads[HEAD * row + 1] as number);
    const valueLength = this.#heads[HEAD * row + 2] as number;
    if (valueLength < 0) {
      sink.remove(section, hash, this.#bytes, from, valueFrom);
      return valueFrom;
    }
    sink.put(section, hash, this.#bytes, from, valueFrom, valueFrom + valueLength);
    return valueFrom + valueLength;
  }

  #push(hash: number, keyLength: number, valueLength: number): void {
    this.#ensureRows(1);
    const at = HEAD * this.#count;
    this.#heads[at] = hash;
    this.#heads[at + 1] = keyLength;
    this.#heads[at + 2] = valueLength;
    this.#count++;
  }

  #ensureRows(extra: number): void {
    const needed = HEAD * (this.#count + extra);
    if (needed <= this.#heads.length) return;
    const grown = new Int32Array(Math.max(HEAD * ROWS_MIN, needed, 2 * this.#heads.length));
    grown.set(this.#heads.subarray(0, HEAD * this.#count));
    this.#heads = grown;
  }

  #copy(bytes: Uint8Array, length: number): void {
    this.#ensureBytes(length);
    const to = this.#bytes;
    const at = this.#length;
    // Hot: a native call costs as much as that many bytes.
    if (length > LOOP_BYTES_MAX) to.set(bytes.subarray(0, length), at);
    else for (let i = 0; i < length; i++) to[at + i] = bytes[i] as number;
    this.#length = at + length;
  }

  #ensureBytes(extra: number): void {
    const needed = this.#length + extra;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(BYTES_MIN, needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
