import test from 'ava';
import { hasErrorCode } from '../../base/errors.ts';
import type { ProcessWindowFunction, WindowContext } from '../../functions/functions.ts';
import { OutputTag } from '../../functions/output-tag.ts';
import { type ValueState, ValueStateDescriptor } from '../../functions/state.ts';
import type { TimeWindow } from '../../functions/windowing/time-window.ts';
import {
  SlidingEventTimeWindows,
  SlidingProcessingTimeWindows,
  TumblingEventTimeWindows,
  TumblingProcessingTimeWindows,
} from '../../functions/windowing/aligned-windows.ts';
import type { WindowSpec } from '../../graph/operator-spec.ts';
import { SLICE_ROWS } from '../chain-stage.ts';
import { StageDriver } from '../testing/stage-driver.ts';
import type { DriverSnapshot, StageDriverOptions } from '../testing/stage-driver.ts';
import { windowStage } from './window-operator.ts';

interface Row {
  readonly key: unknown;
  readonly n: number;
}

function specOf(part: Partial<WindowSpec>): WindowSpec {
  return {
    kind: 'window',
    assigner: TumblingEventTimeWindows.of(10),
    contents: { kind: 'reduce', reduce: { kind: 'sum', field: 'n' } },
    windowFunction: undefined,
    allowedLatenessMs: 0,
    lateDataTag: undefined,
    ...part,
  };
}

function drive(part: Partial<WindowSpec> = {}, options: StageDriverOptions = {}): StageDriver {
  return resume(part, undefined, options);
}

function resume(
  part: Partial<WindowSpec>,
  snapshot: DriverSnapshot | undefined,
  options: StageDriverOptions = {},
): StageDriver {
  const keyed = { keySelector: (row: Row) => row.key, operatorName: 'sums', ...options };
  const restored = snapshot && [snapshot];
  return new StageDriver(windowStage(specOf(part)), keyed, restored);
}

const row = (n: number, timestamp?: number, key: unknown = 'k'): readonly [Row, number?] =>
  timestamp === undefined ? [{ key, n }] : [{ key, n }, timestamp];

const sums = (driver: StageDriver): unknown[] => driver.output.map(({ value }) => (value as Row).n);

test('a window [s, e) fires when the watermark reaches e − 1, with that timestamp', (t) => {
  const driver = drive();
  driver.push([row(1, 10), row(2, 19), row(4, 20)]);
  driver.advanceWatermark(18);
  t.deepEqual(driver.output, []);
  driver.advanceWatermark(19);
  t.deepEqual(driver.output, [{ value: { key: 'k', n: 3 }, timestamp: 19 }]);
  driver.advanceWatermark(Number.POSITIVE_INFINITY);
  t.deepEqual(driver.output[1], { value: { key: 'k', n: 4 }, timestamp: 29 });
});

test('windows of negative time begin at multiples of the size', (t) => {
  const driver = drive();
  driver.push([row(1, -1), row(2, -10), row(4, -11), row(8, 0)]);
  driver.advanceWatermark(Number.POSITIVE_INFINITY);
  t.deepEqual(sums(driver), [4, 3, 8]);
});

test('windows fire in order of time and their keys in order of arrival', (t) => {
  const driver = drive();
  driver.push([row(1, 35, 'a'), row(2, 5, 'b'), row(3, 5, 'a'), row(4, 15, 'c')]);
  driver.advanceWatermark(100);
  t.deepEqual(
    driver.output.map(({ value, timestamp }) => [(value as Row).key, timestamp]),
    [
      ['b', 9],
      ['a', 9],
      ['c', 19],
      ['a', 39],
    ],
  );
});

test('a late record is counted, or goes to the late output if that is read', (t) => {
  const lateDataTag = new OutputTag<Row>('late');
  for (const [sideOutputs, dropped, sent] of [
    [[], 1, 0],
    [['late'], 0, 1],
  ] as const) {
    const driver = drive({ lateDataTag }, { sideOutputs });
    driver.advanceWatermark(19);
    driver.push([row(1, 19), row(2, 20)]);
    t.is(driver.counts.numLateRecordsDropped, dropped);
    t.is(driver.counts.numLateRecordsSideOutput, sent);
    t.deepEqual(
      driver.sides.get('late') ?? [],
      sent === 0 ? [] : [{ value: { key: 'k', n: 1 }, timestamp: 19 }],
    );
  }
});

