/**
 * Runs seeds of the simulation, one or many: `npm run sim -- --seed 123`, `npm run sim -- --seed
 * 1000 --count 500`. The first seed whose results are wrong ends it, with exit code 1; with
 * `--keep-going` the others run, too. `--program` shows what runs.
 */
import { parseArgs } from 'node:util';
import { programOf, simulateSeed } from './simulated-seed.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '0' },
    count: { type: 'string', default: '1' },
    'keep-going': { type: 'boolean', default: false },
    program: { type: 'boolean', default: false },
  },
});

const first = Number(values.seed);
for (let seed = first; seed < first + Number(values.count); seed++) {
  if (values.program) console.log(JSON.stringify({ ...programOf(seed), rows: undefined }));
  const startMs = performance.now();
  try {
    const report = await simulateSeed(seed);
    const realMs = Math.round(performance.now() - startMs);
    console.log(JSON.stringify({ ...report, realMs }));
  } catch (error) {
    console.error(error instanceof Error ? error.stack : error);
    process.exitCode = 1;
    if (!values['keep-going']) break;
  }
}
