/**
 * The child process of one throughput run, timed as the Flink harness's `Timing.java` does: from
 * the source's first record to the job's end; steady is the part after {@link WARM_SECONDS}. Prints
 * one JSON line.
 *
 *     node run-throughput.ts <job> <events> <keys> <parallelism> [check=yes] [job option …]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { executeJobModule, type JobClient } from '../../src/index.ts';
import { checkCounts, checkTotals, countersOf } from '../jobs/job-check.ts';
import { FIRST_RECORD_MICROS } from '../jobs/numbered-source.ts';
import { throughputJob } from '../jobs/throughput.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { cpuSeconds, peakResidentMiB } from '../support/process-figures.ts';
import { jobOptions } from '../support/program-arguments.ts';
import { sharedNowMs } from '../support/shared-clock.ts';
import type { ThroughputFigures } from '../support/throughput-figures.ts';

const WARM_SECONDS = 5;
const POLL_MS = 5;
/** A job remembers its last ten checkpoints. */
const POLLS_PER_LOOK = 100;

const [name = '', events = '0', keys = '0', parallelism = '2', ...rest] = process.argv.slice(2);
const job = throughputJob(name);
const { args, configuration } = jobOptions(rest);
const isChecking = args.includes('check=yes');

await using client = await executeJobModule(job.module, {
  executor: 'workers',
  parallelism: Number(parallelism),
  args: [`events=${events}`, `keys=${keys}`, ...args],
  configuration,
});
const figures = await measure(client, Number(events));
if (isChecking) {
  checkTotals(job, client.metrics(), { events: Number(events), keys: Number(keys) });
} else {
  checkCounts(job, client.metrics(), Number(events));
}
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
  const checkpoints = new CheckpointLog(running);
  let polls = 0;
  const warm = { atMs: seenMs, records: 0, cpu: cpuAtFirst };
  while (!ended) {
    await Promise.race([sleep(POLL_MS), end]);
    if (++polls % POLLS_PER_LOOK === 0) checkpoints.look();
    const nowMs = sharedNowMs();
    if (warm.records > 0 || nowMs - seenMs < WARM_SECONDS * 1000) continue;
    const records = running.metrics().numRecordsInTotal;
    Object.assign(warm, { atMs: nowMs, records, cpu: cpuSeconds() });
  }
  const endMs = sharedNowMs();
  const cpuAtEnd = cpuSeconds();
  await end;
  const firstMs = Math.min(...countersOf(running.metrics(), FIRST_RECORD_MICROS)) / 1000;
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
    ...('execution.checkpointing.interval' in configuration ? checkpoints.figures() : {}),
  };
}
