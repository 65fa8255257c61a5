/**
 * Crashes, failing disks and damage: what is left always has a newest whole checkpoint with the
 * values that it was taken of, and sweeping leaves exactly what the checkpoints name.
 */
import test, { type ExecutionContext } from 'ava';
import { fileError } from '../base/file-error.ts';
import type { FaultPoint } from '../base/fault-points.ts';
import { seededRandom } from '../base/seeded-random.ts';
import { type SimulatedEnvironment, simulatedEnvironment } from '../base/simulated-environment.ts';
import { readManifests, resolveCheckpoint, selectCheckpoint } from './checkpoint-selection.ts';
import {
  JOB_ID,
  openJob,
  OTHER_JOB_ID,
  settle,
  startJob,
  type TestJob,
} from './coordinator.test-kit.ts';
import { openStorage } from './storage/open-storage.ts';

/** Values after `n` rounds of the test job. */
const valuesAfter = (rounds: number): readonly number[] => [rounds, rounds * 2, rounds * 3];

/** Rounds before the one that is disturbed. */
const ROUNDS = 4;

/** A file of another job in the same storage, which nobody may touch. */
async function foreignFile(world: SimulatedEnvironment): Promise<void> {
  const storage = openStorage('/checkpoints', world);
  const paths = [
    `${OTHER_JOB_ID}/shared/1-0-1-0-0-0-part`,
    `${OTHER_JOB_ID}/chk-9/_metadata.0.tmp`,
  ];
  for (const path of paths) {
    const writer = storage.writer(path);
    writer.write(new Uint8Array(10));
    writer.close();
  }
  await storage.sync(paths);
}

/** What must hold of the disk whatever happened: gives the rounds whose values were restored. */
async function checkRestore(
  t: ExecutionContext,
  world: SimulatedEnvironment,
  what: string,
): Promise<number> {
  world.fileSystem.fault = undefined;
  world.fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
  const job = await openJob({ world });
  const selected = await job.start();
  const rounds = job.values[0] ?? -1;
  t.deepEqual(job.values, valuesAfter(rounds), `${what}: values of one moment`);
  t.deepEqual(selected?.damaged ?? [], [], `${what}: nothing is half there`);
  const named = new Set<string>();
  for (const { manifest } of readManifests(job.storage, JOB_ID)) {
    for (const { path } of manifest?.files ?? []) named.add(`${JOB_ID}/${path}`);
  }
  t.deepEqual(
    job.storage.list(`${JOB_ID}/shared`, 'files'),
    [...named].sort(),
    `${what}: no orphans`,
  );
  t.deepEqual(
    job.storage.list(JOB_ID, 'files').filter((path) => path.endsWith('.tmp')),
    [],
    `${what}: no temporary files`,
  );
  t.is(job.storage.list(OTHER_JOB_ID, 'files').length, 2, `${what}: the other job is untouched`);
  await job.checkpoint();
  t.is(job.kinds().at(-1)?.split(' ')[0], 'complete', `${what}: the job goes on`);
  return rounds;
}

/** The highest round that was told complete. */
function toldRounds(job: TestJob): number {
  return job.told.filter(({ kind }) => kind === 'complete').length;
}

const POINTS: readonly FaultPoint[] = [
  'checkpoint.triggered',
  'snapshot.file-written',
  'checkpoint.all-acknowledged',
  'storage.sync-file',
  'storage.sync-folder',
  'manifest.write',
  'manifest.rename',
  'manifest.renamed',
  'checkpoint.completed',
  'checkpoint.notify',
  'checkpoint.remove-old',
  'checkpoint.remove-files',
];

for (const point of POINTS) {
  for (const seed of [undefined, 1, 2, 3]) {
    const how = seed === undefined ? 'all that was not synced is lost' : `seed ${seed}`;
    test(`a crash at ${point}, ${how}`, async (t) => {
      const world = simulatedEnvironment({ seed: 1 });
      await foreignFile(world);
      let isArmed = false;
      let isDead = false;
      const faultPoint = (at: FaultPoint): void => {
        if (!isArmed || at !== point) return;
        isArmed = false;
        isDead = true;
        world.fileSystem.crash(seed === undefined ? undefined : seededRandom(seed));
        // Nothing of the dead process reaches the disk.
        world.fileSystem.fault = () => 'EIO';
        throw new Error('crash');
      };
      const job = await startJob({ world, faultPoint, schedule: { tolerableFailures: 9 } });
      for (let round = 0; round < ROUNDS; round++) await job.checkpoint();
      const before = toldRounds(job);
      t.is(before, ROUNDS);
      isArmed = true;
      try {
        await job.checkpoint();
      } catch (error) {
        t.true(isDead, (error as Error).message);
      }
      await settle();
      t.true(isDead, `the point was reached`);
      const toldBeforeDeath = toldRounds(job);
      const rounds = await checkRestore(t, world, point);
      t.true(rounds >= toldBeforeDeath, `what was told complete survives: ${rounds}`);
      t.true(rounds <= ROUNDS + 1);
    });
  }
}

