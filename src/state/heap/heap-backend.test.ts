import { simulatedEnvironment } from '../../base/simulated-environment.ts';
import { testBackendContract } from '../testing/backend-contract.ts';
import { MAX_PARALLELISM } from '../testing/backend-model.ts';
import { MemorySnapshots } from '../testing/memory-snapshots.ts';
import { heapBackend } from './heap-backend.ts';

testBackendContract('heap', {
  make: (keyGroups) =>
    heapBackend({
      maxParallelism: MAX_PARALLELISM,
      keyGroups,
      operatorName: 'operator',
      environment: simulatedEnvironment({ seed: 1 }),
      memoryBytes: 1 << 20,
    }),
  storage: () => new MemorySnapshots(),
});
