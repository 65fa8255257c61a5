import test from 'ava';
import type { FaultPoint } from '../../base/fault-points.ts';
import { simulatedEnvironment } from '../../base/simulated-environment.ts';
import type { CommitContext, Sink } from '../../functions/sink.ts';
import type { ChainStage, SnapshotContext, StageSnapshot } from '../chain-stage.ts';
import { StageDriver, type StageDriverOptions } from '../testing/stage-driver.ts';
import { COMMIT_RETRIES_MAX } from './commit-queue.ts';
import { sinkStage } from './sink.ts';

/** Commits batches of values; every call is written down. */
interface Outside {
  readonly log: string[];
  /** Makes the next commits fail. */
  failures: number;
  /** What `flush` returns. */
  flushed: Promise<void> | undefined;
}

function outside(): Outside {
  return { log: [], failures: 0, flushed: undefined };
}

function loggingSink(out: Outside): Sink<string, string, string> {
  const { log } = out;
  const writer = (name: string): ReturnType<Sink<string, string, string>['createWriter']> => {
    let values: string[] = [];
    return {
      write: (value) => void values.push(value),
      flush: (endOfInput) => {
        log.push(endOfInput ? 'flush end' : 'flush');
        return out.flushed;
      },
      prepareCommit: () => {
        const batch = values.join('');
        values = [];
        log.push(`prepare ${batch}`);
        return batch === '' ? [] : [batch];
      },
      snapshotState: (checkpointId) => {
        log.push(`snapshot ${checkpointId}`);
        return [`${name}${checkpointId}`];
      },
      close: () => void log.push('close'),
    };
  };
  return {
    createWriter: () => writer('w'),
    restoreWriter: (_context, attempt, states) => {
      log.push(`restored ${states.join()} from ${attempt.restoredCheckpointId}`);
      return writer('r');
    },
    createCommitter: () => ({
      commit: async (committables, { isRestored, retries }: CommitContext) => {
        const how = `${isRestored ? ' restored' : ''}${retries > 0 ? ` retry ${retries}` : ''}`;
        log.push(`commit ${committables.join()}${how}`);
        if (out.failures-- > 0) throw new Error('the other side is away');
      },
      close: () => void log.push('close committer'),
    }),
  };
}

function drive(
  out: Outside,
  options: StageDriverOptions = {},
  restored?: readonly StageSnapshot[],
): StageDriver {
  return new StageDriver(sinkStage({ kind: 'sink', sink: loggingSink(out) }), options, restored);
}

function checkpoint(checkpointId: number, isSavepoint = false): SnapshotContext {
  return { checkpointId, timestamp: 0, isSavepoint };
}

function snapshotOf(stage: ChainStage, checkpointId: number): StageSnapshot {
  return structuredClone(stage.snapshot?.(checkpoint(checkpointId))) as StageSnapshot;
}

test('a checkpoint flushes, prepares, snapshots the writer; its completion commits', async (t) => {
  const out = outside();
  const driver = drive(out);
  driver.push([['a'], ['b']]);
  const snapshot = snapshotOf(driver.stage, 1);
  driver.push([['c']]);
  t.deepEqual(snapshot.data, {
    pending: [{ checkpointId: 1, committables: ['ab'] }],
    writerState: ['w1'],
  });
  await driver.stage.notifyCheckpointComplete?.(1);
  t.deepEqual(out.log, ['flush', 'prepare ab', 'snapshot 1', 'commit ab']);
  t.deepEqual(snapshotOf(driver.stage, 2).data, {
    pending: [{ checkpointId: 2, committables: ['c'] }],
    writerState: ['w2'],
  });
});

test('completion of a checkpoint commits what earlier ones left, and nothing of later ones', async (t) => {
  const out = outside();
  const driver = drive(out);
  for (const [id, value] of ['a', 'b', 'c'].entries()) {
    driver.push([[value]]);
    driver.stage.snapshot?.(checkpoint(id + 1));
  }
  await driver.stage.notifyCheckpointComplete?.(2);
  t.deepEqual(
    out.log.filter((line) => line.startsWith('commit')),
    ['commit a,b'],
  );
  await driver.stage.notifyCheckpointComplete?.(3);
  await driver.stage.notifyCheckpointComplete?.(3);
  t.deepEqual(
    out.log.filter((line) => line.startsWith('commit')),
    ['commit a,b', 'commit c'],
  );
});

