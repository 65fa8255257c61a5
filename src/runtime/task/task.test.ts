/** Tasks and checkpoints: when the cut is made, what belongs to it, and what becomes of those that never complete. */
import test from 'ava';
import type { StreamExecutionEnvironment } from '../../api/datastream/stream-execution-environment.ts';
import { WatermarkStrategy } from '../../functions/watermark-strategy.ts';
import { TumblingEventTimeWindows } from '../../functions/windowing/aligned-windows.ts';
import { STEP_BACKPRESSURED, STEP_FINISHED } from './task.ts';
import { barrierOf, HandTasks, handSource, type HandSource } from './task.test-kit.ts';

interface Keyed {
  readonly key: number;
  readonly n: number;
}

/** Vertex 0 is the source, 1 counts by key and collects. */
function counting(env: StreamExecutionEnvironment, source: HandSource<Keyed>): void {
  env
    .fromSource(source, WatermarkStrategy.noWatermarks<Keyed>(), 'records')
    .keyBy('key')
    .reduce((a, b) => ({ key: a.key, n: a.n + b.n }))
    .collectAsync('sums');
}

/** Vertices 0 and 1 are sources, 2 joins them. */
function union(
  env: StreamExecutionEnvironment,
  sources: readonly [HandSource<Keyed>, HandSource<Keyed>],
): void {
  const [one, two] = sources.map((source, index) =>
    env.fromSource(source, WatermarkStrategy.noWatermarks<Keyed>(), `records ${index}`),
  );
  if (one === undefined || two === undefined) throw new RangeError('two sources');
  one
    .union(two)
    .keyBy('key')
    .reduce((a, b) => ({ key: a.key, n: a.n + b.n }))
    .collectAsync('sums');
}

test('a source cuts when it is asked, the task behind it when the barrier comes', async (t) => {
  const source = handSource<Keyed>();
  const job = new HandTasks((env) => counting(env, source));
  source.put({ key: 1, n: 1 }, { key: 1, n: 2 });
  await job.step(3, 0);
  job.trigger(barrierOf(1));
  source.put({ key: 1, n: 100 });
  await job.step(3, 0);
  t.deepEqual(job.acknowledged(1), [0]);
  const [answer] = job.answers;
  t.true(answer !== undefined && 'state' in answer);
  if (answer !== undefined && 'state' in answer) {
    t.deepEqual(answer.state.operators[0]?.splits, [{ splitId: 'all', given: 2 }]);
  }
  await job.step(1, 1);
  await job.step(1, 1);
  t.deepEqual(job.collected.get('sums')?.at(-1), { key: 1, n: 3 }, 'nothing behind the barrier');
  await job.step(4, 1);
  t.deepEqual(job.acknowledged(1), [0, 1]);
  t.deepEqual(job.collected.get('sums')?.at(-1), { key: 1, n: 103 });
});

test('records behind a barrier wait until the others have come', async (t) => {
  const sources = [handSource<Keyed>(), handSource<Keyed>()] as const;
  const job = new HandTasks((env) => union(env, sources));
  job.at(0).task.triggerCheckpoint(barrierOf(1), false);
  sources[0].put({ key: 1, n: 10 });
  sources[1].put({ key: 1, n: 1 });
  await job.step(4, 0, 1, 2);
  t.deepEqual(job.collected.get('sums'), [{ key: 1, n: 1 }], 'the first channel is blocked');
  t.deepEqual(job.acknowledged(1), [0]);
  job.at(1).task.triggerCheckpoint(barrierOf(1), false);
  await job.step(4, 0, 1, 2);
  t.deepEqual(job.acknowledged(1), [0, 1, 2]);
  t.deepEqual(job.collected.get('sums')?.at(-1), { key: 1, n: 11 });
});

test('an aborted checkpoint lets blocked channels go, and leaves no file', async (t) => {
  const sources = [handSource<Keyed>(), handSource<Keyed>()] as const;
  const job = new HandTasks((env) => union(env, sources));
  sources[0].put({ key: 1, n: 5 });
  await job.step(3, 0, 1, 2);
  job.at(0).task.triggerCheckpoint(barrierOf(1), false);
  sources[0].put({ key: 1, n: 10 });
  await job.step(4, 0, 2);
  t.deepEqual(job.collected.get('sums'), [{ key: 1, n: 5 }]);
  for (const { task } of job.tasks) task.notifyCheckpointAborted(1);
  await job.step(4, 0, 1, 2);
  t.deepEqual(job.collected.get('sums')?.at(-1), { key: 1, n: 15 });
  t.deepEqual(job.acknowledged(1), [0], 'the source had answered already');
  job.at(1).task.triggerCheckpoint(barrierOf(1), false);
  await job.step(4, 1, 2);
  t.deepEqual(job.acknowledged(1), [0, 1], 'the late barrier means nothing any more');
  job.trigger(barrierOf(2));
  await job.step(5, 0, 1, 2);
  t.deepEqual(job.acknowledged(2), [0, 1, 2]);
});

