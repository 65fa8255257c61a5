import test from 'ava';
import { hasErrorCode } from '../../base/errors.ts';
import { WatermarkStrategy } from '../../functions/watermark-strategy.ts';
import type { WatermarkGenerator } from '../../functions/watermark-strategy.ts';
import { ANY_CHECKPOINT, StageDriver } from '../testing/stage-driver.ts';
import type { StageDriverOptions } from '../testing/stage-driver.ts';
import { timestampsAndWatermarksStage } from './timestamps-and-watermarks.ts';

interface Reading {
  readonly at: number;
}

function drive(
  strategy: WatermarkStrategy<Reading>,
  options: StageDriverOptions = {},
): StageDriver {
  return new StageDriver(
    timestampsAndWatermarksStage({ kind: 'timestamps-and-watermarks', strategy }),
    options,
  );
}

const bounded = (delayMs: number): WatermarkStrategy<Reading> =>
  WatermarkStrategy.forBoundedOutOfOrderness<Reading>(delayMs).withTimestampAssigner((r) => r.at);

const at = (...times: number[]): (readonly [Reading])[] =>
  times.map((time) => [{ at: time }] as const);

test('on-event: each record that advances the maximum is followed by max − delay − 1', (t) => {
  const driver = drive(bounded(10).withEmitStrategy('on-event'));
  driver.push(at(100, 90, 120, 120));
  t.deepEqual(
    driver.output.map((r) => r.timestamp),
    [100, 90, 120, 120],
  );
  t.deepEqual(driver.signals, [
    { signal: 89, afterRows: 1 },
    { signal: 109, afterRows: 3 },
  ]);
  t.is(driver.wakeUpMs, Infinity);
});

test('on-periodic: one watermark per interval with news, no timer without', (t) => {
  const driver = drive(bounded(0), { autoWatermarkIntervalMs: 200 });
  t.is(driver.wakeUpMs, Infinity);
  driver.push(at(5, 9, 7));
  t.deepEqual(driver.signals, []);
  driver.advanceTimeTo(1000);
  t.deepEqual(driver.signals, [{ signal: 8, afterRows: 3 }]);
  t.is(driver.wakeUpMs, Infinity);
  driver.push(at(3));
  t.is(driver.wakeUpMs, Infinity, 'nothing has advanced');
  driver.push(at(10));
  t.is(driver.wakeUpMs, 1200);
});

test('an interval of 0 turns periodic watermarks off', (t) => {
  const driver = drive(bounded(0), { autoWatermarkIntervalMs: 0 });
  driver.push(at(5));
  t.is(driver.wakeUpMs, Infinity);
});

test('upstream watermarks end here but for the last', (t) => {
  const driver = drive(bounded(0).withEmitStrategy('on-event'));
  driver.advanceWatermark(50);
  driver.advanceWatermark(Infinity);
  t.deepEqual(
    driver.signals.map((s) => s.signal),
    [Infinity],
  );
});

test('no assigner: records keep their timestamps; the assigner is told what a record had before', (t) => {
  const kept = drive(
    WatermarkStrategy.forMonotonousTimestamps<Reading>().withEmitStrategy('on-event'),
  );
  kept.push([[{ at: 1 }, 77], [{ at: 2 }]]);
  t.deepEqual(
    kept.output.map((r) => r.timestamp),
    [77, -Infinity],
  );
  const seen: unknown[] = [];
  const told = drive(bounded(0).withTimestampAssigner((r, before) => (seen.push(before), r.at)));
  told.push([[{ at: 1 }, 77], [{ at: 2 }]]);
  t.deepEqual(seen, [77, undefined]);
});

for (const wrong of [Number.NaN, undefined, '2020', new Date(0), Infinity]) {
  const kind = wrong instanceof Date ? 'a Date' : String(wrong);
  test(`a timestamp assigner that returns ${kind} is refused`, (t) => {
    const assigner = (() => wrong) as unknown as () => number;
    const driver = drive(bounded(0).withTimestampAssigner(assigner), { operatorName: 'stamp' });
    const error = t.throws(() => driver.push(at(1)));
    t.true(hasErrorCode(error, 'TIMESTAMP_MISSING'));
    t.regex(error?.message ?? '', /'stamp'.*epoch milliseconds/);
  });
}

test('idleness: idle after silence, counted from the start; active at the next record', (t) => {
  const driver = drive(bounded(0).withIdleness(1000), { autoWatermarkIntervalMs: 200 });
  driver.advanceTimeTo(999);
  t.deepEqual(driver.signals, []);
  driver.advanceTimeTo(1000);
  t.deepEqual(driver.signals, [{ signal: 'idle', afterRows: 0 }]);
  t.is(driver.wakeUpMs, Infinity, 'an idle job has no timers');
  driver.push(at(5));
  t.deepEqual(driver.signals.slice(1), [{ signal: 'active', afterRows: 1 }]);
  driver.advanceTimeTo(1900);
  driver.push(at(6));
  driver.advanceTimeTo(2800);
  t.deepEqual(
    driver.signals.slice(2).map((s) => s.signal),
    [4, 5],
    'no idle while records come',
  );
  driver.advanceTimeTo(3101);
  t.deepEqual(
    driver.signals.slice(4).map((s) => s.signal),
    ['idle'],
  );
});

