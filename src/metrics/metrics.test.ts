/** Layout, writer and reader together: they are one protocol. */
import { Worker } from 'node:worker_threads';
import test from 'ava';
import fc from 'fast-check';
import type { MetricGroup } from '../functions/runtime-context.ts';
import {
  allocateMetrics,
  MetricsLayout,
  type MetricsLayoutData,
  NAME_BYTES_MAX,
  USER_COUNTERS_MAX,
} from './metrics-layout.ts';
import { MetricsReader } from './metrics-reader.ts';
import { SubtaskMetrics } from './subtask-metrics.ts';

const data: MetricsLayoutData = {
  subtasks: [
    { vertex: 0, subtask: 0, operators: 2 },
    { vertex: 0, subtask: 1, operators: 2 },
    { vertex: 1, subtask: 0, operators: 1, histograms: 1 },
    { vertex: 1, subtask: 1, operators: 1, histograms: 1 },
  ],
};

function setUp(shared: boolean) {
  const layout = new MetricsLayout(data);
  const buffer = allocateMetrics(layout, shared);
  const writer = (vertex: number, subtask: number) =>
    new SubtaskMetrics(layout, buffer, { vertex, subtask });
  return { layout, buffer, writer, reader: new MetricsReader(layout, buffer) };
}

for (const shared of [true, false]) {
  const kind = shared ? 'shared' : 'plain';

  test(`the host reads what a subtask wrote, in ${kind} memory`, (t) => {
    const { writer, reader } = setUp(shared);
    const metrics = writer(0, 1);
    metrics.cells[metrics.operatorCell(1, 'numRecordsOut')] = 2 ** 40;
    metrics.cells[metrics.taskCell('currentWatermark')] = 17;
    metrics.counter(1, 'änderungen').inc(5);
    const snapshot = reader.subtask(0, 1);
    t.is(snapshot.operators[1]?.numRecordsOut, 2 ** 40);
    t.is(snapshot.operators[0]?.numRecordsOut, 0);
    t.is(snapshot.currentWatermark, 17);
    t.deepEqual({ ...snapshot.operators[1]?.counters }, { änderungen: 5 });
    t.is(reader.subtask(0, 0).currentWatermark, Number.NEGATIVE_INFINITY);
  });
}