test('a newer checkpoint gives an older one up, with its files', async (t) => {
  const source = handSource<Keyed>();
  const job = new HandTasks((env) => counting(env, source));
  source.put({ key: 1, n: 1 });
  await job.step(3, 0, 1);
  const { task } = job.at(1);
  task.aligned(barrierOf(1), 0);
  task.aligned(barrierOf(2), 0);
  task.aligned(barrierOf(1), 0);
  await job.step(3, 1);
  t.deepEqual(job.acknowledged(1), []);
  t.deepEqual(job.acknowledged(2), [1]);
  t.true(job.files().length > 0);
  t.true(
    job.files().every((path) => path.includes('/2-')),
    job.files().join(),
  );
});

test('an abort while rows are being written removes what there is', async (t) => {
  const source = handSource<Keyed>();
  const job = new HandTasks((env) => counting(env, source));
  source.put({ key: 1, n: 1 });
  await job.step(3, 0, 1);
  const { task } = job.at(1);
  task.aligned(barrierOf(1), 0);
  task.notifyCheckpointAborted(1);
  await job.step(3, 1);
  t.deepEqual(job.answers, []);
  t.deepEqual(job.files(), []);
});

test('a snapshot that fails is declined, and the barrier goes on', async (t) => {
  const source = handSource<Keyed>();
  let fails = true;
  const job = new HandTasks((env) =>
    env
      .fromSource(source, WatermarkStrategy.noWatermarks<Keyed>(), 'records')
      .process<Keyed>(() => ({
        initializeState: () => undefined,
        snapshotState: () => {
          if (fails) throw new Error('no snapshot');
        },
        processElement: (record, _context, out) => out.collect(record),
      }))
      .keyBy('key')
      .reduce((a, b) => ({ key: a.key, n: a.n + b.n }))
      .collectAsync('sums'),
  );
  source.put({ key: 1, n: 1 });
  job.trigger(barrierOf(1));
  await job.step(5, 0, 1);
  const [declined] = job.answers;
  t.true(declined !== undefined && 'declined' in declined && declined.vertex === 0);
  t.deepEqual(job.acknowledged(1), [1], 'the task behind it had its barrier');
  for (const { task } of job.tasks) task.notifyCheckpointAborted(1);
  fails = false;
  job.trigger(barrierOf(2));
  await job.step(5, 0, 1);
  t.deepEqual(job.acknowledged(2), [0, 1]);
  t.deepEqual(job.failures, []);
});

test('a barrier is taken within a pass that is not finished', async (t) => {
  const source = handSource<Keyed>();
  const keys = 20_000;
  const job = new HandTasks((env) =>
    env
      .fromSource(
        source,
        WatermarkStrategy.forMonotonousTimestamps<Keyed>().withTimestampAssigner(({ n }) => n),
        'records',
      )
      .keyBy('key')
      .window(TumblingEventTimeWindows.of(10))
      .sum('n')
      .collectAsync('sums'),
  );
  for (let key = 0; key < keys; key++) source.put({ key, n: 1 });
  await job.step(30, 0, 1);
  source.end();
  const { task } = job.at(1);
  while (!task.chain.passes.inPass) await job.step(1, 0, 1);
  const before = job.collected.get('sums')?.length ?? 0;
  t.true(before > 0 && before < keys, `${before} windows have fired`);
  task.aligned(barrierOf(1), 0);
  while (job.acknowledged(1).length === 0) await job.step(1, 1);
  t.true(task.chain.passes.inPass, 'it did not wait for the end of the pass');
  await job.step(60, 1);
  t.is(job.collected.get('sums')?.length, keys);
});

