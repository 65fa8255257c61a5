/**
 * `kill -9` at random moments, resumed each time, until the job has finished; then everything that it wrote is compared with a plain
 * computation. `MILLRACE_KILLS` says how many kills (50), `MILLRACE_KILL_SEED` repeats a run's moments.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { seededRandom } from '../../src/base/seeded-random.ts';
import { differences, NO_DIFFERENCES } from './expected.ts';
import { type ProcessRun, runProcess } from './job-process.ts';

const KILLS = Number(process.env['MILLRACE_KILLS'] ?? 50);
const SEED = Number(process.env['MILLRACE_KILL_SEED'] ?? 20_261_125);
/** Kills of one job; then it runs to its end and is looked at. */
const KILLS_PER_JOB = 25;
const RATE = 20_000;
/** On RocksDB more keys than its memory holds, so that rows move to the database and back. */
const KEYS = { heap: 97, rocksdb: 20_011 } as const;
const CONFIGURATION = { heap: [], rocksdb: ['taskmanager.memory.managed.size=1mb'] } as const;
const KILL_AFTER_MS_MIN = 60;
const KILL_AFTER_MS_MAX = 900;

interface Tally {
  kills: number;
  beforeFirstCheckpoint: number;
  betweenPrecommitAndCommit: number;
}

for (const backend of ['heap', 'rocksdb'] as const) {
  test.serial(
    `killed at random moments, resumed, nothing is lost or doubled: ${backend}`,
    async (t) => {
      t.timeout(60_000 + 6_000 * KILLS);
      const random = seededRandom(SEED);
      const tally: Tally = { kills: 0, beforeFirstCheckpoint: 0, betweenPrecommitAndCommit: 0 };
      while (tally.kills < KILLS / 2)
        await killJob(backend, () => random.nextDouble(), tally, t.log);
      const { kills, beforeFirstCheckpoint: early, betweenPrecommitAndCommit: between } = tally;
      t.log(
        `${kills} kills, ${early} before the process's first checkpoint, ${between} between precommit and commit`,
      );
      t.true(early <= kills * 0.2 + 2, 'too many kills came before the first checkpoint');
      t.true(kills < 20 || between >= 1, 'no kill came between precommit and commit');
    },
  );
}

async function killJob(
  backend: 'heap' | 'rocksdb',
  random: () => number,
  tally: Tally,
  log: (text: string) => void,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-kills-'));
  const kills = Math.min(KILLS_PER_JOB, Math.ceil(KILLS / 2) - tally.kills);
  // As many as the mean of the time before each kill lets through, so that it ends soon after the last.
  const meanMs = (KILL_AFTER_MS_MIN + KILL_AFTER_MS_MAX) / 2;
  const records = Math.floor((RATE * kills * meanMs) / 1000 / 2) + RATE;
  const keys = KEYS[backend];
  const options = {
    folder,
    records,
    ratePerSecond: RATE,
    keys,
    parallelism: 2,
    backend,
    intervalMs: 100,
    configuration: CONFIGURATION[backend],
  };
  for (let kill = 0; ; kill++) {
    const span = KILL_AFTER_MS_MAX - KILL_AFTER_MS_MIN;
    const killAfterMs = kill < kills ? KILL_AFTER_MS_MIN + random() * span : undefined;
    const run = await runProcess({ ...options, killAfterMs });
    if (run.exitCode === 0) break;
    if (run.exitCode !== undefined) throw new Error(`exit code ${run.exitCode}: ${run.stderr}`);
    count(run, tally);
  }
  const found = differences(join(folder, 'out'), records, keys);
  if (JSON.stringify(found) !== JSON.stringify(NO_DIFFERENCES)) {
    throw new Error(`seed ${SEED}, left in ${folder}: ${JSON.stringify(found)}`);
  }
  log(`${records} records, as they must be`);
  rmSync(folder, { recursive: true });
}

function count({ points }: ProcessRun, tally: Tally): void {
  tally.kills++;
  if (!points.includes('checkpoint.completed')) tally.beforeFirstCheckpoint++;
  const precommitted = points.lastIndexOf('sink.precommitted');
  if (precommitted > points.lastIndexOf('sink.committed')) tally.betweenPrecommitAndCommit++;
}
