/**
 * The random programs with next to no memory for state, so that it lies in the store below:
 * processes die, writes fail, and results are those of a run in which nothing goes wrong.
 */
import test from 'ava';
import { registerStateBackend } from '../../src/state/backend-registry.ts';
import { rocksdbBackends } from '../../src/state/rocksdb/rocksdb-backends.ts';
import { soakFactor } from '../soak-factor.ts';
import { simulateSeed } from './simulated-seed.ts';

const SEEDS = Math.round(15 * soakFactor);
const FIRST_SEED = 10_000;
const MEMORY = ['500b', '8kb', '1mb'] as const;

/**
 * No errors of opening and reading: while checkpoints are verified they count as damage, which is
 * another matter.
 */
const FAULTS = {
  crashAtFaultPoint: 0.01,
  crashAtFileOperation: 0.001,
  crashesPerSecond: 0.1,
  tornCrash: 0.5,
  writeError: 0.003,
  noSpace: 0.002,
  syncError: 0.003,
  faultsMax: 8,
};

registerStateBackend('rocksdb', rocksdbBackends);

test('state below memory survives crashes and failing disks', async (t) => {
  t.timeout(120_000 * Math.max(1, soakFactor));
  let restores = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const report = await simulateSeed(seed, {
      configuration: {
        'state.backend.type': 'rocksdb',
        'taskmanager.memory.managed.size': MEMORY[seed % MEMORY.length] as string,
      },
      faults: FAULTS,
    });
    restores += report.restores;
  }
  t.true(restores > 0, 'nothing was restored');
});
