/**
 * Every kind of operator, run straight and with every interruption that a job may meet: the results
 * are the same. A kind without an entry does not compile.
 */
import test from 'ava';
import {
  OutputTag,
  type Sink,
  SlidingEventTimeWindows,
  TumblingProcessingTimeWindows,
  WatermarkStrategy,
} from '../index.ts';
import { sequenceSource } from '../connectors/sequence/index.ts';
import type { OperatorSpec } from '../graph/operator-spec.ts';
import {
  broadcastProcessCases,
  coProcessCases,
  type Hit,
  hits,
  keyedBroadcastProcessCases,
  keyedCoProcessCases,
  keyedProcessCases,
} from './testing/process-cases.ts';
import {
  everyCut,
  type Harness,
  type OperatorCase,
  rescaled,
  slices,
  straight,
} from './testing/operator-cases.ts';
import { genericWindowCases, intervalJoinCases } from './testing/window-cases.ts';
import { OperatorTestHarness } from './harness/operator-test-harness.ts';

const ODD = new OutputTag<Hit>('odd');
const LATE = new OutputTag<Hit>('late');

/** Rows of some keys with disorder, rows that are late, watermarks and times. */
const ACTS: OperatorCase['acts'] = [
  { row: { k: 'a', n: 1 }, timestamp: 10 },
  { row: { k: 'b', n: 2 }, timestamp: 5 },
  { row: { k: 'a', n: 3 }, timestamp: 40 },
  { watermark: 20 },
  { time: 50 },
  { row: { k: 'c', n: 4 }, timestamp: 15 },
  { row: { k: 'b', n: 5 }, timestamp: 60 },
  { watermark: 59 },
  { row: { k: 'd', n: 6 }, timestamp: 7 },
  { time: 130 },
  { row: { k: 'a', n: 7 }, timestamp: 130 },
  { row: { k: 'e', n: 8 }, timestamp: 61 },
  { watermark: 160 },
  { row: { k: 'b', n: 9 }, timestamp: 30 },
  { row: { k: 'f', n: 10 }, timestamp: 170 },
];

/** So many keys that what they make a window do takes several slices. */
const MANY: OperatorCase['acts'] = [
  ...Array.from({ length: 3000 }, (_, n) => ({ row: { k: `k${n}`, n }, timestamp: n % 90 })),
  { watermark: 500 },
];

type Made = Harness;

/** In simulation over the model of its store. */
const ROCKSDB = {
  'state.backend.type': 'rocksdb',
  'taskmanager.memory.managed.size': '200 kb',
};

const SUM = {
  createAccumulator: () => 0,
  add: (hit: Hit, sum: number) => sum + hit.n,
  getResult: (sum: number) => sum,
};

