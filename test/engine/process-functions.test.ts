/**
 * Process functions from end to end: state, timers, connected and broadcast streams, on one thread
 * and on several.
 */
import { deepStrictEqual } from 'node:assert/strict';
import test from 'ava';
import { executeJobModule, type ExecutorName } from '../../src/index.ts';
import { runSimulated } from '../../src/testing/index.ts';
import { main, READINGS, reading, SENSORS } from './process-functions.test-job.ts';

const JOB = new URL('./process-functions.test-job.ts', import.meta.url);
const ALL = Array.from({ length: READINGS }, (_, n) => reading(n));

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

/** What `SumPerTick` gives, computed at once. */
function sumsPerTick(): string[] {
  const sums = new Map<string, number>();
  for (const { sensor, time, value } of ALL) {
    const key = `${sensor} ${Math.floor(time / 5000) * 5000 + 4999}`;
    sums.set(key, (sums.get(key) ?? 0) + value);
  }
  return [...sums].map(([key, sum]) => `${key} ${sum}`).toSorted();
}

for (const executor of ['inline', 'simulated', 'workers'] as const) {
  test.serial(`timers fire by event time and see their key’s state: ${executor}`, async (t) => {
    for (const name of ['timers', 'supplied']) {
      const all = await run(executor, name, 3);
      deepStrictEqual((all as string[]).toSorted(), sumsPerTick());
    }
    t.pass();
  });

  test.serial(
    `records of two keyed streams meet in the state of their key: ${executor}`,
    async (t) => {
      const all = await run(executor, 'connected');
      const expected = Array.from({ length: 1000 }, (_, n) => `${n} #${n}`);
      deepStrictEqual((all as string[]).toSorted(), expected.toSorted());
      t.pass();
    },
  );

  test.serial(
    `broadcast records reach every subtask and the state of all keys: ${executor}`,
    async (t) => {
      const all = await run(executor, 'broadcast');
      const expected = ALL.map(({ value }, n) => value * (n % SENSORS));
      const byNumber = (a: number, b: number): number => a - b;
      deepStrictEqual((all as number[]).toSorted(byNumber), expected.toSorted(byNumber));
      t.pass();
    },
  );
}
