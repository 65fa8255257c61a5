/** Sessions against a model that keeps every session as a list of its records. */
import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import type { ProcessWindowFunction } from '../../../functions/functions.ts';
import { OutputTag } from '../../../functions/output-tag.ts';
import { EventTimeSessionWindows } from '../../../functions/windowing/session-windows.ts';
import type { TimeWindow } from '../../../functions/windowing/time-window.ts';
import { EventTimeTrigger } from '../../../functions/windowing/triggers/event-time-trigger.ts';
import type { GenericWindowSpec, WindowContents } from '../../../graph/operator-spec.ts';
import { StageDriver } from '../../testing/stage-driver.ts';
import type { DriverSnapshot } from '../../testing/stage-driver.ts';
import { genericWindowStage } from './generic-window.ts';

interface Row {
  readonly key: string;
  readonly id: number;
  readonly timestamp: number;
  readonly gapMs: number;
}

type Event = { readonly row: Row } | { readonly watermark: number };

/** A firing, with the ids of the session's records. */
interface Firing {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly watermark: number;
  readonly ids: readonly number[];
}

interface Session {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly ids: readonly number[];
}

/** See the file's head. */
class NaiveSessions {
  readonly firings: Firing[] = [];
  readonly late: number[] = [];
  readonly #latenessMs: number;
  #sessions: Session[] = [];
  #watermark = Number.NEGATIVE_INFINITY;

  constructor(latenessMs: number) {
    this.#latenessMs = latenessMs;
  }

