/**
 * @dataplane Which entry of a table of timers is due next: a heap with four children per node, in a
 * typed array, of entries by the time of their first timer.
 *
 *     nodes   [ – – – | time entry | time entry … ]   node n at place n + 3, so that the four children of a node,
 *                                                     4n + 1 to 4n + 4, share a line of the cache
 *     places  by entry: its node, so that any entry can be taken out
 *
 * Invariants:
 * 1. No node's time is after that of its children. Entries of equal times come in any order, the
 *    same in every run.
 * 2. Node `places[entry]` is that of the entry, for every entry in the heap.
 */

const CHILDREN_SHIFT = 2;
const CHILDREN = 1 << CHILDREN_SHIFT;
/** Places before the first node. */
const OFFSET = 3;
const INITIAL_CAPACITY = 64;

/** See the file's head. */
export class TimerHeap {
  /** How many entries there are. */
  size = 0;
  #capacity = INITIAL_CAPACITY;
  #nodes = new Float64Array(2 * (INITIAL_CAPACITY + OFFSET));
  #places = new Int32Array(INITIAL_CAPACITY);

  /** The time of the first entry; Infinity if there is none. */
  get firstTime(): number {
    return this.size === 0 ? Number.POSITIVE_INFINITY : (this.#nodes[2 * OFFSET] as number);
  }

  /** The entry that is due first; only if there is one. */
  get firstEntry(): number {
    return this.#nodes[2 * OFFSET + 1] as number;
  }

  /** Adds an entry that is not in the heap. */
  add(time: number, entry: number): void {
    if (this.size === this.#capacity) this.#growNodes();
    if (entry >= this.#places.length) this.#growPlaces(entry);
    this.#rise(this.size++, time, entry);
  }

  /** Gives an entry that is in the heap another time. */
  change(entry: number, time: number): void {
    this.#put(this.#places[entry] as number, time, entry);
  }

  /** Takes an entry out that is in the heap. */
  remove(entry: number): void {
    const node = this.#places[entry] as number;
    const last = --this.size;
    if (node === last) return;
    const at = 2 * (last + OFFSET);
    this.#put(node, this.#nodes[at] as number, this.#nodes[at + 1] as number);
  }

  /** Puts an entry where `node` is free, up or down from there. */
  #put(node: number, time: number, entry: number): void {
    const parent = (node - 1) >> CHILDREN_SHIFT;
    if (node > 0 && time < (this.#nodes[2 * (parent + OFFSET)] as number)) {
      this.#rise(node, time, entry);
    } else {
      this.#sink(node, time, entry);
    }
  }

  #rise(from: number, time: number, entry: number): void {
    const nodes = this.#nodes;
    let node = from;
    while (node > 0) {
      const parent = (node - 1) >> CHILDREN_SHIFT;
      const parentTime = nodes[2 * (parent + OFFSET)] as number;
      if (time >= parentTime) break;
      this.#set(node, parentTime, nodes[2 * (parent + OFFSET) + 1] as number);
      node = parent;
    }
    this.#set(node, time, entry);
  }

  #sink(from: number, time: number, entry: number): void {
    const nodes = this.#nodes;
    const size = this.size;
    let node = from;
    for (;;) {
      let least = (node << CHILDREN_SHIFT) + 1;
      if (least >= size) break;
      const end = least + CHILDREN < size ? least + CHILDREN : size;
      let leastTime = nodes[2 * (least + OFFSET)] as number;
      for (let child = least + 1; child < end; child++) {
        const childTime = nodes[2 * (child + OFFSET)] as number;
        if (childTime < leastTime) {
          least = child;
          leastTime = childTime;
        }
      }
      if (time <= leastTime) break;
      this.#set(node, leastTime, nodes[2 * (least + OFFSET) + 1] as number);
      node = least;
    }
    this.#set(node, time, entry);
  }

  #set(node: number, time: number, entry: number): void {
    const at = 2 * (node + OFFSET);
    this.#nodes[at] = time;
    this.#nodes[at + 1] = entry;
    this.#places[entry] = node;
  }

  #growNodes(): void {
    this.#capacity *= 2;
    const grown = new Float64Array(2 * (this.#capacity + OFFSET));
    grown.set(this.#nodes);
    this.#nodes = grown;
  }

  #growPlaces(entry: number): void {
    let capacity = this.#places.length * 2;
    while (capacity <= entry) capacity *= 2;
    const grown = new Int32Array(capacity);
    grown.set(this.#places);
    this.#places = grown;
  }
}
