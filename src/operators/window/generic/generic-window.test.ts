import test from 'ava';
import { hasErrorCode } from '../../../base/errors.ts';
import type { AggregateFunction, ProcessWindowFunction } from '../../../functions/functions.ts';
import {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ValueStateDescriptor,
} from '../../../functions/state.ts';
import {
  TumblingEventTimeWindows,
  TumblingProcessingTimeWindows,
} from '../../../functions/windowing/aligned-windows.ts';
import { CountEvictor } from '../../../functions/windowing/evictors/count-evictor.ts';
import { TimeEvictor } from '../../../functions/windowing/evictors/time-evictor.ts';
import { GlobalWindows } from '../../../functions/windowing/global-windows.ts';
import {
  EventTimeSessionWindows,
  ProcessingTimeSessionWindows,
} from '../../../functions/windowing/session-windows.ts';
import { timeWindow, type TimeWindow } from '../../../functions/windowing/time-window.ts';
import { ContinuousEventTimeTrigger } from '../../../functions/windowing/triggers/continuous-event-time-trigger.ts';
import { ContinuousProcessingTimeTrigger } from '../../../functions/windowing/triggers/continuous-processing-time-trigger.ts';
import { CountTrigger } from '../../../functions/windowing/triggers/count-trigger.ts';
import { DeltaTrigger } from '../../../functions/windowing/triggers/delta-trigger.ts';
import { EventTimeTrigger } from '../../../functions/windowing/triggers/event-time-trigger.ts';
import { ProcessingTimeoutTrigger } from '../../../functions/windowing/triggers/processing-timeout-trigger.ts';
import { PurgingTrigger } from '../../../functions/windowing/triggers/purging-trigger.ts';
import type { Trigger } from '../../../functions/windowing/triggers/trigger.ts';
import type { Window } from '../../../functions/windowing/window.ts';
import type {
  MergingWindowAssigner,
  WindowAssigner,
} from '../../../functions/windowing/window-assigner.ts';
import type { AnyRecord, GenericWindowSpec } from '../../../graph/operator-spec.ts';
import { type DriverSnapshot, StageDriver } from '../../testing/stage-driver.ts';
import { genericWindowStage } from './generic-window.ts';

interface Row {
  readonly k: string;
  readonly n: number;
}

const collectAll: ProcessWindowFunction<Row, unknown, string, Window> = {
  process: (key, _context, elements, out) =>
    out.collect(`${key}:${[...elements].map(({ n }) => n).join()}`),
};

/** Elements by default, so that results show what windows hold. */
function driverOf(
  assigner: WindowAssigner<AnyRecord, AnyRecord>,
  trigger: Trigger<AnyRecord, AnyRecord>,
  more: Partial<GenericWindowSpec> = {},
  from?: { readonly snapshot: DriverSnapshot; readonly nowMs: number },
): StageDriver {
  const spec: GenericWindowSpec = {
    kind: 'generic-window',
    assigner,
    trigger,
    evictor: undefined,
    contents: { kind: 'elements' },
    windowFunction: collectAll,
    allowedLatenessMs: 0,
    lateDataTag: undefined,
    ...more,
  };
  const options = { keySelector: (row: Row) => row.k, nowMs: from?.nowMs };
  return new StageDriver(genericWindowStage(spec), options, from && [from.snapshot]);
}

function push(driver: StageDriver, n: number, timestamp?: number): void {
  driver.push([timestamp === undefined ? [{ k: 'a', n }] : [{ k: 'a', n }, timestamp]]);
}

function taken({ output }: StageDriver): unknown[] {
  return output.splice(0).map(({ value }) => value);
}

test('a count trigger never fires what is left over', (t) => {
  const driver = driverOf(GlobalWindows.create(), PurgingTrigger.of(CountTrigger.of(2)));
  for (let n = 1; n <= 5; n++) push(driver, n);
  driver.advanceWatermark(Number.POSITIVE_INFINITY);
  t.deepEqual(taken(driver), ['a:1,2', 'a:3,4']);
});

