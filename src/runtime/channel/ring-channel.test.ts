import test from 'ava';
import fc from 'fast-check';
import { types } from '../../types/types.ts';
import { allocateRing } from '../ring/index.ts';
import { RingReader } from '../ring/ring-reader.ts';
import { RingWriter } from '../ring/ring-writer.ts';
import {
  anyBarrier,
  overflowQueue,
  type Read,
  readAll,
  readElement,
  ringChannel,
  valuesOf,
} from './channel.test-kit.ts';
import { EdgeSchema } from './edge-schema.ts';
import { RingInput } from './ring-input.ts';
import { RingOutput } from './ring-output.ts';

const captured = (keyed = false): EdgeSchema => new EdgeSchema(undefined, keyed, 'producer');

test('rows keep value, timestamp and hash, and control elements keep their place', (t) => {
  const { output, input } = ringChannel(captured(true));
  output.append({ id: 1 }, 10, 77);
  output.append({ id: 2 }, -Infinity, -5);
  output.writeWatermark(9);
  output.append({ id: 3 }, 12, 0);
  output.writeStatus(true);
  output.writeStatus(false);
  output.writeEnd();
  t.deepEqual(readAll(input), [
    { row: { id: 1 }, timestamp: 10, hash: 77 },
    { row: { id: 2 }, timestamp: -Infinity, hash: -5 },
    { watermark: 9 },
    { row: { id: 3 }, timestamp: 12, hash: 0 },
    'idle',
    'active',
    'end',
  ]);
});

test('rows are not visible before a flush', (t) => {
  const { output, input } = ringChannel(captured());
  output.append(1, 0, 0);
  t.is(output.stagedRows(), 1);
  t.deepEqual(readAll(input), []);
  output.flush();
  t.is(output.stagedRows(), 0);
  t.deepEqual(valuesOf(readAll(input)), [1]);
});

test('a captured type is widened as often as records ask for it', (t) => {
  const schema = captured();
  const { output, input } = ringChannel(schema);
  const rows = [
    1,
    2.5,
    null,
    'text',
    { a: 1 },
    { a: 1, b: [2] },
    7n,
    { a: 'x' },
    new Map([[1, 2]]),
    undefined,
  ];
  for (const row of rows) output.append(row, 0, 0);
  output.flush();
  t.deepEqual(valuesOf(readAll(input)), rows);
  t.true(schema.misfits > 0);
});

test('two channels of an edge follow one widening', (t) => {
  const schema = captured();
  const [one, two] = [ringChannel(schema), ringChannel(schema)];
  one.output.append(1, 0, 0);
  two.output.append(2, 0, 0);
  one.output.append('wide', 0, 0);
  two.output.append(3, 0, 0);
  two.output.append('wide, too', 0, 0);
  for (const { output } of [one, two]) output.flush();
  t.deepEqual(valuesOf(readAll(one.input)), [1, 'wide']);
  t.deepEqual(valuesOf(readAll(two.input)), [2, 3, 'wide, too']);
});

test('a record that does not fit its declared type is refused with operator and field', (t) => {
  const schema = new EdgeSchema(types.row({ id: types.int, name: types.string }), false, 'namer');
  const { output } = ringChannel(schema);
  output.append({ id: 1, name: 'a' }, 0, 0);
  const error = t.throws(() => output.append({ id: 1, name: 5 }, 0, 0), {
    code: 'RECORD_TYPE_MISMATCH',
  });
  t.regex(error?.message ?? '', /'namer'.*name/);
});

test('a value that no codec carries is refused', (t) => {
  class Point {
    readonly x = 1;
  }
  for (const value of [() => 1, new Point(), Symbol('s'), new WeakMap()]) {
    const { output } = ringChannel(captured());
    t.throws(
      () => {
        output.append(value, 0, 0);
        output.flush();
      },
      { code: 'TYPE_NOT_SERIALIZABLE' },
    );
  }
});

