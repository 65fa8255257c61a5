/** The coordinator's state machine, driven by hand over a simulated clock and disk. */
import test from 'ava';
import type { MillraceError } from '../base/errors.ts';
import type { FaultPoint } from '../base/fault-points.ts';
import { simulatedEnvironment } from '../base/simulated-environment.ts';
import { resolveCheckpoint } from './checkpoint-selection.ts';
import {
  JOB_ID,
  openJob,
  OWNER,
  type SCHEDULE,
  settle,
  startJob,
  SUBTASKS,
  type TestJob,
} from './coordinator.test-kit.ts';
import { isJobFinished, listCheckpoints } from './job-directory.ts';
import { acquireJob } from './job-lock.ts';

test('a checkpoint at each interval completes with all acknowledgements', async (t) => {
  const job = await startJob();
  t.deepEqual(job.kinds(), []);
  await job.pass(99);
  t.deepEqual(job.kinds(), []);
  await job.pass(1);
  const states = job.acknowledgements(job.lastTrigger);
  for (const state of states.slice(0, 2)) job.coordinator.acknowledge(1, state);
  await settle();
  t.deepEqual(job.kinds(), ['trigger 1']);
  t.deepEqual(listCheckpoints(job.storage, JOB_ID), []);
  job.coordinator.acknowledge(1, states[2] as (typeof states)[number]);
  await settle();
  t.deepEqual(job.kinds(), ['trigger 1', 'complete 1']);
  t.deepEqual(listCheckpoints(job.storage, JOB_ID), [1]);
  await job.pass(100);
  t.deepEqual(job.kinds(), ['trigger 1', 'complete 1', 'trigger 2']);
  const { numCompleted, numInProgress, history } = job.coordinator.statistics();
  t.deepEqual({ numCompleted, numInProgress }, { numCompleted: 1, numInProgress: 1 });
  t.like(history[0], {
    checkpointId: 1,
    kind: 'checkpoint',
    path: `file:///checkpoints/${JOB_ID}/chk-1`,
    bytes: 18,
    alignmentMs: 1,
    syncMs: 2,
    longestSliceMs: 4,
    isFinal: false,
  });
});

test('one that takes longer than the interval is followed by the next at its end', async (t) => {
  const job = await startJob();
  await job.pass(350);
  t.deepEqual(job.kinds(), ['trigger 1']);
  job.acknowledgeAll(job.lastTrigger);
  await settle();
  t.deepEqual(job.kinds(), ['trigger 1', 'complete 1', 'trigger 2']);
});

test('the pause between two is kept', async (t) => {
  const job = await startJob({ schedule: { minPauseMs: 80 } });
  await job.pass(190);
  job.acknowledgeAll(job.lastTrigger);
  await settle();
  await job.pass(79);
  t.is(job.lastTrigger.checkpointId, 1);
  await job.pass(1);
  t.is(job.lastTrigger.checkpointId, 2);
});

test('a checkpoint that takes too long is aborted and names who is missing', async (t) => {
  const job = await startJob({ schedule: { tolerableFailures: 1, intervalMs: 5000 } });
  await job.pass(5000);
  const [first, second] = job.acknowledgements(job.lastTrigger);
  job.coordinator.acknowledge(1, first as NonNullable<typeof first>);
  await job.pass(1000);
  t.deepEqual(job.kinds(), ['trigger 1', 'aborted 1']);
  t.regex(
    job.coordinator.statistics().failures[0]?.reason ?? '',
    /within 1000 ms: 2 of 3 subtasks .* subtask 0 of operator 'count'/,
  );
  job.coordinator.acknowledge(1, second as NonNullable<typeof second>);
  const shared = job.storage.list(`${JOB_ID}/shared`, 'files');
  t.is(shared.length, 1, 'the third has not answered yet; the files of the others are gone');
});

test('one failure more than is tolerable fails the job, a success resets the count', async (t) => {
  const job = await startJob({ schedule: { tolerableFailures: 1 } });
  const decline = async (): Promise<void> => {
    await job.pass(100);
    const { checkpointId } = job.lastTrigger;
    job.coordinator.decline(checkpointId, SUBTASKS[1], new Error('disk gone'));
    await settle();
  };
  await decline();
  await job.checkpoint();
  await decline();
  t.false(job.kinds().includes('failJob'));
  await decline();
  const last = job.told.at(-1);
  t.is(last?.kind, 'failJob');
  const text = last?.kind === 'failJob' ? last.error.message : '';
  t.regex(text, /2 checkpoints in a row .*subtask 0 of operator 'count' .*disk gone/);
  await job.pass(1000);
  t.is(job.told.at(-1), last, 'nothing is triggered until the attempt is stopped');
});