test('what an aborted checkpoint and a savepoint have prepared goes with the next checkpoint', async (t) => {
  const out = outside();
  const driver = drive(out);
  driver.push([['a']]);
  driver.stage.snapshot?.(checkpoint(1));
  driver.stage.notifyCheckpointAborted?.(1);
  driver.push([['b']]);
  driver.stage.snapshot?.(checkpoint(2, true));
  t.false(out.log.some((line) => line.startsWith('commit')));
  const { data } = snapshotOf(driver.stage, 3);
  t.deepEqual((data as { pending: unknown }).pending, [
    { checkpointId: 1, committables: ['a'] },
    { checkpointId: 2, committables: ['b'] },
  ]);
  await driver.stage.notifyCheckpointComplete?.(3);
  t.is(out.log.at(-1), 'commit a,b');
});

test('committables stay in snapshots until their commit has succeeded', async (t) => {
  const out = outside();
  out.failures = 1;
  const driver = drive(out);
  driver.push([['a']]);
  driver.stage.snapshot?.(checkpoint(1));
  const committing = driver.stage.notifyCheckpointComplete?.(1);
  await nextTurn();
  const pending = [{ checkpointId: 1, committables: ['a'] }];
  t.like(snapshotOf(driver.stage, 2).data, { pending });
  driver.environment.clock.advanceBy(100);
  await committing;
  t.like(snapshotOf(driver.stage, 3).data, { pending: [] });
  t.deepEqual(
    out.log.filter((line) => line.startsWith('commit')),
    ['commit a', 'commit a retry 1'],
  );
});

test('a commit that fails for good fails the notification after some retries', async (t) => {
  const out = outside();
  out.failures = 100;
  const driver = drive(out);
  driver.push([['a']]);
  driver.stage.snapshot?.(checkpoint(1));
  const committing = driver.stage.notifyCheckpointComplete?.(1);
  const failure = t.throwsAsync(async () => committing, { message: /away/ });
  for (let turn = 0; turn < 10; turn++) {
    await nextTurn();
    driver.environment.clock.advanceBy(10_000);
  }
  await failure;
  t.is(out.log.filter((line) => line.startsWith('commit')).length, COMMIT_RETRIES_MAX + 1);
  await driver.stage.close?.();
});

test('closing while a commit waits for its retry ends it', async (t) => {
  const out = outside();
  out.failures = 100;
  const driver = drive(out);
  driver.push([['a']]);
  driver.stage.snapshot?.(checkpoint(1));
  const committing = driver.stage.notifyCheckpointComplete?.(1) as Promise<void>;
  await nextTurn();
  await Promise.all([t.throwsAsync(committing), driver.stage.close?.()]);
  t.deepEqual(out.log.slice(-2), ['close committer', 'close']);
});

test('restored committables are committed before the first record is taken', async (t) => {
  const out = outside();
  const first = drive(out);
  first.push([['a']]);
  const snapshots = [snapshotOf(first.stage, 4), snapshotOf(drive(out).stage, 4)];
  out.log.length = 0;
  const driver = drive(out, { attempt: { restoredCheckpointId: 4 } }, snapshots);
  const hold = driver.stage.backpressure?.();
  t.truthy(hold, 'the input waits');
  t.like(snapshotOf(driver.stage, 5).data, {
    pending: [{ checkpointId: 4, committables: ['a'] }],
  });
  await hold;
  t.is(driver.stage.backpressure?.(), undefined);
  driver.push([['b']]);
  t.like(snapshotOf(driver.stage, 6).data, {
    pending: [{ checkpointId: 6, committables: ['b'] }],
    writerState: ['r6'],
  });
  t.deepEqual(
    out.log.filter((line) => /^(restored|commit)/.test(line)),
    ['restored w4,w4 from 4', 'commit a restored'],
  );
});

test('restored committables that cannot be committed fail the task', async (t) => {
  const out = outside();
  const first = drive(out);
  first.push([['a']]);
  const snapshot = snapshotOf(first.stage, 1);
  out.failures = 100;
  const driver = drive(out, {}, [snapshot]);
  const failure = t.throwsAsync(async () => driver.stage.backpressure?.(), { message: /away/ });
  for (let turn = 0; turn < 10; turn++) {
    await nextTurn();
    driver.environment.clock.advanceBy(10_000);
  }
  await failure;
  await t.throwsAsync(async () => driver.stage.backpressure?.(), { message: /away/ });
});

test('an operator that the checkpoint does not know begins with a writer of its own', (t) => {
  const out = outside();
  const driver = drive(out, {}, []);
  driver.push([['a']]);
  t.deepEqual(out.log, ['restored  from 1']);
});