test('a trigger replaces the default one: nothing fires at the end of the window', (t) => {
  const driver = driverOf(TumblingEventTimeWindows.of(10), CountTrigger.of(2));
  push(driver, 1, 1);
  push(driver, 2, 2);
  push(driver, 3, 3);
  driver.advanceWatermark(100);
  t.deepEqual(taken(driver), ['a:1,2']);
});

test('a delta trigger compares with the record that fired last', (t) => {
  const delta = DeltaTrigger.of<Row>(2, (old, next) => next.n - old.n);
  const driver = driverOf(GlobalWindows.create(), PurgingTrigger.of(delta));
  for (const n of [1, 2, 3, 4, 6, 7]) push(driver, n);
  t.deepEqual(taken(driver), ['a:1,2,3,4', 'a:6,7']);
});

test('continuous triggers fire by their clock, and the clock of a window that has ended stands', (t) => {
  const byWatermark = driverOf(TumblingEventTimeWindows.of(25), ContinuousEventTimeTrigger.of(10));
  push(byWatermark, 1, 3);
  for (const watermark of [9, 10, 20, 24, 40]) byWatermark.advanceWatermark(watermark);
  t.deepEqual(taken(byWatermark), ['a:1', 'a:1', 'a:1']);

  const byClock = driverOf(TumblingEventTimeWindows.of(25), ContinuousProcessingTimeTrigger.of(10));
  push(byClock, 1, 3);
  byClock.advanceTimeTo(1000);
  t.is(taken(byClock).length, 3);
  t.is(byClock.wakeUpMs, Number.POSITIVE_INFINITY);
  byClock.advanceWatermark(100);
  t.deepEqual(taken(byClock), []);
});

test('a timeout counts from the first record, or from the last', (t) => {
  const nested = CountTrigger.of(3);
  const fromFirst = driverOf(GlobalWindows.create(), ProcessingTimeoutTrigger.of(nested, 10));
  const reset = { resetTimerOnNewRecord: true };
  const fromLast = driverOf(GlobalWindows.create(), ProcessingTimeoutTrigger.of(nested, 10, reset));
  for (const driver of [fromFirst, fromLast]) {
    push(driver, 1);
    driver.advanceTimeTo(6);
    push(driver, 2);
    driver.advanceTimeTo(12);
  }
  t.deepEqual(taken(fromFirst), ['a:1,2']);
  t.deepEqual(taken(fromLast), []);
  fromLast.advanceTimeTo(17);
  t.deepEqual(taken(fromLast), ['a:1,2']);
});

test('a timeout forgets what its trigger has counted', (t) => {
  const driver = driverOf(
    GlobalWindows.create(),
    ProcessingTimeoutTrigger.of(PurgingTrigger.of(CountTrigger.of(3)), 10),
  );
  push(driver, 1);
  push(driver, 2);
  driver.advanceTimeTo(20);
  t.deepEqual(taken(driver), ['a:1,2']);
  push(driver, 3);
  push(driver, 4);
  t.deepEqual(taken(driver), []);
  push(driver, 5);
  t.deepEqual(taken(driver), ['a:1,2,3,4,5']);
});

test('what is left of processing timers fires after a restore', (t) => {
  const trigger = ProcessingTimeoutTrigger.of(CountTrigger.of(9), 10);
  const before = driverOf(GlobalWindows.create(), trigger);
  push(before, 1);
  const from = { snapshot: before.snapshot(), nowMs: 500 };
  const after = driverOf(GlobalWindows.create(), trigger, {}, from);
  t.true(after.wakeUpMs <= 500);
  after.advanceTimeTo(500);
  t.deepEqual(taken(after), ['a:1']);
});

test('PURGE takes the contents and leaves the window, its trigger and its end', (t) => {
  const trigger = PurgingTrigger.of(EventTimeTrigger.create());
  const driver = driverOf(TumblingEventTimeWindows.of(10), trigger, { allowedLatenessMs: 20 });
  push(driver, 1, 1);
  driver.advanceWatermark(9);
  push(driver, 2, 2);
  t.deepEqual(taken(driver), ['a:1', 'a:2']);
  driver.advanceWatermark(29);
  push(driver, 3, 3);
  t.deepEqual(taken(driver), []);
  t.is(driver.counts.numLateRecordsDropped, 1);
});