test('old checkpoints go with the files that no other names', async (t) => {
  const job = await startJob();
  for (let round = 0; round < 7; round++) await job.checkpoint();
  t.deepEqual(listCheckpoints(job.storage, JOB_ID), [7, 6]);
  const named = new Set<string>();
  for (const id of [6, 7]) {
    const { manifest } = await resolveCheckpoint(`/checkpoints/${JOB_ID}/chk-${id}`, job.world);
    for (const { path } of manifest.files) named.add(`${JOB_ID}/${path}`);
  }
  t.deepEqual(job.storage.list(`${JOB_ID}/shared`, 'files'), [...named].sort());
  t.deepEqual(job.kinds().includes('cleanupFailed'), false);
});

test('an attempt that stops ends its checkpoint, and late parts leave nothing', async (t) => {
  const job = await startJob();
  await job.checkpoint();
  await job.pass(100);
  const trigger = job.lastTrigger;
  const [first, second] = job.acknowledgements(trigger);
  job.coordinator.acknowledge(2, first as NonNullable<typeof first>);
  await job.coordinator.stopAttempt(new Error('a task failed'));
  job.coordinator.acknowledge(2, second as NonNullable<typeof second>);
  const selected = await job.start();
  t.is(selected?.manifest.checkpointId, 1);
  t.is(job.storage.list(`${JOB_ID}/shared`, 'files').length, 3);
  t.deepEqual(job.values, [1, 2, 3]);
  await job.checkpoint();
  t.deepEqual(listCheckpoints(job.storage, JOB_ID), [3, 1], 'ids are not used again');
});

test('an acknowledged checkpoint is whole or gone when its attempt stops', async (t) => {
  const job = await startJob();
  await job.pass(100);
  job.values.fill(5);
  const trigger = job.lastTrigger;
  job.acknowledgeAll(trigger);
  const stopped = job.coordinator.stopAttempt(new Error('a task failed'));
  await stopped;
  const selected = await job.start();
  // Files were being made durable: it may be given up then, but not half.
  if (selected === undefined) t.deepEqual(job.storage.list(`${JOB_ID}/shared`, 'files'), []);
  else t.deepEqual(job.values, [5, 5, 5]);
});

test('a restore from elsewhere makes the first completed checkpoint a full one', async (t) => {
  const job = await openJob({ schedule: { tolerableFailures: 1 } });
  await job.start(true);
  await job.pass(100);
  t.is(job.lastTrigger.snapshotKind, 'full');
  job.coordinator.decline(1, SUBTASKS[0], new Error('no'));
  await job.pass(100);
  t.is(job.lastTrigger.snapshotKind, 'full');
  job.acknowledgeAll(job.lastTrigger);
  await settle();
  await job.pass(100);
  t.is(job.lastTrigger.snapshotKind, 'incremental');
});

test('a claimed start is released after as many checkpoints as are retained', async (t) => {
  const job = await openJob();
  await job.coordinator.recover();
  let released = 0;
  const releaseClaimed = (): void => void released++;
  job.coordinator.startAttempt({
    attempt: 0,
    subtasks: SUBTASKS,
    restored: undefined,
    releaseClaimed,
  });
  await job.checkpoint();
  t.is(released, 0);
  await job.checkpoint();
  await job.checkpoint();
  t.is(released, 1);
});

test('what finished subtasks left is part of later checkpoints', async (t) => {
  const job = await startJob();
  await job.pass(100);
  const finished = job.acknowledgement(job.lastTrigger, 0, true);
  job.coordinator.acknowledge(1, finished);
  for (const index of [1, 2]) {
    job.coordinator.acknowledge(1, job.acknowledgement(job.lastTrigger, index));
  }
  await settle();
  for (let round = 0; round < 3; round++) {
    await job.pass(100);
    for (const index of [1, 2]) {
      const { checkpointId } = job.lastTrigger;
      job.coordinator.acknowledge(checkpointId, job.acknowledgement(job.lastTrigger, index));
    }
    await settle();
  }
  t.is(job.told.at(-1)?.kind, 'complete');
  await job.coordinator.stopAttempt(new Error('stop'));
  const selected = await job.coordinator.recover();
  const { newFiles: _, ...kept } = finished;
  t.deepEqual(selected?.manifest.subtasks[0], kept);
  t.false(selected?.manifest.isFinal);
});

