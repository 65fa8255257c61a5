import test from 'ava';
import {
  type SimulatedEnvironment,
  simulatedEnvironment,
} from '../../base/simulated-environment.ts';
import type { CommitContext, SinkWriteContext, SinkWriter } from '../../functions/sink.ts';
import type { ChainStage, StageSnapshot } from '../../operators/chain-stage.ts';
import { sinkStage } from '../../operators/sink/sink.ts';
import { StageDriver } from '../../operators/testing/stage-driver.ts';
import { fileTransactionLog, memoryTransactionLog } from './transaction-log.ts';
import {
  type TransactionalSinkOptions,
  type TransactionalWriterState,
  type TransactionCommittable,
  transactionalSink,
} from './transactional-sink.ts';
import {
  fileTransactionalStore,
  memoryTransactionalStore,
  TransactionalStore,
} from './transactional-store.ts';

interface Attempt {
  readonly environment?: SimulatedEnvironment;
  readonly attemptNumber?: number;
  readonly checkpointId?: number;
  readonly snapshots?: readonly StageSnapshot[];
}

function drive(options: TransactionalSinkOptions, attempt: Attempt = {}): StageDriver {
  const { environment, attemptNumber = 0, checkpointId, snapshots } = attempt;
  return new StageDriver(
    sinkStage({ kind: 'sink', sink: transactionalSink(options) }),
    { environment, attempt: { attemptNumber, restoredCheckpointId: checkpointId } },
    snapshots,
  );
}

function cut(stage: ChainStage, checkpointId: number): StageSnapshot {
  const context = { checkpointId, timestamp: 0, isSavepoint: false };
  return structuredClone(stage.snapshot?.(context)) as StageSnapshot;
}

const rows = (...values: number[]): [number][] => values.map((value) => [value]);

test('a run with a failure: what is committed is there once, what is not is aborted', async (t) => {
  const store = memoryTransactionalStore();
  const complete = new Set<number>();
  const options = { store, isCheckpointComplete: (id: number) => complete.has(id) };
  const first = drive(options);
  first.push(rows(1, 2));
  const snapshots = [cut(first.stage, 1)];
  complete.add(1);
  await first.stage.notifyCheckpointComplete?.(1);
  t.deepEqual(store.committedValues(), [1, 2]);
  first.push(rows(3));
  cut(first.stage, 2);
  // Lost before checkpoint 2 was complete.
  const second = drive(options, { attemptNumber: 1, checkpointId: 1, snapshots });
  t.is(store.abortedTransactions().length, 1);
  await second.stage.backpressure?.();
  second.push(rows(3, 4));
  await second.stage.finish?.({ hasFinalCheckpoint: true });
  cut(second.stage, 3);
  t.is(store.lingeringTransactions().length, 1);
  complete.add(3);
  await second.stage.notifyCheckpointComplete?.(3);
  await second.stage.close?.();
  t.deepEqual(store.committedValues(), [1, 2, 3, 4]);
  t.deepEqual(store.lingeringTransactions(), []);
  t.deepEqual(store.violations(), []);
});

test('a store in files is the same for another process, in spite of a torn line', async (t) => {
  const environment = simulatedEnvironment({ seed: 1 });
  const options = { store: (world: SimulatedEnvironment) => fileTransactionalStore(world, '/tx') };
  const first = drive(options as never, { environment });
  first.push(rows(1, 2));
  const snapshots = [cut(first.stage, 1)];
  await first.stage.notifyCheckpointComplete?.(1);
  first.push(rows(3));
  environment.fileSystem.crash();
  const [log = ''] = environment.fileSystem.list('/tx');
  {
    using file = environment.fileSystem.open(`/tx/${log}`, 'append');
    file.append(Buffer.from('{"kind":"abo'));
  }
  const second = drive(options as never, {
    environment,
    attemptNumber: 1,
    checkpointId: 1,
    snapshots,
  });
  await second.stage.backpressure?.();
  second.push(rows(3));
  await second.end();
  const store = fileTransactionalStore(environment, '/tx');
  t.deepEqual(
    [...store.committedValues()].map(Number).sort((a, b) => a - b),
    [1, 2, 3],
  );
  t.deepEqual(store.violations(), []);
  t.true(environment.fileSystem.list('/tx').length > 1);
});

test('a job without checkpoints commits at its end', async (t) => {
  const store = memoryTransactionalStore();
  const driver = drive({ store });
  driver.push(rows(1, 2));
  await driver.end();
  t.deepEqual(store.committedValues(), [1, 2]);
});

test('a commit that fails after it has taken effect is repeated without harm', async (t) => {
  const store = memoryTransactionalStore();
  let failures = 1;
  const driver = drive({
    store,
    fault: (step) => {
      if (step === 'committed' && failures-- > 0) throw new Error('the answer got lost');
    },
  });
  driver.push(rows(1));
  cut(driver.stage, 1);
  const committing = driver.stage.notifyCheckpointComplete?.(1);
  await new Promise((resolve) => void setImmediate(resolve));
  driver.environment.clock.advanceBy(1000);
  await committing;
  t.deepEqual(store.committedValues(), [1]);
  t.deepEqual(store.violations(), []);
});

const NOTHING: SinkWriteContext = { timestamp: () => undefined, currentWatermark: () => 0 };
const FIRST_TRY: CommitContext = { isRestored: false, retries: 0 };

