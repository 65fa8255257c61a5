import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import type { AggregateFunction, ProcessWindowFunction } from '../../functions/functions.ts';
import { OutputTag } from '../../functions/output-tag.ts';
import type { TimeWindow } from '../../functions/windowing/time-window.ts';
import {
  SlidingEventTimeWindows,
  TumblingEventTimeWindows,
} from '../../functions/windowing/aligned-windows.ts';
import type { ReduceKind, WindowContents, WindowSpec } from '../../graph/operator-spec.ts';
import { NaiveWindow } from '../testing/naive-window.ts';
import type { NaiveFiring, NaiveRow } from '../testing/naive-window.ts';
import { StageDriver } from '../testing/stage-driver.ts';
import type { DriverSnapshot } from '../testing/stage-driver.ts';
import { windowStage } from './window-operator.ts';

interface Stats {
  readonly count: number;
  readonly sum: number;
  readonly last: number | undefined;
}

const mutating: AggregateFunction<
  NaiveRow,
  { count: number; sum: number; last: number | undefined },
  Stats
> = {
  createAccumulator: () => ({ count: 0, sum: 0, last: undefined }),
  add: (row, accumulator) => {
    accumulator.count++;
    accumulator.sum += row.n;
    accumulator.last = row.id;
    return accumulator;
  },
  getResult: ({ count, sum, last }) => ({ count, sum, last }),
};

const replacing: AggregateFunction<NaiveRow, number, number> = {
  createAccumulator: () => 0,
  add: (row, accumulator) => accumulator + row.n,
  getResult: (accumulator) => accumulator,
};

const describing: ProcessWindowFunction<unknown, unknown, string, TimeWindow> = {
  process: (key, context, elements, out) => {
    const { start, end } = context.window;
    out.collect({
      key,
      start,
      end,
      watermark: context.currentWatermark(),
      elements: [...elements],
    });
  },
};

/** Contents, and their result in the obvious form. */
interface Variant {
  readonly contents: WindowContents;
  readonly result: (elements: readonly NaiveRow[]) => unknown;
}

const first = (rows: readonly NaiveRow[]): NaiveRow => rows[0] as NaiveRow;
const numbers = (rows: readonly NaiveRow[]): number[] => rows.map(({ n }) => n);
const total = (rows: readonly NaiveRow[]): number => numbers(rows).reduce((a, b) => a + b, 0);

function reduceVariant(reduce: ReduceKind, result: Variant['result']): Variant {
  return { contents: { kind: 'reduce', reduce }, result };
}

const VARIANTS: Readonly<Record<string, Variant>> = {
  sum: reduceVariant({ kind: 'sum', field: 'n' }, (rows) => ({ ...first(rows), n: total(rows) })),
  max: reduceVariant({ kind: 'max', field: 'n' }, (rows) => ({
    ...first(rows),
    n: Math.max(...numbers(rows)),
  })),
  minBy: reduceVariant({ kind: 'minBy', field: 'n' }, (rows) =>
    rows.find(({ n }) => n === Math.min(...numbers(rows))),
  ),
  reduce: reduceVariant(
    { kind: 'function', function: (a: NaiveRow, b: NaiveRow) => ({ ...b, n: a.n + b.n }) },
    (rows) => ({ ...(rows.at(-1) as NaiveRow), n: total(rows) }),
  ),
  'mutating aggregate': {
    contents: { kind: 'aggregate', function: mutating },
    result: (rows) => ({ count: rows.length, sum: total(rows), last: rows.at(-1)?.id }),
  },
  'replacing aggregate': { contents: { kind: 'aggregate', function: replacing }, result: total },
  elements: { contents: { kind: 'elements' }, result: (rows) => rows },
};

const ASSIGNERS = {
  'tumbling 10': TumblingEventTimeWindows.of(10),
  'tumbling 7 offset 3': TumblingEventTimeWindows.of(7, 3),
  'sliding 10 by 5': SlidingEventTimeWindows.of(10, 5),
  'sliding 10 by 3 offset -1': SlidingEventTimeWindows.of(10, 3, -1),
  'sliding 4 by 7, with gaps': SlidingEventTimeWindows.of(4, 7),
};

const LATE = new OutputTag<NaiveRow>('late');

type Event = { readonly row: NaiveRow } | { readonly watermark: number };

