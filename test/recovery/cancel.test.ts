/** Canceled or disposed at any moment, a job that takes checkpoints leaves nothing behind but what a resumed one needs. */
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test, { type ExecutionContext } from 'ava';
import { hasErrorCode } from '../../src/base/errors.ts';
import { realEnvironment } from '../../src/base/real-environment.ts';
import { seededRandom } from '../../src/base/seeded-random.ts';
import { decodeManifest } from '../../src/checkpoint/manifest.ts';
import { executeJobModule, type ExecutorName, type JobClient } from '../../src/index.ts';
import { soakFactor } from '../soak-factor.ts';
import { differences, NO_DIFFERENCES } from './expected.ts';

const JOB = new URL('kill-job.ts', import.meta.url);
const RECORDS = 20_000;
const KEYS = 97;
const CANCEL_MS_MAX = 5000;
const SEED = Number(process.env['MILLRACE_CANCEL_SEED'] ?? 20_261_125);

/** Temporary files of this process and its workers, and of nobody else. */
const TEMPORARY = mkdtempSync(join(tmpdir(), 'millrace-cancel-'));
process.env['TMPDIR'] = TEMPORARY;
test.after.always(() => rmSync(TEMPORARY, { recursive: true, force: true }));

interface Moments {
  readonly executor: ExecutorName;
  readonly backend: 'heap' | 'rocksdb';
  readonly count: number;
  readonly latestMs: number;
}

const MOMENTS: readonly Moments[] = [
  { executor: 'inline', backend: 'heap', count: 60, latestMs: 80 },
  { executor: 'inline', backend: 'rocksdb', count: 20, latestMs: 120 },
  { executor: 'workers', backend: 'heap', count: 14, latestMs: 900 },
  { executor: 'workers', backend: 'rocksdb', count: 6, latestMs: 900 },
];

for (const { executor, backend, count, latestMs } of MOMENTS) {
  test.serial(
    `canceled at ${count} moments, nothing is left: ${executor}, ${backend}`,
    async (t) => {
      t.timeout(100_000 * soakFactor);
      const random = seededRandom(SEED);
      await sleep(2);
      const before = resources();
      let memoryAfterSome = 0;
      let took = 0;
      for (let moment = 0; moment < count * soakFactor; moment++) {
        const folder = mkdtempSync(join(TEMPORARY, 'job-'));
        const afterMs = random.nextDouble() * latestMs;
        const job = await start(folder, { executor, backend });
        job.getJobExecutionResult().catch(() => undefined);
        await sleep(afterMs);
        const startMs = performance.now();
        await (moment % 2 === 0 ? job.cancel() : job[Symbol.asyncDispose]());
        took = Math.max(took, performance.now() - startMs);
        await expectLetGo(t, before, moment);
        expectNoOrphans(t, folder, moment);
        // Every tenth is brought to its end: what was left is what it needs.
        if (moment % 10 === 9) await resume(t, folder, { executor, backend });
        rmSync(folder, { recursive: true, force: true });
        // The control doors' folder is the user's and stays; no socket does.
        t.deepEqual(filesBelow(TEMPORARY), [], 'temporary files');
        t.deepEqual(
          readdirSync(TEMPORARY).filter((name) => !/^millrace-\d+$/.test(name)),
          [],
        );
        if (moment === Math.floor(count / 4)) memoryAfterSome = await memoryBytes();
      }
      const grownBytes = (await memoryBytes()) - memoryAfterSome;
      t.log(`${Math.round(took)} ms at most, memory grew by ${Math.round(grownBytes / 1024)} KiB`);
      t.true(took < CANCEL_MS_MAX);
      t.true(grownBytes < 8 * 2 ** 20, `memory grew by ${grownBytes} bytes`);
    },
  );
}

function start(
  folder: string,
  { executor, backend }: Pick<Moments, 'executor' | 'backend'>,
): Promise<JobClient> {
  return executeJobModule(JOB, {
    ...{ executor, parallelism: 2, resume: true },
    args: [`${folder}/out`, String(RECORDS), '100000', String(KEYS)],
    configuration: {
      'state.backend.type': backend,
      'execution.checkpointing.dir': `${folder}/checkpoints`,
      'execution.checkpointing.interval': '10 ms',
    },
  });
}

async function resume(
  t: ExecutionContext,
  folder: string,
  how: Pick<Moments, 'executor' | 'backend'>,
): Promise<void> {
  await using job = await start(folder, how);
  await job.getJobExecutionResult().catch((error: unknown) => {
    // It had come to its end before it was canceled.
    if (!hasErrorCode(error, 'JOB_FINISHED')) throw error;
  });
  t.deepEqual(differences(`${folder}/out`, RECORDS, KEYS), NO_DIFFERENCES);
  const hidden = filesBelow(`${folder}/out`).filter((path) => /\/\.[^/]*$/.test(path));
  t.deepEqual(hidden, [], 'files in progress');
}

/** Handles, timers, threads and open files of this process. */
function resources(): { readonly active: readonly string[]; readonly files: readonly string[] } {
  const files = readdirSync('/proc/self/fd').map((fd) => {
    // That of the listing itself is gone already.
    return linkOf(`/proc/self/fd/${fd}`)?.replace(/\[\d+\]$/, '') ?? '';
  });
  return { active: process.getActiveResourcesInfo().sort(), files: files.sort() };
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** The system closes what belonged to a thread a moment after its end. */
async function expectLetGo(
  t: ExecutionContext,
  before: ReturnType<typeof resources>,
  moment: number,
): Promise<void> {
  await sleep(2);
  for (let look = 0; look < 50 && !isDeepStrictEqual(resources(), before); look++) await sleep(20);
  t.deepEqual(resources(), before, `seed ${SEED}, moment ${moment}`);
}

/** What is alive in memory, after collections. */
async function memoryBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collectGarbage();
    await sleep(5);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Every file of state is named by a manifest, and every checkpoint's folder has one. */
function expectNoOrphans(t: ExecutionContext, folder: string, moment: number): void {
  const all = filesBelow(`${folder}/checkpoints`);
  const manifests = all.filter((path) => path.endsWith('/_metadata'));
  const named = manifests.flatMap((path) => {
    const job = join(path, '../..');
    return decodeManifest(readFileSync(path), path).files.map((file) => join(job, file.path));
  });
  const known = new Set([...manifests, ...named]);
  const orphans = all.filter(
    (path) => !known.has(path) && !/\/(job\.json|_finished|(lock|released)-\d+)$/.test(path),
  );
  t.deepEqual(orphans, [], `moment ${moment}`);
  const lost = named.filter((path) => realEnvironment().fileSystem.stat(path) === undefined);
  t.deepEqual(lost, [], `moment ${moment}`);
}

function filesBelow(path: string): string[] {
  if (realEnvironment().fileSystem.stat(path) === undefined) return [];
  return readdirSync(path).flatMap((name) => {
    const below = `${path}/${name}`;
    return statSync(below).isDirectory() ? filesBelow(below) : [below];
  });
}
