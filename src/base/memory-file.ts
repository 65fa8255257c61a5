/**
 * What the memory file system is made of: files and folders that remember apart what a crash would
 * leave of them.
 *
 * Invariants:
 * 1. Bytes once appended never change, so what is durable of a file is a buffer and a length.
 * 2. A folder's entries and a file's bytes become durable separately: syncing a file does not sync
 *    its name.
 */

/** The smallest buffer of a file that is not empty. */
const FILE_BYTES_MIN = 256;
/** What a disk writes as a whole. */
const BLOCK_BYTES = 512;

/** What of the unsynced had reached the disk by itself when it crashed. */
export interface CrashChoices {
  /** How many of `count` unsynced bytes there are. */
  keep(count: number): number;
  /** Whether a block of them is there in name only, as zeros. */
  isHole(): boolean;
}

/** A file's bytes. */
export class MemoryFile {
  readonly kind = 'file';
  modifiedMs: number;
  #content: Uint8Array = new Uint8Array(0);
  #size = 0;
  #durableContent: Uint8Array = new Uint8Array(0);
  #durableSize = 0;

  constructor(modifiedMs: number) {
    this.modifiedMs = modifiedMs;
  }

  get size(): number {
    return this.#size;
  }

  read(target: Uint8Array, targetOffset: number, length: number, position: number): number {
    const end = Math.min(position + length, this.#size);
    if (end <= position) return 0;
    target.set(this.#content.subarray(position, end), targetOffset);
    return end - position;
  }

  append(bytes: Uint8Array): void {
    const size = this.#size + bytes.length;
    if (size > this.#content.length) {
      const grown = new Uint8Array(Math.max(FILE_BYTES_MIN, size, this.#content.length * 2));
      grown.set(this.#content.subarray(0, this.#size));
      this.#content = grown;
    }
    this.#content.set(bytes, this.#size);
    this.#size = size;
  }

  /** Empties the file; a crash before the next sync brings the old bytes back. */
  truncate(): void {
    this.#content = new Uint8Array(0);
    this.#size = 0;
  }

  sync(): void {
    this.#durableContent = this.#content;
    this.#durableSize = this.#size;
  }

  /** Becomes other bytes, and durable: what a bad disk does. */
  damage(change: (bytes: Uint8Array) => Uint8Array): void {
    this.#content = change(this.#content.slice(0, this.#size));
    this.#size = this.#content.length;
    this.sync();
  }

  /** Goes back to the last sync, but for what had reached the disk by itself. */
  crash(choices: CrashChoices): void {
    const durableSize = this.#durableSize;
    const isGrown = this.#size > durableSize && this.#startsWithDurable();
    if (isGrown) {
      this.#size = durableSize + choices.keep(this.#size - durableSize);
    } else {
      this.#content = this.#durableContent;
      this.#size = this.#durableSize;
    }
    // The next append must not write into bytes that the crash took away and a reader may still
    // hold.
    this.#content = this.#content.slice(0, this.#size);
    if (isGrown) this.#punchHoles(durableSize, choices);
    this.sync();
  }

  #punchHoles(from: number, choices: CrashChoices): void {
    let start = from;
    while (start < this.#size) {
      const end = Math.min(this.#size, (Math.floor(start / BLOCK_BYTES) + 1) * BLOCK_BYTES);
      if (choices.isHole()) this.#content.fill(0, start, end);
      start = end;
    }
  }

  #startsWithDurable(): boolean {
    const durable = this.#durableContent.subarray(0, this.#durableSize);
    return durable.every((byte, index) => byte === this.#content[index]);
  }
}

/** A folder: names, and which of them are durable. */
export class MemoryDirectory {
  readonly kind = 'directory';
  readonly size = 0;
  modifiedMs: number;
  #entries = new Map<string, MemoryNode>();
  #durable: ReadonlyMap<string, MemoryNode> = new Map();

  constructor(modifiedMs: number) {
    this.modifiedMs = modifiedMs;
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  get(name: string): MemoryNode | undefined {
    return this.#entries.get(name);
  }

  names(): readonly string[] {
    return [...this.#entries.keys()].sort();
  }

  children(): Iterable<MemoryNode> {
    return this.#entries.values();
  }

  set(name: string, node: MemoryNode, modifiedMs: number): void {
    this.#entries.set(name, node);
    this.modifiedMs = modifiedMs;
  }

  delete(name: string, modifiedMs: number): void {
    this.#entries.delete(name);
    this.modifiedMs = modifiedMs;
  }

  sync(): void {
    this.#durable = new Map(this.#entries);
  }

  /**
   * Goes back to the names of the last sync, but for changes that `isKept` says had reached the
   * disk by themselves.
   */
  crash(isKept: () => boolean): void {
    const survivors = new Map(this.#durable);
    for (const name of new Set([...this.#durable.keys(), ...this.#entries.keys()])) {
      const current = this.#entries.get(name);
      if (current === this.#durable.get(name) || !isKept()) continue;
      if (current === undefined) survivors.delete(name);
      else survivors.set(name, current);
    }
    this.#entries = survivors;
    this.sync();
  }
}

/** What a path may lead to. */
export type MemoryNode = MemoryFile | MemoryDirectory;