test('sessions that touch are one; the timers of those that merged are gone', (t) => {
  const describe: ProcessWindowFunction<Row, unknown, string, TimeWindow> = {
    process: (_key, { window }, _elements, out) => out.collect([window.start, window.end]),
  };
  const driver = driverOf(EventTimeSessionWindows.withGap(10), EventTimeTrigger.create(), {
    windowFunction: describe,
  });
  push(driver, 1, 0);
  push(driver, 2, 10);
  push(driver, 3, 31);
  driver.advanceWatermark(9);
  t.deepEqual(taken(driver), []);
  driver.advanceWatermark(100);
  t.deepEqual(taken(driver), [
    [0, 20],
    [31, 41],
  ]);
});

test('a count goes on over sessions that merge', (t) => {
  const driver = driverOf(
    EventTimeSessionWindows.withGap(10),
    PurgingTrigger.of(CountTrigger.of(3)),
  );
  push(driver, 1, 0);
  push(driver, 2, 15);
  push(driver, 3, 8);
  t.deepEqual(taken(driver), ['a:1,2,3']);
});

test('sessions by the clock end when nothing has come for the gap', (t) => {
  const assigner = ProcessingTimeSessionWindows.withGap(10);
  const driver = driverOf(assigner, assigner.getDefaultTrigger());
  push(driver, 1);
  driver.advanceTimeTo(9);
  push(driver, 2);
  driver.advanceTimeTo(18);
  t.deepEqual(taken(driver), []);
  driver.advanceTimeTo(30);
  t.deepEqual(taken(driver), ['a:1,2']);
});

const LIST = new ListStateDescriptor<number>('seen');
const MEAN = new AggregatingStateDescriptor<number, { sum: number; count: number }, number>(
  'mean',
  {
    createAccumulator: () => ({ sum: 0, count: 0 }),
    add: (n, { sum, count }) => ({ sum: sum + n, count: count + 1 }),
    getResult: ({ sum, count }) => sum / count,
    merge: (a, b) => ({ sum: a.sum + b.sum, count: a.count + b.count }),
  },
);

/** Fires when the mean of a session's records is above 10, and notes all that it has seen. */
function meanTrigger(seen: number[][]): Trigger<Row, Window> {
  return {
    onElement: ({ n }, _timestamp, _window, context) => {
      context.getPartitionedState(LIST).add(n);
      const mean = context.getPartitionedState(MEAN);
      mean.add(n);
      seen.push([...context.getPartitionedState(LIST).get()].toSorted((a, b) => a - b));
      return (mean.get() ?? 0) > 10 ? 'FIRE' : 'CONTINUE';
    },
    onEventTime: () => 'CONTINUE',
    onProcessingTime: () => 'CONTINUE',
    canMerge: () => true,
    onMerge: (_window, context) => {
      context.mergePartitionedState(LIST);
      context.mergePartitionedState(MEAN);
    },
    clear: (_window, context) => {
      context.getPartitionedState(LIST).clear();
      context.getPartitionedState(MEAN).clear();
    },
  };
}

test('state of triggers merges with their windows, and goes with them', (t) => {
  const seen: number[][] = [];
  const driver = driverOf(EventTimeSessionWindows.withGap(10), meanTrigger(seen));
  push(driver, 1, 0);
  push(driver, 30, 15);
  push(driver, 2, 8);
  t.deepEqual(seen, [[1], [30], [1, 2, 30]]);
  t.deepEqual(taken(driver), ['a:30', 'a:1,30,2']);
  driver.advanceWatermark(1000);
  push(driver, 4, 2000);
  t.deepEqual(seen.at(-1), [4]);
});

