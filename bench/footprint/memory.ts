/** Resident memory of a small job on two workers: without input, and at 100 000 events a second. */
import type { Bench, BenchResult } from '../support/bench.ts';
import { watch } from './watched.ts';

const RUNS = 5;

/** See the file's head. */
export const memoryBench: Bench = {
  name: 'memory',
  run: async function* ({ quick }): AsyncIterable<BenchResult> {
    const common = {
      bench: 'memory',
      settleSeconds: 5,
      watchedSeconds: quick ? 5 : 20,
      runs: quick ? 1 : RUNS,
    };
    yield await watch({ ...common, job: 'silent', args: [] });
    yield await watch({ ...common, job: 'latency', args: ['rate=100000'] });
  },
};