test('within the allowed lateness each late record fires an update at once', (t) => {
  const driver = drive({ allowedLatenessMs: 5 });
  driver.push([row(1, 12)]);
  driver.advanceWatermark(19);
  driver.push([row(2, 13), row(4, 25), row(8, 14), row(16, 5, 'x')]);
  t.deepEqual(sums(driver), [1, 3, 11]);
  t.is(driver.counts.numLateRecordsDropped, 1, 'window [0, 10) is cleaned up');
  driver.advanceWatermark(23);
  driver.push([row(1, 12, 'new')]);
  t.deepEqual(sums(driver), [1, 3, 11, 1]);
  driver.advanceWatermark(24);
  driver.push([row(1, 12)]);
  t.is(driver.counts.numLateRecordsDropped, 2, 'maxTimestamp 19 + 5 ≤ 24');
  t.is(driver.output.length, 4);
});

test('a sliding record that is late for some windows counts in the others', (t) => {
  const driver = drive({ assigner: SlidingEventTimeWindows.of(10, 5) });
  driver.advanceWatermark(9);
  driver.push([row(1, 7)]);
  t.is(driver.counts.numLateRecordsDropped, 0);
  driver.advanceWatermark(Number.POSITIVE_INFINITY);
  t.deepEqual(driver.output, [{ value: { key: 'k', n: 1 }, timestamp: 14 }]);
});

test('a window function sees window, key, watermark, clock and elements; its outputs have the window’s time', (t) => {
  const tag = new OutputTag<string>('seen');
  const contexts = new Set<WindowContext<TimeWindow>>();
  const windowFunction: ProcessWindowFunction<Row, unknown, string, TimeWindow> = {
    process: (key, context, elements, out) => {
      contexts.add(context);
      context.output(tag, key);
      const { window } = context;
      const clocks = [context.currentWatermark(), context.currentProcessingTime()];
      out.collect([key, window.start, window.end, ...clocks, [...elements].map(({ n }) => n)]);
    },
  };
  const part = { contents: { kind: 'elements' }, windowFunction } as const;
  const driver = drive(part, { sideOutputs: ['seen'], nowMs: 77 });
  driver.push([row(1, 1, 'a'), row(2, 2, 'b'), row(3, 3, 'a')]);
  driver.advanceWatermark(50);
  t.deepEqual(driver.output, [
    { value: ['a', 0, 10, 50, 77, [1, 3]], timestamp: 9 },
    { value: ['b', 0, 10, 50, 77, [2]], timestamp: 9 },
  ]);
  t.deepEqual(
    driver.sides.get('seen')?.map(({ value, timestamp }) => [value, timestamp]),
    [
      ['a', 9],
      ['b', 9],
    ],
  );
  t.is(contexts.size, 1, 'the context is reused');
});

test('elements that a late firing adds to do not change those seen before', (t) => {
  const seen: Iterable<Row>[] = [];
  const windowFunction: ProcessWindowFunction<Row, unknown, string, TimeWindow> = {
    process: (_key, _context, elements) => void seen.push(elements),
  };
  const driver = drive({ contents: { kind: 'elements' }, windowFunction, allowedLatenessMs: 100 });
  driver.push([row(1, 1)]);
  driver.advanceWatermark(9);
  driver.push([row(2, 2)]);
  t.deepEqual(
    seen.map((elements) => [...elements].length),
    [1, 2],
  );
});

test('a rich window function is opened and closed', async (t) => {
  const calls: string[] = [];
  const windowFunction: ProcessWindowFunction<Row, unknown, string, TimeWindow> = {
    open: () => void calls.push('open'),
    process: () => void calls.push('process'),
    close: () => void calls.push('close'),
  };
  const driver = drive({ contents: { kind: 'elements' }, windowFunction });
  driver.push([row(1, 1)]);
  await driver.end();
  t.deepEqual(calls, ['open', 'process', 'close']);
});

test('processing time: windows of the clock fire once it has passed their last millisecond', (t) => {
  const driver = drive({ assigner: TumblingProcessingTimeWindows.of(10) }, { nowMs: 103 });
  driver.push([row(1), row(2)]);
  t.is(driver.wakeUpMs, 110);
  driver.advanceTimeTo(109);
  driver.push([row(4)]);
  t.deepEqual(driver.output, []);
  driver.advanceTimeTo(110);
  t.deepEqual(driver.output, [{ value: { key: 'k', n: 7 }, timestamp: 109 }]);
  t.is(driver.wakeUpMs, Number.POSITIVE_INFINITY, 'no window, no timer');
});

test('processing time: sliding windows, and a wake-up for each end', (t) => {
  const driver = drive({ assigner: SlidingProcessingTimeWindows.of(10, 5) }, { nowMs: 103 });
  driver.push([row(1)]);
  driver.advanceTimeTo(106);
  driver.push([row(2)]);
  driver.advanceTimeTo(200);
  t.deepEqual(
    driver.output.map(({ value, timestamp }) => [(value as Row).n, timestamp]),
    [
      [1, 104],
      [3, 109],
      [2, 114],
    ],
  );
});

