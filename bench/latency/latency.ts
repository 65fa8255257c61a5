/**
 * Keyed count at 100 000 events a second: from the time a record was due to its key's count behind
 * the shuffle.
 */
import type { Bench, BenchResult, Figures } from '../support/bench.ts';
import { mediansOf } from '../support/bench.ts';
import { runModule } from '../support/child.ts';

const RUNS = 5;
const RATE = 100_000;
const PARALLELISM = 2;
/** The time-outs that are measured. */
export const BUFFER_TIMEOUTS_MS: readonly number[] = [0, 1];

const RUNNER = new URL('../programs/run-latency.ts', import.meta.url);
const JOB = new URL('../jobs/latency.ts', import.meta.url);

/** How long a run warms up and measures. */
export interface LatencySeconds {
  readonly warm: number;
  readonly measured: number;
}

/** The usual times, and those of a quick run. */
export function latencySeconds(quick: boolean): LatencySeconds {
  return quick ? { warm: 2, measured: 3 } : { warm: 8, measured: 15 };
}

/** See the file's head. */
export const latencyBench: Bench = {
  name: 'latency',
  run: async function* ({ quick }): AsyncIterable<BenchResult> {
    for (const timeoutMs of BUFFER_TIMEOUTS_MS) {
      const each: Figures[] = [];
      for (let run = 0; run < (quick ? 1 : RUNS); run++) {
        each.push(await runLatency(timeoutMs, latencySeconds(quick)));
      }
      yield {
        bench: 'latency',
        config: latencyConfig(timeoutMs),
        runs: each.length,
        medians: mediansOf(each),
        each,
      };
    }
  },
};

/** What is the same for both engines. */
export function latencyConfig(bufferTimeoutMs: number): Record<string, number> {
  return { ratePerSecond: RATE, bufferTimeoutMs, parallelism: PARALLELISM, keys: 10_000 };
}

/** One run of ours. */
export function runLatency(
  timeoutMs: number,
  { warm, measured }: LatencySeconds,
): Promise<Figures> {
  return runModule(RUNNER, [JOB.href, RATE, timeoutMs, PARALLELISM, warm, measured]);
}
