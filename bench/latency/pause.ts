/**
 * The longest time for which a task held its worker while windows of 10 M keys are built and fired.
 */
import type { Bench, BenchResult, Figures } from '../support/bench.ts';
import { mediansOf } from '../support/bench.ts';
import { runModule } from '../support/child.ts';

const RUNS = 5;
const WINDOWS = 2;
const PARALLELISM = 2;

const RUNNER = new URL('../programs/run-pause.ts', import.meta.url);
const JOB = new URL('../jobs/pause.ts', import.meta.url);

/** See the file's head. */
export const pauseBench: Bench = {
  name: 'pause',
  run: async function* ({ quick }): AsyncIterable<BenchResult> {
    const keys = quick ? 1_000_000 : 10_000_000;
    const each: Figures[] = [];
    for (let run = 0; run < (quick ? 1 : RUNS); run++) {
      each.push(await runModule<Figures>(RUNNER, [JOB.href, keys, WINDOWS, PARALLELISM]));
    }
    const config = { keys, windows: WINDOWS, parallelism: PARALLELISM };
    yield { bench: 'pause', config, runs: each.length, medians: mediansOf(each), each };
  },
};
