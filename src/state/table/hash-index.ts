/**
 * @dataplane From hashes to entries: a {@link SlotTable} that grows without a pause.
 *
 * When the load passes 0.6 a table of at least double size is made and the older one is copied to
 * it in order of hash, some slots per call. What was copied stays behind in the older table as a
 * ghost that no search returns.
 *
 * Invariants:
 * 1. While two tables exist, orders below `#boundary` are in the newer one only and all others in
 *    the older one only.
 * 2. The older table has nothing but ghosts and empty slots below `#scanned`. Only ghosts set the
 *    boundary, so an insert may land below `#scanned`, which then steps back to it.
 * 3. A call copies a bounded number of slots, but for a run of equal hashes, which stays together.
 */
import { ALL_ORDERS, orderOf, SlotTable, WORD_FLIP } from './slot-table.ts';
import type { OrderRange } from './slot-table.ts';

const LOAD_MAX = 0.6;
const CAPACITY_MIN = 16;
/**
 * A longer run is no chance: at a load of 0.6 runs of k slots are about as likely as e^(−0.11 k).
 */
const RUN_MAX = 256;
/** Slots per key at most that are made to shorten runs: equal hashes cannot be helped. */
const SPARSE_MAX = 128;
/** Up to this capacity growth copies all at once: some ten microseconds. */
const COPY_AT_ONCE_SLOTS = 4096;
/** From this size on the hashes seen tell the range well enough to trust a hint on the capacity. */
const SAMPLE_MIN = 1024;
/** How far beyond the hashes seen the range is stretched, in mean distances of two hashes. */
const RANGE_MARGIN = 8;
const COPY_SLOTS_PER_ROW = 8;
const COPY_SLOTS_MIN = 512;
const COPY_SLOTS_SINGLE = 32;

/** What {@link HashIndex} may be told at the start. */
export interface HashIndexOptions {
  /**
   * The unsigned hashes that can occur, e.g. those of the subtask's key groups; learnt when left
   * out.
   */
  readonly hashRange?: { readonly first: number; readonly last: number } | undefined;
  /** How many entries to expect. */
  readonly initialCapacity?: number | undefined;
}

/** See the file's head. */
export class HashIndex {
  readonly #given: OrderRange | undefined;
  readonly #capacityHint: number;
  #size = 0;
  #current: SlotTable;
  /** The table that is being copied to `#current`. */
  #older: SlotTable | undefined;
  #boundary = 0;
  #scanned = 0;
  #orderMin: number = ALL_ORDERS.last;
  #orderMax: number = ALL_ORDERS.first;
  /** Where the last seek ended. */
  #table: SlotTable;
  #slot = 0;

  constructor(options: HashIndexOptions = {}) {
    const { hashRange, initialCapacity = 0 } = options;
    this.#given = hashRange && { first: orderOf(hashRange.first), last: orderOf(hashRange.last) };
    this.#capacityHint = capacityFor(initialCapacity);
    const capacity = this.#given === undefined ? CAPACITY_MIN : this.#capacityHint;
    this.#current = new SlotTable(capacity, this.#given ?? ALL_ORDERS);
    this.#table = this.#current;
  }

  /** How many entries there are. */
  get size(): number {
    return this.#size;
  }

  /** Whether two tables exist. */
  get migrating(): boolean {
    return this.#older !== undefined;
  }

  /** Bytes of the tables. */
  get bytes(): number {
    return this.#current.slots.byteLength + (this.#older?.slots.byteLength ?? 0);
  }

  /**
   * The first entry + 1 with this order, or 0. {@link seekNext} goes on, {@link insert} and {@link
   * remove} act here.
   */
  seek(order: number): number {
    const older = this.#older;
    const table = older !== undefined && order >= this.#boundary ? older : this.#current;
    this.#table = table;
    this.#slot = table.seek(order);
    return this.#found(order);
  }

  /** The next entry + 1 with the order of the last seek, or 0. */
  seekNext(order: number): number {
    this.#slot++;
    return this.#found(order);
  }

