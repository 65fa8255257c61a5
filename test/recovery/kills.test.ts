/**
 * `kill -9` at random moments, resumed each time, until the job has finished; then everything that
 * it wrote is compared with a plain computation. `MILLRACE_KILLS` says how many kills (50),
 * `MILLRACE_KILL_SEED` repeats a run's moments.
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
/**
 * A process is killed some time after it has come to so many fault points: a checkpoint has some
 * fifty, so that the moments lie alike among the checkpoints of a fast and of a slow machine.
 */
const POINTS_MIN = 25;
const POINTS_MAX = 800;
const INTERVAL_MS = 100;
/** About what passes before a kill where nothing else runs. */
const MEAN_LIFE_MS = 800;

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
  const records = Math.floor((RATE * kills * MEAN_LIFE_MS) / 1000 / 2) + RATE;
  const keys = KEYS[backend];
  const options = {
    folder,
    records,
    ratePerSecond: RATE,
    keys,
    parallelism: 2,
    backend,
    intervalMs: INTERVAL_MS,
    configuration: CONFIGURATION[backend],
  };
  for (let count = 0; ; count++) {
    const points = Math.floor(POINTS_MIN + random() * (POINTS_MAX - POINTS_MIN));
    const kill = { points, laterMs: random() * INTERVAL_MS };
    const run = await runProcess({ ...options, kill: count < kills ? kill : undefined });
    if (run.exitCode === 0) break;
    if (run.exitCode !== undefined) throw new Error(`exit code ${run.exitCode}: ${run.stderr}`);
    tallyOf(run, tally);
  }
  const found = differences(join(folder, 'out'), records, keys);
  if (JSON.stringify(found) !== JSON.stringify(NO_DIFFERENCES)) {
    throw new Error(`seed ${SEED}, left in ${folder}: ${JSON.stringify(found)}`);
  }
  log(`${records} records, as they must be`);
  rmSync(folder, { recursive: true });
}

function tallyOf({ points }: ProcessRun, tally: Tally): void {
  tally.kills++;
  if (!points.includes('checkpoint.completed')) tally.beforeFirstCheckpoint++;
  const precommitted = points.lastIndexOf('sink.precommitted');
  if (precommitted > points.lastIndexOf('sink.committed')) tally.betweenPrecommitAndCommit++;
}
