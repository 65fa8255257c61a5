import test from 'ava';
import type { Collector } from '../../functions/collector.ts';
import type {
  KeyedProcessContext,
  KeyedProcessFunction,
} from '../../functions/process-functions.ts';
import type { RuntimeContext } from '../../functions/runtime-context.ts';
import {
  type MapState,
  MapStateDescriptor,
  type ValueState,
  ValueStateDescriptor,
} from '../../functions/state.ts';
import {
  type DataStream,
  OutputTag,
  TumblingEventTimeWindows,
  TumblingProcessingTimeWindows,
  WatermarkStrategy,
} from '../../index.ts';
import type { HarnessSnapshot } from './harness-snapshots.ts';
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

class Sums implements KeyedProcessFunction<string, Hit, Hit> {
  #sum!: ValueState<number>;
  #seen!: MapState<number, boolean>;

  open(context: RuntimeContext): void {
    this.#sum = context.getState(new ValueStateDescriptor<number>('sum'));
    this.#seen = context.getMapState(new MapStateDescriptor<number, boolean>('seen'));
  }

  processElement({ k, n }: Hit, context: KeyedProcessContext<string>, out: Collector<Hit>): void {
    this.#sum.update((this.#sum.value() ?? 0) + n);
    this.#seen.put(n, true);
    context.timerService().registerEventTimeTimer(1000 + n);
    context.timerService().registerProcessingTimeTimer(5000);
    out.collect({ k, n: this.#sum.value() ?? 0 });
  }
}

const sums = (): OperatorTestHarness<Hit, Hit> =>
  OperatorTestHarness.of((stream: DataStream<Hit>) => stream.keyBy('k').process(new Sums()));

test('keyed state and timers can be looked at', async (t) => {
  await using harness = sums();
  harness.pushElements([[{ k: 'a', n: 1 }], [{ k: 'a', n: 2 }], [{ k: 'b', n: 3 }]]);
  t.is(harness.numKeyedStateEntries('sum'), 2);
  t.is(harness.stateOf('sum', 'a'), 3);
  t.is(harness.stateOf('sum', 'c'), undefined);
  t.deepEqual(
    harness.stateOf('seen', 'a'),
    new Map([
      [1, true],
      [2, true],
    ]),
  );
  t.is(harness.numEventTimeTimers(), 3);
  t.is(harness.numProcessingTimeTimers(), 2);
  harness.pushWatermark(1002);
  t.is(harness.numEventTimeTimers(), 1);
  harness.setProcessingTime(5000);
  t.is(harness.numProcessingTimeTimers(), 0);
  t.throws(() => harness.stateOf('other', 'a'), { message: /has declared 'sum', 'seen'/ });
});

test('a snapshot goes on in another harness, and is not touched by what came after it', async (t) => {
  await using harness = sums();
  harness.pushElement({ k: 'a', n: 1 });
  const snapshot = await harness.snapshot();
  harness.pushElement({ k: 'a', n: 10 });
  await using later = sums().restore(snapshot);
  later.pushElement({ k: 'a', n: 100 });
  t.deepEqual(later.values(), [{ k: 'a', n: 101 }]);
  t.is(later.numEventTimeTimers(), 2);
  t.throws(() => later.restore(snapshot), { code: 'ILLEGAL_STATE' });
});

test('incremental snapshots name the files of completed ones', async (t) => {
  await using harness = sums();
  harness.pushElement({ k: 'a', n: 1 });
  const first = await harness.snapshot('incremental');
  await harness.notifyCheckpointComplete();
  harness.pushElement({ k: 'b', n: 2 });
  const second = await harness.snapshot('incremental');
  const shared = [...second.files.keys()].filter((path) => first.files.has(path));
  t.true(shared.length > 0);
  await using later = sums().restore(second);
  later.pushElement({ k: 'a', n: 10 });
  t.deepEqual(later.values(), [{ k: 'a', n: 11 }]);
});

test('rescaling divides the keys; two subtasks give back what one had', async (t) => {
  await using harness = sums();
  for (let n = 0; n < 100; n++) harness.pushElement({ k: `k${n}`, n });
  const subtasks = await harness.rescale(3);
  t.is(subtasks.length, 3);
  for (const subtask of subtasks) {
    for (let n = 0; n < 100; n++) {
      const hit = { k: `k${n}`, n: 1 };
      if (subtask.owns(hit)) subtask.pushElement(hit);
    }
  }
  const values = subtasks.flatMap((subtask) => subtask.values());
  t.deepEqual(
    values.map(({ k, n }) => `${k} ${n}`).sort(),
    Array.from({ length: 100 }, (_, n) => `k${n} ${n + 1}`).sort(),
  );
  t.true(subtasks.every((subtask) => subtask.values().length > 10));
  for (const subtask of subtasks) await subtask.close();
});

test('a restore of damaged or missing parts is refused', async (t) => {
  await using harness = sums();
  harness.pushElement({ k: 'a', n: 1 });
  const snapshot = await harness.snapshot();
  const files = new Map([...snapshot.files].map(([path, bytes]) => [path, bytes.slice(1)]));
  t.throws(
    () =>
      sums()
        .restore({ ...snapshot, files })
        .pushElement({ k: 'a', n: 1 }),
    {
      code: 'CHECKPOINT_DAMAGED',
    },
  );
  const [one] = await harness.rescale(2);
  const part = await one?.snapshot();
  t.throws(
    () =>
      sums()
        .restore(part as HarnessSnapshot)
        .pushElement({ k: 'a', n: 1 }),
    {
      message: /give those of all 2 subtasks/,
    },
  );
});
