/** `npm run bench -- versus-flink <name|all>`: both engines on this machine, by turns. */
import { throughputJobs } from '../jobs/throughput.ts';
import { buildHarness, HARNESS_VARIABLE, harnessFolder } from './harness.ts';
import { raceLatency } from './latency-race.ts';
import { type RaceOptions, raceThroughput } from './throughput-race.ts';

/** Races the job of that name, or all; returns the exit code. */
export async function versusFlink(name: string, options: RaceOptions): Promise<number> {
  const jobs = throughputJobs.filter((job) => name === 'all' || job.name === name);
  const withLatency = name === 'all' || name === 'latency';
  if (jobs.length === 0 && !withLatency) return complain(`there is no race '${name}'`);
  if (!Number.isInteger(options.pairs) || options.pairs < 1) {
    return complain(`--pairs is ${options.pairs}: give a whole number from 1`);
  }
  const folder = harnessFolder();
  if (folder === undefined) {
    return complain(
      'the Flink harness is missing: it is expected in ../shared/flink-harness beside the ' +
        `repository, or in the folder that ${HARNESS_VARIABLE} names`,
    );
  }
  const harness = await buildHarness(folder);
  let isComplete = true;
  for (const job of jobs) {
    if (!(await raceThroughput(job, harness, options))) isComplete = false;
  }
  if (withLatency) await raceLatency(harness, options);
  return isComplete ? 0 : 1;
}

function complain(message: string): number {
  process.stderr.write(`${message}\n`);
  return 1;
}
