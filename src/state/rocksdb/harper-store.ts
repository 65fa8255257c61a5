/**
 * The store on RocksDB, by the native class of the package `@harperfast/rocksdb-js-<platform>` used
 * directly: keys and values go through shared buffers, so that a call allocates nothing.
 *
 * Invariants:
 * 1. Block cache and write buffers are one budget of the process, whoever opens how many stores.
 * 2. The write-ahead log is off.
 */
import { MillraceError } from '../../base/errors.ts';
import { grownCapacity, KEY_BUFFER_BYTES, VALUE_BUFFER_BYTES } from './key-value-store.ts';
import type {
  ColumnFamily,
  KeyValueStore,
  KeyValueStoreFactory,
  RowCursor,
  StoreOptions,
  StoreStatistics,
} from './key-value-store.ts';
import { nativeBinding } from './native-binding.ts';
import type {
  NativeBinding,
  NativeBuffer,
  NativeDatabase,
  NativeIterator,
} from './native-binding.ts';
import type { FileSystem } from '../../base/environment.ts';

const DEFAULT_FAMILY = 'default';
const WRITE_BUFFER_BYTES_MIN = 1 << 20;
const WRITE_BUFFER_BYTES_MAX = 64 << 20;
const BLOCK_CACHE_BYTES_MIN = 1 << 20;
const OPTIMISTIC_MEMORY_BYTES = 256 << 20;
const WRITE_BUFFERS_MAX = 4;
/** RocksDB's own log: errors only. */
const LOG_LEVEL_ERROR = 3;

/** The factory; the binding is loaded when the first store is opened. */
export function harperStoreFactory(fileSystem: FileSystem): KeyValueStoreFactory {
  return {
    kind: 'rocksdb',
    open: (options) => new HarperStore(nativeBinding(), fileSystem, options),
  };
}

class HarperStore implements KeyValueStore {
  readonly folder: string;
  readonly #binding: NativeBinding;
  readonly #fileSystem: FileSystem;
  readonly #settings: Readonly<Record<string, unknown>>;
  readonly #families = new Map<string, HarperFamily>();
  /** The handle of the default family: what concerns the database goes through it. */
  readonly #database: NativeDatabase;
  #isOpen = true;

  constructor(binding: NativeBinding, fileSystem: FileSystem, options: StoreOptions) {
    this.folder = options.folder;
    this.#binding = binding;
    this.#fileSystem = fileSystem;
    this.#settings = settingsFor(options);
    if (options.isSource !== true) shareMemory(binding, options.memoryBytes);
    fileSystem.makeDirectory(options.folder);
    this.#database = attempt(this.folder, 'open', () => this.#open(DEFAULT_FAMILY));
  }