test('idleness shorter than the interval: the pending watermark goes before the idle status', (t) => {
  const driver = drive(bounded(0).withIdleness(50), { autoWatermarkIntervalMs: 200 });
  driver.push(at(5));
  driver.advanceTimeTo(300);
  t.deepEqual(
    driver.signals.map((s) => s.signal),
    [4, 'idle'],
  );
  t.is(driver.wakeUpMs, Infinity);
});

test('idleness: time in which the task was held back does not count', (t) => {
  const driver = drive(bounded(0).withIdleness(1000), { autoWatermarkIntervalMs: 200 });
  driver.environment.clock.advanceTo(5000);
  driver.fireWakeUp();
  t.deepEqual(driver.signals, []);
  driver.advanceTimeTo(5799);
  t.deepEqual(driver.signals, []);
  driver.advanceTimeTo(5800);
  t.deepEqual(
    driver.signals.map((s) => s.signal),
    ['idle'],
  );
});

test('a custom generator sees records after they were emitted and is called in every interval', (t) => {
  const log: string[] = [];
  const supplier = (): WatermarkGenerator<Reading> => ({
    onEvent: (value, timestamp, output) => {
      log.push(`event ${value.at} ${timestamp}`);
      output.emitWatermark(timestamp - 5);
    },
    onPeriodicEmit: () => void log.push('periodic'),
  });
  const strategy = WatermarkStrategy.forGenerator(supplier).withTimestampAssigner((r) => r.at);
  const driver = drive(strategy, { autoWatermarkIntervalMs: 200 });
  driver.push(at(10, 8));
  driver.advanceTimeTo(400);
  t.deepEqual(log, ['event 10 10', 'event 8 8', 'periodic', 'periodic']);
  t.deepEqual(driver.signals, [{ signal: 5, afterRows: 1 }], 'watermarks never regress');
});

test('restore: the watermark goes on from the least maximum of the snapshots', (t) => {
  const strategy = bounded(0);
  const snapshots = [40, 30].map((max) => {
    const before = drive(strategy);
    before.push(at(max));
    return before.stage.snapshot?.(ANY_CHECKPOINT) ?? t.fail();
  });
  const stage = timestampsAndWatermarksStage({ kind: 'timestamps-and-watermarks', strategy });
  const after = new StageDriver(stage, {}, structuredClone(snapshots) as never);
  after.advanceTimeTo(0);
  t.deepEqual(
    after.signals.map((s) => s.signal),
    [29],
  );
});

/** Rows and watermarks in their order. */
function story(driver: StageDriver): string[] {
  const lines: string[] = driver.output.map(({ timestamp }) => `row ${timestamp}`);
  // From the last: what was inserted does not move what is before.
  for (const { signal, afterRows } of driver.signals.toReversed()) {
    lines.splice(afterRows, 0, `watermark ${signal}`);
  }
  return lines;
}

const punctuated: WatermarkStrategy<Reading> = WatermarkStrategy.forGenerator(
  (): WatermarkGenerator<Reading> => ({
    onEvent: (_value, timestamp, output) => output.emitWatermark(timestamp - 5),
    onPeriodicEmit: () => undefined,
  }),
).withTimestampAssigner((reading) => reading.at);

for (const [name, strategy] of [
  ['on-event', bounded(10).withEmitStrategy('on-event')],
  ['punctuated', punctuated],
] as const) {
  test(`restore (${name}): a job that is interrupted at any record tells the same story`, (t) => {
    const times = [100, 90, 120, 60, 120, 119, 131, 100, 150];
    const whole = drive(strategy);
    whole.push(at(...times));
    for (let cut = 0; cut <= times.length; cut++) {
      const before = drive(strategy);
      before.push(at(...times.slice(0, cut)));
      const snapshot = before.stage.snapshot?.(ANY_CHECKPOINT) ?? t.fail();
      const stage = timestampsAndWatermarksStage({ kind: 'timestamps-and-watermarks', strategy });
      const after = new StageDriver(stage, {}, [structuredClone(snapshot)] as never);
      after.push(at(...times.slice(cut)));
      const [first, ...rest] = story(after);
      // Before the first record stands the watermark that was out at the cut.
      const last = before.signals.at(-1)?.signal;
      const expected = story(whole).slice(story(before).length);
      if (last === undefined || cut === times.length) t.deepEqual(story(after), expected);
      else t.deepEqual([first, ...rest], [`watermark ${last}`, ...expected], `cut at ${cut}`);
    }
  });
}

test('restore: without records the watermark comes at the first wake-up, and survives the next cut', (t) => {
  const strategy = bounded(10).withEmitStrategy('on-event');
  const before = drive(strategy);
  before.push(at(100));
  let snapshot = before.stage.snapshot?.(ANY_CHECKPOINT) ?? t.fail();
  for (let round = 0; round < 2; round++) {
    const stage = timestampsAndWatermarksStage({ kind: 'timestamps-and-watermarks', strategy });
    const after = new StageDriver(stage, {}, [structuredClone(snapshot)] as never);
    t.deepEqual(after.stage.snapshot?.(ANY_CHECKPOINT), snapshot);
    t.is(after.wakeUpMs, 0);
    after.fireWakeUp();
    t.deepEqual(story(after), ['watermark 89']);
    snapshot = after.stage.snapshot?.(ANY_CHECKPOINT) ?? t.fail();
  }
});