const CASES: { readonly [Kind in OperatorSpec['kind']]: readonly OperatorCase[] } = {
  source: [
    {
      name: 'numbers',
      acts: Array.from({ length: 6 }, () => ({ step: true })),
      make: (_written, options) =>
        OperatorTestHarness.ofSource<number>(
          sequenceSource(1, 5000),
          WatermarkStrategy.forMonotonousTimestamps<number>().withTimestampAssigner((n) => n),
          options,
        ) as Made,
      isSource: true,
    },
  ],
  map: [{ name: 'map', acts: ACTS, make: hits((s) => s.map(({ k, n }) => ({ k, n: n * 2 }))) }],
  filter: [{ name: 'filter', acts: ACTS, make: hits((s) => s.filter(({ n }) => n % 2 === 0)) }],
  'flat-map': [
    {
      name: 'flatMap',
      acts: ACTS,
      make: hits((s) => s.flatMap((hit) => Array.from({ length: hit.n }, () => hit))),
    },
  ],
  process: [
    {
      name: 'process with a side output',
      acts: ACTS,
      sideOutputs: [ODD],
      make: (_written, options) =>
        OperatorTestHarness.of<Hit, unknown>(
          (s) =>
            s.process<Hit>({
              processElement: (hit, context, out) =>
                hit.n % 2 === 0 ? out.collect(hit) : context.output(ODD, hit),
            }),
          { ...options, sideOutputs: [ODD] },
        ),
    },
  ],
  'generic-window': genericWindowCases(ACTS, MANY),
  'interval-join': intervalJoinCases(ACTS),
  'keyed-process': keyedProcessCases(ACTS),
  'co-process': coProcessCases(ACTS),
  'keyed-co-process': keyedCoProcessCases(ACTS),
  'broadcast-process': broadcastProcessCases(ACTS),
  'keyed-broadcast-process': keyedBroadcastProcessCases(ACTS),
  'timestamps-and-watermarks': [
    {
      name: 'new timestamps',
      acts: ACTS,
      make: hits((s) =>
        s.assignTimestampsAndWatermarks(
          WatermarkStrategy.forBoundedOutOfOrderness<Hit>(5).withTimestampAssigner(({ n }) => n),
        ),
      ),
    },
  ],
  reduce: [
    { name: 'sum', acts: ACTS, bulk: MANY, make: hits((s) => s.keyBy('k').sum('n')) },
    { name: 'maxBy', acts: ACTS, make: hits((s) => s.keyBy('k').maxBy('n')) },
    {
      name: 'reduce',
      acts: ACTS,
      make: hits((s) => s.keyBy('k').reduce((a, b) => ({ k: a.k, n: a.n * 2 + b.n }))),
    },
  ],
  window: [
    {
      name: 'sliding event-time windows with late rows',
      acts: ACTS,
      bulk: MANY,
      sideOutputs: [LATE],
      make: hits((s) =>
        s
          .keyBy('k')
          .window(SlidingEventTimeWindows.of(60, 20))
          .allowedLateness(30)
          .sideOutputLateData(LATE)
          .aggregate(SUM, {
            process: (k, { window }, [n = 0], out) => out.collect({ k, n, start: window.start }),
          }),
      ),
    },
    {
      name: 'processing-time windows',
      acts: [...ACTS, { time: 1000 }],
      make: hits((s) => s.keyBy('k').window(TumblingProcessingTimeWindows.of(60)).sum('n')),
    },
  ],
  sink: [
    {
      name: 'sink',
      acts: ACTS,
      make: (written, options) =>
        OperatorTestHarness.of<Hit, unknown>((s) => s.sinkTo(arraySink(written)), options) as Made,
    },
  ],
  collect: [
    {
      name: 'collect',
      acts: ACTS,
      isNonParallel: true,
      make: (_written, options) =>
        OperatorTestHarness.of<Hit, unknown>((s) => s.collectAsync('all'), options) as Made,
    },
  ],
};

function arraySink(written: unknown[]): Sink<Hit> {
  return {
    createWriter: () => ({
      write: (hit) => void written.push(hit),
      flush: () => undefined,
      close: () => undefined,
    }),
  };
}

for (const [kind, cases] of Object.entries(CASES)) {
  for (const operator of cases) {
    const title = `${kind}: ${operator.name}`;

    test(`${title} gives the same with a snapshot and restore between any two elements`, async (t) => {
      t.deepEqual(await everyCut(operator), await straight(operator));
    });

    test(`${title} gives the same with outputs that are full every other time`, async (t) => {
      const options = { isAlternatelyFull: true };
      t.deepEqual(await everyCut(operator, [], options), await straight(operator));
      t.deepEqual(await everyCut(operator, undefined, options), await straight(operator));
    });

    test(`${title} gives the same if restored at each single element`, async (t) => {
      const expected = await straight(operator);
      for (let cut = 0; cut <= operator.acts.length; cut++) {
        t.deepEqual(await everyCut(operator, [cut]), expected, `cut before element ${cut}`);
      }
    });

    test(`${title} gives the same with state below memory`, async (t) => {
      const options = { configuration: ROCKSDB };
      t.deepEqual(await everyCut(operator, undefined, options), await straight(operator));
      if (operator.bulk === undefined) return;
      const bulk = { ...operator, acts: operator.bulk };
      t.deepEqual(await everyCut(bulk, [1500, 3000], options), await straight(bulk));
    });

    if (operator.isSource !== true && operator.isNonParallel !== true) {
      test(`${title} gives the same at parallelism 1, then 3, then 2`, async (t) => {
        t.deepEqual(await rescaled(operator), await straight(operator));
      });
    }

    if (operator.bulk !== undefined) {
      test(`${title} gives the same if restored between any two slices`, async (t) => {
        const bulk = { ...operator, acts: operator.bulk ?? [] };
        t.deepEqual(await slices(bulk), await straight(bulk));
      });
    }
  }
}
