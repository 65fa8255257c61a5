/** The CPU share of a job without input, for 60 s. */
import type { Bench, BenchResult } from '../support/bench.ts';
import { watch } from './watched.ts';

const RUNS = 5;

/** See the file's head. */
export const idleBench: Bench = {
  name: 'idle',
  run: async function* ({ quick }): AsyncIterable<BenchResult> {
    yield await watch({
      bench: 'idle',
      job: 'silent',
      args: [],
      settleSeconds: 5,
      watchedSeconds: quick ? 5 : 60,
      runs: quick ? 1 : RUNS,
    });
  },
};
