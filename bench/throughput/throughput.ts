/** passthrough, windowsum, wordcount: records per second through two workers, each run in a fresh process. */
import { type ThroughputJob, throughputJobs } from '../jobs/throughput.ts';
import type { Bench, BenchResult, Figures } from '../support/bench.ts';
import { mediansOf } from '../support/bench.ts';
import { runModule } from '../support/child.ts';
import type { ThroughputFigures } from '../support/throughput-figures.ts';

const PARALLELISM = 2;
const RUNS = 5;
const CHECKED_EVENTS = 2_000_000;

const RUNNER = new URL('../programs/run-throughput.ts', import.meta.url);

/** One bench per job. */
export const throughputBenches: readonly Bench[] = throughputJobs.map((job) => ({
  name: job.name,
  run: async function* ({ quick }): AsyncIterable<BenchResult> {
    await checkResults(job);
    const events = quick ? job.quickEvents : job.events;
    const each: Figures[] = [];
    for (let run = 0; run < (quick ? 1 : RUNS); run++)
      each.push({ ...(await runOurs(job, events)) });
    const config = { executor: 'workers', parallelism: PARALLELISM, events, keys: job.keys };
    yield { bench: job.name, config, runs: each.length, medians: mediansOf(each), each };
  },
}));

/** One run of ours. */
export function runOurs(job: ThroughputJob, events: number): Promise<ThroughputFigures> {
  return runModule(RUNNER, [job.name, events, job.keys, PARALLELISM]);
}

/** A run whose results are compared with those of a plain computation; throws if they differ. */
export async function checkResults(job: ThroughputJob): Promise<void> {
  await runModule(RUNNER, [job.name, CHECKED_EVENTS, job.keys, PARALLELISM, 'check=yes']);
}
