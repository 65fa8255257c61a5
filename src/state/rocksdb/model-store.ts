/**
 * The store's contract in plain JavaScript over the injected file system: a table in memory and
 * sorted runs in files. It is what simulations use, and what the native store is compared with.
 *
 * Invariants:
 * 1. A run is written once and then only read or removed; its number is never given out again in
 *    this folder.
 * 2. `MANIFEST` of a checkpoint names its runs, oldest first; a folder without one is empty. The
 *    working folder has none: what is in no checkpoint is lost with it, as with a log that is off.
 * 3. Every row is looked up in memory: files are read when a folder is taken over, and are what a
 *    checkpoint consists of.
 */
import { crc32 } from 'node:zlib';
import type { FileSystem } from '../../base/environment.ts';
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
import { decodeRun, encodeRun } from './model-run.ts';
import type { Rows } from './model-run.ts';

const MANIFEST = 'MANIFEST';
/** Beyond this many runs they become one. */
const RUNS_MAX = 6;
/** Bytes in memory at which a run is written without being asked. */
const WRITE_BUFFER_BYTES_MAX = 1 << 20;

/** The factory of model stores. */
export function modelStoreFactory(fileSystem: FileSystem): KeyValueStoreFactory {
  return { kind: 'model', open: (options) => new ModelStore(fileSystem, options) };
}

class ModelStore implements KeyValueStore {
  readonly folder: string;
  readonly #fileSystem: FileSystem;
  readonly #families = new Map<string, ModelFamily>();
  #runs: string[] = [];
  #nextRun = 1;
  #fileBytes = 0;
  #checkpoints = 0;
  #isOpen = true;

  constructor(fileSystem: FileSystem, options: StoreOptions) {
    this.folder = options.folder;
    this.#fileSystem = fileSystem;
    fileSystem.makeDirectory(options.folder);
    this.#takeOver();
  }

