/**
 * Random programs on machines whose processes die and whose disks fail: their results are those of
 * a run in which nothing goes wrong. A failure names its seed and the command that repeats it.
 */
import test from 'ava';
import { soakFactor } from '../soak-factor.ts';
import { simulateSeed } from './simulated-seed.ts';

const SEEDS = Math.round(200 * soakFactor);
const GROUPS = 4;

for (let group = 0; group < GROUPS; group++) {
  test(`results survive crashes and failing disks: seeds ≡ ${group} modulo ${GROUPS}`, async (t) => {
    t.timeout(120_000 * Math.max(1, soakFactor));
    const startMs = performance.now();
    const total = { seconds: 0, records: 0, checkpoints: 0, crashes: 0, faults: 0, restores: 0 };
    for (let seed = group; seed < SEEDS; seed += GROUPS) {
      const report = await simulateSeed(seed);
      const { EIO = 0, ENOSPC = 0 } = report.faults;
      total.seconds += report.virtualSeconds;
      total.records += report.records;
      total.checkpoints += report.checkpoints.completed;
      total.crashes += report.crashes;
      total.faults += EIO + ENOSPC;
      total.restores += report.restores;
    }
    const realSeconds = (performance.now() - startMs) / 1000;
    t.log(JSON.stringify({ ...total, simulatedPerRealSecond: total.seconds / realSeconds }));
    t.true(total.crashes > 0, 'no process has died');
    t.true(total.restores > 0, 'nothing was restored');
    t.true(total.checkpoints >= total.seconds / 10, 'hardly any checkpoints');
  });
}