for (const system of ['EIO', 'ENOSPC']) {
  test(`${system} at each file operation of a checkpoint`, async (t) => {
    let isExhausted = false;
    for (let k = 0; !isExhausted; k++) {
      const world = simulatedEnvironment({ seed: 1 });
      await foreignFile(world);
      const job = await startJob({ world, schedule: { tolerableFailures: 9 } });
      for (let round = 0; round < ROUNDS; round++) await job.checkpoint();
      let calls = 0;
      world.fileSystem.fault = () => (calls++ === k ? system : undefined);
      try {
        await job.checkpoint();
      } catch {
        // A subtask that could not write: its checkpoint is declined.
        job.coordinator.decline(
          job.lastTrigger.checkpointId,
          { vertex: 0, subtask: 0 },
          new Error(system),
        );
        await settle();
      }
      isExhausted = calls <= k;
      world.fileSystem.fault = undefined;
      const told = toldRounds(job);
      // The job goes on without a restart if it was not told to fail.
      if (!job.kinds().includes('failJob')) {
        await job.checkpoint();
        t.is(toldRounds(job), told + 1, `call ${k}: the next checkpoint completes`);
      }
      const completed = job.coordinator.statistics().history[0]?.checkpointId;
      world.fileSystem.crash();
      const selected = await selectCheckpoint(openStorage('/checkpoints', world), JOB_ID);
      t.is(selected?.manifest.checkpointId, completed, `call ${k}: the last that was told`);
      await checkRestore(t, world, `call ${k}`);
    }
    t.pass();
  });
}

test('a crash at each file operation of a checkpoint, with torn and lost writes', async (t) => {
  let isExhausted = false;
  for (let k = 0; !isExhausted; k++) {
    for (const seed of [undefined, k]) {
      const world = simulatedEnvironment({ seed: 1 });
      await foreignFile(world);
      const job = await startJob({ world, schedule: { tolerableFailures: 9 } });
      for (let round = 0; round < ROUNDS; round++) await job.checkpoint();
      let calls = 0;
      world.fileSystem.fault = () => {
        if (calls++ < k) return undefined;
        if (calls === k + 1)
          world.fileSystem.crash(seed === undefined ? undefined : seededRandom(seed));
        return 'EIO';
      };
      await job.checkpoint().catch(() => undefined);
      await settle();
      isExhausted = calls <= k;
      const told = toldRounds(job);
      const rounds = await checkRestore(t, world, `call ${k}, seed ${seed}`);
      t.true(rounds >= Math.min(told, ROUNDS + 1), `call ${k}: ${rounds} rounds, told ${told}`);
    }
  }
});

test('a failure at each call of a process’s first checkpoint, then a crash', async (t) => {
  let isExhausted = false;
  for (let k = 0; !isExhausted; k++) {
    for (const seed of [undefined, k]) {
      const { world, job } = await restarted();
      let calls = 0;
      world.fileSystem.fault = () => (calls++ === k ? 'EIO' : undefined);
      await job.checkpoint().catch(() => undefined);
      await settle();
      isExhausted = calls <= k;
      world.fileSystem.fault = undefined;
      const told = toldRounds(job);
      const isPending = job.coordinator.statistics().numInProgress > 0;
      world.fileSystem.crash(seed === undefined ? undefined : seededRandom(seed));
      const rounds = await checkRestore(t, world, `call ${k}, seed ${seed}`);
      t.true(isPending || rounds === ROUNDS + told, `call ${k}: ${rounds} rounds, told ${told}`);
    }
  }
});

test('a disk that fails from each call on, a restart, a crash', async (t) => {
  let isExhausted = false;
  let uncertain = 0;
  for (let k = 0; !isExhausted; k++) {
    for (const seed of [undefined, k, k + 1000]) {
      const { world, job } = await restarted();
      let calls = 0;
      world.fileSystem.fault = () => (calls++ >= k ? 'EIO' : undefined);
      await job.checkpoint().catch(() => undefined);
      await settle();
      isExhausted = calls <= k;
      const isUncertain = job.told.some(
        (each) =>
          each.kind === 'failJob' && /could neither be made durable/.test(each.error.message),
      );
      uncertain += isUncertain ? 1 : 0;
      await job.coordinator.stopAttempt(new Error('failed'));
      world.fileSystem.fault = undefined;
      const selected = await job.start();
      const { values } = job;
      t.deepEqual(selected?.damaged, []);
      const begun = values[0];
      world.fileSystem.crash(seed === undefined ? undefined : seededRandom(seed));
      t.is(await checkRestore(t, world, `call ${k}, seed ${seed}`), begun ?? -1);
    }
  }
  t.true(uncertain > 0);
});

