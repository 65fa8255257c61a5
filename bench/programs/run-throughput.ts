/**
 * The child process of one throughput run, timed as the Flink harness's `Timing.java` does: from the source's first record
 * to the job's end; steady is the part after {@link WARM_SECONDS}. Prints one JSON line.
 *
 *     node run-throughput.ts <job> <events> <keys> <parallelism> [check=yes] [key=value configuration …]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RECORDS_COUNTER } from '../../src/connectors/blackhole/blackhole-sink.ts';
import { executeJobModule, type JobClient, type JobMetrics } from '../../src/index.ts';
import { CHECK_COUNTERS } from '../jobs/discard.ts';
import { FIRST_RECORD_MICROS } from '../jobs/numbered-source.ts';
import { type ThroughputJob, throughputJob } from '../jobs/throughput.ts';
import { cpuSeconds, peakResidentMiB } from '../support/process-figures.ts';
import { sharedNowMs } from '../support/shared-clock.ts';
import type { ThroughputFigures } from '../support/throughput-figures.ts';

const WARM_SECONDS = 5;
const POLL_MS = 5;

const [name = '', events = '0', keys = '0', parallelism = '2', ...rest] = process.argv.slice(2);
const job = throughputJob(name);
const isChecking = rest.includes('check=yes');
const configuration = Object.fromEntries(
  rest.filter((text) => text.includes('.')).map((text) => text.split('=', 2)),
);

await using client = await executeJobModule(job.module, {
  executor: 'workers',
  parallelism: Number(parallelism),
  args: [`events=${events}`, `keys=${keys}`, ...(isChecking ? ['check=yes'] : [])],
  configuration,
});
const figures = await measure(client, Number(events));
verify(job, client.metrics(), Number(events));
if (isChecking) compare(job, client.metrics(), Number(events), Number(keys));
console.log(JSON.stringify(figures));

/** Watches the job to its end. */
async function measure(running: JobClient, count: number): Promise<ThroughputFigures> {
  let ended = false;
  const end = running.getJobExecutionResult().finally(() => {
    ended = true;
  });
  end.catch(() => undefined);
  while (!ended && running.metrics().numRecordsInTotal === 0) await sleep(1);
  const seenMs = sharedNowMs();
  const cpuAtFirst = cpuSeconds();
  const warm = { atMs: seenMs, records: 0, cpu: cpuAtFirst };
  while (!ended) {
    await Promise.race([sleep(POLL_MS), end]);
    const nowMs = sharedNowMs();
    if (warm.records > 0 || nowMs - seenMs < WARM_SECONDS * 1000) continue;
    Object.assign(warm, { atMs: nowMs, records: running.metrics().numRecordsInTotal, cpu: cpuSeconds() });
  }
  const endMs = sharedNowMs();
  const cpuAtEnd = cpuSeconds();
  await end;
  const firstMs = firstRecordMs(running.metrics());
  const seconds = (endMs - firstMs) / 1000;
  const steadySeconds = (endMs - (warm.records > 0 ? warm.atMs : firstMs)) / 1000;
  return {
    events: count,
    seconds,
    perSecond: count / seconds,
    steadyPerSecond: (count - warm.records) / steadySeconds,
    steadySeconds,
    cores: (cpuAtEnd - warm.cpu) / steadySeconds,
    wholeCores: (cpuAtEnd - cpuAtFirst) / seconds,
    cpuNanosPerRecord: ((cpuAtEnd - cpuAtFirst) * 1e9) / count,
    peakRssMiB: peakResidentMiB(),
    startToFirstRecordMs: firstMs - sharedNowMs() + performance.now(),
  };
}

/** Every run: as many records as there ought to be went in and came out. */
function verify(of: ThroughputJob, metrics: JobMetrics, count: number): void {
  expect('records in', metrics.numRecordsInTotal, count);
  if (isChecking) return;
  const written = counterOf(metrics, RECORDS_COUNTER);
  const outputs = of.outputs(count);
  if (outputs !== undefined) expect('records out', written, outputs);
  else if (written === 0) throw new Error(`${of.name} wrote nothing`);
}

/** The checking run: the results are those of a plain computation. */
function compare(of: ThroughputJob, metrics: JobMetrics, count: number, keyCount: number): void {
  const expected = of.expected(count, keyCount);
  expect('records', counterOf(metrics, CHECK_COUNTERS.records), expected.records);
  expect('sum', counterOf(metrics, CHECK_COUNTERS.sum), expected.sum);
  expect('hash', counterOf(metrics, CHECK_COUNTERS.hash), expected.hash);
}

function expect(what: string, found: number, expected: number): void {
  if (found !== expected) throw new Error(`${name}: ${what} ${found}, expected ${expected}`);
}

/** The earliest first record of the subtasks. */
function firstRecordMs(metrics: JobMetrics): number {
  const times: number[] = [];
  for (const vertex of metrics.vertices) {
    for (const { counters } of vertex.operators) {
      for (const [counter, micros] of Object.entries(counters)) {
        if (counter.startsWith(FIRST_RECORD_MICROS)) times.push(micros / 1000);
      }
    }
  }
  return Math.min(...times);
}

function counterOf(metrics: JobMetrics, counter: string): number {
  for (const vertex of metrics.vertices) {
    for (const { counters } of vertex.operators) {
      const value = counters[counter];
      if (value !== undefined) return value;
    }
  }
  return 0;
}