test('blocks lie one after the other on cache lines of their own, the same for everybody', (t) => {
  const subtasks = fc.array(
    fc.record({ operators: fc.integer({ min: 1, max: 9 }), histograms: fc.nat({ max: 2 }) }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(subtasks, (list) => {
      const plain = { subtasks: list.map((each, subtask) => ({ vertex: 3, subtask, ...each })) };
      const layout = new MetricsLayout(plain);
      const copy = new MetricsLayout(structuredClone(plain));
      let end = 0;
      for (const block of layout.blocks) {
        if (block.byteOffset !== end || end % 128 !== 0) return false;
        end += block.byteLength;
      }
      return (
        end === layout.byteLength && JSON.stringify(copy.blocks) === JSON.stringify(layout.blocks)
      );
    }),
  );
  t.pass();
});

test('no two metrics of a job share a cell', (t) => {
  const { layout, buffer, writer } = setUp(true);
  const bytes = new Uint8Array(buffer);
  for (const block of layout.blocks) {
    const metrics = writer(block.vertex, block.subtask);
    const before = bytes.slice();
    metrics.cells.fill(-1);
    metrics.counter(0, 'own');
    for (let index = 0; index < bytes.length; index++) {
      const inside = index >= block.byteOffset && index < block.byteOffset + block.byteLength;
      if (!inside && bytes[index] !== before[index])
        t.fail(`byte ${index} of another block changed`);
    }
  }
  t.pass();
});

test('a vertex is the sum of its subtasks, the lowest watermark and the longest gap', (t) => {
  const { writer, reader } = setUp(true);
  for (const subtask of [0, 1]) {
    const metrics = writer(0, subtask);
    metrics.cells[metrics.operatorCell(0, 'numRecordsIn')] = 10 + subtask;
    metrics.cells[metrics.taskCell('currentWatermark')] = 100 - subtask;
    metrics.cells[metrics.taskCell('longestGapMs')] = 7 + subtask;
    metrics.cells[metrics.taskCell('busyMs')] = 50;
    metrics.counter(0, 'seen').inc();
  }
  writer(0, 1).counter(0, 'only here').inc(3);
  const vertex = reader.vertex(0);
  t.is(vertex.operators[0]?.numRecordsIn, 21);
  t.is(vertex.currentWatermark, 99);
  t.is(vertex.longestGapMs, 8);
  t.is(vertex.busyMs, 100);
  t.deepEqual({ ...vertex.operators[0]?.counters }, { seen: 2, 'only here': 3 });
});

test('histograms of a vertex add up', (t) => {
  const { writer, reader } = setUp(true);
  writer(1, 0).histogram(0).record(1);
  writer(1, 1).histogram(0).record(3);
  const histogram = reader.histogram(1, 0);
  t.is(histogram.count, 2);
  t.is(histogram.maxMs, 3);
  t.is(reader.vertex(1).operators[0]?.numRecordsIn, 0);
});

test('a counter is one per operator and name, also for a restarted subtask', (t) => {
  const { writer, reader } = setUp(true);
  const metrics = writer(0, 0);
  const group: MetricGroup = metrics.metricGroup(0);
  group.counter('a').inc();
  metrics.metricGroup(0).counter('a').inc(2);
  metrics.metricGroup(1).counter('a').inc(10);
  t.is(writer(0, 0).metricGroup(0).counter('a').count, 3);
  writer(0, 0).counter(1, '__proto__').inc(4);
  const [first, second] = reader.subtask(0, 0).operators;
  t.deepEqual({ ...first?.counters }, { a: 3 });
  t.deepEqual(Object.entries(second?.counters ?? {}), [
    ['a', 10],
    ['__proto__', 4],
  ]);
});

test('counters beyond the limit and names without or with too many bytes are refused', (t) => {
  const metrics = setUp(true).writer(0, 0);
  t.throws(() => metrics.counter(0, ''), { code: 'ILLEGAL_ARGUMENT' });
  t.throws(() => metrics.counter(0, 'ä'.repeat(NAME_BYTES_MAX / 2 + 1)), {
    code: 'ILLEGAL_ARGUMENT',
  });
  for (let index = 0; index < USER_COUNTERS_MAX; index++)
    metrics.counter(index % 2, `counter ${index}`);
  t.throws(() => metrics.counter(0, 'one more'), { code: 'ILLEGAL_STATE' });
  t.notThrows(() => metrics.counter(0, 'counter 0'));
});

test('a place or buffer of another layout is refused', (t) => {
  const { layout, buffer, writer } = setUp(true);
  t.throws(() => writer(2, 0), { code: 'BUG' });
  t.throws(() => new MetricsReader(layout, new ArrayBuffer(8)), { code: 'BUG' });
  t.throws(() => new MetricsReader(new MetricsLayout({ subtasks: [] }), buffer), { code: 'BUG' });
});

test('another thread sees the counters', async (t) => {
  const { buffer, reader } = setUp(true);
  const url = new URL('./subtask-metrics.ts', import.meta.url).href;
  const layoutUrl = new URL('./metrics-layout.ts', import.meta.url).href;
  const code = `
    const { workerData } = require('node:worker_threads');
    Promise.all([import('${url}'), import('${layoutUrl}')]).then(([writing, layouts]) => {
      const { data, buffer } = workerData;
      const layout = new layouts.MetricsLayout(data);
      const metrics = new writing.SubtaskMetrics(layout, buffer, { vertex: 1, subtask: 1 });
      const cell = metrics.operatorCell(0, 'numRecordsIn');
      for (let batch = 0; batch < 1000; batch++) metrics.cells[cell] += 1024;
      metrics.counter(0, 'batches').inc(1000);
    });`;
  const worker = new Worker(code, { eval: true, workerData: { data, buffer } });
  await new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => resolve());
  });
  const operator = reader.subtask(1, 1).operators[0];
  t.is(operator?.numRecordsIn, 1_024_000);
  t.deepEqual({ ...operator?.counters }, { batches: 1000 });
});