test('state that cannot merge is refused', (t) => {
  const map = new MapStateDescriptor<string, number>('map');
  const trigger = {
    ...meanTrigger([]),
    onMerge: (_window: Window, context: { mergePartitionedState(d: unknown): void }) =>
      context.mergePartitionedState(map),
  };
  const driver = driverOf(EventTimeSessionWindows.withGap(10), trigger as never);
  push(driver, 1, 0);
  const error = t.throws(() => push(driver, 2, 5));
  t.true(hasErrorCode(error, 'ILLEGAL_ARGUMENT'));
  t.regex(error?.message ?? '', /map state 'map'.*list, reducing and aggregating/);
});

test('windows that merge into one that has ended are refused', (t) => {
  const shrinking: MergingWindowAssigner<Row, TimeWindow> = {
    isEventTime: () => true,
    assignWindows: (_row, timestamp) => [timeWindow(timestamp, timestamp + 10)],
    getDefaultTrigger: () => EventTimeTrigger.create(),
    mergeWindows: (windows, merge) => {
      if (windows.length > 1) merge(windows, timeWindow(0, 5));
    },
  };
  const driver = driverOf(shrinking, EventTimeTrigger.create());
  push(driver, 1, 10);
  driver.advanceWatermark(8);
  const error = t.throws(() => push(driver, 2, 11));
  t.true(hasErrorCode(error, 'ILLEGAL_STATE'));
  t.regex(error?.message ?? '', /'operator under test' merges windows.*end 4 the watermark 8/);
});

test('windows of any shape may be assigned', (t) => {
  interface Level extends Window {
    readonly level: string;
  }
  const byLevel: WindowAssigner<Row, Level> = {
    isEventTime: () => true,
    assignWindows: ({ n }) => [{ level: n < 5 ? 'low' : 'high', maxTimestamp: 99 }],
    getDefaultTrigger: () => EventTimeTrigger.create(),
  };
  const describe: ProcessWindowFunction<Row, unknown, string, Level> = {
    process: (key, { window }, elements, out) =>
      out.collect(`${key} ${window.level} ${[...elements].length}`),
  };
  const driver = driverOf(byLevel, EventTimeTrigger.create(), { windowFunction: describe });
  for (const n of [1, 9, 2]) push(driver, n, n);
  const from = { snapshot: driver.snapshot(), nowMs: 0 };
  const restored = driverOf(byLevel, EventTimeTrigger.create(), { windowFunction: describe }, from);
  push(restored, 3, 3);
  restored.advanceWatermark(99);
  t.deepEqual(taken(restored).map(String).toSorted(), ['a high 1', 'a low 3']);
});

test('an evictor sees timestamps, and what it takes is gone for the next firing', (t) => {
  const driver = driverOf(GlobalWindows.create(), CountTrigger.of(2), {
    evictor: TimeEvictor.of(10),
  });
  for (const [n, timestamp] of [
    [1, 0],
    [2, 5],
    [3, 30],
    [4, 31],
  ] as const)
    push(driver, n, timestamp);
  t.deepEqual(taken(driver), ['a:1,2', 'a:3,4']);
});

test('a reduce and an aggregate run over what an evictor has left', (t) => {
  const more = { evictor: CountEvictor.of(2), windowFunction: undefined };
  const sum = driverOf(GlobalWindows.create(), CountTrigger.of(1), {
    ...more,
    contents: { kind: 'reduce', reduce: { kind: 'sum', field: 'n' } },
  });
  const count: AggregateFunction<Row, number, number> = {
    createAccumulator: () => 0,
    add: (_row, counted) => counted + 1,
    getResult: (counted) => counted,
  };
  const counted = driverOf(GlobalWindows.create(), CountTrigger.of(1), {
    ...more,
    contents: { kind: 'aggregate', function: count },
  });
  for (const n of [1, 2, 3, 4]) for (const driver of [sum, counted]) push(driver, n);
  t.deepEqual(
    taken(sum).map((row) => (row as Row).n),
    [1, 3, 5, 7],
  );
  t.deepEqual(taken(counted), [1, 2, 2, 2]);
});

