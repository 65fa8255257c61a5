/**
 * Savepoints from end to end: taken, stopped with, drained, and started from: in other shapes, by
 * other programs.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { executeJobModule } from '../../src/index.ts';
import { memoryTransactionalStore, type TransactionalStore } from '../../src/testing/index.ts';
import { soakFactor } from '../soak-factor.ts';
import { ALL_WELL, type Result, tally } from './kit/exactly-once.ts';
import { startStateful, stopped, type StatefulJobOptions } from './kit/stateful-job.ts';
import { statefulResults, type StatefulPart, WINDOW } from './kit/stateful-program.ts';

const COUNT = 2400;
/** The first job reads so many; in the middle of windows, before many timers. */
const FIRST = 1000;
const PARALLELISMS = [1, 2, 3, 8, 64];
const SOME_PAIRS = ['1-1', '1-3', '3-1', '2-8', '8-3', '3-2', '1-64', '64-2'];

const TEMPORARY = mkdtempSync(join(tmpdir(), 'millrace-savepoints-'));
test.after.always(() => rmSync(TEMPORARY, { recursive: true, force: true }));

/** Options of a job that reads up to {@link FIRST}. */
function first(store: TransactionalStore, parallelism: number): StatefulJobOptions {
  return { store, count: COUNT, parallelism, heldFrom: FIRST };
}

/** A path below a file, where no folder can be made. */
function noFolder(): string {
  const file = join(TEMPORARY, 'file');
  writeFileSync(file, '');
  return join(file, 'below');
}

const from = (path: string): Record<string, string> => ({ 'execution.state-recovery.path': path });

const TAKES_SAVEPOINTS = { 'execution.checkpointing.savepoint-dir': TEMPORARY };

async function runToEnd(options: StatefulJobOptions): Promise<void> {
  await using running = await startStateful(options);
  await running.job.getJobExecutionResult();
}

/** Of each subtask one record stays in its buffer. */
function expectAllWell(
  t: ExecutionContext,
  store: TransactionalStore,
  parallelism: number,
  parts?: readonly StatefulPart[],
): void {
  const buffered = ({ path }: Result): boolean => path === 'buffered';
  const values = store.committedValues() as readonly Result[];
  const expected = statefulResults(COUNT, parts);
  t.deepEqual(store.violations(), []);
  const rest = values.filter((value) => !buffered(value));
  t.deepEqual(
    tally(
      rest,
      expected.filter((each) => !buffered(each)),
      false,
    ),
    ALL_WELL,
  );
  const held = tally(values.filter(buffered), expected.filter(buffered), false);
  t.like(held, { duplicated: 0, wrong: [] });
  t.true(held.lost <= parallelism, `${held.lost} records stay in the buffers`);
}

for (const before of PARALLELISMS) {
  for (const after of PARALLELISMS) {
    if (soakFactor === 1 && !SOME_PAIRS.includes(`${before}-${after}`)) continue;
    test.serial(`suspended at parallelism ${before}, started at ${after}`, async (t) => {
      const store = memoryTransactionalStore();
      // Channels all to all between 64 subtasks take their time to make: a part of the program
      // does.
      const isLarge = before === 64 || after === 64;
      const parts = isLarge ? (['windows', 'states'] as const) : undefined;
      const { path } = await stopped(
        { ...first(store, before), configuration: TAKES_SAVEPOINTS, parts },
        {},
      );
      const isEarly = (value: unknown): boolean => (value as Result).n >= FIRST / WINDOW;
      const windows = (store.committedValues() as readonly Result[]).filter(
        (value) => value.path === 'windows',
      );
      t.false(windows.some(isEarly), 'no window has fired before its time');
      await runToEnd({
        store,
        count: COUNT,
        parallelism: after,
        parts,
        configuration: from(path),
      });
      expectAllWell(t, store, after, parts);
    });
  }
}

for (const format of ['canonical', 'native'] as const) {
  test.serial(
    `a ${format} savepoint commits nothing, the job goes on, another starts from it`,
    async (t) => {
      const store = memoryTransactionalStore();
      const path = await (async () => {
        await using running = await startStateful({
          ...first(store, 2),
          configuration: TAKES_SAVEPOINTS,
        });
        await running.settled();
        const info = await running.job.triggerSavepoint({ format });
        t.deepEqual(store.committedValues(), []);
        t.is(running.job.status(), 'running');
        running.release();
        const seen = running.job.metrics().numRecordsInTotal;
        while (running.job.metrics().numRecordsInTotal === seen) await new Promise(setImmediate);
        await running.job.cancel();
        return info.path;
      })();
      await runToEnd({ store, count: COUNT, parallelism: 2, configuration: from(path) });
      expectAllWell(t, store, 2);
    },
  );
}

