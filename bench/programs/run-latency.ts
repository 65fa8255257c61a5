/**
 * The child process of one latency run. Prints one JSON line.
 *
 *     node run-latency.ts <module> <rate> <buffer timeout ms> <parallelism> <warm seconds> <measured seconds>
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { executeJobModule } from '../../src/index.ts';
import { LatencyHistogram } from '../../src/metrics/latency-histogram.ts';
import { reportFile } from '../jobs/latency.ts';
import { cpuSeconds, residentMiB } from '../support/process-figures.ts';

const [module = '', rate = '', timeoutMs = '', parallelism = '2', warm = '6', seconds = '15'] =
  process.argv.slice(2);
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
    args: [`rate=${rate}`, `warm=${warm}`, `seconds=${seconds}`, `report=${folder}`],
    configuration: { 'execution.buffer-timeout.interval': `${timeoutMs} ms` },
  });
  const failed = job.getJobExecutionResult();
  failed.catch(() => undefined);
  while (job.metrics().numRecordsInTotal === 0) await Promise.race([sleep(1), failed]);
  await sleep(Number(warm) * 1000);
  const before = {
    cpu: cpuSeconds(),
    records: job.metrics().numRecordsInTotal,
    at: performance.now(),
  };
  await Promise.race([sleep(Number(seconds) * 1000), failed]);
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
  };
}

function readReport(subtask: number): LatencyHistogram {
  const cells = JSON.parse(readFileSync(reportFile(folder, subtask), 'utf8')) as number[];
  return new LatencyHistogram(Float64Array.from(cells));
}
