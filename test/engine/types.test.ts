/**
 * Types of records between tasks: captured and widened, declared and held to, refused where no
 * codec carries them.
 */
import { deepStrictEqual } from 'node:assert/strict';
import test from 'ava';
import { executeJobModule, type ExecutorName } from '../../src/index.ts';
import { runSimulated } from '../../src/testing/index.ts';
import { changing, main } from './types.test-job.ts';

const JOB = new URL('./types.test-job.ts', import.meta.url);

async function run(executor: ExecutorName, name: string, parallelism = 2): Promise<unknown[]> {
  if (executor === 'simulated') {
    const ran = await runSimulated(main, { seed: 2, parallelism, args: [name] });
    return [...ran.collected('all')];
  }
  await using job = await executeJobModule(JOB, { executor, parallelism, args: [name] });
  const all: unknown[] = [];
  for await (const row of job.collected('all')) all.push(row);
  await job.getJobExecutionResult();
  return all;
}

for (const executor of ['inline', 'simulated', 'workers'] as const) {
  test.serial(
    `records that change their kind in mid-stream arrive as they were: ${executor}`,
    async (t) => {
      const all = (await run(executor, 'changing')) as { n: number }[];
      all.sort((a, b) => a.n - b.n);
      deepStrictEqual(
        all,
        Array.from({ length: 2000 }, (_, n) => changing(n)),
      );
      t.pass();
    },
  );

  test.serial(
    `a record against its declared type fails the job with operator and field: ${executor}`,
    async (t) => {
      const error = await t.throwsAsync(run(executor, 'mismatch'), {
        code: 'RECORD_TYPE_MISMATCH',
      });
      t.regex(error?.message ?? '', /'namer'[\s\S]*name/);
    },
  );

  for (const name of ['instances', 'functions']) {
    test.serial(
      `records that no codec carries (${name}) fail the job with the operator: ${executor}`,
      async (t) => {
        const error = await t.throwsAsync(run(executor, name), { code: 'TYPE_NOT_SERIALIZABLE' });
        t.regex(error?.message ?? '', /'pointer'/);
      },
    );
  }
}