for (const failures of [1, 2, 3, 4, 5]) {
  test(`an operation that is done but said to have failed, ${failures - 1} more that fail`, async (t) => {
    let isExhausted = false;
    for (let k = 0; !isExhausted; k++) {
      for (const seed of [undefined, k]) {
        let calls = 0;
        let isArmed = false;
        const { world, job } = await restarted((inner) =>
          denying(inner, () => {
            if (!isArmed || calls++ < k || calls > k + failures) return undefined;
            return calls === k + 1 ? 'done' : 'not done';
          }),
        );
        isArmed = true;
        await job.checkpoint().catch(() => undefined);
        await settle();
        isArmed = false;
        isExhausted = calls <= k;
        const told = toldRounds(job);
        const isOpen =
          job.coordinator.statistics().numInProgress > 0 || job.kinds().includes('failJob');
        world.fileSystem.crash(seed === undefined ? undefined : seededRandom(seed));
        const rounds = await checkRestore(t, world, `call ${k}, seed ${seed}`);
        t.true(isOpen || rounds === ROUNDS + told, `call ${k}: ${rounds} rounds, told ${told}`);
      }
    }
  });
}

/** A world whose disk says EIO where `denial` does, having done what was asked or not. */
function denying(
  world: SimulatedEnvironment,
  denial: () => 'done' | 'not done' | undefined,
): SimulatedEnvironment {
  const changing = new Set<PropertyKey>(['link', 'remove', 'syncDirectory', 'syncFile']);
  const fileSystem = new Proxy(world.fileSystem, {
    get(target, name): unknown {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as (...args: readonly unknown[]) => unknown;
      if (!changing.has(name)) return method;
      return (...args: readonly unknown[]) => {
        const denied = denial();
        const done = denied === 'not done' ? undefined : method(...args);
        if (denied === undefined) return done;
        const error = fileError({ operation: String(name), path: String(args[0]), system: 'EIO' });
        if (name === 'syncFile') return Promise.resolve(done).then(() => Promise.reject(error));
        throw error;
      };
    },
  });
  return { ...world, fileSystem };
}

/** A process that has just begun on what another has left. */
async function restarted(
  change: (world: SimulatedEnvironment) => SimulatedEnvironment = (world) => world,
): Promise<{ world: SimulatedEnvironment; job: TestJob }> {
  const world = simulatedEnvironment({ seed: 1 });
  await foreignFile(world);
  const first = await startJob({ world });
  for (let round = 0; round < ROUNDS; round++) await first.checkpoint();
  await first.coordinator.close('suspended');
  const job = await startJob({ world: change(world), schedule: { tolerableFailures: 9 } });
  return { world, job };
}

test('a disk that stays full fails checkpoints, and works again when there is room', async (t) => {
  const world = simulatedEnvironment({ seed: 1 });
  await foreignFile(world);
  const job = await startJob({ world, schedule: { tolerableFailures: 100 } });
  for (let round = 0; round < ROUNDS; round++) await job.checkpoint();
  world.fileSystem.capacityBytes = world.fileSystem.usedBytes();
  for (let round = 0; round < 5; round++) {
    await job.checkpoint().catch(() => {
      job.coordinator.decline(
        job.lastTrigger.checkpointId,
        { vertex: 0, subtask: 0 },
        new Error('full'),
      );
    });
  }
  t.is(toldRounds(job), ROUNDS);
  world.fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
  await job.checkpoint();
  t.is(toldRounds(job), ROUNDS + 1);
  t.is(await checkRestore(t, world, 'after it was full'), ROUNDS + 6);
});

const DAMAGES = 200;
const DAMAGE_KINDS = ['flip', 'truncate', 'zero block', 'missing', 'swapped', 'extended'] as const;