interface Parts {
  readonly store: TransactionalStore;
  readonly writer: (uncommitted?: readonly string[]) => AnyWriter;
  readonly commit: (ids: readonly string[], how?: CommitContext) => void;
}

type AnyWriter = SinkWriter<number, TransactionCommittable, TransactionalWriterState>;

const CONTEXT = {
  jobName: 'job',
  taskName: 'sink',
  indexOfThisSubtask: 0,
  numberOfParallelSubtasks: 1,
  maxNumberOfParallelSubtasks: 128,
  metricGroup: { counter: () => ({ inc: () => undefined, count: 0 }) },
};
const ATTEMPT = {
  jobId: 'job',
  operatorId: 'sink',
  attemptNumber: 0,
  restoredCheckpointId: undefined,
};

/** A writer and committer by themselves, to be called wrongly. */
function parts(options: Partial<TransactionalSinkOptions> = {}): Parts {
  const store = memoryTransactionalStore();
  const sink = transactionalSink<number>({ store, ...options });
  // Safe: the sink asks for nothing of the keyed state that a context may give.
  const context = { ...CONTEXT, environment: simulatedEnvironment({ seed: 1 }) } as never;
  const committer = sink.createCommitter?.(context);
  return {
    store,
    writer: (uncommitted) =>
      uncommitted === undefined
        ? sink.createWriter(context, ATTEMPT)
        : (sink.restoreWriter?.(context, ATTEMPT, [{ uncommitted }]) as AnyWriter),
    commit: (ids, how = FIRST_TRY) => {
      void committer?.commit(
        ids.map((transaction) => ({ transaction })),
        how,
      );
    },
  };
}

function prepared({ writer }: Pick<Parts, 'writer'>, checkpointId?: number): string {
  const one = writer();
  one.write(1, NOTHING);
  void one.flush(false);
  const [committable] = one.prepareCommit?.() ?? [];
  if (checkpointId !== undefined) one.snapshotState?.(checkpointId);
  return committable?.transaction ?? '';
}

const VIOLATIONS: Readonly<Record<string, (world: Parts) => void>> = {
  'between flush and snapshot': ({ writer }) => {
    const one = writer();
    void one.flush(false);
    one.write(1, NOTHING);
  },
  'after flush\\(true\\)': ({ writer }) => {
    const one = writer();
    void one.flush(true);
    one.prepareCommit?.();
    one.write(1, NOTHING);
  },
  'not right after flush': ({ writer }) => void writer().prepareCommit?.(),
  'not after prepareCommit': ({ writer }) => void writer().snapshotState?.(1),
  'comes after': ({ writer }) => {
    const one = writer();
    for (const id of [2, 1]) {
      void one.flush(false);
      one.prepareCommit?.();
      one.snapshotState?.(id);
    }
  },
  'close is called twice': ({ writer }) => {
    const one = writer();
    void one.close();
    void one.close();
  },
  'was never prepared': ({ commit }) => commit(['x']),
  'committed twice': (world) => {
    const id = prepared(world, 1);
    world.commit([id]);
    world.commit([id], { isRestored: true, retries: 0 });
    world.commit([id], { isRestored: false, retries: 1 });
    world.commit([id]);
  },
  'belongs to no checkpoint': (world) => world.commit([prepared(world)]),
  'after its abort': (world) => {
    const id = prepared(world, 1);
    world.store.abortSince(
      { jobId: 'job', operatorId: 'sink', lastCheckpointId: 0 },
      () => true,
      false,
    );
    world.commit([id]);
  },
  'before the restored transactions': (world) => {
    const id = prepared(world, 1);
    world.writer([id]).write(1, NOTHING);
  },
  'its records will come again': (world) => {
    const id = prepared(world, 1);
    world.commit([id]);
    world.store.abortSince(
      { jobId: 'job', operatorId: 'sink', lastCheckpointId: 0 },
      () => true,
      false,
    );
  },
};

for (const [rule, violate] of Object.entries(VIOLATIONS)) {
  const title = rule.replaceAll('\\', '');
  test(`a broken rule is named and remembered: ${title}`, (context) => {
    const world = parts();
    const expected = new RegExp(rule === 'between flush and snapshot' ? 'writer is flushed' : rule);
    context.throws(() => violate(world), { code: 'BUG', message: expected });
    context.is(world.store.violations().length, 1);
  });
}

test('a broken rule is named: a commit before its checkpoint is complete', (context) => {
  const world = parts({ isCheckpointComplete: (id) => id < 1 });
  const id = prepared(world, 1);
  context.throws(() => world.commit([id]), { message: /before checkpoint 1 is complete/ });
});

test('logs in files and in memory give each event once', (context) => {
  const environment = simulatedEnvironment({ seed: 1 });
  for (const log of [memoryTransactionLog(), fileTransactionLog(environment, '/tx')]) {
    const event = { kind: 'commit', transaction: 'ä' } as const;
    context.deepEqual(log.readNew(), []);
    log.append(event);
    context.deepEqual(log.readNew(), [event]);
    context.deepEqual(log.readNew(), []);
  }
  const other = new TransactionalStore(fileTransactionLog(environment, '/tx'));
  context.deepEqual(other.committedValues(), [], 'a commit without its transaction waits for it');
});