test.serial('a drained job has fired all windows and timers, and committed them', async (t) => {
  const store = memoryTransactionalStore();
  await stopped({ ...first(store, 2), configuration: TAKES_SAVEPOINTS }, { drain: true });
  const values = store.committedValues() as readonly Result[];
  const read = values.filter(({ path }) => path === 'reduced').length;
  t.true(read >= FIRST - 64 && read <= FIRST + 64, `${read} records were read`);
  t.is(values.filter(({ path }) => path === 'timer').length, read);
  const inWindows = values.filter(({ path }) => path === 'windows');
  t.is(
    inWindows.reduce((sum, { count }) => sum + count, 0),
    read,
  );
  t.deepEqual(store.violations(), []);
});

test.serial('a drain whose savepoint fails sets the job back to its last checkpoint', async (t) => {
  const store = memoryTransactionalStore();
  await using running = await startStateful({
    ...first(store, 2),
    configuration: {
      'execution.checkpointing.interval': '10 ms',
      'restart-strategy.type': 'fixed-delay',
      'restart-strategy.fixed-delay.delay': '1 ms',
    },
  });
  await running.settled();
  const directory = noFolder();
  const error = await t.throwsAsync(running.job.stopWithSavepoint({ drain: true, directory }));
  t.like(error, { code: 'SAVEPOINT_FAILED' });
  running.release();
  await running.job.getJobExecutionResult();
  t.is(running.job.metrics().vertices.length > 0, true);
  expectAllWell(t, store, 2);
});

test.serial(
  'a savepoint that fails leaves the job running, also if it was to stop it',
  async (t) => {
    const store = memoryTransactionalStore();
    await using running = await startStateful({
      ...first(store, 2),
      configuration: { 'execution.checkpointing.interval': '10 ms' },
    });
    await running.settled();
    const directory = noFolder();
    await t.throwsAsync(running.job.triggerSavepoint({ directory }), { code: 'SAVEPOINT_FAILED' });
    await t.throwsAsync(running.job.stopWithSavepoint({ directory }), { code: 'SAVEPOINT_FAILED' });
    running.release();
    await running.job.getJobExecutionResult();
    t.deepEqual(running.job.restarts(), []);
    expectAllWell(t, store, 2);
  },
);

for (const claimMode of ['no-claim', 'claim'] as const) {
  test.serial(`${claimMode}: who removes the savepoint, and when`, async (t) => {
    const store = memoryTransactionalStore();
    const { path } = await stopped(
      { ...first(store, 2), configuration: TAKES_SAVEPOINTS },
      { format: 'native' },
    );
    const folder = new URL(path.startsWith('file:') ? path : `file://${path}`);
    let failures = 0;
    let mayFail = false;
    await using running = await startStateful({
      store,
      count: COUNT,
      parallelism: 2,
      heldFrom: FIRST + 500,
      configuration: {
        ...from(path),
        'execution.state-recovery.claim-mode': claimMode,
        'execution.checkpointing.interval': '10 ms',
        'restart-strategy.type': 'fixed-delay',
        'restart-strategy.fixed-delay.delay': '1 ms',
      },
      onRecord: () => {
        if (mayFail && failures++ === 0) throw new Error('after the savepoint is gone');
      },
    });
    const completed = (): number => running.job.checkpoints().numCompleted;
    if (claimMode === 'no-claim') {
      while (completed() < 1) await new Promise(setImmediate);
      t.true(existsSync(folder), 'it is not ours to remove');
      rmSync(folder, { recursive: true });
    } else {
      while (completed() < 4) await new Promise(setImmediate);
      t.false(existsSync(folder), 'it was ours to remove');
    }
    mayFail = true;
    running.release();
    await running.job.getJobExecutionResult();
    t.is(running.job.restarts().length, 1);
    expectAllWell(t, store, 2);
  });
}