test('when all inputs have ended the final checkpoint is taken at once', async (t) => {
  const job = await startJob({ schedule: { intervalMs: 100_000 } });
  for (const subtask of SUBTASKS) job.coordinator.inputEnded(subtask);
  t.true(job.lastTrigger.isFinal);
  job.acknowledgeAll(job.lastTrigger, true);
  await settle();
  const last = job.told.at(-1);
  t.true(last?.kind === 'complete' && last.notification.isFinal);
  await job.pass(1_000_000);
  t.is(job.told.at(-1), last);
  t.true(job.coordinator.statistics().history[0]?.isFinal);
});

test('the final checkpoint waits for the one under way, is tried again if it fails', async (t) => {
  const job = await startJob({ schedule: { tolerableFailures: 3 } });
  await job.pass(100);
  for (const subtask of SUBTASKS) job.coordinator.inputEnded(subtask);
  t.is(job.lastTrigger.checkpointId, 1);
  job.acknowledgeAll(job.lastTrigger);
  await settle();
  t.deepEqual([job.lastTrigger.checkpointId, job.lastTrigger.isFinal], [2, true]);
  job.coordinator.decline(2, SUBTASKS[0], new Error('no'));
  t.is(job.lastTrigger.checkpointId, 2);
  await job.pass(100);
  t.deepEqual([job.lastTrigger.checkpointId, job.lastTrigger.isFinal], [3, true]);
});

test('a checkpoint asked for is taken now', async (t) => {
  const job = await startJob({ schedule: { intervalMs: undefined } });
  const taken = job.coordinator.triggerCheckpoint();
  job.acknowledgeAll(job.lastTrigger);
  t.is((await taken).checkpointId, 1);
  await settle();
  const failing = job.coordinator.triggerCheckpoint();
  job.coordinator.decline(2, SUBTASKS[0], new Error('no'));
  await t.throwsAsync(failing, { code: 'CHECKPOINT_FAILED', message: /no$/ });
});

test('a savepoint waits for the checkpoint under way, and can be moved', async (t) => {
  const job = await startJob();
  await job.checkpoint();
  await job.pass(100);
  const taken = job.coordinator.triggerSavepoint();
  t.is(job.lastTrigger.kind, 'checkpoint');
  job.acknowledgeAll(job.lastTrigger);
  await settle();
  t.like(job.lastTrigger, { kind: 'savepoint', snapshotKind: 'canonical', checkpointId: 3 });
  job.values.fill(9);
  job.acknowledgeAll(job.lastTrigger);
  const info = await taken;
  await settle();
  t.is(info.path, `file:///savepoints/savepoint-${JOB_ID}-1-3`);
  const told = job.told.findLast((each) => each.kind === 'complete');
  t.false(told?.kind === 'complete' && told.notification.commits);
  for (let round = 0; round < 3; round++) await job.checkpoint();
  await job.coordinator.close('canceled');
  job.world.fileSystem.rename(`/savepoints/savepoint-${JOB_ID}-1-3`, '/moved');
  job.world.fileSystem.remove('/checkpoints');
  const selected = await resolveCheckpoint('/moved', job.world);
  job.restore(selected);
  t.deepEqual(job.values, [9, 9, 9]);
});

test('a savepoint takes the files of finished subtasks along', async (t) => {
  const job = await startJob();
  await job.pass(100);
  job.values[0] = 41;
  job.coordinator.acknowledge(1, job.acknowledgement(job.lastTrigger, 0, true));
  for (const index of [1, 2]) {
    job.coordinator.acknowledge(1, job.acknowledgement(job.lastTrigger, index));
  }
  await settle();
  const taken = job.coordinator.triggerSavepoint({ format: 'native' });
  t.is(job.lastTrigger.snapshotKind, 'full');
  for (const index of [1, 2]) {
    job.coordinator.acknowledge(2, job.acknowledgement(job.lastTrigger, index));
  }
  const { path } = await taken;
  job.world.fileSystem.remove('/checkpoints');
  job.restore(await resolveCheckpoint(path, job.world));
  t.is(job.values[0], 41);
});

test('a failed savepoint leaves no folder and the job running', async (t) => {
  const job = await startJob();
  const taken = job.coordinator.stopWithSavepoint('suspend');
  t.is(job.lastTrigger.stop, 'suspend');
  job
    .acknowledgements(job.lastTrigger)
    .slice(0, 2)
    .forEach((state) => {
      job.coordinator.acknowledge(1, state);
    });
  job.coordinator.decline(1, SUBTASKS[2], new Error('no'));
  await t.throwsAsync(taken, { code: 'SAVEPOINT_FAILED' });
  t.deepEqual(job.world.fileSystem.list('/savepoints'), []);
  t.false(job.kinds().includes('failJob'));
  await job.checkpoint();
  t.is(job.kinds().at(-1), 'complete 2');
});