  #found(order: number): number {
    const slots = this.#table.slots;
    const at = 2 * this.#slot;
    return slots[at] === (order ^ WORD_FLIP) ? (slots[at + 1] as number) : 0;
  }

  /** Adds an entry where the last seek ended, which must have returned 0. */
  insert(order: number, entry: number): void {
    if (this.#table === this.#older && this.#slot < this.#scanned) this.#scanned = this.#slot;
    const run = this.#table.insert(this.#slot, order, entry);
    if (order < this.#orderMin) this.#orderMin = order;
    if (order > this.#orderMax) this.#orderMax = order;
    this.#size++;
    if (this.#size > this.#current.capacity * LOAD_MAX) this.#grow();
    else if (run > RUN_MAX && this.#size * SPARSE_MAX > this.#current.capacity) this.#spread();
  }

  /** Removes the entry that the last seek found. */
  remove(): void {
    this.#table.remove(this.#slot);
    this.#size--;
  }

  /** Goes on with the migration; call it once before a batch of `rows` operations. */
  migrate(rows: number): void {
    if (this.#older !== undefined) this.#copy(Math.max(COPY_SLOTS_MIN, COPY_SLOTS_PER_ROW * rows));
  }

  /** {@link migrate} before one operation. */
  migrateForOne(): void {
    if (this.#older !== undefined) this.#copy(COPY_SLOTS_SINGLE);
  }

  /**
   * The first entry + 1 of each order, or 0, in two passes so that cache misses overlap.
   * Returns a number without meaning, which keeps the first pass alive.
   */
  candidates(orders: Int32Array, count: number, out: Int32Array): number {
    const older = this.#older;
    const current = this.#current;
    if (older === undefined) {
      const touched = touchHomes(current, orders, count, out);
      walkFromHomes(current.slots, orders, count, out);
      return touched;
    }
    // Hot: the rows of the older table are marked by their sign, so both passes stay one loop.
    const boundary = this.#boundary;
    let touched = 0;
    for (let i = 0; i < count; i++) {
      const order = orders[i] as number;
      const isOld = order >= boundary;
      const table = isOld ? older : current;
      const home = table.homeOf(order);
      touched ^= table.slots[2 * home] as number;
      out[i] = isOld ? ~home : home;
    }
    walkBoth(current.slots, older.slots, orders, count, out);
    return touched;
  }

  /** A scan of the orders `first` to `last`, ascending. Valid while the index does not change. */
  scan(range: OrderRange): OrderScan {
    return new OrderScan(this.#current, this.#older, this.#boundary, range);
  }

  #grow(): void {
    // A migration ends long before the newer table is full; only removals of the wrong kind could
    // make it late.
    while (this.#older !== undefined) this.#copy(COPY_SLOTS_MIN);
    this.#older = this.#current;
    this.#current = new SlotTable(this.#nextCapacity(), this.#given ?? this.#learntRange());
    this.#boundary = ALL_ORDERS.first;
    this.#scanned = 0;
    if (this.#older.capacity <= COPY_AT_ONCE_SLOTS) this.#copy(this.#older.slotCount);
  }

  /**
   * Keys that come in the order of their hashes crowd in a part of the table, and each walks past
   * all before it. More room, at once, since meanwhile the crowd would grow.
   */
  #spread(): void {
    this.#grow();
    while (this.#older !== undefined) this.#copy(COPY_SLOTS_MIN);
  }

  #nextCapacity(): number {
    const double = 2 * this.#current.capacity;
    return this.#size < SAMPLE_MIN ? double : Math.max(double, this.#capacityHint);
  }

  /** A subtask sees the hashes of its key groups only, so the range is taken from those seen. */
  #learntRange(): OrderRange {
    const seen = this.#orderMax - this.#orderMin;
    const margin = Math.ceil((seen / this.#size) * RANGE_MARGIN);
    return {
      first: Math.max(ALL_ORDERS.first, this.#orderMin - margin),
      last: Math.min(ALL_ORDERS.last, this.#orderMax + margin),
    };
  }

  /** Copies up to `budget` slots, then to the end of a run of equal orders. */
  #copy(budget: number): void {
    const older = this.#older as SlotTable;
    const current = this.#current;
    const slots = older.slots;
    const end = slots.length >>> 1;
    let slot = this.#scanned;
    let left = budget;
    while (slot < end) {
      const order = older.orderAt(slot);
      const entry = slots[2 * slot + 1] as number;
      if (left-- <= 0 && (entry === 0 || order >= this.#boundary)) break;
      if (entry !== 0) {
        append(current, order, entry - 1);
        this.#boundary = order + 1;
      }
      slot++;
    }
    this.#scanned = slot;
    if (slot < end) return;
    this.#older = undefined;
    this.#table = current;
  }
}

/** Adds an entry behind all of its order or less. */
function append(table: SlotTable, order: number, entry: number): void {
  let slot = table.homeOf(order);
  while (table.slots[2 * slot + 1] !== 0) slot++;
  table.insert(slot, order, entry);
}

/**
 * Hot: nothing depends on what is read, so the misses overlap (27 against 63 ns per lookup at 10 M
 * keys).
 */
function touchHomes(table: SlotTable, orders: Int32Array, count: number, out: Int32Array): number {
  const slots = table.slots;
  const first = table.first;
  const span = table.span;
  const scale = table.scale;
  const top = table.capacity - 1;
  let touched = 0;
  for (let i = 0; i < count; i++) {
    const distance = (orders[i] as number) - first;
    const home = distance <= 0 ? 0 : distance >= span ? top : (distance * scale) | 0;
    // Four slots on: a walk often runs into the next cache line, which else misses alone (25 → 18
    // ns).
    touched ^= (slots[2 * home] as number) ^ (slots[2 * home + 8] as number);
    out[i] = home;
  }
  return touched;
}

/**
 * Hot: how far an order stands from its home is a coin toss, so the first two steps are taken
 * without a branch (halves keep the difference in 31 bits; what they leave undecided the loop
 * decides).
 */
function walkFromHomes(
  slots: Int32Array,
  orders: Int32Array,
  count: number,
  out: Int32Array,
): void {
  for (let i = 0; i < count; i++) {
    const order = orders[i] as number;
    const half = order >> 1;
    let at = 2 * (out[i] as number);
    at += 2 * (((((slots[at] as number) ^ WORD_FLIP) >> 1) - half) >>> 31);
    at += 2 * (((((slots[at] as number) ^ WORD_FLIP) >> 1) - half) >>> 31);
    while (((slots[at] as number) ^ WORD_FLIP) < order) at += 2;
    out[i] = slots[at] === (order ^ WORD_FLIP) ? (slots[at + 1] as number) : 0;
  }
}

function walkBoth(
  current: Int32Array,
  older: Int32Array,
  orders: Int32Array,
  count: number,
  out: Int32Array,
): void {
  for (let i = 0; i < count; i++) {
    const order = orders[i] as number;
    const home = out[i] as number;
    const slots = home < 0 ? older : current;
    let at = 2 * (home < 0 ? ~home : home);
    while (((slots[at] as number) ^ WORD_FLIP) < order) at += 2;
    out[i] = slots[at] === (order ^ WORD_FLIP) ? (slots[at + 1] as number) : 0;
  }
}

function capacityFor(entries: number): number {
  let capacity = CAPACITY_MIN;
  while (capacity * LOAD_MAX < entries) capacity *= 2;
  return capacity;
}

/** Entries in ascending order of hash, in slices; see {@link HashIndex.scan}. */
export class OrderScan {
  readonly #last: number;
  readonly #boundary: number;
  #older: SlotTable | undefined;
  #table: SlotTable;
  #slot: number;
  #done = false;

  constructor(
    current: SlotTable,
    older: SlotTable | undefined,
    boundary: number,
    range: OrderRange,
  ) {
    this.#last = range.last;
    this.#boundary = boundary;
    const startsOld = older !== undefined && range.first >= boundary;
    this.#table = startsOld ? older : current;
    this.#older = startsOld ? undefined : older;
    this.#slot = this.#table.seek(range.first);
  }

  /** Whether the scan has returned everything. */
  get done(): boolean {
    return this.#done;
  }

  /** Writes up to `limit` entries; returns how many. 0 does not mean the end: ask {@link done}. */
  next(out: Int32Array, limit: number): number {
    const slots = this.#table.slots;
    const end = slots.length >>> 1;
    // Sparse stretches end a slice, too.
    const stop = Math.min(end, this.#slot + 16 * limit);
    let slot = this.#slot;
    let count = 0;
    for (; slot < stop && count < limit; slot++) {
      const entry = slots[2 * slot + 1] as number;
      if (entry === 0) continue;
      if (this.#table.orderAt(slot) > this.#last) return this.#finish(count);
      out[count++] = entry - 1;
    }
    this.#slot = slot;
    if (slot === end || this.#isPastBoundary(slot)) this.#enterOlder();
    return count;
  }

  #finish(count: number): number {
    this.#done = true;
    return count;
  }

  /** The newer table is empty from the first empty slot behind the boundary's home. */
  #isPastBoundary(slot: number): boolean {
    const older = this.#older;
    return (
      older !== undefined &&
      this.#table.slots[2 * slot + 1] === 0 &&
      slot > this.#table.homeOf(this.#boundary)
    );
  }

  #enterOlder(): void {
    const older = this.#older;
    if (older === undefined) {
      this.#done = true;
      return;
    }
    this.#table = older;
    this.#older = undefined;
    this.#slot = older.seek(this.#boundary);
  }
}
