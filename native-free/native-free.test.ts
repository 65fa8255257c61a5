import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import test from 'ava';
import { executeJobModule, StreamExecutionEnvironment } from './index.ts';
import * as nativeFree from './index.ts';

const JOB = new URL('./native-free.test-job.ts', import.meta.url);

test('a job runs inline', async (t) => {
  await using env = StreamExecutionEnvironment.create({ parallelism: 2 });
  const all: number[] = [];
  for await (const n of env.fromSequence(1, 9).rebalance().executeAndCollect()) all.push(n);
  t.deepEqual(
    all.sort((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
});

test.serial('a job module runs on worker threads, values without a schema included', async (t) => {
  await using job = await executeJobModule(JOB, { parallelism: 2, args: ['good'] });
  const all: { n: number; extra: unknown }[] = [];
  for await (const row of job.collected('all')) all.push(row as { n: number; extra: unknown });
  await job.getJobExecutionResult();
  all.sort((a, b) => a.n - b.n);
  t.is(all.length, 100);
  t.deepEqual(all[5], { n: 6, extra: new Set([6]) });
});

test.serial('a failure in a worker thread arrives with operator and cause', async (t) => {
  await using job = await executeJobModule(JOB, { parallelism: 2, args: ['bad'] });
  const error = await t.throwsAsync(job.getJobExecutionResult(), { code: 'USER_FUNCTION_FAILED' });
  t.regex(error?.message ?? '', /'checker'.*record \{"n":50/);
  t.like(error?.cause, { name: 'RangeError', message: 'bad 50' });
});

test.serial('cancel ends threads in an endless loop', async (t) => {
  await using job = await executeJobModule(JOB, { parallelism: 2, args: ['endless'] });
  const canceled = t.throwsAsync(job.getJobExecutionResult(), { code: 'JOB_CANCELED' });
  const startMs = performance.now();
  await job.cancel();
  await canceled;
  t.true(performance.now() - startMs < 1000);
});

test.serial('an error thrown by a timer in a thread fails the job', async (t) => {
  await using job = await executeJobModule(JOB, { parallelism: 2, args: ['later'] });
  await t.throwsAsync(job.getJobExecutionResult(), {
    code: 'WORKER_LOST',
    message: /thrown later/,
  });
});

test.serial(
  'generated loops are dumped where the user wants, without text of the user',
  async (t) => {
    const folder = mkdtempSync(`${tmpdir()}/millrace-dump-`);
    try {
      await using job = await executeJobModule(JOB, {
        executor: 'inline',
        args: ['good'],
        configuration: { 'execution.dump-chains': folder },
      });
      for await (const _ of job.collected('all'));
      await job.getJobExecutionResult();
      const files = readdirSync(folder);
      t.true(
        files.some((file) => /^vertex-0-subtask-0-collect\.js$/.test(file)),
        files.join(),
      );
      const text = readFileSync(`${folder}/vertex-0-subtask-0-collect.js`, 'utf8');
      t.regex(text, /^\/\/ Source: Sequence Source/);
      t.regex(text, /return function collect\(value, timestamp\)/);
      t.false(text.includes('extra') || text.includes('RangeError'), 'user code is a constant');
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

test('the names are those of millrace', async (t) => {
  t.deepEqual(Object.keys(nativeFree), Object.keys(await import('../src/index.ts')));
});
