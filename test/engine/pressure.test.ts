/** More than fits: nothing blocks, nothing is lost, memory stays bounded. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { executeJobModule, type ExecutorName, type JobClient } from '../../src/index.ts';
import type { FileSystem } from '../../src/base/environment.ts';
import { runSimulated } from '../../src/testing/index.ts';
import { main } from './pressure.test-job.ts';

const JOB = new URL('./pressure.test-job.ts', import.meta.url);
const TINY = {
  'taskmanager.memory.ring-size': '4096',
  'taskmanager.memory.overflow-size': '65536',
};
const MEBIBYTE = 1024 * 1024;

/** Temporary files of this process and its workers, and of nobody else. */
const TEMPORARY = mkdtempSync(`${tmpdir()}/millrace-pressure-`);
process.env['TMPDIR'] = TEMPORARY;
test.after.always(() => rmSync(TEMPORARY, { recursive: true, force: true }));

for (const executor of ['inline', 'workers'] as const) {
  test.serial(
    `one record becomes a million on both sides, all to all, tiny rings: ${executor}`,
    async (t) => {
      t.timeout(100_000);
      const records = 1_000_000;
      await using job = await start(executor, ['explosion', String(records)]);
      const watch = watchMemory();
      const totals = await read(job, 'totals');
      const grownBytes = watch.stop();
      const sum = (records * (records - 1)) / 2;
      t.deepEqual(
        totals.sort((a, b) => Number(a['source']) - Number(b['source'])),
        [
          { source: 1, count: records, sum },
          { source: 2, count: records, sum },
        ],
      );
      await job.getJobExecutionResult();
      t.log(`RSS grew by ${(grownBytes / MEBIBYTE).toFixed(0)} MiB`);
      // Two million records as objects are some 200 MiB; what is held back lies on disk.
      t.true(grownBytes < 200 * MEBIBYTE, `RSS grew by ${grownBytes} bytes`);
      expectNoOverflowFiles(t);
    },
  );
}

test('one record becomes ten thousand on every side in simulation, whatever the order', async (t) => {
  for (let seed = 1; seed <= 5; seed++) {
    const run = await runSimulated(main, {
      seed,
      parallelism: 3,
      args: ['explosion', '10000'],
      configuration: TINY,
    });
    t.is(run.collected('totals').length, 2, `seed ${seed}`);
    t.deepEqual(leftFiles(run.environment.fileSystem), [], `seed ${seed}`);
  }
});

for (const executor of ['workers', 'simulated'] as const) {
  test.serial(`a record of 3 MB passes through rings of 4 KiB: ${executor}`, async (t) => {
    const args = ['large', String(3 * MEBIBYTE)];
    const lengths =
      executor === 'simulated'
        ? await simulatedLengths(args)
        : await (async () => {
            await using job = await start(executor, args);
            return await read(job, 'lengths');
          })();
    t.deepEqual(
      lengths.sort((a, b) => Number(a['n']) - Number(b['n'])),
      [1, 2, 3, 4].map((n) => ({ n, length: 3 * MEBIBYTE, same: true })),
    );
  });
}

for (const executor of ['inline', 'workers'] as const) {
  test.serial(`a slow sink holds the source back: ${executor}`, async (t) => {
    await using job = await start(executor, ['slow-sink', '500'], {});
    while (writtenBy(job) === 0) await sleep(20);
    await sleep(500);
    const rssBefore = process.memoryUsage.rss();
    let held = 0;
    let distance = 0;
    for (let look = 0; look < 8; look++) {
      await sleep(150);
      const { vertices } = job.metrics();
      held += vertices[0]?.backPressuredRatio ?? 0;
      const read = vertices[0]?.operators[0]?.numRecordsOut ?? 0;
      const written = writtenBy(job);
      distance = Math.max(distance, read - written);
    }
    const grownBytes = process.memoryUsage.rss() - rssBefore;
    t.log(`RSS grew by ${(grownBytes / MEBIBYTE).toFixed(0)} MiB under backpressure`);
    t.true(grownBytes < 40 * MEBIBYTE, `RSS grew by ${grownBytes} bytes`);
    t.log(`the source was at most ${distance} records ahead of the sink`);
    t.true(distance < 400_000, `${distance} records are between source and sink`);
    t.true(held / 8 > 0.5, `the source is held back ${(held / 8).toFixed(2)} of the time`);
  });
}

function writtenBy(job: JobClient): number {
  return job.metrics().vertices.at(-1)?.operators.at(-1)?.numRecordsIn ?? 0;
}

function start(
  executor: ExecutorName,
  args: readonly string[],
  configuration: Readonly<Record<string, string>> = TINY,
): Promise<JobClient> {
  return executeJobModule(JOB, { executor, parallelism: 2, args, configuration });
}

async function simulatedLengths(args: readonly string[]): Promise<Record<string, unknown>[]> {
  const run = await runSimulated(main, { seed: 3, parallelism: 2, args, configuration: TINY });
  return [...run.collected('lengths')] as Record<string, unknown>[];
}

async function read(job: JobClient, name: string): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  for await (const row of job.collected(name)) rows.push(row as Record<string, unknown>);
  return rows;
}

function watchMemory(): { stop(): number } {
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 10);
  return {
    stop: () => {
      clearInterval(timer);
      return most - before;
    },
  };
}

/** What spilled to disk is removed. */
function expectNoOverflowFiles(t: ExecutionContext): void {
  t.deepEqual(readdirSync(TEMPORARY), []);
}

/** Files anywhere on a disk in memory. */
function leftFiles(fileSystem: FileSystem, path = '/'): string[] {
  return fileSystem.list(path).flatMap((name) => {
    const below = path === '/' ? `/${name}` : `${path}/${name}`;
    return fileSystem.stat(below)?.kind === 'file' ? [below] : leftFiles(fileSystem, below);
  });
}
