/**
 * The database of one backend: opened with the first row that goes there or with the files of a
 * checkpoint, and its checkpoints.
 *
 * Invariants:
 * 1. Its folder belongs to this object alone and goes with it.
 * 2. While a checkpoint is being made nothing is written ({@link StateDatabase.isBusy}).
 */
import type { FileSystem } from '../../base/environment.ts';
import type { SnapshotInput } from '../snapshot.ts';
import type { ColumnFamily, KeyValueStore, KeyValueStoreFactory } from './key-value-store.ts';
import type { StoreFile } from './store-chain.ts';

/** The one family with the rows. */
export const COLUMN_FAMILY = 'state';

/** What a {@link StateDatabase} is made with. */
export interface StateDatabaseOptions {
  readonly factory: KeyValueStoreFactory;
  readonly fileSystem: FileSystem;
  /** A folder of its own; made when it is needed. */
  readonly folder: string;
  readonly memoryBytes: number;
}

/** A finished checkpoint of the database, in a folder of its own until it is released. */
export interface DatabaseCheckpoint {
  readonly folder: string;
  readonly names: readonly string[];
}

/** See the file's head. */
export class StateDatabase implements Disposable {
  readonly #options: StateDatabaseOptions;
  #store: KeyValueStore | undefined;
  #checkpoints = 0;
  #pending: Promise<unknown> | undefined;
  #isDisposed = false;

  constructor(options: StateDatabaseOptions) {
    this.#options = options;
  }

  /** Whether a checkpoint is being made. */
  get isBusy(): boolean {
    return this.#pending !== undefined;
  }

  /** The rows; opens the database if it is not open. */
  family(): ColumnFamily {
    this.#store ??= this.#open(`${this.#options.folder}/db`, false);
    return this.#store.columnFamily(COLUMN_FAMILY);
  }

  get fileBytes(): number {
    return this.#store?.statistics().fileBytes ?? 0;
  }

  /** Takes over the files of a checkpoint; the database must not be open. */
  link(files: readonly StoreFile[], input: SnapshotInput): void {
    this.#materialize(files, input, `${this.#options.folder}/db`);
  }

  /** Opens files of some checkpoint beside the database, to read them. */
  openSource(files: readonly StoreFile[], input: SnapshotInput): KeyValueStore {
    const folder = this.#nextFolder('source');
    this.#materialize(files, input, folder);
    return this.#open(folder, true);
  }

  /** Opens a checkpoint of the database beside it, to read it. */
  openCheckpoint({ folder }: DatabaseCheckpoint): KeyValueStore {
    return this.#open(folder, true);
  }

  /**
   * As of the call: nothing is written until it resolves, but for what `prepare` writes. If one is
   * being made already, this one comes after it.
   */
  async checkpoint(prepare: () => void): Promise<DatabaseCheckpoint> {
    this.family();
    const folder = this.#nextFolder('checkpoint');
    const pending = this.#checkpointAfter(this.#pending, folder, prepare);
    this.#pending = pending;
    try {
      return { folder, names: await pending };
    } finally {
      if (this.#pending === pending) this.#pending = undefined;
      if (this.#isDisposed && this.#pending === undefined) this.#remove();
    }
  }

  /** Removes what a checkpoint or source has left here. */
  release(folder: string): void {
    this.#options.fileSystem.remove(folder);
  }

  [Symbol.dispose](): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#store?.close();
    // The store's own thread may still be writing there.
    if (this.#pending === undefined) this.#remove();
  }

  async #checkpointAfter(
    earlier: Promise<unknown> | undefined,
    folder: string,
    prepare: () => void,
  ): Promise<readonly string[]> {
    // Whether the earlier one fails is no concern of this one.
    if (earlier !== undefined) await earlier.catch(() => undefined);
    prepare();
    return (this.#store as KeyValueStore).checkpoint(folder);
  }

  #remove(): void {
    this.#options.fileSystem.remove(this.#options.folder);
  }

  #open(folder: string, isSource: boolean): KeyValueStore {
    const { factory, memoryBytes } = this.#options;
    return factory.open({ folder, memoryBytes, isSource });
  }

  #nextFolder(kind: string): string {
    const { fileSystem, folder } = this.#options;
    fileSystem.makeDirectory(folder);
    return `${folder}/${kind}-${++this.#checkpoints}`;
  }

  #materialize(files: readonly StoreFile[], input: SnapshotInput, folder: string): void {
    this.#options.fileSystem.makeDirectory(folder);
    for (const { name, file } of files) input.materialize(file, `${folder}/${name}`);
  }
}
