/**
 * @dataplane One open-addressing array of [word, entry + 1] pairs, sorted by order.
 *
 *      home(order) ──▶ ┌───────┬─────────┬───────┬─────────┬── … ──┬──────────┐
 *                      │ word  │ entry+1 │ word  │ entry+1 │       │ tail pad │  entry+1 = 0: empty
 *                      └───────┴─────────┴───────┴─────────┴── … ──┴──────────┘
 *
 * An order is a hash with its sign bit flipped, so that comparing int32 values compares unsigned
 * hashes. Its word in a slot is the order ^ {@link WORD_FLIP}: so the zeroes of an empty slot read
 * as the greatest order and end every search.
 *
 * Invariants:
 * 1. The orders of the full slots ascend with the slot (equal orders stand side by side).
 * 2. Every slot from an entry's home to its own is full, so a search ends at the first order that
 *    is not less.
 * 3. The home of an order never falls as the order rises; nothing wraps around, the tail pad takes
 *    what runs over.
 * 4. The last slot is empty: no search needs a bounds check.
 */

const TAIL_SLOTS_MAX = 256;
/** Longer moves go through `copyWithin`. */
const SHORT_MOVE_SLOTS = 16;
const INT_MIN = -(2 ** 31);
const INT_MAX = 2 ** 31 - 1;

/** Turns an order into its word and back. */
export const WORD_FLIP: number = INT_MAX;

/** Orders from `first` to `last`, both included: where a table's keys are expected. */
export interface OrderRange {
  readonly first: number;
  readonly last: number;
}

/** All orders. */
export const ALL_ORDERS: OrderRange = { first: INT_MIN, last: INT_MAX };

/** The order of a hash, which is an int32 or a uint32. */
export function orderOf(hash: number): number {
  return hash ^ INT_MIN;
}

/** See the file's head. The fields are for the loops of this folder. */
export class SlotTable {
  /** Home slots; a power of two. */
  readonly capacity: number;
  readonly first: number;
  /** How many orders `capacity` slots are spread over. */
  readonly span: number;
  /** Slots per order. */
  readonly scale: number;
  slots: Int32Array;

  constructor(capacity: number, range: OrderRange) {
    this.capacity = capacity;
    this.first = range.first;
    this.span = range.last - range.first + 1;
    this.scale = capacity / this.span;
    this.slots = new Int32Array(2 * (capacity + Math.min(capacity, TAIL_SLOTS_MAX) + 1));
  }

  /** All slots, the tail pad included. */
  get slotCount(): number {
    return this.slots.length >>> 1;
  }

  /** The slot where a search for an order begins. */
  homeOf(order: number): number {
    const distance = order - this.first;
    // Orders outside of the expected range go to the ends, so any order is right, if slower.
    if (distance <= 0) return 0;
    if (distance >= this.span) return this.capacity - 1;
    return (distance * this.scale) | 0;
  }

  /** The order in a slot; the greatest if it is empty. */
  orderAt(slot: number): number {
    return (this.slots[2 * slot] as number) ^ WORD_FLIP;
  }

  /** The first slot that is empty or has this order or a greater one. */
  seek(order: number): number {
    const slots = this.slots;
    let at = 2 * this.homeOf(order);
    while (((slots[at] as number) ^ WORD_FLIP) < order) at += 2;
    return at >>> 1;
  }

  /**
   * Puts an entry into `slot`, moving what stands there one up. The caller found the slot by order.
   * Returns how many slots a search from its home to the end of the run looks at.
   */
  insert(slot: number, order: number, entry: number): number {
    const slots = this.slots;
    let end = 2 * slot;
    while (slots[end + 1] !== 0) end += 2;
    moveUp(slots, 2 * slot, end);
    slots[2 * slot] = order ^ WORD_FLIP;
    slots[2 * slot + 1] = entry + 1;
    if (end === slots.length - 2) this.#growTail();
    return end / 2 - this.homeOf(order);
  }

  /** Empties `slot`, moving what ran over it one down. */
  remove(slot: number): void {
    const slots = this.slots;
    let next = slot + 1;
    while (slots[2 * next + 1] !== 0 && this.homeOf(this.orderAt(next)) < next) next++;
    slots.copyWithin(2 * slot, 2 * (slot + 1), 2 * next);
    slots[2 * next - 2] = 0;
    slots[2 * next - 1] = 0;
  }

  /** Restores invariant 4. Only hashes that crowd at the upper end come here. */
  #growTail(): void {
    const tail = this.slotCount - this.capacity;
    const slots = new Int32Array(2 * (this.capacity + 2 * tail));
    slots.set(this.slots);
    this.slots = slots;
  }
}

function moveUp(slots: Int32Array, from: number, end: number): void {
  if (end - from > 2 * SHORT_MOVE_SLOTS) {
    slots.copyWithin(from + 2, from, end);
    return;
  }
  for (let at = end; at > from; at -= 2) {
    slots[at] = slots[at - 2] as number;
    slots[at + 1] = slots[at - 1] as number;
  }
}
