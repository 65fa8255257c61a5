/**
 * The child process of one run of the state job: fills it, lets checkpoints go by, takes a
 * savepoint of each format, fails it once, and leaves a checkpoint. Prints one JSON line: figures,
 * and under `checkpoint` the path of what it left.
 *
 *     node run-state.ts <module> <parallelism> <keys> <seconds of checkpoints> <folder for notes> [job argument or option …]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { executeJobModule } from '../../src/index.ts';
import { askToFail, firstRecordsMs, isStillAsked } from '../jobs/attempt-notes.ts';
import { lastJsonLine, runChild } from '../support/child.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { cpuSeconds, peakResidentMiB, residentMiB } from '../support/process-figures.ts';
import { jobOptions } from '../support/program-arguments.ts';

const LOOK_MS = 500;
const SETTLE_MS = 3000;
const FAILURE_TIMEOUT_MS = 60_000;
const MIB = 2 ** 20;
const RAW = fileURLToPath(new URL('raw-savepoint.ts', import.meta.url));

const [module = '', parallelism = '2', keys = '0', seconds = '35', notes = '', ...rest] =
  process.argv.slice(2);
const { args, configuration } = jobOptions(rest);

await using job = await executeJobModule(module, {
  executor: 'workers',
  parallelism: Number(parallelism),
  args: [`keys=${keys}`, `notes=${notes}`, ...args],
  configuration: {
    'restart-strategy.type': 'fixed-delay',
    'restart-strategy.fixed-delay.delay': '0 s',
    'restart-strategy.fixed-delay.attempts': '3',
    ...configuration,
  },
});
const checkpoints = new CheckpointLog(job);
const failed = job.getJobExecutionResult();
failed.catch(() => undefined);

const filled = await fill();
await watch(Number(seconds) * 1000);
const ofCheckpoints = checkpoints.figures();
const savepoints = await takeSavepoints();
await watch(SETTLE_MS);
const recoveryMs = await fail();
await watch(SETTLE_MS);
const figures = {
  ...filled,
  ...ofCheckpoints,
  ...savepoints,
  failToFirstRecordMs: recoveryMs,
  rssMiB: residentMiB(),
};
const { path } = await job.triggerCheckpoint();
await job.cancel();
console.log(JSON.stringify({ ...figures, checkpoint: path }));

/** Every key has come once. */
async function fill(): Promise<Record<string, number>> {
  while (emitted() === 0) await Promise.race([sleep(1), failed]);
  const startMs = performance.now();
  const startCpu = cpuSeconds();
  while (emitted() < Number(keys)) {
    await Promise.race([sleep(10), failed]);
  }
  const fillSeconds = (performance.now() - startMs) / 1000;
  return {
    fillSeconds,
    fillPerSecond: Number(keys) / fillSeconds,
    fillCores: (cpuSeconds() - startCpu) / fillSeconds,
    fillCheckpointMaxMs: checkpoints.figures()['checkpointMaxMs'] ?? 0,
    fillPeakRssMiB: peakResidentMiB(),
  };
}

async function watch(durationMs: number): Promise<void> {
  const endMs = performance.now() + durationMs;
  while (performance.now() < endMs) {
    await Promise.race([sleep(Math.min(LOOK_MS, endMs - performance.now())), failed]);
    checkpoints.look();
  }
}

/** One of each format; and as many bytes by the shortest way. */
async function takeSavepoints(): Promise<Record<string, number>> {
  const canonical = await savepoint('canonical');
  const native = await savepoint('native');
  const { stdout } = await runChild(process.execPath, [RAW, native.path, String(canonical.bytes)]);
  const raw = lastJsonLine(stdout) as { seconds: number; rows: number; segmentBytes: number };
  return {
    canonicalMs: canonical.ms,
    canonicalMiB: canonical.bytes / MIB,
    nativeMs: native.ms,
    nativeMiB: native.bytes / MIB,
    rawScanAndWriteMs: raw.seconds * 1000,
    rawRows: raw.rows,
    rawSegmentMiB: raw.segmentBytes / MIB,
    canonicalOfRaw: canonical.ms / (raw.seconds * 1000),
  };
}

async function savepoint(
  format: 'canonical' | 'native',
): Promise<{ readonly ms: number; readonly bytes: number; readonly path: string }> {
  const startMs = performance.now();
  const info = await job.triggerSavepoint({ format });
  return { ms: performance.now() - startMs, bytes: info.fullBytes, path: info.path };
}

/** From the request to the first record after it, ms. */
async function fail(): Promise<number> {
  const askedMs = askToFail(notes);
  const endMs = performance.now() + FAILURE_TIMEOUT_MS;
  for (;;) {
    const firstMs = firstRecordsMs(notes).find((ms) => ms > askedMs);
    if (firstMs !== undefined && !isStillAsked(notes)) return firstMs - askedMs;
    if (performance.now() > endMs) throw new Error('the job did not come back in a minute');
    await Promise.race([sleep(1), failed]);
  }
}

function emitted(): number {
  return job.metrics().numRecordsInTotal;
}