test('what finds no room waits in order and moves on when there is room', (t) => {
  const { output, input, queue } = ringChannel(captured(), 4096, 8192);
  const expected: number[] = [];
  for (let n = 0; n < 20_000; n++) {
    output.append(n, 0, 0);
    expected.push(n);
  }
  output.writeWatermark(5);
  output.writeEnd();
  t.false(output.hasCredit());
  t.true(output.overflowBytes() > 8192, 'also on disk');
  t.true(queue.memoryBytes <= 8192);
  const read: Read[] = [];
  while (!output.isDrained()) read.push(...readElement(input));
  read.push(...readAll(input));
  t.deepEqual(valuesOf(read), expected);
  t.deepEqual(read.slice(-2), [{ watermark: 5 }, 'end']);
  t.true(output.hasCredit());
});

test('a record larger than the ring travels in parts, among others, in order', (t) => {
  const { output, input } = ringChannel(captured());
  const rows = ['small', 'x'.repeat(100_000), 'again small', '€'.repeat(9000), ''];
  for (const row of rows) {
    output.append(row, 1, 0);
    output.flush();
  }
  output.writeEnd();
  const read: Read[] = [];
  while (!output.isDrained()) read.push(...readElement(input));
  read.push(...readAll(input));
  t.deepEqual(valuesOf(read), rows);
  t.is(read.at(-1), 'end');
});

test('a schema larger than the ring travels in parts', (t) => {
  const { output, input } = ringChannel(captured());
  const wide = Object.fromEntries(
    Array.from({ length: 300 }, (_, i) => [`a long field name ${i}`, i]),
  );
  output.append(wide, 0, 0);
  output.flush();
  const read: Read[] = [];
  while (!output.isDrained()) read.push(...readElement(input));
  read.push(...readAll(input));
  t.deepEqual(valuesOf(read), [wide]);
});

test('any rows and control elements come out as they went in, whatever the reader does', (t) => {
  const value = fc.oneof(
    fc.integer(),
    fc.string({ maxLength: 2000, size: 'max' }),
    fc.constant(null),
    fc.record({ a: fc.integer(), b: fc.string() }),
  );
  const action = fc.oneof(
    { weight: 6, arbitrary: fc.record({ append: value }) },
    { weight: 1, arbitrary: fc.constant('flush' as const) },
    { weight: 1, arbitrary: fc.record({ watermark: fc.integer() }) },
    { weight: 3, arbitrary: fc.constant('read' as const) },
  );
  const property = fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
    const { output, input } = ringChannel(captured(), 4096, 4096);
    const written: unknown[] = [];
    const read: unknown[] = [];
    const note = (): void => {
      for (const each of readElement(input)) {
        read.push(typeof each === 'object' && 'row' in each ? each.row : each);
      }
    };
    for (const each of actions) {
      if (each === 'flush') output.flush();
      else if (each === 'read') note();
      else if ('watermark' in each) {
        output.writeWatermark(each.watermark);
        written.push(each);
      } else {
        output.append(each.append, 0, 0);
        written.push(each.append);
      }
    }
    output.flush();
    for (let turn = 0; turn < 10_000 && read.length < written.length; turn++) {
      output.isDrained();
      note();
    }
    t.deepEqual(read, written);
  });
  fc.assert(property, { numRuns: 150 });
});

test('small frames are visible at the end of the step, many bytes at once before it', (t) => {
  const ring = allocateRing(1024 * 1024);
  const { queue } = overflowQueue();
  const output = new RingOutput(new RingWriter(ring), captured(), queue, () => undefined);
  const input = new RingInput(new RingReader(ring), anyBarrier);
  output.append('small', 0, 0);
  output.flush();
  output.writeWatermark(1);
  t.deepEqual(readAll(input), []);
  output.publish();
  t.deepEqual(readAll(input).length, 2);
  output.append('x'.repeat(40_000), 0, 0);
  output.flush();
  t.is(readAll(input).length, 1);
});