  columnFamily(name: string): ModelFamily {
    let family = this.#families.get(name);
    if (family === undefined) {
      family = new ModelFamily(name, () => this.#willWrite());
      this.#families.set(name, family);
    }
    return family;
  }

  columnFamilies(): readonly string[] {
    return [...this.#families.keys()].toSorted();
  }

  dropColumnFamily(name: string): void {
    const family = this.#families.get(name);
    if (family === undefined) return;
    this.#willWrite();
    this.#families.delete(name);
    this.#rewrite();
  }

  async flush(): Promise<void> {
    await Promise.resolve();
    this.#flush();
  }

  async checkpoint(folder: string): Promise<readonly string[]> {
    this.#checkpoints++;
    try {
      // The store's own threads come later; what is written meanwhile is refused.
      await Promise.resolve();
      await Promise.resolve();
      this.#requireOpen();
      if (this.#fileSystem.stat(folder) !== undefined)
        throw this.#failed(`checkpoint to '${folder}', which exists`);
      this.#flush();
      this.#fileSystem.makeDirectory(folder);
      for (const run of this.#runs)
        this.#fileSystem.link(`${this.folder}/${run}`, `${folder}/${run}`);
      this.#writeFile(`${folder}/${MANIFEST}`, new TextEncoder().encode(this.#manifest()));
      return this.#fileSystem.list(folder);
    } finally {
      this.#checkpoints--;
    }
  }

  statistics(): StoreStatistics {
    let keysEstimate = 0;
    let writeBufferBytes = 0;
    for (const family of this.#families.values()) {
      keysEstimate += family.rows.size;
      writeBufferBytes += family.unflushedBytes;
    }
    return {
      keysEstimate,
      fileBytes: this.#fileBytes,
      writeBufferBytes,
      blockCacheBytes: 0,
      isWriteStopped: false,
    };
  }

  close(): void {
    this.#isOpen = false;
    this.#families.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #manifest(): string {
    return JSON.stringify({
      families: [...this.#families.keys()],
      nextRun: this.#nextRun,
      runs: this.#runs,
    });
  }

  #willWrite(): void {
    this.#requireOpen();
    if (this.#checkpoints > 0) throw this.#failed('be written to while a checkpoint is made');
    const bytes = this.statistics().writeBufferBytes;
    if (bytes > WRITE_BUFFER_BYTES_MAX) this.#flush();
  }

  #requireOpen(): void {
    if (!this.#isOpen) throw this.#failed('be used after close');
  }

  #flush(): void {
    this.#requireOpen();
    const changed = [...this.#families.values()].filter((family) => family.unflushed.size > 0);
    if (changed.length === 0) return;
    this.#addRun(changed.map(({ name, unflushed }) => [name, unflushed] as const));
    for (const family of changed) family.flushed();
    if (this.#runs.length > RUNS_MAX) this.#rewrite();
  }

  /** Replaces all runs by one. */
  #rewrite(): void {
    const old = this.#runs;
    this.#runs = [];
    this.#fileBytes = 0;
    this.#addRun([...this.#families.values()].map(({ name, rows }) => [name, rows] as const));
    for (const family of this.#families.values()) family.flushed();
    for (const run of old) this.#fileSystem.remove(`${this.folder}/${run}`);
  }

  #addRun(families: readonly (readonly [string, Rows])[]): void {
    const name = `${String(this.#nextRun++).padStart(6, '0')}.run`;
    const bytes = encodeRun(families);
    this.#writeFile(`${this.folder}/${name}`, bytes);
    this.#runs.push(name);
    this.#fileBytes += bytes.length;
  }

  #takeOver(): void {
    if (this.#fileSystem.stat(`${this.folder}/${MANIFEST}`) === undefined) return;
    const manifest = JSON.parse(
      new TextDecoder().decode(this.#readFile(`${this.folder}/${MANIFEST}`)),
    ) as { families: string[]; nextRun: number; runs: string[] };
    for (const name of manifest.families) this.columnFamily(name);
    for (const run of manifest.runs) {
      const bytes = this.#readFile(`${this.folder}/${run}`);
      this.#fileBytes += bytes.length;
      for (const [name, rows] of decodeRun(bytes)) this.columnFamily(name).load(rows);
    }
    this.#runs = manifest.runs;
    this.#nextRun = manifest.nextRun;
    this.#fileSystem.remove(`${this.folder}/${MANIFEST}`);
  }

  #writeFile(path: string, bytes: Uint8Array): void {
    using file = this.#fileSystem.open(path, 'create-exclusive');
    const head = new Uint8Array(4);
    new DataView(head.buffer).setUint32(0, crc32(bytes), true);
    file.append(head);
    file.append(bytes);
  }

  #readFile(path: string): Uint8Array {
    using file = this.#fileSystem.open(path, 'read');
    const all = new Uint8Array(file.size());
    const length = file.read(all, 0, all.length, 0);
    const bytes = all.subarray(4);
    if (
      length < 4 ||
      length < all.length ||
      new DataView(all.buffer).getUint32(0, true) !== crc32(bytes)
    )
      throw this.#failed(`read '${path}', which is damaged`);
    return bytes;
  }

  #failed(what: string): MillraceError {
    return new MillraceError('STATE_STORE_FAILED', `the store '${this.folder}' cannot ${what}`, {
      details: { file: this.folder },
    });
  }
}

/** Rows by the key's bytes as characters; `undefined` is a deletion that is not in a file yet. */
class ModelFamily implements ColumnFamily {
  readonly name: string;
  readonly rows = new Map<string, Uint8Array>();
  unflushed = new Map<string, Uint8Array | undefined>();
  unflushedBytes = 0;
  key: Uint8Array = new Uint8Array(KEY_BUFFER_BYTES);
  value: Uint8Array = new Uint8Array(VALUE_BUFFER_BYTES);
  readonly #willWrite: () => void;

  constructor(name: string, willWrite: () => void) {
    this.name = name;
    this.#willWrite = willWrite;
  }

  ensureKey(length: number): void {
    if (length > this.key.length) this.key = new Uint8Array(grownCapacity(this.key.length, length));
  }

  ensureValue(length: number): void {
    if (length > this.value.length)
      this.value = new Uint8Array(grownCapacity(this.value.length, length));
  }

  get(keyLength: number): number {
    const found = this.rows.get(this.#keyText(keyLength));
    return found === undefined ? -1 : this.takeValue(found);
  }

  put(keyLength: number, valueLength: number): void {
    this.#willWrite();
    this.#change(this.#keyText(keyLength), this.value.slice(0, valueLength));
  }

  delete(keyLength: number): void {
    this.#willWrite();
    this.#change(this.#keyText(keyLength), undefined);
  }

  range(first: Uint8Array, end: Uint8Array | undefined): RowCursor {
    const from = textOf(first);
    const to = end === undefined ? undefined : textOf(end);
    const keys = [...this.rows.keys()].filter(
      (key) => key >= from && (to === undefined || key < to),
    );
    return new ModelCursor(
      this,
      keys.toSorted(compare).map((key) => [key, this.rows.get(key) as Uint8Array]),
    );
  }

  /** Takes rows of a file, over those that are there. */
  load(rows: Rows): void {
    for (const [key, value] of rows) {
      if (value === undefined) this.rows.delete(key);
      else this.rows.set(key, value);
    }
  }

  flushed(): void {
    this.unflushed = new Map();
    this.unflushedBytes = 0;
  }

  takeKey(key: string): number {
    this.ensureKey(key.length);
    for (let i = 0; i < key.length; i++) this.key[i] = key.charCodeAt(i);
    return key.length;
  }

  takeValue(value: Uint8Array): number {
    this.ensureValue(value.length);
    this.value.set(value);
    return value.length;
  }

  #keyText(length: number): string {
    return textOf(this.key.subarray(0, length));
  }

  #change(key: string, value: Uint8Array | undefined): void {
    if (value === undefined) this.rows.delete(key);
    else this.rows.set(key, value);
    this.unflushed.set(key, value);
    this.unflushedBytes += key.length + (value?.length ?? 0);
  }
}

class ModelCursor implements RowCursor {
  keyLength = 0;
  valueLength = 0;
  readonly #family: ModelFamily;
  readonly #rows: readonly (readonly [string, Uint8Array])[];
  #next = 0;

  constructor(family: ModelFamily, rows: readonly (readonly [string, Uint8Array])[]) {
    this.#family = family;
    this.#rows = rows;
  }

  next(): boolean {
    const row = this.#rows[this.#next++];
    if (row === undefined) return false;
    this.keyLength = this.#family.takeKey(row[0]);
    this.valueLength = this.#family.takeValue(row[1]);
    return true;
  }

  close(): void {
    this.#next = this.#rows.length;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function textOf(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i] as number);
  return text;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