  columnFamily(name: string): ColumnFamily {
    let family = this.#families.get(name);
    if (family === undefined) {
      const database = attempt(this.folder, `open the column family ${name} of`, () =>
        this.#open(name),
      );
      family = new HarperFamily(this.#binding, database, name, this.folder);
      this.#families.set(name, family);
    }
    return family;
  }

  columnFamilies(): readonly string[] {
    return this.#database.columns.filter((name) => name !== DEFAULT_FAMILY).toSorted();
  }

  dropColumnFamily(name: string): void {
    if (!this.#database.columns.includes(name)) return;
    attempt(this.folder, `drop the column family ${name} of`, () => {
      const database = this.#families.get(name)?.database ?? this.#open(name);
      this.#families.delete(name);
      database.dropSync();
      database.close();
    });
  }

  flush(): Promise<void> {
    return this.#background('flush', (resolve, reject) => this.#database.flush(resolve, reject));
  }

  async checkpoint(folder: string): Promise<readonly string[]> {
    await this.#background('checkpoint', (resolve, reject) =>
      this.#database.createCheckpoint(resolve, reject, folder),
    );
    return this.#fileSystem.list(folder);
  }

  statistics(): StoreStatistics {
    const property = (name: string): number =>
      this.#database.getDBIntProperty(`rocksdb.${name}`) ?? 0;
    return {
      keysEstimate: this.#sum('estimate-num-keys'),
      fileBytes: this.#sum('live-sst-files-size') + this.#sum('live-blob-file-size'),
      writeBufferBytes: this.#sum('size-all-mem-tables'),
      blockCacheBytes: property('block-cache-usage'),
      isWriteStopped: property('is-write-stopped') !== 0,
    };
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const family of this.#families.values()) family.database.close();
    this.#families.clear();
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #sum(name: string): number {
    let sum = 0;
    for (const { database } of this.#families.values())
      sum += database.getDBIntProperty(`rocksdb.${name}`) ?? 0;
    return sum;
  }

  #open(name: string): NativeDatabase {
    const database = new this.#binding.Database();
    database.open(this.folder, { ...this.#settings, name });
    return database;
  }

  async #background(
    act: string,
    start: (resolve: () => void, reject: (error: Error) => void) => void,
  ): Promise<void> {
    try {
      await new Promise<void>(start);
    } catch (cause) {
      throw failed(this.folder, act, cause);
    }
  }
}

class HarperFamily implements ColumnFamily {
  readonly name: string;
  readonly database: NativeDatabase;
  /** Lengths of the row that an iterator has copied: of the key, of the value. */
  readonly lengths: Uint32Array;
  readonly #binding: NativeBinding;
  readonly #folder: string;
  #key: NativeBuffer;
  #value: NativeBuffer;

  constructor(binding: NativeBinding, database: NativeDatabase, name: string, folder: string) {
    this.name = name;
    this.database = database;
    this.#binding = binding;
    this.#folder = folder;
    this.#key = nativeBuffer(KEY_BUFFER_BYTES);
    this.#value = nativeBuffer(VALUE_BUFFER_BYTES);
    const lengths = Buffer.allocUnsafeSlow(8);
    this.lengths = new Uint32Array(lengths.buffer);
    database.setDefaultKeyBuffer(this.#key);
    database.setDefaultValueBuffer(this.#value);
    database.setIteratorState(lengths);
  }

  get key(): Uint8Array {
    return this.#key;
  }

  get value(): Uint8Array {
    return this.#value;
  }

  ensureKey(length: number): void {
    if (length <= this.#key.length) return;
    this.#key = nativeBuffer(grownCapacity(this.#key.length, length));
    this.database.setDefaultKeyBuffer(this.#key);
  }

  ensureValue(length: number): void {
    if (length <= this.#value.length) return;
    this.#value = nativeBuffer(grownCapacity(this.#value.length, length));
    this.database.setDefaultValueBuffer(this.#value);
  }

  get(keyLength: number): number {
    try {
      const found = this.database.getSync(keyLength, 0);
      if (found === undefined) return -1;
      return typeof found === 'number' ? found : this.takeValue(found);
    } catch (cause) {
      throw failed(this.#folder, 'read', cause);
    }
  }

  put(keyLength: number, valueLength: number): void {
    this.#key.end = keyLength;
    this.#value.end = valueLength;
    try {
      this.database.putSync(this.#key, this.#value);
    } catch (cause) {
      throw failed(this.#folder, 'write to', cause);
    }
  }

  delete(keyLength: number): void {
    this.#key.end = keyLength;
    try {
      this.database.removeSync(this.#key);
    } catch (cause) {
      throw failed(this.#folder, 'delete from', cause);
    }
  }

  range(first: Uint8Array, end: Uint8Array | undefined): RowCursor {
    const firstLength = first.length;
    const endLength = firstLength + (end?.length ?? 0);
    this.ensureKey(endLength);
    this.#key.set(first);
    if (end !== undefined) this.#key.set(end, firstLength);
    const { ITERATOR_INCLUDE_VALUES_FLAG } = this.#binding.constants;
    const iterator = attempt(this.#folder, 'scan', () => {
      return new this.#binding.Iterator(
        this.database,
        ITERATOR_INCLUDE_VALUES_FLAG,
        firstLength,
        firstLength,
        endLength,
      );
    });
    return new HarperCursor(this, iterator, this.#folder);
  }

  /** Keeps a key that did not fit into the buffer. */
  takeKey(key: Uint8Array): number {
    this.ensureKey(key.length);
    this.#key.set(key);
    return key.length;
  }

  /** Keeps a value that did not fit into the buffer. */
  takeValue(value: Uint8Array): number {
    this.ensureValue(value.length);
    this.#value.set(value);
    return value.length;
  }
}

class HarperCursor implements RowCursor {
  keyLength = 0;
  valueLength = 0;
  readonly #family: HarperFamily;
  readonly #folder: string;
  #iterator: NativeIterator | undefined;

  constructor(family: HarperFamily, iterator: NativeIterator, folder: string) {
    this.#family = family;
    this.#iterator = iterator;
    this.#folder = folder;
  }

  next(): boolean {
    const iterator = this.#iterator;
    if (iterator === undefined) return false;
    const row = attempt(this.#folder, 'scan', () => iterator.next());
    if (row === 0) {
      this.close();
      return false;
    }
    const family = this.#family;
    if (typeof row === 'number') {
      this.keyLength = family.lengths[0] as number;
      this.valueLength = family.lengths[1] as number;
    } else {
      this.keyLength = family.takeKey(row.key);
      this.valueLength = family.takeValue(row.value);
    }
    return true;
  }

  close(): void {
    this.#iterator?.return();
    this.#iterator = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function settingsFor({ memoryBytes, isSource = false }: StoreOptions): Record<string, unknown> {
  // The optimistic mode takes 40 MB for locks that nobody uses, and then a put costs 1.6 instead of 2.9 µs.
  const mayBeLarge = !isSource && memoryBytes >= OPTIMISTIC_MEMORY_BYTES;
  const share = Math.floor(memoryBytes / 2 / WRITE_BUFFERS_MAX);
  const bytes = Math.min(WRITE_BUFFER_BYTES_MAX, Math.max(WRITE_BUFFER_BYTES_MIN, share));
  return {
    disableWAL: true,
    mode: mayBeLarge ? 'optimistic' : 'pessimistic',
    writeBufferSize: isSource ? WRITE_BUFFER_BYTES_MIN : bytes,
    maxWriteBufferNumber: WRITE_BUFFERS_MAX,
    // No conflicts are looked for: nothing that was flushed needs to stay in memory.
    maxWriteBufferSizeToMaintain: 0,
    parallelismThreads: 2,
    compression: 'none',
    infoLogLevel: LOG_LEVEL_ERROR,
    maxLogFileSize: 1 << 20,
  };
}

function shareMemory(binding: NativeBinding, memoryBytes: number): void {
  const blockCacheSize = Math.max(BLOCK_CACHE_BYTES_MIN, Math.floor(memoryBytes));
  const writeBufferManagerSize = Math.max(2 * WRITE_BUFFER_BYTES_MIN, Math.floor(memoryBytes / 2));
  // Write buffers are charged to the cache: both together stay within it.
  binding.config({ blockCacheSize, writeBufferManagerSize, writeBufferManagerCostToCache: true });
}

function nativeBuffer(length: number): NativeBuffer {
  // Not from the pool: the addon keeps the pointer.
  return Object.assign(Buffer.allocUnsafeSlow(length), { start: 0, end: length });
}

function attempt<T>(folder: string, act: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw failed(folder, act, cause);
  }
}

function failed(folder: string, act: string, cause: unknown): MillraceError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MillraceError(
    'STATE_STORE_FAILED',
    `RocksDB could not ${act} '${folder}': ${reason}`,
    { cause, details: { file: folder } },
  );
}
