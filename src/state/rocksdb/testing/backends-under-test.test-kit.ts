/** Two-level backends over the model of the store, in memory, and over the native one, on disk. */
import type { Environment, FileSystem } from '../../../base/environment.ts';
import { memoryFileSystem } from '../../../base/memory-file-system.ts';
import { realEnvironment } from '../../../base/real-environment.ts';
import type { IndexRange } from '../../key-groups.ts';
import { harperStoreFactory } from '../harper-store.ts';
import type { KeyValueStoreFactory } from '../key-value-store.ts';
import { modelStoreFactory } from '../model-store.ts';
import { RocksDBBackend } from '../rocksdb-backend.ts';
import { StateDatabase } from '../state-database.ts';
import { FileSnapshots } from './file-snapshots.test-kit.ts';

const real = realEnvironment();

/** Where a test's databases and snapshots lie. */
export interface TestPlace {
  readonly environment: Environment;
  readonly fileSystem: FileSystem;
  readonly factory: KeyValueStoreFactory;
  readonly folder: string;
}

/** With the model of the store. */
export function placeInMemory(): TestPlace {
  const fileSystem = memoryFileSystem({ now: () => 0 });
  const environment = { ...real, fileSystem };
  return { environment, fileSystem, factory: modelStoreFactory(fileSystem), folder: '/home' };
}

/** With RocksDB. */
export function placeOnDisk(): TestPlace {
  const { fileSystem } = real;
  const folder = fileSystem.makeTemporaryDirectory('millrace-backend-');
  return { environment: real, fileSystem, factory: harperStoreFactory(fileSystem), folder };
}

/** Backends in one place. */
export class TestBackends {
  readonly place: TestPlace;
  readonly storage: FileSnapshots;
  readonly #memoryBytes: number;
  readonly #maxParallelism: number;
  readonly #made: RocksDBBackend[] = [];

  constructor(place: TestPlace, memoryBytes: number, maxParallelism: number) {
    this.place = place;
    this.storage = new FileSnapshots(place.fileSystem, `${place.folder}/snapshots`);
    this.#memoryBytes = memoryBytes;
    this.#maxParallelism = maxParallelism;
  }

  make(keyGroups: IndexRange): RocksDBBackend {
    const { environment, fileSystem, factory, folder } = this.place;
    const backend = new RocksDBBackend({
      maxParallelism: this.#maxParallelism,
      keyGroups,
      operatorName: 'operator',
      environment,
      memoryBytes: this.#memoryBytes,
      database: new StateDatabase({
        factory,
        fileSystem,
        folder: `${folder}/backend-${this.#made.length}`,
        memoryBytes: 4 << 20,
      }),
    });
    this.#made.push(backend);
    return backend;
  }

  /** Disposes all backends and removes what they have written. */
  remove(): void {
    for (const backend of this.#made) backend[Symbol.dispose]();
    this.place.fileSystem.remove(this.place.folder);
  }
}
