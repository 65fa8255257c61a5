/**
 * @dataplane Which entry of a table of timers is due next: a heap with four children per node, in typed arrays, from times to
 * entries.
 *
 *     times    [ t0 | t1 t2 t3 t4 | t5 … ]      node n's children are 4n + 1 to 4n + 4
 *     orders   [ o0 | o1 …                      of equal times the one added first comes first
 *     entries  [ e0 | e1 …
 *     places   by entry: the node that holds it, so that any entry can be taken out
 *
 * Invariants:
 * 1. No node comes after its children, by time and then by order.
 * 2. `entries[places[entry]] === entry` for every entry in the heap.
 */

const CHILDREN_SHIFT = 2;
const CHILDREN = 1 << CHILDREN_SHIFT;
const INITIAL_CAPACITY = 64;

/** See the file's head. */
export class TimerHeap {
  /** How many entries there are. */
  size = 0;
  #times = new Float64Array(INITIAL_CAPACITY);
  #orders = new Float64Array(INITIAL_CAPACITY);
  #entries = new Int32Array(INITIAL_CAPACITY);
  #places = new Int32Array(INITIAL_CAPACITY);
  #nextOrder = 0;

  /** The time of the first entry; Infinity if there is none. */
  get firstTime(): number {
    return this.size === 0 ? Number.POSITIVE_INFINITY : (this.#times[0] as number);
  }

  /** The entry that is due first; only if there is one. */
  get firstEntry(): number {
    return this.#entries[0] as number;
  }

  /** Adds an entry that is not in the heap. */
  add(time: number, entry: number): void {
    if (this.size === this.#times.length) this.#growNodes();
    if (entry >= this.#places.length) this.#growPlaces(entry);
    this.#rise(this.size++, time, this.#nextOrder++, entry);
  }

  /** Takes an entry out that is in the heap. */
  remove(entry: number): void {
    const node = this.#places[entry] as number;
    const last = --this.size;
    if (node === last) return;
    const time = this.#times[last] as number;
    const order = this.#orders[last] as number;
    const moved = this.#entries[last] as number;
    if (node > 0 && this.#isBefore(time, order, (node - 1) >> CHILDREN_SHIFT)) {
      this.#rise(node, time, order, moved);
    } else {
      this.#sink(node, time, order, moved);
    }
  }

  #rise(from: number, time: number, order: number, entry: number): void {
    let node = from;
    while (node > 0) {
      const parent = (node - 1) >> CHILDREN_SHIFT;
      if (!this.#isBefore(time, order, parent)) break;
      this.#move(parent, node);
      node = parent;
    }
    this.#set(node, time, order, entry);
  }

  #sink(from: number, time: number, order: number, entry: number): void {
    const size = this.size;
    let node = from;
    for (;;) {
      const first = (node << CHILDREN_SHIFT) + 1;
      if (first >= size) break;
      let least = first;
      const end = first + CHILDREN < size ? first + CHILDREN : size;
      for (let child = first + 1; child < end; child++) {
        if (this.#isBefore(this.#times[child] as number, this.#orders[child] as number, least)) {
          least = child;
        }
      }
      if (this.#isBefore(time, order, least)) break;
      this.#move(least, node);
      node = least;
    }
    this.#set(node, time, order, entry);
  }

  #isBefore(time: number, order: number, node: number): boolean {
    const other = this.#times[node] as number;
    return time < other || (time === other && order < (this.#orders[node] as number));
  }

  #move(from: number, to: number): void {
    const entry = this.#entries[from] as number;
    this.#times[to] = this.#times[from] as number;
    this.#orders[to] = this.#orders[from] as number;
    this.#entries[to] = entry;
    this.#places[entry] = to;
  }

  #set(node: number, time: number, order: number, entry: number): void {
    this.#times[node] = time;
    this.#orders[node] = order;
    this.#entries[node] = entry;
    this.#places[entry] = node;
  }

  #growNodes(): void {
    const capacity = this.#times.length * 2;
    this.#times = grownDoubles(this.#times, capacity);
    this.#orders = grownDoubles(this.#orders, capacity);
    this.#entries = grownInts(this.#entries, capacity);
  }

  #growPlaces(entry: number): void {
    let capacity = this.#places.length * 2;
    while (capacity <= entry) capacity *= 2;
    this.#places = grownInts(this.#places, capacity);
  }
}

function grownDoubles(old: Float64Array<ArrayBuffer>, capacity: number): Float64Array<ArrayBuffer> {
  const grown = new Float64Array(capacity);
  grown.set(old);
  return grown;
}

function grownInts(old: Int32Array<ArrayBuffer>, capacity: number): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(capacity);
  grown.set(old);
  return grown;
}
