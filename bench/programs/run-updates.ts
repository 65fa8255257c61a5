/**
 * The child process of one run of the update job: fills it, then measures updates for a while.
 * Prints one JSON line.
 *
 *     node run-updates.ts <module> <parallelism> <keys> <warm seconds> <measured seconds> [job argument or option …]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { executeJobModule } from '../../src/index.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { cpuSeconds, peakResidentMiB, residentMiB } from '../support/process-figures.ts';
import { jobOptions } from '../support/program-arguments.ts';

const LOOK_MS = 500;

const [module = '', parallelism = '2', keys = '0', warm = '10', seconds = '30', ...rest] =
  process.argv.slice(2);
const { args, configuration } = jobOptions(rest);

await using job = await executeJobModule(module, {
  executor: 'workers',
  parallelism: Number(parallelism),
  args: [`keys=${keys}`, ...args],
  configuration,
});
const checkpoints = new CheckpointLog(job);
const failed = job.getJobExecutionResult();
failed.catch(() => undefined);

while (emitted() === 0) await Promise.race([sleep(1), failed]);
const startMs = performance.now();
const startCpu = cpuSeconds();
while (emitted() < Number(keys)) await Promise.race([sleep(10), failed]);
const fillSeconds = (performance.now() - startMs) / 1000;
const fillCpu = cpuSeconds() - startCpu;
const fillPeakRssMiB = peakResidentMiB();
await watch(Number(warm));
const before = {
  atMs: performance.now(),
  epochMs: Date.now(),
  records: emitted(),
  cpu: cpuSeconds(),
};
const mostRssMiB = await watch(Number(seconds));
const measuredSeconds = (performance.now() - before.atMs) / 1000;
const updates = emitted() - before.records;
const cpu = cpuSeconds() - before.cpu;
const figures = {
  fillSeconds,
  fillPerSecond: Number(keys) / fillSeconds,
  fillCpuNanosPerRecord: (fillCpu * 1e9) / Number(keys),
  fillPeakRssMiB,
  updates,
  seconds: measuredSeconds,
  perSecond: updates / measuredSeconds,
  cores: cpu / measuredSeconds,
  cpuNanosPerUpdate: (cpu * 1e9) / updates,
  rssMiB: mostRssMiB,
  peakRssMiB: peakResidentMiB(),
  ...checkpoints.figures(before.epochMs),
};
await job.cancel();
console.log(JSON.stringify(figures));

/** Waits, and gives the most that was resident meanwhile. */
async function watch(duration: number): Promise<number> {
  const endMs = performance.now() + duration * 1000;
  let rssMiB = 0;
  while (performance.now() < endMs) {
    await Promise.race([sleep(Math.min(LOOK_MS, endMs - performance.now())), failed]);
    rssMiB = Math.max(rssMiB, residentMiB());
    checkpoints.look();
  }
  return rssMiB;
}

function emitted(): number {
  return job.metrics().numRecordsInTotal;
}
