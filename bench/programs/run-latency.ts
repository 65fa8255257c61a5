/**
 * The child process of one latency run. Prints one JSON line.
 *
 *     node run-latency.ts <module> <rate> <buffer timeout ms> <parallelism> <warm seconds> <measured seconds>
 *       [job argument or option …]
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { executeJobModule } from '../../src/index.ts';
import { LatencyHistogram } from '../../src/metrics/latency-histogram.ts';
import { reportFile } from '../jobs/latency.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { cpuSeconds, residentMiB } from '../support/process-figures.ts';
import { jobOptions } from '../support/program-arguments.ts';

const [
  module = '',
  rate = '',
  timeoutMs = '',
  parallelism = '2',
  warm = '6',
  seconds = '15',
  ...rest
] = process.argv.slice(2);
const { args, configuration } = jobOptions(rest);
/** Records that fill the state before any is due. */
const fill = Number(args.find((arg) => arg.startsWith('fill='))?.slice('fill='.length) ?? 0);
/** A job remembers its last ten checkpoints. */
const LOOK_MS = 500;
const folder = mkdtempSync(join(tmpdir(), 'millrace-latency-'));
try {
  console.log(JSON.stringify(await measure()));
} finally {
  rmSync(folder, { recursive: true });
}

async function measure(): Promise<Record<string, number>> {
  await using job = await executeJobModule(module, {
    executor: 'workers',
    parallelism: Number(parallelism),
    args: [`rate=${rate}`, `warm=${warm}`, `seconds=${seconds}`, `report=${folder}`, ...args],
    configuration: {
      'execution.buffer-timeout.interval': `${timeoutMs} ms`,
      ...configuration,
    },
  });
  const failed = job.getJobExecutionResult();
  failed.catch(() => undefined);
  const checkpoints = new CheckpointLog(job);
  while (job.metrics().numRecordsInTotal <= fill) await Promise.race([sleep(1), failed]);
  await sleep(Number(warm) * 1000);
  const fromMs = Date.now();
  const before = {
    cpu: cpuSeconds(),
    records: job.metrics().numRecordsInTotal,
    at: performance.now(),
  };
  const endMs = before.at + Number(seconds) * 1000;
  while (performance.now() < endMs) {
    await Promise.race([sleep(Math.min(LOOK_MS, endMs - performance.now())), failed]);
    checkpoints.look();
  }
  const elapsed = (performance.now() - before.at) / 1000;
  const cores = (cpuSeconds() - before.cpu) / elapsed;
  const perSecond = (job.metrics().numRecordsInTotal - before.records) / elapsed;
  const rssMiB = residentMiB();
  // The sinks go on until their own 15 s are over, and write when they are closed.
  await sleep(200);
  await job.cancel();
  const all = new LatencyHistogram();
  for (let subtask = 0; subtask < Number(parallelism); subtask++) all.add(readReport(subtask));
  return {
    perSecond,
    p50Ms: all.percentileMs(0.5),
    p90Ms: all.percentileMs(0.9),
    p99Ms: all.percentileMs(0.99),
    p999Ms: all.percentileMs(0.999),
    maxMs: all.maxMs,
    cores,
    rssMiB,
    ...('execution.checkpointing.interval' in configuration ? checkpoints.figures(fromMs) : {}),
  };
}

function readReport(subtask: number): LatencyHistogram {
  const cells = JSON.parse(readFileSync(reportFile(folder, subtask), 'utf8')) as number[];
  return new LatencyHistogram(Float64Array.from(cells));
}
