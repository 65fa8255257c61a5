/**
 * The narrow store below keyed state: sorted bytes in column families, hard-link checkpoints.
 * RocksDB is one, a model in plain JavaScript another.
 *
 * Invariants that an implementation keeps and its caller relies on:
 * 1. Nothing but a checkpoint is durable: there is no log, and the folder is worthless after a
 *    crash.
 * 2. Keys are in the order of their unsigned bytes; the families of a store are flushed and
 *    checkpointed together.
 * 3. All calls come from one thread. Nobody writes between the call of `checkpoint` and its result:
 *    whether such a write is in it would be left to chance.
 * 4. Files of a checkpoint never change; of two checkpoints of one store, files of the same name
 *    have the same bytes, if the name is one for which {@link isSharedFile} holds.
 */

/**
 * Makes a store in a folder, which is created or, if it holds files of a checkpoint, taken over.
 */
export interface KeyValueStoreFactory {
  /** For messages. */
  readonly kind: string;
  open(options: StoreOptions): KeyValueStore;
}

/** Where a store lies and how much memory it may take. */
export interface StoreOptions {
  readonly folder: string;
  /** Bytes for cached blocks and unflushed writes; one share of the process, not of the store. */
  readonly memoryBytes: number;
  /** Opened to be read only, for a while, beside the worker's own. */
  readonly isSource?: boolean | undefined;
}

/** See the file's head. */
export interface KeyValueStore extends Disposable {
  readonly folder: string;
  /** The family of this name; made at the first call. */
  columnFamily(name: string): ColumnFamily;
  /** Names of all families, sorted. */
  columnFamilies(): readonly string[];
  /** Removes a family with all its rows; fine if there is none. */
  dropColumnFamily(name: string): void;
  /** Writes to files what is in memory, in the background. */
  flush(): Promise<void>;
  /**
   * Flushes, makes the folder, which must not exist, and puts links to all files there; resolves to
   * their names.
   */
  checkpoint(folder: string): Promise<readonly string[]>;
  statistics(): StoreStatistics;
  /** Same as `[Symbol.dispose]`; the folder stays. */
  close(): void;
}

/**
 * Rows of one column family. Keys and values go through two buffers of the family: the caller
 * writes a key to `key` and passes its length; what a call returns is valid until the next one.
 * Fetch the buffers again after an `ensure…`, `get` or `next`.
 */
export interface ColumnFamily {
  readonly name: string;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Makes room in `key`; its bytes are lost if it grows. */
  ensureKey(length: number): void;
  /** Makes room in `value`; its bytes are lost if it grows. */
  ensureValue(length: number): void;
  /** Length of the value of the key, now in `value`; -1 if there is no such key. */
  get(keyLength: number): number;
  put(keyLength: number, valueLength: number): void;
  delete(keyLength: number): void;
  /** Rows from `first` (included) to `end` (excluded; undefined: to the last), as they are now. */
  range(first: Uint8Array, end: Uint8Array | undefined): RowCursor;
}

/** Goes through rows; whoever opened it closes it. */
export interface RowCursor extends Disposable {
  readonly keyLength: number;
  readonly valueLength: number;
  /** The next row, in the family's `key` and `value`; false after the last. */
  next(): boolean;
  close(): void;
}

/** Sizes, for metrics and decisions. */
export interface StoreStatistics {
  readonly keysEstimate: number;
  readonly fileBytes: number;
  /** Bytes of writes that are not in files yet. */
  readonly writeBufferBytes: number;
  readonly blockCacheBytes: number;
  /** Whether writes wait for the store's own work. */
  readonly isWriteStopped: boolean;
}

/**
 * Whether a file's name tells its content, so that checkpoints share it: tables, not the files that
 * list them.
 */
export function isSharedFile(name: string): boolean {
  return /\.(sst|blob|run)$/.test(name);
}

/** Room of a family's buffers at first. */
export const KEY_BUFFER_BYTES = 1024;
/** See {@link KEY_BUFFER_BYTES}. */
export const VALUE_BUFFER_BYTES = 16_384;

/** The capacity that a buffer grows to. */
export function grownCapacity(capacity: number, length: number): number {
  return Math.max(length, 2 * capacity);
}