test(`${DAMAGES} damages of the newest checkpoint are all found, with a fallback`, async (t) => {
  const world = simulatedEnvironment({ seed: 1 });
  const job = await startJob({ world });
  for (let round = 0; round < ROUNDS; round++) await job.checkpoint();
  const pristine = new Map(
    job.storage.list(JOB_ID, 'files').map((path) => [path, job.storage.read(path)?.slice()]),
  );
  const [newest, older] = readManifests(job.storage, JOB_ID);
  const olderFiles = new Set(older?.manifest?.files.map(({ path }) => path));
  const own = (newest?.manifest?.files ?? [])
    .map(({ path }) => path)
    .filter((path) => !olderFiles.has(path))
    .map((path) => `${JOB_ID}/${path}`);
  const targets = [...own, `${JOB_ID}/chk-${newest?.checkpointId}/_metadata`];
  t.true(targets.length >= 4);
  const found = new Map<string, number>();
  for (let seed = 0; seed < DAMAGES; seed++) {
    const random = seededRandom(seed);
    const path = targets[random.below(targets.length)] as string;
    const kind = DAMAGE_KINDS[random.below(DAMAGE_KINDS.length)] as (typeof DAMAGE_KINDS)[number];
    const bytes = pristine.get(path) as Uint8Array;
    const other = pristine.get(targets[(targets.indexOf(path) + 1) % targets.length] as string);
    const damaged = damage(kind, bytes, other as Uint8Array, random);
    if (damaged !== undefined && Buffer.compare(damaged, bytes) === 0) continue;
    overwrite(world, `/checkpoints/${path}`, damaged);
    const selected = await selectCheckpoint(job.storage, JOB_ID);
    const context = `seed ${seed}: ${kind} of ${path}`;
    t.is(selected?.manifest.checkpointId, older?.checkpointId, context);
    // A checkpoint without its manifest does not exist; everything else is reported.
    if (kind !== 'missing' || !path.endsWith('_metadata')) {
      t.deepEqual(
        selected?.damaged.map((each) => each.path),
        [`file:///checkpoints/${path}`],
        context,
      );
    }
    found.set(kind, (found.get(kind) ?? 0) + 1);
    overwrite(world, `/checkpoints/${path}`, bytes);
  }
  t.is(found.size, DAMAGE_KINDS.length);
  t.is((await selectCheckpoint(job.storage, JOB_ID))?.manifest.checkpointId, newest?.checkpointId);
});

test('where all checkpoints are damaged the job does not start empty', async (t) => {
  const job = await startJob();
  for (let round = 0; round < ROUNDS; round++) await job.checkpoint();
  await job.coordinator.stopAttempt(new Error('stop'));
  for (const id of [ROUNDS, ROUNDS - 1]) {
    overwrite(job.world, `/checkpoints/${JOB_ID}/chk-${id}/_metadata`, new Uint8Array(50));
  }
  await t.throwsAsync(job.coordinator.recover(), {
    code: 'CHECKPOINT_DAMAGED',
    message: /chk-4\/_metadata': its end is missing/,
  });
  await t.throwsAsync(resolveCheckpoint(`/checkpoints/${JOB_ID}/chk-4`, job.world), {
    code: 'CHECKPOINT_DAMAGED',
  });
});

test('a damaged checkpoint is passed over and goes before a whole one does', async (t) => {
  const job = await startJob();
  for (let round = 0; round < ROUNDS; round++) await job.checkpoint();
  await job.coordinator.stopAttempt(new Error('stop'));
  overwrite(job.world, `/checkpoints/${JOB_ID}/chk-${ROUNDS}/_metadata`, new Uint8Array(50));
  const selected = await job.start();
  t.is(selected?.manifest.checkpointId, ROUNDS - 1);
  t.deepEqual(job.values, valuesAfter(ROUNDS - 1));
  await job.checkpoint();
  t.deepEqual(
    readManifests(job.storage, JOB_ID).map(({ checkpointId }) => checkpointId),
    [ROUNDS + 1, ROUNDS - 1],
  );
  t.is(await checkRestoreOrphans(job.world), 0, 'its files go with the next sweep');
});

/** Files that nothing names after a new start. */
async function checkRestoreOrphans(world: SimulatedEnvironment): Promise<number> {
  const job = await startJob({ world });
  const named = new Set(
    readManifests(job.storage, JOB_ID).flatMap(({ manifest }) =>
      (manifest?.files ?? []).map(({ path }) => `${JOB_ID}/${path}`),
    ),
  );
  return job.storage.list(`${JOB_ID}/shared`, 'files').filter((path) => !named.has(path)).length;
}

function damage(
  kind: (typeof DAMAGE_KINDS)[number],
  bytes: Uint8Array,
  other: Uint8Array,
  random: ReturnType<typeof seededRandom>,
): Uint8Array | undefined {
  const copy = bytes.slice();
  const at = random.below(bytes.length);
  switch (kind) {
    case 'flip':
      copy[at] = (copy[at] as number) ^ (1 << random.below(8));
      return copy;
    case 'truncate':
      return copy.subarray(0, at);
    case 'zero block':
      return copy.fill(0, at, at + 512);
    case 'missing':
      return undefined;
    case 'swapped':
      return other;
    case 'extended':
      return Buffer.concat([copy, new Uint8Array(1 + random.below(100))]);
  }
  return kind satisfies never;
}

function overwrite(world: SimulatedEnvironment, path: string, bytes: Uint8Array | undefined): void {
  world.fileSystem.remove(path);
  if (bytes === undefined) return;
  using file = world.fileSystem.open(path, 'write');
  file.append(bytes);
}