  row({ key, id, timestamp, gapMs }: Row): void {
    let session: Session = { key, start: timestamp, end: timestamp + gapMs, ids: [id] };
    const meets = (other: Session): boolean =>
      other.key === key && other.start <= session.end && other.end >= session.start;
    const met = this.#sessions.filter(meets);
    for (const other of met) {
      session = {
        key,
        start: Math.min(session.start, other.start),
        end: Math.max(session.end, other.end),
        ids: [...session.ids, ...other.ids],
      };
    }
    if (session.end - 1 + this.#latenessMs <= this.#watermark) {
      if (timestamp + this.#latenessMs <= this.#watermark) this.late.push(id);
      return;
    }
    this.#sessions = [...this.#sessions.filter((other) => !met.includes(other)), session];
    if (session.end - 1 <= this.#watermark) this.#fire(session);
  }

  watermark(watermark: number): void {
    const before = this.#watermark;
    if (watermark <= before) return;
    this.#watermark = watermark;
    for (const session of this.#sessions) {
      if (session.end - 1 > before && session.end - 1 <= watermark) this.#fire(session);
    }
    this.#sessions = this.#sessions.filter(({ end }) => end - 1 + this.#latenessMs > watermark);
  }

  #fire({ key, start, end, ids }: Session): void {
    this.firings.push({ key, start, end, watermark: this.#watermark, ids: ids.toSorted(byNumber) });
  }
}

const byNumber = (a: number, b: number): number => a - b;

/** The same contents kept in three ways: as records, and as their ids in two. */
const CONTENTS: Readonly<Record<string, WindowContents>> = {
  elements: { kind: 'elements' },
  reduce: {
    kind: 'reduce',
    reduce: {
      kind: 'function',
      function: (a: Merged, b: Merged): Merged => ({ ...a, ids: [...idsOf(a), ...idsOf(b)] }),
    },
  },
  'an aggregate that changes its accumulator': {
    kind: 'aggregate',
    function: {
      createAccumulator: (): number[] => [],
      add: ({ id }: Row, ids: number[]) => {
        ids.push(id);
        return ids;
      },
      getResult: (ids: number[]): number[] => [...ids],
      merge: (a: number[], b: number[]) => {
        for (const id of b) a.push(id);
        return a;
      },
    },
  },
};

type Merged = Row & { readonly ids?: readonly number[] };

function idsOf(value: Merged | readonly number[]): readonly number[] {
  return 'id' in value ? (value.ids ?? [value.id]) : value;
}

const describing: ProcessWindowFunction<Merged | readonly number[], Firing, string, TimeWindow> = {
  process: (key, context, elements, out) => {
    const ids = [...elements].flatMap(idsOf).toSorted(byNumber);
    const { start, end } = context.window;
    out.collect({ key, start, end, watermark: context.currentWatermark(), ids });
  },
};

const LATE = new OutputTag<Row>('late');

function newDriver(
  contents: WindowContents,
  latenessMs: number,
  from?: DriverSnapshot,
): StageDriver {
  const spec: GenericWindowSpec = {
    kind: 'generic-window',
    assigner: EventTimeSessionWindows.withDynamicGap(({ gapMs }: Row) => gapMs),
    trigger: EventTimeTrigger.create(),
    evictor: undefined,
    contents,
    windowFunction: describing,
    allowedLatenessMs: latenessMs,
    lateDataTag: LATE,
  };
  const options = { keySelector: (row: Row) => row.key, sideOutputs: ['late'] };
  return new StageDriver(genericWindowStage(spec), options, from && [from]);
}

interface Outcome {
  readonly firings: readonly Firing[];
  readonly late: readonly number[];
  /** Rows of state when all windows are gone. */
  readonly rowsLeft: number;
}

function runOperator(
  events: readonly Event[],
  contents: WindowContents,
  latenessMs: number,
  cuts: ReadonlySet<number>,
): Outcome {
  let driver = newDriver(contents, latenessMs);
  const drivers = [driver];
  for (const [i, event] of events.entries()) {
    if ('row' in event) driver.push([[event.row, event.row.timestamp]]);
    else driver.advanceWatermark(event.watermark);
    if (!cuts.has(i)) continue;
    driver = newDriver(contents, latenessMs, driver.snapshot());
    drivers.push(driver);
  }
  driver.advanceWatermark(Number.POSITIVE_INFINITY);
  return {
    firings: drivers.flatMap(({ values }) => values as Firing[]),
    late: drivers.flatMap(({ sides }) => sides.get('late') ?? []).map(({ value }) => idOf(value)),
    rowsLeft: rowsOf(driver, contents),
  };
}

function idOf(value: unknown): number {
  return (value as Row).id;
}

function rowsOf({ keyedState }: StageDriver, { kind }: WindowContents): number {
  const kinds = { elements: 'list', reduce: 'reducing', aggregate: 'aggregating' } as const;
  const contents = keyedState.declare({ name: 'generic-window-contents', kind: kinds[kind] });
  const windows = keyedState.declare({ name: 'window-set', kind: 'value' });
  return contents.table.size + windows.table.size;
}

function sorted(firings: readonly Firing[]): readonly string[] {
  return firings.map((firing) => JSON.stringify(firing)).toSorted();
}

/** Steps of time, so that sessions meet, touch and miss each other often. */
const anyEvents = fc
  .array(
    fc.record({
      key: fc.constantFrom('a', 'b'),
      step: fc.integer({ min: 0, max: 6 }),
      disorder: fc.integer({ min: -25, max: 0 }),
      gapMs: fc.integer({ min: 1, max: 8 }),
      lag: fc.option(fc.integer({ min: -3, max: 12 }), { freq: 2 }),
    }),
    { maxLength: 40, size: 'max' },
  )
  .map((steps) => {
    let time = -20;
    return steps.flatMap(({ key, step, disorder, gapMs, lag }, id): Event[] => {
      time += step;
      const row = { key, id, gapMs, timestamp: time + disorder };
      return lag === null ? [{ row }] : [{ row }, { watermark: time - lag }];
    });
  });

for (const [name, contents] of Object.entries(CONTENTS)) {
  for (const latenessMs of [0, 6]) {
    test(`sessions of ${name}, lateness ${latenessMs}: equal the model, also across snapshots`, (t) => {
      const property = (events: Event[], cuts: number[]): void => {
        const naive = new NaiveSessions(latenessMs);
        for (const event of events) {
          if ('row' in event) naive.row(event.row);
          else naive.watermark(event.watermark);
        }
        naive.watermark(Number.POSITIVE_INFINITY);
        const found = runOperator(events, contents, latenessMs, new Set(cuts));
        const actual = { ...found, firings: sorted(found.firings) };
        const expected = { firings: sorted(naive.firings), late: naive.late, rowsLeft: 0 };
        // Much faster than the assertion, which is for the message.
        if (!isDeepStrictEqual(actual, expected)) t.deepEqual(actual, expected);
      };
      fc.assert(fc.property(anyEvents, fc.array(fc.nat(60), { maxLength: 4 }), property), {
        numRuns: 150,
      });
      t.pass();
    });
  }
}
