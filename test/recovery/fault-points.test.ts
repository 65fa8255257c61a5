/**
 * The process dies once at every fault point that a job comes to, is resumed, and writes what it
 * must.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type FaultPoint, faultPoints } from '../../src/base/fault-points.ts';
import { differences, NO_DIFFERENCES } from './expected.ts';
import { runProcess } from './job-process.ts';

/** Times per point; 100 in the long tests. */
const TIMES = Number(process.env['MILLRACE_FAULT_POINT_TIMES'] ?? 1);
const RECORDS = 16_000;
const RATE = 20_000;

/** Points that only a job on RocksDB comes to. */
const STORE_POINTS: readonly FaultPoint[] = ['state.merge', 'state.store-checkpoint'];

for (const point of faultPoints) {
  test.serial(`a crash at ${point}`, async (t) => {
    t.timeout(60_000 * (TIMES + 1));
    for (let time = 0; time < TIMES; time++) await crashAt(point, 1 + (time % 7), t.log);
    t.pass();
  });
}

async function crashAt(
  point: FaultPoint,
  count: number,
  log: (text: string) => void,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-crash-'));
  const isOfStore = STORE_POINTS.includes(point);
  const options = {
    folder,
    records: RECORDS,
    ratePerSecond: RATE,
    keys: isOfStore ? 8009 : 97,
    parallelism: 2,
    backend: isOfStore ? ('rocksdb' as const) : ('heap' as const),
    intervalMs: 100,
    configuration: isOfStore ? ['taskmanager.memory.managed.size=256kb'] : [],
  };
  // What is restored needs something to restore from, and something that is not committed yet.
  if (point.startsWith('restore.')) {
    const prepared = await runProcess({
      ...options,
      crashAt: { point: 'checkpoint.notify', count: 1 },
    });
    if (prepared.exitCode !== undefined) throw new Error(`not prepared: ${prepared.stderr}`);
  }
  const crashed = await runProcess({ ...options, crashAt: { point, count } });
  if (crashed.exitCode !== undefined) {
    const outcome = `exit code ${crashed.exitCode}: ${crashed.stderr}`;
    // A busy machine makes few checkpoints while the job lasts; each point comes at least once.
    if (count === 1 || crashed.exitCode !== 0) {
      throw new Error(`it did not come to '${point}' ${count} times, ${outcome}`);
    }
    rmSync(folder, { recursive: true });
    return crashAt(point, 1, log);
  }
  const resumed = await runProcess(options);
  if (resumed.exitCode !== 0) throw new Error(`exit code ${resumed.exitCode}: ${resumed.stderr}`);
  const found = differences(join(folder, 'out'), RECORDS, options.keys);
  if (JSON.stringify(found) !== JSON.stringify(NO_DIFFERENCES)) {
    throw new Error(`left in ${folder}: ${JSON.stringify(found)}`);
  }
  log(`${crashed.points.length} points before it`);
  rmSync(folder, { recursive: true });
}
