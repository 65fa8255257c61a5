import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import { hasErrorCode } from '../../base/errors.ts';
import { OutputTag } from '../../functions/output-tag.ts';
import type { IntervalJoinSpec } from '../../graph/operator-spec.ts';
import { StageDriver } from '../testing/stage-driver.ts';
import type { DriverSnapshot, Emitted } from '../testing/stage-driver.ts';
import { intervalJoinStage } from './interval-join.ts';

interface Row {
  readonly key: string;
  readonly id: number;
  readonly timestamp: number;
}

type Event = { readonly side: 0 | 1; readonly row: Row } | { readonly watermark: number };

interface Bounds {
  readonly lower: number;
  readonly upper: number;
}

/** The join as two lists and two loops. */
class NaiveJoin {
  readonly output: Emitted[] = [];
  readonly late: readonly [number[], number[]] = [[], []];
  readonly #bounds: Bounds;
  readonly #kept: [Row[], Row[]] = [[], []];
  #watermark = Number.NEGATIVE_INFINITY;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  row(side: 0 | 1, row: Row): void {
    if (row.timestamp < this.#watermark) {
      this.late[side].push(row.id);
      return;
    }
    this.#kept[side].push(row);
    const { lower, upper } = this.#bounds;
    for (const other of this.#kept[side === 0 ? 1 : 0]) {
      const [left, right] = side === 0 ? [row, other] : [other, row];
      const distance = right.timestamp - left.timestamp;
      if (left.key !== right.key || distance < lower || distance > upper) continue;
      const timestamp = Math.max(left.timestamp, right.timestamp);
      this.output.push({ value: [left.id, right.id], timestamp });
    }
  }

  watermark(watermark: number): void {
    if (watermark <= this.#watermark) return;
    this.#watermark = watermark;
    const { lower, upper } = this.#bounds;
    this.#keep(0, (row) => row.timestamp + Math.max(0, upper) > watermark);
    this.#keep(1, (row) => row.timestamp + Math.max(0, -lower) > watermark);
  }

  #keep(side: 0 | 1, isKept: (row: Row) => boolean): void {
    this.#kept[side] = this.#kept[side].filter(isKept);
  }
}

const LEFT_LATE = new OutputTag<Row>('left late');
const RIGHT_LATE = new OutputTag<Row>('right late');

function newDriver(
  { lower, upper }: Bounds,
  from?: DriverSnapshot,
  more: Partial<IntervalJoinSpec> = {},
): StageDriver {
  const spec: IntervalJoinSpec = {
    kind: 'interval-join',
    lowerBoundMs: lower,
    upperBoundMs: upper,
    leftLateDataTag: LEFT_LATE,
    rightLateDataTag: RIGHT_LATE,
    function: {
      processElement: (left: Row, right: Row, _context, out) => out.collect([left.id, right.id]),
    },
    ...more,
  };
  const options = {
    keySelector: (row: Row) => row.key,
    secondKeySelector: (row: Row) => row.key,
    sideOutputs: ['left late', 'right late'],
  };
  return new StageDriver(intervalJoinStage(spec), options, from && [from]);
}

const anyEvents = fc
  .array(
    fc.record({
      side: fc.constantFrom(0 as const, 1 as const),
      key: fc.constantFrom('a', 'b'),
      step: fc.integer({ min: 0, max: 4 }),
      disorder: fc.integer({ min: -12, max: 0 }),
      lag: fc.option(fc.integer({ min: 0, max: 9 }), { freq: 2 }),
    }),
    { maxLength: 50, size: 'max' },
  )
  .map((steps) => {
    let time = -10;
    return steps.flatMap(({ side, key, step, disorder, lag }, id): Event[] => {
      time += step;
      const row = { key, id, timestamp: time + disorder };
      return lag === null ? [{ side, row }] : [{ side, row }, { watermark: time - lag }];
    });
  });

const anyBounds = fc
  .tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -9, max: 9 }))
  .map(([a, b]): Bounds => ({ lower: Math.min(a, b), upper: Math.max(a, b) }));

