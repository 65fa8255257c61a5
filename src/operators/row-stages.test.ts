import test from 'ava';
import { hasErrorCode } from '../base/errors.ts';
import type { Collector } from '../functions/collector.ts';
import type { ProcessContext } from '../functions/process-functions.ts';
import { OutputTag } from '../functions/output-tag.ts';
import { stageFor } from './registry.ts';
import { StageDriver } from './testing/stage-driver.ts';

test('map: one to one, timestamps stay', (t) => {
  const driver = new StageDriver(stageFor({ kind: 'map', function: (n: number) => n * 2 }));
  driver.push([[1, 10], [2], [3, 30]]);
  t.deepEqual(driver.output, [
    { value: 2, timestamp: 10 },
    { value: 4, timestamp: -Infinity },
    { value: 6, timestamp: 30 },
  ]);
});

test('map: a rich function is opened before the first record, keeps its `this`, and is closed', async (t) => {
  const calls: string[] = [];
  const rich = {
    factor: 3,
    open: (context: { taskName: string }) => void calls.push(`open ${context.taskName}`),
    map(this: { factor: number }, n: number) {
      calls.push('map');
      return n * this.factor;
    },
    close: () => void calls.push('close'),
  };
  const driver = new StageDriver(stageFor({ kind: 'map', function: rich }), { operatorName: 'm' });
  driver.push([[2]]);
  await driver.end();
  t.deepEqual(driver.values, [6]);
  t.deepEqual(calls, ['open m', 'map', 'close']);
});

test('filter: keeps the records for which the predicate is true, in order', (t) => {
  const driver = new StageDriver(
    stageFor({ kind: 'filter', function: (n: number) => n % 2 === 1 }),
  );
  driver.push([[1], [2], [3], [4], [5]]);
  t.deepEqual(driver.values, [1, 3, 5]);
});

test('flatMap: collector, array, generator and nothing; the timestamp is that of the input', (t) => {
  const flatMap = (n: number, out: Collector<string>): Iterable<string> | undefined => {
    if (n === 0) return undefined;
    if (n === 1) return ['a', 'b'];
    out.collect(`c${n}`);
    return n === 2 ? undefined : twice(n);
  };
  const driver = new StageDriver(stageFor({ kind: 'flat-map', function: flatMap }));
  driver.push([
    [0, 5],
    [1, 6],
    [2, 7],
    [3, 8],
  ]);
  t.deepEqual(driver.values, ['a', 'b', 'c2', 'c3', 'x3', 'y3']);
  t.deepEqual(
    driver.output.map(({ timestamp }) => timestamp),
    [6, 6, 7, 8, 8, 8],
  );
});

function* twice(n: number): Iterable<string> {
  yield `x${n}`;
  yield `y${n}`;
}

test('flatMap: a returned value that is no iterable is refused, with the operator and the remedy', (t) => {
  const wrong = (() => 3) as unknown as () => undefined;
  const driver = new StageDriver(stageFor({ kind: 'flat-map', function: wrong }), {
    operatorName: 'words',
  });
  const error = t.throws(() => driver.push([[1]]));
  t.true(hasErrorCode(error, 'RECORD_TYPE_MISMATCH'));
  t.regex(error?.message ?? '', /'words' returned 3 .*return an iterable/);
});

test('process: results and side outputs have the timestamp of the record; unread tags are unused', (t) => {
  const odd = new OutputTag<number>('odd');
  const unread = new OutputTag<number>('unread');
  const seen: unknown[] = [];
  const processElement = (n: number, context: ProcessContext, out: Collector<number>): void => {
    seen.push([context.timestamp(), context.currentWatermark(), context.currentProcessingTime()]);
    context.output(unread, n);
    if (n % 2 === 1) context.output(odd, n);
    else out.collect(n);
  };
  const driver = new StageDriver(stageFor({ kind: 'process', function: { processElement } }), {
    sideOutputs: ['odd'],
    nowMs: 99,
  });
  driver.push([[1, 10]]);
  driver.advanceWatermark(7);
  driver.push([[2]]);
  t.deepEqual(driver.output, [{ value: 2, timestamp: -Infinity }]);
  t.deepEqual(driver.sides.get('odd'), [{ value: 1, timestamp: 10 }]);
  t.deepEqual(seen, [
    [10, -Infinity, 99],
    [undefined, 7, 99],
  ]);
});

test('collect: hands records and timestamps to its endpoint', (t) => {
  const driver = new StageDriver(stageFor({ kind: 'collect', collectName: 'result' }));
  driver.push([['a', 1], ['b']]);
  t.deepEqual(driver.collected, [
    { value: 'a', timestamp: 1 },
    { value: 'b', timestamp: -Infinity },
  ]);
});
