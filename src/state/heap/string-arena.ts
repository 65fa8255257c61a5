/**
 * @dataplane Strings as bytes in pages of 256 KiB: no work for the garbage collector, and no hold on the longer
 * string that a key was cut from.
 *
 *      reference (a float64, exact) = page · 2^37 + cell · 2^21 + units · 2 + isWide
 *
 *      page: │ cell 0 │ cell 1 │ …            a cell is 4 bytes; a string starts at a cell and never leaves its page;
 *                                             one byte per unit if all are below 256, else two
 *
 * Invariants:
 * 1. A string has one or more whole cells; a freed string's cells are given to the next one of as many cells.
 * 2. In free cells the first holds the number (page · 2^16 + cell) + 1 of the next free ones of that size, or 0.
 * 3. The first page grows by doubling, so a small table is small.
 */

/** Longer strings are not for the arena. */
export const ARENA_UNITS_MAX = 4096;
/** What {@link StringArena.put} returns when the arena is full (16 GiB). */
export const ARENA_FULL = -1;

const PAGE_CELLS = 65_536;
const FIRST_PAGE_CELLS = 256;
const PAGES_MAX = 65_536;
const PAGE_FACTOR = 2 ** 37;
const CELL_FACTOR = 2 ** 21;

/** See the file's head. */
export class StringArena {
  readonly #bytes: Uint8Array[] = [];
  readonly #units: Uint16Array[] = [];
  readonly #words: Int32Array[] = [];
  /** By count of cells: the number of the first free ones + 1. */
  readonly #free: number[] = [];
  #used = 0;
  #room = 0;

  /** Bytes of all pages. */
  get bytes(): number {
    let bytes = 0;
    for (let i = 0; i < this.#bytes.length; i++) bytes += (this.#bytes[i] as Uint8Array).byteLength;
    return bytes;
  }

  /** Keeps a string of at most {@link ARENA_UNITS_MAX} units; returns its reference. */
  put(value: string): number {
    const units = value.length;
    const isWide = hasWideUnit(value);
    const cells = cellsFor(units, isWide);
    const number = this.#take(cells);
    if (number < 0) return ARENA_FULL;
    const page = Math.floor(number / PAGE_CELLS);
    const cell = number % PAGE_CELLS;
    if (isWide) write(this.#units[page] as Uint16Array, cell * 2, value);
    else write(this.#bytes[page] as Uint8Array, cell * 4, value);
    return page * PAGE_FACTOR + cell * CELL_FACTOR + units * 2 + (isWide ? 1 : 0);
  }

  /** Brings a string's first bytes into the cache. The result means nothing. */
  touch(reference: number): number {
    const page = Math.floor(reference / PAGE_FACTOR);
    const rest = reference - page * PAGE_FACTOR;
    return (this.#words[page] as Int32Array)[(rest / CELL_FACTOR) | 0] as number;
  }

  /** Whether the string of this reference equals `value`. */
  equals(reference: number, value: string): boolean {
    const page = Math.floor(reference / PAGE_FACTOR);
    const rest = reference - page * PAGE_FACTOR;
    const cell = (rest / CELL_FACTOR) | 0;
    const meta = rest - cell * CELL_FACTOR;
    const units = meta >>> 1;
    if (units !== value.length) return false;
    if ((meta & 1) === 1) return isSame(this.#units[page] as Uint16Array, cell * 2, value);
    // Hot: the loop of the common kind stands here so that it inlines.
    const bytes = this.#bytes[page] as Uint8Array;
    const from = cell * 4;
    for (let i = 0; i < units; i++) if (bytes[from + i] !== value.charCodeAt(i)) return false;
    return true;
  }

  /** The string of this reference. */
  get(reference: number): string {
    const page = Math.floor(reference / PAGE_FACTOR);
    const rest = reference - page * PAGE_FACTOR;
    const cell = Math.floor(rest / CELL_FACTOR);
    const meta = rest - cell * CELL_FACTOR;
    const units = meta >>> 1;
    return (meta & 1) === 1
      ? read(this.#units[page] as Uint16Array, cell * 2, units)
      : read(this.#bytes[page] as Uint8Array, cell * 4, units);
  }

  /** Frees the string of this reference. */
  remove(reference: number): void {
    const page = Math.floor(reference / PAGE_FACTOR);
    const rest = reference - page * PAGE_FACTOR;
    const cell = Math.floor(rest / CELL_FACTOR);
    const meta = rest - cell * CELL_FACTOR;
    const cells = cellsFor(meta >>> 1, (meta & 1) === 1);
    (this.#words[page] as Int32Array)[cell] = this.#free[cells] ?? 0;
    this.#free[cells] = page * PAGE_CELLS + cell + 1;
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
      const words = this.#words[Math.floor(number / PAGE_CELLS)] as Int32Array;
      this.#free[cells] = (words[number % PAGE_CELLS] as number) >>> 0;
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

function hasWideUnit(value: string): boolean {
  let all = 0;
  for (let i = 0; i < value.length; i++) all |= value.charCodeAt(i);
  return all > 255;
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
  return String.fromCharCode.apply(null, source.subarray(from, from + units) as unknown as number[]);
}