const anyEvents: fc.Arbitrary<Event[]> = fc
  .array(
    fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      n: fc.integer({ min: -5, max: 5 }),
      disorder: fc.integer({ min: -25, max: 0 }),
      step: fc.integer({ min: 0, max: 6 }),
      watermark: fc.option(fc.integer({ min: -12, max: 4 })),
    }),
    { maxLength: 50 },
  )
  .map((steps) => toEvents(steps));

interface Step {
  readonly key: string;
  readonly n: number;
  readonly disorder: number;
  readonly step: number;
  readonly watermark: number | null;
}

/** Time begins below 0, so that negative timestamps are tried. */
function toEvents(steps: readonly Step[]): Event[] {
  let time = -40;
  return steps.flatMap(({ key, n, disorder, step, watermark }, id): Event[] => {
    time += step;
    const row: Event = { row: { key, n, id, timestamp: time + disorder } };
    return watermark === null ? [row] : [row, { watermark: time + watermark }];
  });
}

interface Outcome {
  readonly output: unknown[];
  readonly late: unknown[];
}

function runNaive(events: readonly Event[], spec: WindowSpec, result: Variant['result']): Outcome {
  const naive = new NaiveWindow(spec.assigner, spec.allowedLatenessMs);
  for (const event of events) {
    if ('row' in event) naive.row(event.row);
    else naive.watermark(event.watermark);
  }
  naive.watermark(Number.POSITIVE_INFINITY);
  const { sizeMs } = spec.assigner;
  const value = (firing: NaiveFiring): unknown =>
    spec.windowFunction === undefined
      ? result(firing.elements)
      : described(
          firing,
          sizeMs,
          spec.contents.kind === 'elements' ? firing.elements : [result(firing.elements)],
        );
  return {
    output: naive.firings.map((f) => ({ value: value(f), timestamp: f.start + sizeMs - 1 })),
    late: naive.late.map((row) => ({ value: row, timestamp: row.timestamp })),
  };
}

function described(firing: NaiveFiring, sizeMs: number, elements: unknown): unknown {
  const { key, start, watermark } = firing;
  return { key, start, end: start + sizeMs, watermark, elements };
}

/** Rows between two watermarks go as one batch; a snapshot is restored where `cuts` says so. */
function runOperator(
  events: readonly Event[],
  spec: WindowSpec,
  cuts: ReadonlySet<number>,
): Outcome {
  let driver = newDriver(spec);
  const drivers = [driver];
  let rows: (readonly [NaiveRow, number])[] = [];
  const flush = (): void => {
    driver.push(rows);
    rows = [];
  };
  events.forEach((event, i) => {
    if ('row' in event) rows.push([event.row, event.row.timestamp]);
    else {
      flush();
      driver.advanceWatermark(event.watermark);
    }
    if (!cuts.has(i)) return;
    flush();
    driver = newDriver(spec, [driver.snapshot()]);
    drivers.push(driver);
  });
  flush();
  driver.advanceWatermark(Number.POSITIVE_INFINITY);
  return {
    output: drivers.flatMap(({ output }) => output),
    late: drivers.flatMap(({ sides }) => sides.get('late') ?? []),
  };
}

function newDriver(spec: WindowSpec, restored?: readonly DriverSnapshot[]): StageDriver {
  const options = { keySelector: (row: NaiveRow) => row.key, sideOutputs: ['late'] };
  return new StageDriver(windowStage(spec), options, restored);
}

for (const [assignerName, assigner] of Object.entries(ASSIGNERS)) {
  for (const [name, { contents, result }] of Object.entries(VARIANTS)) {
    for (const allowedLatenessMs of [0, 8]) {
      const title = `${assignerName}, ${name}, lateness ${allowedLatenessMs}`;
      test(`${title}: equals the naive operator, also across snapshots`, (t) => {
        const anyCuts = fc.array(fc.nat(60), { maxLength: 3 });
        const property = (events: Event[], cuts: number[], withFunction: boolean): void => {
          const isFunction = withFunction || contents.kind === 'elements';
          const windowFunction = isFunction ? describing : undefined;
          const spec: WindowSpec = {
            kind: 'window',
            assigner,
            contents,
            windowFunction,
            allowedLatenessMs,
            lateDataTag: LATE,
          };
          const expected = runNaive(events, spec, result);
          const actual = runOperator(events, spec, new Set(cuts));
          // Much faster than the assertion, which is for the message.
          if (!isDeepStrictEqual(actual, expected)) t.deepEqual(actual, expected);
        };
        fc.assert(fc.property(anyEvents, anyCuts, fc.boolean(), property), { numRuns: 60 });
        t.pass();
      });
    }
  }
}
