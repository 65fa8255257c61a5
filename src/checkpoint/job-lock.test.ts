import test from 'ava';
import { simulatedEnvironment } from '../base/simulated-environment.ts';
import { JOB_ID, OTHER_JOB_ID, OWNER } from './coordinator.test-kit.ts';
import {
  isJobFinished,
  latestJob,
  listJobs,
  markJobFinished,
  readJobEntry,
  writeJobEntry,
} from './job-directory.ts';
import { acquireJob, jobOwner, type LockOwner } from './job-lock.ts';
import { fileStorage } from './storage/file-storage.ts';

const storageOf = (seed: number) => fileStorage('/ckpt', simulatedEnvironment({ seed }));

test('a living owner refuses another, with its pid and the path of the lock', async (t) => {
  const storage = storageOf(1);
  const owner: LockOwner = { ...OWNER, pid: 4711, host: 'box', doorPath: '/run/door' };
  const first = await acquireJob({ storage, jobId: JOB_ID, owner, isAlive: () => true });
  t.is(first.epoch, 1);
  t.deepEqual(pick(jobOwner(storage, JOB_ID)), pick(owner));
  const asked: LockOwner[] = [];
  const isAlive = (other: LockOwner): boolean => asked.push(other) > 0;
  const error = await t.throwsAsync(acquireJob({ storage, jobId: JOB_ID, owner: OWNER, isAlive }), {
    code: 'JOB_LOCKED',
  });
  t.regex(error?.message ?? '', /process 4711 on box, see 'file:\/\/\/ckpt\/0123.*\/lock-1'/);
  t.deepEqual(asked.map(pick), [pick(owner)]);
  t.true(first.isHeld());
});

function pick(owner: LockOwner | undefined): unknown {
  return owner && [owner.pid, owner.host, owner.startToken, owner.doorPath, owner.sinceMs];
}

test('a dead owner is superseded, and knows when it comes back', async (t) => {
  const storage = storageOf(1);
  const options = { storage, jobId: JOB_ID, owner: OWNER, isAlive: async () => false };
  const first = await acquireJob(options);
  const second = await acquireJob(options);
  t.deepEqual([second.epoch, first.isHeld(), second.isHeld()], [2, false, true]);
  const third = await acquireJob(options);
  t.deepEqual(
    [third.epoch, first.isHeld(), second.isHeld(), third.isHeld()],
    [3, false, false, true],
  );
  t.deepEqual(storage.list(JOB_ID, 'names'), ['lock-3']);
});

test('an owner that has released is followed unasked; epochs do not repeat', async (t) => {
  const storage = storageOf(1);
  const isAlive = (): boolean => true;
  for (let epoch = 1; epoch < 5; epoch++) {
    const ownership = await acquireJob({ storage, jobId: JOB_ID, owner: OWNER, isAlive });
    t.is(ownership.epoch, epoch);
    await ownership.release();
    t.is(jobOwner(storage, JOB_ID), undefined);
  }
});

test('of many who ask at once one gets it', async (t) => {
  const storage = storageOf(1);
  const asked = Array.from({ length: 8 }, () =>
    acquireJob({ storage, jobId: JOB_ID, owner: OWNER, isAlive: () => true }),
  );
  const results = await Promise.allSettled(asked);
  t.is(results.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('a lock is there after a crash, and a failed one does not lock us out', async (t) => {
  const world = simulatedEnvironment({ seed: 1 });
  const storage = fileStorage('/ckpt', world);
  let k = 0;
  for (let isHeld = false; !isHeld; k++) {
    let calls = 0;
    world.fileSystem.fault = () => (calls++ === k ? 'EIO' : undefined);
    const options = { storage, jobId: JOB_ID, owner: OWNER, isAlive: () => true };
    isHeld = await acquireJob(options).then(
      () => true,
      (error: Error) => !/EIO/.test(error.message) && Promise.reject(error),
    );
  }
  t.true(k > 5);
  world.fileSystem.fault = undefined;
  world.fileSystem.crash();
  t.not(jobOwner(storage, JOB_ID), undefined);
});

test('a damaged lock stops us with the file to look at', async (t) => {
  const storage = storageOf(1);
  await storage.createExclusive(`${JOB_ID}/lock-4`, new Uint8Array([1, 2]));
  await t.throwsAsync(acquireJob({ storage, jobId: JOB_ID, owner: OWNER, isAlive: () => false }), {
    code: 'FORMAT_INVALID',
    message: /lock-4/,
  });
});

test('jobs are listed with the last one first', async (t) => {
  const storage = storageOf(1);
  t.is(latestJob(storage), undefined);
  const first = { jobId: JOB_ID, jobName: 'a', createdMs: 1 };
  const second = { jobId: OTHER_JOB_ID, jobName: 'b "x"', createdMs: 2 };
  for (const job of [second, first, first]) await writeJobEntry(storage, job);
  await storage.createExclusive('not-a-job/job.json', new Uint8Array(1));
  t.deepEqual(listJobs(storage), [
    { ...second, isFinished: false },
    { ...first, isFinished: false },
  ]);
  t.is(latestJob(storage, 'a')?.jobId, JOB_ID);
  await markJobFinished(storage, JOB_ID);
  await markJobFinished(storage, JOB_ID);
  t.true(isJobFinished(storage, JOB_ID));
  t.true(readJobEntry(storage, JOB_ID)?.isFinished);
  await t.throwsAsync(writeJobEntry(storage, { ...first, jobId: '../x' }), {
    code: 'ILLEGAL_ARGUMENT',
  });
});
