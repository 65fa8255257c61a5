/**
 * @dataplane One value of any kind per entry, in plain arrays of 16 Ki; entries never written hold
 * {@link ABSENT}, or whatever the column was made with.
 *
 * Invariant: a chunk's array grows by pushing only, so it never turns into a dictionary and costs
 * nothing while unused.
 */
import { CHUNK_MASK, CHUNK_SHIFT } from './entry-chunks.ts';

/**
 * What an entry holds that was never written, or was deleted: distinct from `undefined`, which is a
 * value.
 */
export const ABSENT: unique symbol = Symbol('absent');

/** See the file's head. */
export class ObjectColumn {
  readonly #absent: unknown;
  readonly #chunks: unknown[][] = [];
  #isUsed = false;

  /** @param absent - what stands for no value; null: `undefined` */
  constructor(absent: typeof ABSENT | null) {
    this.#absent = absent ?? undefined;
  }

  /** Whether anything was ever set. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** The entry's value, or what stands for none. */
  get(entry: number): unknown {
    const chunk = this.#chunks[entry >> CHUNK_SHIFT];
    const index = entry & CHUNK_MASK;
    return chunk === undefined || index >= chunk.length ? this.#absent : chunk[index];
  }

  /** Sets the entry's value. */
  set(entry: number, value: unknown): void {
    const chunk = this.#chunkOf(entry >> CHUNK_SHIFT);
    const index = entry & CHUNK_MASK;
    while (chunk.length < index) chunk.push(this.#absent);
    if (index === chunk.length) chunk.push(value);
    else chunk[index] = value;
    this.#isUsed = true;
  }

  /** Lets go of the entry's value. */
  delete(entry: number): void {
    const chunk = this.#chunks[entry >> CHUNK_SHIFT];
    const index = entry & CHUNK_MASK;
    if (chunk !== undefined && index < chunk.length) chunk[index] = this.#absent;
  }

  /** Forgets everything. */
  clear(): void {
    this.#chunks.length = 0;
    this.#isUsed = false;
  }

  #chunkOf(index: number): unknown[] {
    while (this.#chunks.length <= index) this.#chunks.push([]);
    return this.#chunks[index] as unknown[];
  }
}
