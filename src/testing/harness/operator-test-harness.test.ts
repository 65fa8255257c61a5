import test from 'ava';
import {
  type DataStream,
  OutputTag,
  TumblingEventTimeWindows,
  TumblingProcessingTimeWindows,
  WatermarkStrategy,
} from '../../index.ts';
import { OperatorTestHarness } from './operator-test-harness.ts';

interface Hit {
  readonly k: string;
  readonly n: number;
}

test('a row operator gives its output with timestamps and watermarks in order', async (t) => {
  await using harness = OperatorTestHarness.of((stream: DataStream<number>) =>
    stream.map((n) => n * 2),
  );
  harness.pushElement(1, 10);
  harness.pushWatermark(10);
  harness.pushElement(2);
  t.deepEqual(harness.takeOutput(), [
    { kind: 'record', value: 2, timestamp: 10 },
    { kind: 'watermark', watermark: 10 },
    { kind: 'record', value: 4, timestamp: undefined },
  ]);
  t.deepEqual(harness.output(), []);
});

test('windows fire by watermark; late rows are kept apart', async (t) => {
  const late = new OutputTag<Hit>('late');
  await using harness = OperatorTestHarness.of((stream: DataStream<Hit>) =>
    stream.keyBy('k').window(TumblingEventTimeWindows.of(100)).sideOutputLateData(late).sum('n'),
  );
  harness.pushElements([
    [{ k: 'a', n: 1 }, 10],
    [{ k: 'a', n: 2 }, 20],
    [{ k: 'b', n: 5 }, 30],
  ]);
  t.deepEqual(harness.values(), []);
  harness.pushWatermark(99);
  t.deepEqual(
    new Set(harness.values()),
    new Set([
      { k: 'a', n: 3 },
      { k: 'b', n: 5 },
    ]),
  );
  harness.pushElement({ k: 'a', n: 7 }, 50);
  t.deepEqual(
    harness.lateRecords.map(({ value }) => value),
    [{ k: 'a', n: 7 }],
  );
  t.is(harness.counts().numLateRecordsSideOutput, 1);
});

test('processing time comes from the harness, due moments in their order', async (t) => {
  await using harness = OperatorTestHarness.of((stream: DataStream<Hit>) =>
    stream.keyBy('k').window(TumblingProcessingTimeWindows.of(100)).sum('n'),
  );
  harness.pushElement({ k: 'a', n: 1 });
  harness.setProcessingTime(150);
  harness.pushElement({ k: 'a', n: 2 });
  t.deepEqual(harness.values(), [{ k: 'a', n: 1 }]);
  harness.setProcessingTime(1000);
  t.deepEqual(harness.values(), [
    { k: 'a', n: 1 },
    { k: 'a', n: 2 },
  ]);
});

test('side outputs are read by their tag', async (t) => {
  const odd = new OutputTag<number>('odd');
  await using harness = OperatorTestHarness.of(
    (stream: DataStream<number>) =>
      stream.process<number>({
        processElement: (n, context, out) =>
          n % 2 === 0 ? out.collect(n) : context.output(odd, n),
      }),
    { sideOutputs: [odd] },
  );
  for (const n of [1, 2, 3]) harness.pushElement(n);
  t.deepEqual(harness.values(), [2]);
  t.deepEqual(
    harness.sideOutput(odd).map(({ value }) => value),
    [1, 3],
  );
  t.throws(() => harness.sideOutput(new OutputTag('other')), { code: 'ILLEGAL_ARGUMENT' });
});

test('a failing function is named as in a job', async (t) => {
  await using harness = OperatorTestHarness.of((stream: DataStream<number>) =>
    stream
      .map((n): number => {
        throw new Error(`no ${n}`);
      })
      .name('picky'),
  );
  const error = t.throws(() => harness.pushElement(3), { code: 'USER_FUNCTION_FAILED' });
  t.is(error.message, "operator 'picky' (subtask 0) failed on record 3: no 3");
  t.throws(() => harness.pushElement(4), { code: 'ILLEGAL_STATE' });
});

test('the end of input fires what is left, and is passed on as the last watermark', async (t) => {
  await using harness = OperatorTestHarness.of((stream: DataStream<Hit>) =>
    stream.keyBy('k').window(TumblingEventTimeWindows.of(100)).sum('n'),
  );
  harness.pushElement({ k: 'a', n: 1 }, 10);
  await harness.endInput();
  t.deepEqual(harness.output(), [
    { kind: 'record', value: { k: 'a', n: 1 }, timestamp: 99 },
    { kind: 'watermark', watermark: Number.POSITIVE_INFINITY },
  ]);
});

test('an idle input is passed on as idle', async (t) => {
  await using harness = OperatorTestHarness.of((stream: DataStream<number>) =>
    stream.map((n) => n),
  );
  harness.markIdle();
  harness.markActive();
  t.deepEqual(harness.output(), [{ kind: 'idle' }, { kind: 'active' }]);
});

test('watermarks of one record follow it where the operator makes them', async (t) => {
  await using harness = OperatorTestHarness.of((stream: DataStream<Hit>) =>
    stream.assignTimestampsAndWatermarks(
      WatermarkStrategy.forMonotonousTimestamps<Hit>().withTimestampAssigner(({ n }) => n),
    ),
  );
  harness.pushElement({ k: 'a', n: 5 });
  t.deepEqual(harness.records(), [{ kind: 'record', value: { k: 'a', n: 5 }, timestamp: 5 }]);
});

test('a sink can be the operator under test', async (t) => {
  await using harness = OperatorTestHarness.of<number, never>((stream) =>
    stream.collectAsync('all'),
  );
  harness.pushElement(1);
  t.deepEqual(
    harness.collected().map(({ value }) => value),
    [1],
  );
});

test('what is not exactly one operator is refused, with the names of all', (t) => {
  const error = t.throws(
    () =>
      OperatorTestHarness.of((stream: DataStream<number>) =>
        stream
          .map((n) => n)
          .name('one')
          .filter(Boolean)
          .name('two'),
      ),
    { code: 'ILLEGAL_ARGUMENT' },
  );
  t.regex(error.message, /2 were built: 'one', 'two'/);
});