test('a barrier is taken while outputs are full', async (t) => {
  const source = handSource<Keyed>();
  const job = new HandTasks((env) =>
    env
      .fromSource(source, WatermarkStrategy.noWatermarks<Keyed>(), 'records')
      .keyBy('key')
      .reduce((a, b) => ({ key: a.key, n: a.n + b.n }))
      .keyBy('key')
      .reduce((a, b) => ({ key: a.key, n: a.n + b.n }))
      .collectAsync('sums'),
  );
  for (let n = 0; n < 30_000; n++) source.put({ key: n % 7, n: 1 });
  await job.step(40, 0, 1);
  const { task } = job.at(1);
  t.is(task.step(job.environment.clock.monotonicMs()), STEP_BACKPRESSURED);
  job.trigger(barrierOf(1, { isUnaligned: true }));
  await job.step(6, 0, 1);
  t.deepEqual(job.acknowledged(1).sort(), [0, 1], 'without a step of the task behind');
  const answers = job.answers.flatMap((answer) => ('state' in answer ? [answer.state] : []));
  const rows = answers.flatMap(({ channels }) => channels).map((channel) => channel.rows);
  t.true(rows.reduce((sum, each) => sum + each, 0) > 1000, 'records were in flight');
});

test('after the end of data a task is triggered itself, and ends with the last checkpoint', async (t) => {
  const source = handSource<Keyed>();
  const job = new HandTasks((env) => counting(env, source));
  source.put({ key: 1, n: 1 });
  source.end();
  await job.step(10, 0, 1);
  const ended = job.answers.flatMap((answer) => ('endOfData' in answer ? [answer.endOfData] : []));
  t.deepEqual(ended, [0, 1]);
  t.false(job.at(0).task.isFinished, 'the last checkpoint is missing');
  job.trigger(barrierOf(1));
  await job.step(4, 0, 1);
  t.deepEqual(job.acknowledged(1), [0, 1]);
  t.true(job.answers.every((answer) => !('state' in answer) || answer.state.isFinished));
  for (const { task } of job.tasks) {
    task.notifyCheckpointComplete(1, true);
    task.endAfterLastCheckpoint();
  }
  for (const { task } of job.tasks) {
    t.is(task.step(job.environment.clock.monotonicMs()), STEP_FINISHED);
  }
});

test('without checkpoints a task is finished at the end of data', async (t) => {
  const source = handSource<Keyed>();
  const job = new HandTasks((env) => counting(env, source), { hasFinalCheckpoint: false });
  source.end();
  await job.step(10, 0, 1);
  t.true(job.tasks.every(({ task }) => task.isFinished));
  t.deepEqual(job.answers, []);
});

test('to stop with a savepoint sources are suspended, and go on if it fails', async (t) => {
  const source = handSource<Keyed>();
  const job = new HandTasks((env) => counting(env, source));
  job.at(0).source?.setSuspended(true);
  job.trigger(barrierOf(1, { isSavepoint: true, snapshotKind: 'canonical' }));
  source.put({ key: 1, n: 1 });
  await job.step(5, 0, 1);
  t.deepEqual(job.acknowledged(1), [0, 1]);
  t.deepEqual(job.collected.get('sums'), []);
  for (const { task, source: input } of job.tasks) {
    task.notifyCheckpointAborted(1);
    input?.setSuspended(false);
  }
  await job.step(5, 0, 1);
  t.deepEqual(job.collected.get('sums'), [{ key: 1, n: 1 }]);
});

test('to drain, sources end where they are, and everybody takes part at the end', async (t) => {
  const source = handSource<Keyed>();
  const job = new HandTasks((env) => counting(env, source));
  source.put({ key: 1, n: 1 });
  await job.step(3, 0, 1);
  job.at(0).source?.endInput();
  source.put({ key: 1, n: 100 });
  job.trigger(barrierOf(1, { isSavepoint: true, snapshotKind: 'canonical' }), true);
  t.deepEqual(job.acknowledged(1), [], 'not before the end');
  await job.step(12, 0, 1);
  t.deepEqual(job.acknowledged(1), [0, 1]);
  t.deepEqual(job.collected.get('sums'), [{ key: 1, n: 1 }]);
});

test('closing a task with a snapshot under way leaves no file', async (t) => {
  const source = handSource<Keyed>();
  const job = new HandTasks((env) => counting(env, source));
  source.put({ key: 1, n: 1 });
  await job.step(3, 0, 1);
  job.at(1).task.aligned(barrierOf(1), 0);
  for (const { task } of job.tasks) await task.close();
  t.deepEqual(job.files(), []);
});