test.serial(
  'state of an operator that is gone is refused, or left behind if that is allowed',
  async (t) => {
    const store = memoryTransactionalStore();
    const { path } = await stopped({ ...first(store, 2), configuration: TAKES_SAVEPOINTS }, {});
    const parts = ['reduced', 'windows', 'states', 'buffered'] as const;
    const options = { store, count: COUNT, parallelism: 2, parts };
    await t.throwsAsync(runToEnd({ ...options, configuration: from(path) }), {
      code: 'STATE_UNMATCHED',
      message: /rules/,
    });
    const allowed = { 'execution.state-recovery.ignore-unclaimed-state': 'true' };
    await runToEnd({ ...options, configuration: { ...from(path), ...allowed } });
    const ofParts = store.committedValues().filter((value) => (value as Result).path !== 'rules');
    const expected = statefulResults(COUNT, parts).filter((each) => each.path !== 'buffered');
    const counted = ofParts.filter((value) => (value as Result).path !== 'buffered');
    t.deepEqual(tally(counted, expected, false), ALL_WELL);
  },
);

test.serial('an operator that is new starts empty, the others go on', async (t) => {
  const store = memoryTransactionalStore();
  const parts = ['reduced', 'windows'] as const;
  const { path } = await stopped(
    { ...first(store, 2), parts, configuration: TAKES_SAVEPOINTS },
    {},
  );
  const before = (store.committedValues() as readonly Result[]).filter(
    (value) => value.path === 'reduced',
  ).length;
  await runToEnd({ store, count: COUNT, parallelism: 2, configuration: from(path) });
  const values = store.committedValues() as readonly Result[];
  const ofParts = values.filter((value) => (parts as readonly string[]).includes(value.path));
  t.deepEqual(tally(ofParts, statefulResults(COUNT, parts), false), ALL_WELL);
  const ofNew = values.filter((value) => value.path === 'rules');
  t.is(ofNew.length, COUNT - before);
});

test.serial('state follows its uid when chains change', async (t) => {
  const store = memoryTransactionalStore();
  const { path } = await stopped({ ...first(store, 2), configuration: TAKES_SAVEPOINTS }, {});
  await runToEnd({
    store,
    count: COUNT,
    parallelism: 2,
    configuration: from(path),
    change: (env) => env.disableOperatorChaining(),
  });
  expectAllWell(t, store, 2);
});

for (const [before, after] of [
  ['heap', 'rocksdb'],
  ['rocksdb', 'heap'],
  ['rocksdb', 'rocksdb'],
] as const) {
  test.serial(`a canonical savepoint of ${before} is started on ${after}`, async (t) => {
    const store = memoryTransactionalStore();
    const { path } = await stopped(
      {
        ...first(store, 2),
        configuration: { ...TAKES_SAVEPOINTS, 'state.backend.type': before },
      },
      {},
    );
    await runToEnd({
      store,
      count: COUNT,
      parallelism: 3,
      configuration: { ...from(path), 'state.backend.type': after },
    });
    expectAllWell(t, store, 3);
  });
}

test.serial('a job is resumed under its id, and not when it has finished', async (t) => {
  const folder = mkdtempSync(join(TEMPORARY, 'resume-'));
  const url = new URL('pressed.test-job.ts', import.meta.url);
  const options = {
    executor: 'inline',
    parallelism: 2,
    resume: true,
    args: [`${folder}/store`, 'keyed', '20000', '20', `${folder}/end`],
    configuration: {
      'execution.checkpointing.dir': `${folder}/checkpoints`,
      'execution.checkpointing.interval': '10 ms',
      'execution.checkpointing.unaligned.enabled': 'true',
    },
  } as const;
  const jobId = await (async () => {
    await using job = await executeJobModule(url, options);
    while (job.checkpoints().numCompleted < 2) await new Promise(setImmediate);
    await job.cancel();
    return job.jobId;
  })();
  writeFileSync(`${folder}/end`, '');
  {
    await using job = await executeJobModule(url, options);
    t.is(job.jobId, jobId);
    await job.getJobExecutionResult();
    t.true((job.checkpoints().restored?.checkpointId ?? 0) >= 2);
  }
  await using again = await executeJobModule(url, options);
  await t.throwsAsync(again.getJobExecutionResult(), { code: 'JOB_FINISHED' });
  t.deepEqual(readdirSync(`${folder}/store`).length > 0, true);
});