test('a reduce of nothing gives nothing, a function of records an empty window', (t) => {
  const evictor = {
    evictBefore: (elements: unknown[]) => void elements.splice(0),
    evictAfter: () => undefined,
  };
  const reduced = driverOf(GlobalWindows.create(), CountTrigger.of(1), {
    evictor,
    windowFunction: undefined,
    contents: { kind: 'reduce', reduce: { kind: 'sum', field: 'n' } },
  });
  const given = driverOf(GlobalWindows.create(), CountTrigger.of(1), { evictor });
  push(reduced, 1);
  push(given, 1);
  t.deepEqual(taken(reduced), []);
  t.deepEqual(taken(given), ['a:']);
});

const FIRED = new ValueStateDescriptor<number>('fired');

test('state of a window is its own, that of the key is for all, and clear is called at the end', (t) => {
  const cleared: number[] = [];
  const count: ProcessWindowFunction<Row, unknown, string, TimeWindow> = {
    process: (_key, context, _elements, out) => {
      const own = context.windowState().getState(FIRED);
      const all = context.globalState().getState(FIRED);
      own.update((own.value() ?? 0) + 1);
      all.update((all.value() ?? 0) + 1);
      out.collect([context.window.start, own.value(), all.value()]);
    },
    clear: (context) => {
      cleared.push(context.window.start);
      context.windowState().getState(FIRED).clear();
    },
  };
  const driver = driverOf(TumblingEventTimeWindows.of(10), EventTimeTrigger.create(), {
    windowFunction: count,
    allowedLatenessMs: 10,
  });
  push(driver, 1, 5);
  driver.advanceWatermark(9);
  push(driver, 2, 6);
  push(driver, 3, 15);
  driver.advanceWatermark(25);
  t.deepEqual(taken(driver), [
    [0, 1, 1],
    [0, 2, 2],
    [10, 1, 3],
  ]);
  t.deepEqual(cleared, [0]);
  driver.advanceWatermark(30);
  t.deepEqual(cleared, [0, 10]);
});

test('windows that merge have no state of their own', (t) => {
  const driver = driverOf(EventTimeSessionWindows.withGap(10), EventTimeTrigger.create(), {
    windowFunction: {
      process: (_key, context) => void context.windowState().getState(FIRED).value(),
    },
  });
  push(driver, 1, 0);
  const error = t.throws(() => driver.advanceWatermark(20));
  t.true(hasErrorCode(error, 'ILLEGAL_STATE'));
  t.regex(error?.message ?? '', /'operator under test' asks for windowState\(\).*globalState\(\)/);
});

test('a record at the very end of a window by the clock belongs to it', (t) => {
  const assigner = TumblingProcessingTimeWindows.of(10);
  const driver = driverOf(assigner, assigner.getDefaultTrigger());
  push(driver, 1);
  driver.advanceTimeTo(9);
  push(driver, 2);
  t.deepEqual(taken(driver), []);
  driver.advanceTimeTo(10);
  t.deepEqual(taken(driver), ['a:1,2']);
});

test('a record without a timestamp fails with the operator and the remedy', (t) => {
  const driver = driverOf(TumblingEventTimeWindows.of(10), CountTrigger.of(1));
  const error = t.throws(() => push(driver, 1));
  t.true(hasErrorCode(error, 'TIMESTAMP_MISSING'));
  t.regex(error?.message ?? '', /'operator under test' has event-time windows.*withTimestampAssig/);
  t.deepEqual(driver.failedRecords, [{ k: 'a', n: 1 }]);
});

test('many windows fire in slices; what a snapshot has cut off comes before any record', (t) => {
  const windows = TumblingEventTimeWindows.of(10);
  const trigger = EventTimeTrigger.create();
  const rows = Array.from({ length: 3000 }, (_, n) => [{ k: `k${n}`, n }, n % 10] as const);
  const driver = driverOf(windows, trigger);
  driver.push(rows);
  t.false(driver.stage.onWatermark?.(9) ?? true);
  const first = taken(driver);
  const restored = driverOf(windows, trigger, {}, { snapshot: driver.snapshot(), nowMs: 0 });
  restored.push([[{ k: 'late', n: 1 }, 15]]);
  t.is(first.length + taken(restored).length, 3000);
});
