/**
 * Files of checkpoints are damaged while no process runs: the damage is found, and the job goes on
 * from an older checkpoint or stops and names the file. It never goes on with wrong state, and
 * never starts empty: no result is wrong, none is lost.
 */
import test from 'ava';
import { simulate } from '../../src/testing/index.ts';
import { soakFactor } from '../soak-factor.ts';
import { programOf } from './simulated-seed.ts';
import { buildProgram } from './random-program.ts';

const SEEDS = Math.round(120 * soakFactor);

test('damage of checkpoints is found: results may come twice, but none is wrong and none is lost', async (t) => {
  t.timeout(120_000 * Math.max(1, soakFactor));
  const kinds = new Set<string>();
  let damages = 0;
  let stopped = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    const program = programOf(seed);
    const report = await simulate((env) => buildProgram(env, program), {
      seed,
      parallelism: 1 + (seed % 2),
      checkpointIntervalMs: 250,
      faults: { crashesPerSecond: 0.5 },
      damage: 0.8,
      checksPurity: false,
    });
    damages += report.damages.length;
    if (report.stoppedBy !== undefined) stopped++;
    for (const damage of report.damages) kinds.add(damage.split(':')[0] ?? '');
  }
  t.log(`${damages} files damaged, ${stopped} jobs stopped`);
  t.true(damages > SEEDS / 2);
  t.deepEqual(kinds.size, 5);
  t.true(stopped > 0 && stopped < damages, 'some go on from an older checkpoint, some stop');
});