test('processing time: windows that are open at the end of the input do not fire', async (t) => {
  const driver = drive({ assigner: TumblingProcessingTimeWindows.of(10) });
  driver.push([row(1)]);
  await driver.end();
  t.deepEqual(driver.output, []);
});

test('processing time: a restored window whose time has passed fires at once', (t) => {
  const part = { assigner: TumblingProcessingTimeWindows.of(10) };
  const before = drive(part, { nowMs: 103 });
  before.push([row(1)]);
  const after = resume(part, before.snapshot(), { nowMs: 500 });
  after.advanceTimeTo(500);
  t.deepEqual(after.output, [{ value: { key: 'k', n: 1 }, timestamp: 109 }]);
});

const many = (count: number): (readonly [Row, number?])[] =>
  Array.from({ length: count }, (_, i) => row(i, i % 20, i));

test('firing goes in slices of bounded size', (t) => {
  const driver = drive();
  driver.push(many(5 * SLICE_ROWS));
  let emitted = 0;
  let slices = 0;
  for (let isDone = false; !isDone; slices++) {
    isDone = driver.stage.onWatermark?.(100) ?? true;
    t.true(driver.output.length - emitted <= SLICE_ROWS);
    emitted = driver.output.length;
  }
  t.is(emitted, 5 * SLICE_ROWS);
  t.true(slices >= 5);
});

for (const allowedLatenessMs of [0, 1000]) {
  test(`a snapshot between slices of a firing continues it, lateness ${allowedLatenessMs}`, (t) => {
    const part = { allowedLatenessMs };
    const numbers = Array.from({ length: 4 * SLICE_ROWS }, (_, n) => n);
    for (const slicesBefore of [1, 2, 3, 4]) {
      const before = drive(part);
      before.push(many(4 * SLICE_ROWS));
      for (let i = 0; i < slicesBefore; i++) before.stage.onWatermark?.(100);
      const after = resume(part, before.snapshot());
      if (slicesBefore % 2 === 0) after.push([row(7, 500, 'later')]);
      after.advanceWatermark(100);
      const fired = [...before.output, ...after.output];
      t.deepEqual(
        fired.map(({ value }) => (value as Row).n),
        [...numbers.filter((n) => n % 20 < 10), ...numbers.filter((n) => n % 20 >= 10)],
      );
    }
  });
}

test('a record without a timestamp is refused with the operator and the remedy', (t) => {
  const driver = drive();
  const error = t.throws(() => driver.push([row(1, 5), row(2)]));
  t.true(hasErrorCode(error, 'TIMESTAMP_MISSING'));
  t.regex(error?.message ?? '', /'sums'.*assignTimestampsAndWatermarks/);
});

test('a null key is refused with the operator and the remedy', (t) => {
  const error = t.throws(() => drive().push([row(1, 5, null)]));
  t.true(hasErrorCode(error, 'KEY_INVALID'));
  t.regex(error?.message ?? '', /'sums' returned null.*filter/);
});

test('an hour-long window that slides every second counts every record in 3,600 windows', (t) => {
  const driver = drive({ assigner: SlidingEventTimeWindows.of(3_600_000, 1000) });
  driver.push(Array.from({ length: 20 }, (_, i) => row(1, 10_000_000 + i * 997)));
  driver.advanceWatermark(Number.POSITIVE_INFINITY);
  const total = (sums(driver) as number[]).reduce((a, b) => a + b, 0);
  t.is(total, 20 * 3600);
});

test('a window function has state of its window and of its key, also asked for in open', (t) => {
  const descriptor = new ValueStateDescriptor<number>('fired');
  let fromOpen: ValueState<number>;
  const counting: ProcessWindowFunction<Row, unknown, string, TimeWindow> = {
    open: (context) => {
      fromOpen = context.getState(descriptor);
    },
    process: (key, context, _elements, out) => {
      const ofWindow = context.windowState().getState(descriptor);
      ofWindow.update((ofWindow.value() ?? 0) + 1);
      const ofKey = context.globalState().getState(descriptor);
      ofKey.update((ofKey.value() ?? 0) + 1);
      out.collect([key, ofWindow.value(), ofKey.value(), fromOpen.value()]);
    },
  };
  const driver = drive({ windowFunction: counting, allowedLatenessMs: 100 });
  driver.push([row(1, 1, 'a'), row(1, 1, 'b'), row(1, 11, 'a')]);
  driver.advanceWatermark(19);
  driver.push([row(1, 2, 'a')]);
  t.deepEqual(driver.values, [
    ['a', 1, 1, 1],
    ['b', 1, 1, 1],
    ['a', 1, 2, 2],
    ['a', 2, 3, 3],
  ]);
});
