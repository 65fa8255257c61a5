/**
 * Cancel stops everything within a second, and a job leaves no thread, handle, timer or memory
 * behind.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test, { type ExecutionContext } from 'ava';
import {
  executeJobModule,
  StreamExecutionEnvironment,
  WatermarkStrategy,
} from '../../src/index.ts';
import { silentSource } from './lifecycle.test-job.ts';

const JOB = new URL('./lifecycle.test-job.ts', import.meta.url);

/** The promise of cancel. */
const CANCEL_MS_MAX = 1000;

async function cancelIn(t: ExecutionContext, name: string, afterMs: number, parallelism = 2) {
  await using job = await executeJobModule(JOB, { parallelism, args: [name] });
  const result = t.throwsAsync(job.getJobExecutionResult(), { code: 'JOB_CANCELED' });
  await sleep(afterMs);
  const startMs = performance.now();
  await job.cancel();
  const tookMs = performance.now() - startMs;
  t.true(tookMs < CANCEL_MS_MAX, `cancel took ${tookMs} ms`);
  await result;
  t.is(job.status(), 'canceled');
}

for (const name of ['endless', 'silent', 'infinite-loop']) {
  test.serial(`cancel stops the workers of a job that is ${name} within a second`, async (t) => {
    await cancelIn(t, name, 700);
  });
}

for (const afterMs of [0, 5, 50]) {
  test.serial(`cancel while the workers start, after ${afterMs} ms`, async (t) => {
    await cancelIn(t, 'endless', afterMs);
  });
}

test.serial('cancel stops an inline job, busy or silent', async (t) => {
  for (const busy of [true, false]) {
    await using env = StreamExecutionEnvironment.create({ parallelism: 2 });
    const stream = busy
      ? env.fromSequence(1, Number.MAX_SAFE_INTEGER)
      : env.fromSource(silentSource, WatermarkStrategy.noWatermarks<number>(), 'silent');
    stream
      .rebalance()
      .map((n) => n)
      .sinkTo(nowhere());
    const job = await env.executeAsync();
    const result = t.throwsAsync(job.getJobExecutionResult(), { code: 'JOB_CANCELED' });
    await sleep(20);
    const startMs = performance.now();
    await job.cancel();
    t.true(performance.now() - startMs < CANCEL_MS_MAX);
    await result;
  }
});

test.serial(
  'an error thrown by a timer of user code in a worker fails the job, not the process',
  async (t) => {
    await using job = await executeJobModule(JOB, { parallelism: 2, args: ['async-throw'] });
    const error = await t.throwsAsync(job.getJobExecutionResult(), { code: 'WORKER_LOST' });
    t.true(error?.cause instanceof Error && error.cause.message === 'thrown later', String(error));
  },
);

test.serial('a job that is never awaited and disposed at once leaves nothing', async (t) => {
  const before = process.getActiveResourcesInfo().sort();
  {
    await using env = StreamExecutionEnvironment.create();
    env.fromSequence(1, 1e9).sinkTo(nowhere());
    await env.executeAsync();
  }
  t.deepEqual(process.getActiveResourcesInfo().sort(), before);
});

test.serial('a thousand inline jobs leave no handle, no timer and no memory', async (t) => {
  t.timeout(60_000);
  const run = async (): Promise<void> => {
    await using env = StreamExecutionEnvironment.create({ parallelism: 2 });
    const stream = env
      .fromSequence(1, 10)
      .rebalance()
      .map((n) => n + 1);
    const all: number[] = [];
    for await (const n of stream.executeAndCollect()) all.push(n);
    if (all.length !== 10) throw new Error(`${all.length} records`);
  };
  for (let i = 0; i < 200; i++) await run();
  const before = process.getActiveResourcesInfo().sort();
  const heapBefore = await heapBytes();
  for (let i = 0; i < 1000; i++) await run();
  t.deepEqual(process.getActiveResourcesInfo().sort(), before);
  const grownBytes = (await heapBytes()) - heapBefore;
  t.log(`heap grew by ${(grownBytes / 1024).toFixed(0)} KiB in 1,000 jobs`);
  t.true(grownBytes < 4 * 1024 * 1024, `heap grew by ${grownBytes} bytes`);
});

test.serial('thirty jobs on two workers each leave no thread and no memory', async (t) => {
  t.timeout(110_000);
  const run = async (): Promise<void> => {
    await using job = await executeJobModule(JOB, { parallelism: 2, args: ['small'] });
    let count = 0;
    for await (const _ of job.collected('all')) count++;
    if (count !== 100) throw new Error(`${count} records`);
    await job.getJobExecutionResult();
  };
  for (let i = 0; i < 5; i++) await run();
  const before = process.getActiveResourcesInfo().sort();
  const heapBefore = await heapBytes();
  const rssBefore = process.memoryUsage.rss();
  for (let i = 0; i < 30; i++) await run();
  t.deepEqual(process.getActiveResourcesInfo().sort(), before);
  const grownBytes = (await heapBytes()) - heapBefore;
  const rssGrownBytes = process.memoryUsage.rss() - rssBefore;
  t.log(
    `heap grew by ${(grownBytes / 1024).toFixed(0)} KiB, RSS by ${(rssGrownBytes / 1048576).toFixed(0)} MiB in 30 jobs`,
  );
  t.true(grownBytes < 4 * 1024 * 1024, `heap grew by ${grownBytes} bytes`);
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is alive: the heap after collections. */
async function heapBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collectGarbage();
    await sleep(10);
  }
  return process.memoryUsage().heapUsed;
}

function nowhere() {
  return { createWriter: () => ({ write: () => {}, flush: () => {}, close: () => {} }) };
}
