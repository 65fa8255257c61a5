/** From the start of a process to its first result, from built JavaScript. */
import { fileURLToPath } from 'node:url';
import type { Bench, BenchResult, Figures } from '../support/bench.ts';
import { mediansOf } from '../support/bench.ts';
import { builtModule } from '../support/built.ts';
import { runChild } from '../support/child.ts';

const RUNS = 15;

/** See the file's head. */
export const startupBench: Bench = {
  name: 'startup',
  run: async function* ({ quick }): AsyncIterable<BenchResult> {
    const runs = quick ? 3 : RUNS;
    const job = (await builtModule('programs/first-result-job.ts')).href;
    yield await startup('node alone', 'programs/first-result-node.ts', [], runs);
    yield await startup('inline', 'programs/first-result-inline.ts', [], runs);
    yield await startup('2 workers', 'programs/first-result-workers.ts', [job], runs);
  },
};

async function startup(
  program: string,
  path: string,
  args: readonly string[],
  runs: number,
): Promise<BenchResult> {
  const file = fileURLToPath(await builtModule(path));
  const each: Figures[] = [];
  // The first run fills the file cache and does not count.
  for (let run = -1; run < runs; run++) {
    const { firstOutputMs } = await runChild(process.execPath, [file, ...args]);
    if (run >= 0) each.push({ firstResultMs: firstOutputMs });
  }
  return { bench: 'startup', config: { program }, runs, medians: mediansOf(each), each };
}
