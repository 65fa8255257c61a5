/**
 * @dataplane Strings as bytes in pages of 256 KiB: no work for the garbage collector, and no hold
 * on the longer string that a key was cut from.
 *
 *      reference = two int32: cell number (page · 2^16 + cell), units · 2 + isWide
 *
 *      page: │ cell 0 │ cell 1 │ …   a cell is 4 bytes; a string starts at a cell and stays in its
 *                                    page; one byte per unit if all are below 256, else two
 *
 * Invariants:
 * 1. A string has one or more whole cells; a freed string's cells are given to the next one of as
 *    many cells.
 * 2. In free cells the first holds the cell number + 1 of the next free ones of that size, or 0.
 * 3. The first page grows by doubling, so a small table is small.
 */
import { hasWideUnit } from './own-string.ts';

/** Longer strings are not for the arena. */
export const ARENA_UNITS_MAX = 4096;

const PAGE_SHIFT = 16;
const PAGE_CELLS: number = 1 << PAGE_SHIFT;
const CELL_MASK: number = PAGE_CELLS - 1;
const FIRST_PAGE_CELLS = 256;
/** 8 GiB, so that cell numbers stay positive. */
const PAGES_MAX = 32_767;

/** See the file's head. */
export class StringArena {
  readonly #bytes: Uint8Array[] = [];
  readonly #units: Uint16Array[] = [];
  readonly #words: Int32Array[] = [];
  /** By count of cells: the number of the first free ones + 1. */
  readonly #free: number[] = [];
  #used = 0;
  #room = 0;
  #lastCell = 0;
  #lastMeta = 0;

  /** Bytes of all pages. */
  get bytes(): number {
    let bytes = 0;
    for (let i = 0; i < this.#bytes.length; i++) bytes += (this.#bytes[i] as Uint8Array).byteLength;
    return bytes;
  }

  /** The cell number of the string that {@link put} kept last. */
  get lastCell(): number {
    return this.#lastCell;
  }

  /** The second word of its reference. */
  get lastMeta(): number {
    return this.#lastMeta;
  }

  /**
   * Keeps a string of at most {@link ARENA_UNITS_MAX} units; its reference is {@link lastCell} and
   * {@link lastMeta}. False if the arena is full.
   */
  put(value: string): boolean {
    const isWide = hasWideUnit(value);
    const number = this.#take(cellsFor(value.length, isWide));
    if (number < 0) return false;
    const page = number >>> PAGE_SHIFT;
    const cell = number & CELL_MASK;
    if (isWide) write(this.#units[page] as Uint16Array, cell * 2, value);
    else write(this.#bytes[page] as Uint8Array, cell * 4, value);
    this.#lastCell = number;
    this.#lastMeta = value.length * 2 + (isWide ? 1 : 0);
    return true;
  }

  /** Brings a string's first bytes into the cache. The result means nothing. */
  touch(number: number): number {
    return (this.#words[number >>> PAGE_SHIFT] as Int32Array)[number & CELL_MASK] as number;
  }

  /** Whether the string of this reference equals `value`. */
  equals(number: number, meta: number, value: string): boolean {
    const units = meta >>> 1;
    if (units !== value.length) return false;
    const page = number >>> PAGE_SHIFT;
    const cell = number & CELL_MASK;
    if ((meta & 1) === 1) return isSame(this.#units[page] as Uint16Array, cell * 2, value);
    // Hot: the loop of the common kind stands here so that it inlines.
    const bytes = this.#bytes[page] as Uint8Array;
    const from = cell * 4;
    for (let i = 0; i < units; i++) if (bytes[from + i] !== value.charCodeAt(i)) return false;
    return true;
  }

  /** The string of this reference. */
  get(number: number, meta: number): string {
    const page = number >>> PAGE_SHIFT;
    const cell = number & CELL_MASK;
    const units = meta >>> 1;
    return (meta & 1) === 1
      ? read(this.#units[page] as Uint16Array, cell * 2, units)
      : read(this.#bytes[page] as Uint8Array, cell * 4, units);
  }

  /** Frees the string of this reference. */
  remove(number: number, meta: number): void {
    const cells = cellsFor(meta >>> 1, (meta & 1) === 1);
    (this.#words[number >>> PAGE_SHIFT] as Int32Array)[number & CELL_MASK] = this.#free[cells] ?? 0;
    this.#free[cells] = number + 1;
  }

  /** Forgets all strings and their memory. */
  clear(): void {
    this.#bytes.length = this.#units.length = this.#words.length = this.#free.length = 0;
    this.#used = this.#room = 0;
  }

  /** The number of `cells` free cells side by side, or a negative number. */
  #take(cells: number): number {
    const free = this.#free[cells] ?? 0;
    if (free > 0) {
      const number = free - 1;
      this.#free[cells] = this.touch(number);
      return number;
    }
    const fits = this.#used + cells <= this.#room;
    if (!fits && !this.#addRoom(cells)) return -1;
    const number = this.#used;
    this.#used += cells;
    return number;
  }

  #addRoom(cells: number): boolean {
    if (this.#room < PAGE_CELLS) {
      const grown = Math.max(FIRST_PAGE_CELLS, 2 * this.#room);
      const needed = this.#used + cells;
      const size = needed > grown ? PAGE_CELLS : grown;
      if (needed <= size) {
        this.#setPage(0, size);
        return true;
      }
    }
    const page = this.#bytes.length;
    if (page === PAGES_MAX) return false;
    this.#used = page * PAGE_CELLS;
    this.#setPage(page, PAGE_CELLS);
    return true;
  }

  #setPage(page: number, cells: number): void {
    const bytes = new Uint8Array(4 * cells);
    const old = this.#bytes[page];
    if (old !== undefined) bytes.set(old);
    this.#bytes[page] = bytes;
    this.#units[page] = new Uint16Array(bytes.buffer);
    this.#words[page] = new Int32Array(bytes.buffer);
    this.#room = page * PAGE_CELLS + cells;
  }
}

function cellsFor(units: number, isWide: boolean): number {
  return Math.max(1, ((isWide ? 2 * units : units) + 3) >> 2);
}

function write(target: Uint8Array | Uint16Array, from: number, value: string): void {
  for (let i = 0; i < value.length; i++) target[from + i] = value.charCodeAt(i);
}

function isSame(units: Uint16Array, from: number, value: string): boolean {
  for (let i = 0; i < value.length; i++) if (units[from + i] !== value.charCodeAt(i)) return false;
  return true;
}

/** Short enough for `fromCharCode` by {@link ARENA_UNITS_MAX}. */
function read(source: Uint8Array | Uint16Array, from: number, units: number): string {
  return String.fromCharCode.apply(
    null,
    source.subarray(from, from + units) as unknown as number[],
  );
}