test('a savepoint without a folder is refused with the option to set', async (t) => {
  const job = await startJob({ schedule: { savepointDirectory: undefined } });
  await t.throwsAsync(job.coordinator.triggerSavepoint(), {
    code: 'SAVEPOINT_FAILED',
    message: /execution.checkpointing.savepoint-dir/,
  });
  await t.throwsAsync(job.coordinator.triggerSavepoint({ directory: 'ftp://x' }), {
    message: /file:\/\/, memory:\/\//,
  });
});

test('a savepoint that stops the job is the last', async (t) => {
  const job = await startJob();
  const taken = job.coordinator.stopWithSavepoint('drain');
  job.acknowledgeAll(job.lastTrigger);
  const info = await taken;
  const { manifest } = await resolveCheckpoint(info.path, job.world);
  t.true(manifest.isDrained);
  const told = job.told.at(-1);
  t.true(
    told?.kind === 'complete' && told.notification.commits && told.notification.stop === 'drain',
  );
  await job.pass(10_000);
  t.is(job.told.at(-1), told);
  await t.throwsAsync(job.coordinator.triggerCheckpoint(), { message: /is being stopped/ });
});

test('the outcome decides what stays', async (t) => {
  const kept = async (
    outcome: 'finished' | 'canceled' | 'failed',
    retention: typeof SCHEDULE.retention,
  ) => {
    const job = await startJob({ schedule: { retention } });
    await job.checkpoint();
    await job.pass(100);
    await job.coordinator.close(outcome);
    await job.pass(10_000);
    const isRemoved = listCheckpoints(job.storage, JOB_ID).length === 0;
    t.is(
      job.storage.list(`${JOB_ID}/shared`, 'files').length > 0,
      !isRemoved && outcome !== 'finished',
    );
    t.is(isJobFinished(job.storage, JOB_ID), isRemoved);
    return !isRemoved;
  };
  t.false(await kept('finished', 'retain-on-cancellation'));
  t.true(await kept('canceled', 'retain-on-cancellation'));
  t.false(await kept('canceled', 'delete-on-cancellation'));
  t.true(await kept('failed', 'delete-on-cancellation'));
});

test('an owner that has been superseded completes nothing and removes nothing', async (t) => {
  const zombie = await startJob();
  await zombie.checkpoint();
  await zombie.pass(100);
  const { world } = zombie;
  const owner = { ...OWNER, pid: 8 };
  await acquireJob({ storage: zombie.storage, jobId: JOB_ID, owner, isAlive: () => false });
  zombie.acknowledgeAll(zombie.lastTrigger);
  await settle();
  const last = zombie.told.at(-1);
  t.true(last?.kind === 'failJob' && (last.error as MillraceError).code === 'JOB_LOCKED');
  t.deepEqual(listCheckpoints(zombie.storage, JOB_ID), [1]);
  await zombie.coordinator.stopAttempt(new Error('superseded'));
  await t.throwsAsync(zombie.coordinator.recover(), { code: 'JOB_LOCKED' });
  await t.throwsAsync(zombie.coordinator.close('finished'), { code: 'JOB_LOCKED' });
  const successor = await startJob({ world });
  t.deepEqual(successor.values, [1, 2, 3]);
});

test('an owner that is superseded right after a completion removes nothing', async (t) => {
  const world = simulatedEnvironment({ seed: 1 });
  let isArmed = false;
  const faultPoint = (point: FaultPoint): void => {
    if (!isArmed || point !== 'checkpoint.completed') return;
    using lock = world.fileSystem.open(`/checkpoints/${JOB_ID}/lock-2`, 'write');
    lock.append(new TextEncoder().encode('{}'));
  };
  const job = await startJob({ world, faultPoint, schedule: { retained: 1 } });
  await job.checkpoint();
  isArmed = true;
  await job.checkpoint();
  t.deepEqual(listCheckpoints(job.storage, JOB_ID), [2, 1]);
  t.true(job.told.some((each) => each.kind === 'failJob'));
});

test('a checkpoint that names a file it did not write does not complete', async (t) => {
  const job: TestJob = await startJob();
  await job.pass(100);
  for (const state of job.acknowledgements(job.lastTrigger)) {
    job.coordinator.acknowledge(1, { ...state, newFiles: [] });
  }
  await settle();
  t.deepEqual(job.kinds(), ['trigger 1', 'aborted 1', 'failJob']);
});