/** Pairs of one record come in an order of their own. */
function sorted(output: readonly Emitted[]): readonly string[] {
  return output.map((pair) => JSON.stringify(pair)).toSorted();
}

test('pairs equal those of two loops, also across snapshots, and all state goes', (t) => {
  const property = (bounds: Bounds, events: Event[], cuts: number[]): void => {
    const naive = new NaiveJoin(bounds);
    let driver = newDriver(bounds);
    const drivers = [driver];
    for (const [i, event] of events.entries()) {
      if ('row' in event) {
        naive.row(event.side, event.row);
        driver.push([[event.row, event.row.timestamp]], event.side);
      } else {
        naive.watermark(event.watermark);
        driver.advanceWatermark(event.watermark);
      }
      if (!cuts.includes(i)) continue;
      driver = newDriver(bounds, driver.snapshot());
      drivers.push(driver);
    }
    driver.advanceWatermark(Number.POSITIVE_INFINITY);
    const lateOf = (side: string): number[] =>
      drivers.flatMap(({ sides }) => sides.get(side) ?? []).map(({ value }) => (value as Row).id);
    const actual = {
      pairs: sorted(drivers.flatMap(({ output }) => output)),
      late: [lateOf('left late'), lateOf('right late')],
      left: driver.keyedState.declare({ name: 'left-buffer', kind: 'list' }).table.size,
      right: driver.keyedState.declare({ name: 'right-buffer', kind: 'list' }).table.size,
    };
    const expected = { pairs: sorted(naive.output), late: naive.late, left: 0, right: 0 };
    if (!isDeepStrictEqual(actual, expected)) t.deepEqual(actual, expected);
  };
  fc.assert(fc.property(anyBounds, anyEvents, fc.array(fc.nat(70), { maxLength: 4 }), property), {
    numRuns: 400,
  });
  t.pass();
});

test('a late record without a side output is counted', (t) => {
  const driver = newDriver({ lower: 0, upper: 5 }, undefined, { leftLateDataTag: undefined });
  driver.advanceWatermark(10);
  driver.push([[{ key: 'a', id: 1, timestamp: 9 }, 9]], 0);
  driver.push([[{ key: 'a', id: 2, timestamp: 9 }, 9]], 1);
  t.is(driver.counts.numLateRecordsDropped, 1);
  t.is(driver.counts.numLateRecordsSideOutput, 1);
});

test('a record at the watermark is not late', (t) => {
  const driver = newDriver({ lower: 0, upper: 5 });
  driver.push([[{ key: 'a', id: 1, timestamp: 10 }, 10]], 0);
  driver.advanceWatermark(12);
  driver.push([[{ key: 'a', id: 2, timestamp: 12 }, 12]], 1);
  t.deepEqual(driver.output, [{ value: [1, 2], timestamp: 12 }]);
});

test('side outputs of the function have the greater timestamp', (t) => {
  const driver = newDriver({ lower: -5, upper: 5 }, undefined, {
    function: {
      processElement: (left: Row, _right: Row, context) => {
        t.is(context.getLeftTimestamp(), 4);
        t.is(context.getRightTimestamp(), 3);
        context.output(LEFT_LATE, left);
      },
    },
  });
  driver.push([[{ key: 'a', id: 1, timestamp: 3 }, 3]], 1);
  driver.push([[{ key: 'a', id: 2, timestamp: 4 }, 4]], 0);
  t.deepEqual(
    driver.sides.get('left late')?.map(({ timestamp }) => timestamp),
    [4],
  );
});

test('a record without a timestamp fails with the operator and the remedy', (t) => {
  const driver = newDriver({ lower: 0, upper: 5 });
  const error = t.throws(() => driver.push([[{ key: 'a', id: 1, timestamp: 0 }]], 1));
  t.true(hasErrorCode(error, 'TIMESTAMP_MISSING'));
  t.regex(error?.message ?? '', /'operator under test' joins by event time.*withTimestampAssigner/);
  t.deepEqual(driver.failedRecords, [{ key: 'a', id: 1, timestamp: 0 }]);
});
