/** The general operator does what that of aligned windows does, on what both can. */
import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import type { ProcessWindowFunction } from '../../../functions/functions.ts';
import { OutputTag } from '../../../functions/output-tag.ts';
import {
  type AlignedWindows,
  SlidingEventTimeWindows,
  SlidingProcessingTimeWindows,
  TumblingEventTimeWindows,
  TumblingProcessingTimeWindows,
} from '../../../functions/windowing/aligned-windows.ts';
import type { TimeWindow } from '../../../functions/windowing/time-window.ts';
import type { WindowContents, WindowSpec } from '../../../graph/operator-spec.ts';
import type { ChainStage } from '../../chain-stage.ts';
import { StageDriver } from '../../testing/stage-driver.ts';
import { windowStage } from '../window-operator.ts';
import { genericWindowStage } from './generic-window.ts';

interface Row {
  readonly key: string;
  readonly n: number;
  readonly timestamp: number;
}

type Event = { readonly row: Row } | { readonly watermark: number } | { readonly time: number };

const CONTENTS: Readonly<Record<string, WindowContents>> = {
  elements: { kind: 'elements' },
  sum: { kind: 'reduce', reduce: { kind: 'sum', field: 'n' } },
  min: { kind: 'reduce', reduce: { kind: 'min', field: 'n' } },
  maxBy: { kind: 'reduce', reduce: { kind: 'maxBy', field: 'n' } },
  aggregate: {
    kind: 'aggregate',
    function: {
      createAccumulator: () => ({ count: 0 }),
      add: (_row: Row, accumulator: { count: number }) => {
        accumulator.count++;
        return accumulator;
      },
      getResult: ({ count }: { count: number }) => count,
    },
  },
};

const ASSIGNERS: Readonly<Record<string, AlignedWindows>> = {
  tumbling: TumblingEventTimeWindows.of(10, 3),
  sliding: SlidingEventTimeWindows.of(12, 5, -2),
  'sliding with gaps': SlidingEventTimeWindows.of(4, 7),
  'tumbling by the clock': TumblingProcessingTimeWindows.of(10),
  'sliding by the clock': SlidingProcessingTimeWindows.of(12, 5),
};

const describing: ProcessWindowFunction<unknown, unknown, string, TimeWindow> = {
  process: (key, context, elements, out) =>
    out.collect({
      key,
      window: context.window,
      watermark: context.currentWatermark(),
      elements: [...elements],
    }),
};

const LATE = new OutputTag<Row>('late');

const anyEvents = fc
  .array(
    fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      n: fc.integer({ min: -5, max: 5 }),
      step: fc.integer({ min: 0, max: 6 }),
      disorder: fc.integer({ min: -25, max: 0 }),
      lag: fc.option(fc.integer({ min: -2, max: 12 }), { freq: 2 }),
    }),
    { maxLength: 40, size: 'max' },
  )
  .map((steps) => {
    let time = 0;
    return steps.flatMap(({ key, n, step, disorder, lag }): Event[] => {
      time += step;
      const row = { key, n, timestamp: time + disorder };
      return [{ time }, { row }, ...(lag === null ? [] : [{ watermark: time - lag }])];
    });
  });

/** What comes out, by the event that it follows. */
function run(
  make: () => ChainStage,
  events: readonly Event[],
  cuts: readonly number[],
): readonly (readonly string[])[] {
  const options = { keySelector: (row: Row) => row.key, sideOutputs: ['late'] };
  let driver = new StageDriver(make(), options);
  const taken: string[][] = [];
  const take = (): void => {
    const late = driver.sides.get('late') ?? [];
    taken.push(
      [...driver.output.splice(0), ...late.splice(0)]
        .map((each) => JSON.stringify(each))
        .toSorted(),
    );
  };
  for (const [i, event] of events.entries()) {
    if ('row' in event) driver.push([[event.row, event.row.timestamp]]);
    else if ('watermark' in event) driver.advanceWatermark(event.watermark);
    else driver.advanceTimeTo(event.time);
    take();
    if (!cuts.includes(i)) continue;
    const snapshot = driver.snapshot();
    driver = new StageDriver(make(), { ...options, nowMs: driver.nowMs }, [snapshot]);
  }
  driver.advanceWatermark(Number.POSITIVE_INFINITY);
  driver.advanceTimeTo(10_000);
  take();
  return taken;
}

for (const [assignerName, assigner] of Object.entries(ASSIGNERS)) {
  for (const [name, contents] of Object.entries(CONTENTS)) {
    for (const allowedLatenessMs of [0, 7]) {
      test(`${assignerName}, ${name}, lateness ${allowedLatenessMs}: both operators give the same`, (t) => {
        const spec: WindowSpec = {
          kind: 'window',
          assigner,
          contents,
          windowFunction: describing,
          allowedLatenessMs,
          lateDataTag: LATE,
        };
        const trigger = assigner.getDefaultTrigger();
        const generic = { ...spec, kind: 'generic-window', trigger, evictor: undefined } as const;
        const property = (events: Event[], cuts: number[]): void => {
          const actual = run(() => genericWindowStage(generic), events, cuts);
          const expected = run(() => windowStage(spec), events, cuts);
          if (!isDeepStrictEqual(actual, expected)) t.deepEqual(actual, expected);
        };
        fc.assert(fc.property(anyEvents, fc.array(fc.nat(80), { maxLength: 3 }), property), {
          numRuns: 30,
        });
        t.pass();
      });
    }
  }
}
