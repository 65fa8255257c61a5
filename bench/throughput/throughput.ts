/**
 * passthrough, windowsum, wordcount: records per second through two workers, each run in a fresh
 * process.
 */
import type { ThroughputJob } from '../jobs/throughput.ts';
import type { Bench, BenchResult, Figures } from '../support/bench.ts';
import { mediansOf } from '../support/bench.ts';
import { runModule } from '../support/child.ts';
import { settingConfig, type StateSetting, withState } from '../support/state-setting.ts';
import type { ThroughputFigures } from '../support/throughput-figures.ts';
import { throughputVariants } from './variants.ts';

const PARALLELISM = 2;
const RUNS = 5;
const CHECKED_EVENTS = 2_000_000;

const RUNNER = new URL('../programs/run-throughput.ts', import.meta.url);

/** One bench per job and way to keep its state. */
export const throughputBenches: readonly Bench[] = throughputVariants.map(
  ({ name, job, events: usual, state }) => ({
    name,
    run: async function* ({ quick }): AsyncIterable<BenchResult> {
      await checkResults(job, state);
      const events = quick ? job.quickEvents : usual;
      const each: Figures[] = [];
      for (let run = 0; run < (quick ? 1 : RUNS); run++) {
        each.push(await runOurs(job, events, state));
      }
      const config = {
        executor: 'workers',
        parallelism: PARALLELISM,
        events,
        keys: job.keys,
        ...(state === undefined ? {} : settingConfig(state)),
      };
      yield { bench: name, config, runs: each.length, medians: mediansOf(each), each };
    },
  }),
);

/** One run of ours. */
export function runOurs(
  job: ThroughputJob,
  events: number,
  state?: StateSetting,
): Promise<ThroughputFigures> {
  return withState(state, (options) =>
    runModule(RUNNER, [job.name, events, job.keys, PARALLELISM, ...options]),
  );
}

/** A run whose results are compared with those of a plain computation; throws if they differ. */
export async function checkResults(job: ThroughputJob, state?: StateSetting): Promise<void> {
  await withState(state, (options) =>
    runModule(RUNNER, [job.name, CHECKED_EVENTS, job.keys, PARALLELISM, 'check=yes', ...options]),
  );
}
