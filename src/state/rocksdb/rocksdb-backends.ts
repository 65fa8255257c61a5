/**
 * The backend `rocksdb` of one worker: a database per operator's subtask, as in Flink, in one
 * folder, with one memory setting.
 *
 * Invariants:
 * 1. Of the worker's memory {@link HOT_SHARE} is for hot tables, the rest for the databases' cached
 *    blocks and unflushed writes, which are one pool of the whole process.
 * 2. The binding is loaded when the worker starts: that it is missing is told then, and not when
 *    memory has run out.
 * 3. Simulations use the model of the store, which lives in their file system.
 */
import type { Environment } from '../../base/environment.ts';
import type {
  KeyedStateBackends,
  OperatorBackendOptions,
  WorkerBackendOptions,
} from '../backend-registry.ts';
import type { KeyedStateBackend } from '../keyed-state-backend.ts';
import { harperStoreFactory } from './harper-store.ts';
import type { KeyValueStoreFactory } from './key-value-store.ts';
import { modelStoreFactory } from './model-store.ts';
import { nativeBinding } from './native-binding.ts';
import { RocksDBBackend } from './rocksdb-backend.ts';
import { StateDatabase } from './state-database.ts';

const HOT_SHARE = 0.6;

/**
 * The factory to register under the name `rocksdb`.
 *
 * @throws STATE_BACKEND_UNAVAILABLE if there is no binding for this machine
 */
export function rocksdbBackends(options: WorkerBackendOptions): KeyedStateBackends {
  return new RocksDBBackends(options);
}

class RocksDBBackends implements KeyedStateBackends {
  readonly #options: WorkerBackendOptions;
  readonly #factory: KeyValueStoreFactory;
  #folder: string | undefined;
  readonly #databases: StateDatabase[] = [];

  constructor(options: WorkerBackendOptions) {
    this.#options = options;
    this.#factory = factoryFor(options.environment);
  }

  backend(wanted: OperatorBackendOptions): KeyedStateBackend {
    const { environment, memoryBytes, workers = 1 } = this.#options;
    const database = new StateDatabase({
      factory: this.#factory,
      fileSystem: environment.fileSystem,
      folder: `${this.#worker()}/${this.#databases.length}-${wanted.subtask}`,
      memoryBytes: Math.floor(memoryBytes * (1 - HOT_SHARE) * workers),
    });
    this.#databases.push(database);
    return new RocksDBBackend({
      maxParallelism: wanted.maxParallelism,
      keyGroups: wanted.keyGroups,
      operatorName: wanted.operatorName,
      isTracking: wanted.isTracking,
      environment,
      memoryBytes: Math.floor(memoryBytes * HOT_SHARE * wanted.shareOfMemory),
      database,
    });
  }

  [Symbol.dispose](): void {
    for (const database of this.#databases) database[Symbol.dispose]();
    if (this.#folder !== undefined) this.#options.environment.fileSystem.remove(this.#folder);
    this.#folder = undefined;
  }

  /** The worker's folder: its own, whoever else uses the place. */
  #worker(): string {
    if (this.#folder !== undefined) return this.#folder;
    const { environment, localDirectory, workerIndex } = this.#options;
    const { fileSystem, random } = environment;
    if (localDirectory === undefined) {
      this.#folder = fileSystem.makeTemporaryDirectory('millrace-rocksdb-');
    } else {
      const unique = `${random.below(2 ** 32).toString(36)}${random.below(2 ** 32).toString(36)}`;
      this.#folder = `${fileSystem.resolve(localDirectory)}/worker-${workerIndex}-${unique}`;
      fileSystem.makeDirectory(this.#folder);
    }
    return this.#folder;
  }
}

function factoryFor({ kind, fileSystem }: Environment): KeyValueStoreFactory {
  if (kind === 'simulated') return modelStoreFactory(fileSystem);
  nativeBinding();
  return harperStoreFactory(fileSystem);
}
