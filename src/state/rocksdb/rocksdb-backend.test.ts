import { memoryFileSystem } from '../../base/memory-file-system.ts';
import type { Environment, FileSystem } from '../../base/environment.ts';
import { realEnvironment } from '../../base/real-environment.ts';
import { testBackendContract } from '../testing/backend-contract.test-kit.ts';
import { MAX_PARALLELISM } from '../testing/backend-model.ts';
import type { BackendUnderTest } from '../testing/backend-model.ts';
import { harperStoreFactory } from './harper-store.ts';
import type { KeyValueStoreFactory } from './key-value-store.ts';
import { modelStoreFactory } from './model-store.ts';
import { RocksDBBackend } from './rocksdb-backend.ts';
import { StateDatabase } from './state-database.ts';
import { FileSnapshots } from './testing/file-snapshots.ts';

const real = realEnvironment();

interface Place {
  readonly fileSystem: FileSystem;
  readonly factory: KeyValueStoreFactory;
  readonly folder: string;
}

/** A backend of which almost nothing stays in memory. */
function underTest(place: () => Place, memoryBytes: number): BackendUnderTest {
  let at = place();
  let next = 0;
  return {
    make: (keyGroups) =>
      new RocksDBBackend({
        maxParallelism: MAX_PARALLELISM,
        keyGroups,
        operatorName: 'operator',
        environment: { ...(real as Environment), fileSystem: at.fileSystem },
        memoryBytes,
        database: new StateDatabase({
          factory: at.factory,
          fileSystem: at.fileSystem,
          folder: `${at.folder}/backend-${next++}`,
          memoryBytes: 1 << 20,
        }),
      }),
    storage: () => {
      at = place();
      return new FileSnapshots(at.fileSystem, `${at.folder}/snapshots`);
    },
    inPassing: (backend) => (backend as RocksDBBackend).maintain(1),
  };
}

function inMemory(): Place {
  const fileSystem = memoryFileSystem({ now: () => 0 });
  return { fileSystem, factory: modelStoreFactory(fileSystem), folder: '/home' };
}

testBackendContract('model store, no memory', underTest(inMemory, 0), 150);
testBackendContract('model store, some memory', underTest(inMemory, 600), 150);
testBackendContract('model store, all in memory', underTest(inMemory, 1 << 20), 50);

function onDisk(): Place {
  const folder = real.fileSystem.makeTemporaryDirectory('millrace-backend-');
  return { fileSystem: real.fileSystem, factory: harperStoreFactory(real.fileSystem), folder };
}

testBackendContract('native store, some memory', underTest(onDisk, 600), 5);