test('state of a writer that the sink would not take is refused', (t) => {
  const out = outside();
  const snapshot = snapshotOf(drive(out).stage, 1);
  const { restoreWriter, ...stateless } = loggingSink(out);
  t.truthy(restoreWriter);
  const stage = sinkStage({ kind: 'sink', sink: stateless });
  t.throws(() => new StageDriver(stage, {}, [snapshot]), { code: 'STATE_INCOMPATIBLE' });
  const newer = { ...snapshot, version: 2 };
  t.throws(() => drive(out, {}, [newer]), { code: 'STATE_INCOMPATIBLE' });
});

test('a checkpoint waits for asynchronous flushes, also for those of aborted ones before it', async (t) => {
  const out = outside();
  const driver = drive(out);
  const flushes = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  out.flushed = flushes[0].promise;
  driver.push([['a']]);
  driver.stage.snapshot?.(checkpoint(1));
  driver.push([['b']]);
  out.flushed = flushes[1].promise;
  driver.stage.snapshot?.(checkpoint(2));
  let isSettled = false;
  const settled = driver.stage.snapshotSettled?.()?.then(() => {
    isSettled = true;
  });
  flushes[1].resolve();
  await nextTurn();
  t.false(isSettled);
  flushes[0].resolve();
  await settled;
  out.flushed = undefined;
  driver.stage.snapshot?.(checkpoint(3));
  t.is(driver.stage.snapshotSettled?.(), undefined);
});

test('a flush that fails fails the checkpoint, and the task', async (t) => {
  const out = outside();
  const driver = drive(out);
  out.flushed = Promise.reject(new Error('disk full'));
  driver.push([['a']]);
  driver.stage.snapshot?.(checkpoint(1));
  await t.throwsAsync(async () => driver.stage.snapshotSettled?.(), { message: 'disk full' });
  await t.throwsAsync(async () => driver.stage.backpressure?.(), { message: 'disk full' });
  await t.throwsAsync(async () => driver.stage.finish?.({ hasFinalCheckpoint: true }), {
    message: 'disk full',
  });
});

test('at the end of input the final checkpoint holds the rest, and commits it', async (t) => {
  const out = outside();
  const driver = drive(out);
  driver.push([['a']]);
  driver.stage.snapshot?.(checkpoint(1));
  driver.push([['b']]);
  await driver.stage.finish?.({ hasFinalCheckpoint: true });
  t.false(out.log.some((line) => line.startsWith('commit')));
  const { data } = snapshotOf(driver.stage, 2);
  t.like(data, {
    pending: [
      { checkpointId: 1, committables: ['a'] },
      { checkpointId: 2, committables: ['b'] },
    ],
  });
  await driver.stage.notifyCheckpointComplete?.(2);
  await driver.stage.close?.();
  t.deepEqual(out.log.slice(3), [
    'flush end',
    'prepare b',
    'snapshot 2',
    'commit a,b',
    'close committer',
    'close',
  ]);
});

test('without a final checkpoint the end commits what savepoints have left, too', async (t) => {
  const out = outside();
  const driver = drive(out);
  driver.push([['a']]);
  driver.stage.snapshot?.(checkpoint(1, true));
  driver.push([['b']]);
  await driver.end();
  t.deepEqual(out.log.slice(-3), ['commit a,b', 'close committer', 'close']);
});

test('a writer that hands out committables needs a committer', (t) => {
  const out = outside();
  const { createCommitter, ...sink } = loggingSink(out);
  t.truthy(createCommitter);
  const driver = new StageDriver(sinkStage({ kind: 'sink', sink }));
  driver.push([['a']]);
  t.throws(() => driver.stage.snapshot?.(checkpoint(1)), { code: 'ILLEGAL_STATE' });
});

for (const [point, logged] of [
  ['sink.precommit', 'flush'],
  ['sink.precommitted', 'prepare a'],
  ['sink.commit', 'snapshot 1'],
  ['sink.committed', 'commit a'],
] as const) {
  test(`the fault point ${point} comes after '${logged}'`, async (t) => {
    const out = outside();
    const { driver, reached } = failingAt(out, point);
    driver.push([['a']]);
    await t.throwsAsync(
      async () => {
        driver.stage.snapshot?.(checkpoint(1));
        await driver.stage.notifyCheckpointComplete?.(1);
      },
      { message: point },
    );
    t.is(out.log.at(-1), logged);
    t.deepEqual(reached, [point]);
  });
}

function failingAt(
  out: Outside,
  wanted: FaultPoint,
): { readonly driver: StageDriver; readonly reached: FaultPoint[] } {
  const reached: FaultPoint[] = [];
  const environment = {
    ...simulatedEnvironment({ seed: 1 }),
    faultPoint: (point: FaultPoint) => {
      if (point !== wanted) return;
      reached.push(point);
      throw new Error(point);
    },
  };
  return { driver: drive(out, { environment }), reached };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
