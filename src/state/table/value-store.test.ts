import test from 'ava';
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import { hashKey } from '../../base/hash.ts';
import { types } from '../../types/types.ts';
import { CHUNK_MASK, CHUNK_SHIFT } from './entry-chunks.ts';
import { KeyedTable } from './keyed-table.ts';
import { captureValueLayout, OBJECT_LAYOUT, valueLayoutOf } from './value-layout.ts';

function entryOf(table: KeyedTable, key: unknown): number {
  return table.findOrInsert(key, hashKey(key));
}

test('a row type keeps numbers and booleans in number columns, in field order', (t) => {
  const type = types.row({
    name: types.string,
    count: types.long,
    isLate: types.boolean,
    mean: types.optional(types.double),
    at: types.timestamp,
    tags: types.array(types.string),
  });
  t.deepEqual(valueLayoutOf(type), {
    kind: 'row',
    isCaptured: false,
    fields: [
      { name: 'name', column: 'object' },
      { name: 'count', column: 'number' },
      { name: 'isLate', column: 'boolean' },
      { name: 'mean', column: 'number' },
      { name: 'at', column: 'number' },
      { name: 'tags', column: 'object' },
    ],
  });
  const table = new KeyedTable({ value: valueLayoutOf(type) });
  const entry = entryOf(table, 'JFK');
  const value = { tags: ['x'], at: 5, mean: null, isLate: true, count: 3, name: 'a' };
  table.write(entry, value);
  t.deepEqual(table.read(entry), value);
  t.deepEqual(Object.keys(table.read(entry) as object), [
    'name',
    'count',
    'isLate',
    'mean',
    'at',
    'tags',
  ]);
  t.not(table.read(entry), table.read(entry));
  t.deepEqual(table.values?.widened, ['mean']);
});

test('whatever is written is read back, with any layout captured before it', (t) => {
  const part = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.string(),
    fc.constantFrom(null, undefined, NaN, -0, 5n),
  );
  const value = fc.oneof(
    part,
    fc.record({ a: part, b: part }),
    fc.record({ a: part, b: part, c: part }, { requiredKeys: ['a'] }),
    fc.array(part),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5), value), { minLength: 1 }), (writes) => {
      const table = new KeyedTable();
      const oracle = new Map<number, unknown>();
      for (const [key, written] of writes) {
        table.write(entryOf(table, key), written);
        oracle.set(key, written);
      }
      for (const [key, expected] of oracle)
        t.deepEqual(table.read(table.find(key, hashKey(key))), expected);
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('a field that is the key for some and not for others is read back, however it is asked', (t) => {
  const key = fc.constantFrom('', 'a', 'b', 'ключ', 'a key of more than twelve units', 0, 1n, 7);
  const other = fc.constantFrom('b', 'c', 'another of more than twelve units', 0, -0, 1, null);
  const isKey = Symbol('the key');
  const part = fc.oneof(fc.constant(isKey), fc.constant(isKey), other);
  const value = fc.oneof(
    { weight: 6, arbitrary: fc.record({ id: part, n: fc.nat(3), also: part }) },
    { weight: 1, arbitrary: fc.record({ also: part, id: part }) },
    { weight: 1, arbitrary: part },
  );
  const step = fc.tuple(key, value, fc.constantFrom('write', 'writeWithKey', 'remove'));
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      const table = new KeyedTable({ omitsKeyField: true });
      const oracle = new Map<unknown, unknown>();
      for (const [at, shape, action] of steps) {
        const entry = entryOf(table, at);
        if (action === 'remove') {
          table.removeEntry(entry);
          oracle.delete(at);
          continue;
        }
        const fill = (given: unknown): unknown => (given === isKey ? at : given);
        const written =
          typeof shape === 'object' && shape !== null
            ? Object.fromEntries(Object.entries(shape).map(([name, x]) => [name, fill(x)]))
            : fill(shape);
        table.write(entry, written, action === 'write' ? undefined : at);
        oracle.set(at, written);
        checkValues(t, table, oracle);
      }
    }),
    { numRuns: 500 },
  );
  t.pass();
});

function checkValues(t: ExecutionContext, table: KeyedTable, oracle: Map<unknown, unknown>): void {
  t.is(table.size, oracle.size);
  for (const [key, expected] of oracle) {
    const entry = table.find(key, hashKey(key));
    t.deepEqual(table.read(entry), expected);
    t.deepEqual(table.values?.read(entry, key), expected);
  }
}

test('a field that is the key takes no column, until one is not', (t) => {
  const table = new KeyedTable({ omitsKeyField: true });
  for (const word of ['a', 'b', 'c']) table.write(entryOf(table, word), { word, count: 1 });
  const column = table.values?.columns[0];
  t.is(column?.kind, 'key');
  t.false(column?.objects.isUsed);
  table.write(1, { word: 'B', count: 2 });
  t.true(column?.objects.isUsed);
  t.deepEqual(
    [0, 1, 2].map((entry) => table.read(entry)),
    [
      { word: 'a', count: 1 },
      { word: 'B', count: 2 },
      { word: 'c', count: 1 },
    ],
  );
  t.deepEqual(table.values?.widened, []);
  t.true((table.values?.numberPlace('count') ?? -1) > 0);
});

test('a value that does not fit its number column widens it and says so', (t) => {
  const table = new KeyedTable({ value: valueLayoutOf(types.row({ sum: types.double })) });
  const [a, b] = [entryOf(table, 1), entryOf(table, 2)];
  table.write(a, { sum: 1.5 });
  t.is(table.values?.numberPlace('sum'), 1);
  table.write(b, { sum: 10n ** 20n });
  t.is(table.values?.numberPlace('sum'), -1);
  t.deepEqual(table.values?.widened, ['sum']);
  t.deepEqual([table.read(a), table.read(b)], [{ sum: 1.5 }, { sum: 10n ** 20n }]);
  table.write(b, { sum: NaN });
  t.deepEqual(table.read(b), { sum: NaN });
});

test('generated code updates a number column in place', (t) => {
  const table = new KeyedTable({
    value: valueLayoutOf(types.row({ count: types.long, sum: types.double })),
  });
  const keys = Array.from({ length: 40_000 }, (_, i) => i % 20_000);
  const entries = new Int32Array(keys.length);
  table.findOrInsertBatch(
    keys,
    Int32Array.from(keys, hashKey),
    keys.length,
    entries,
    new Uint8Array(keys.length),
  );
  const place = table.values?.numberPlace('sum') ?? -1;
  const { chunks, stride } = table.entries;
  for (const entry of entries) {
    const chunk = chunks[entry >> CHUNK_SHIFT] as Float64Array;
    const at = (entry & CHUNK_MASK) * stride + place;
    chunk[at] = (chunk[at] as number) + 0.5;
  }
  t.deepEqual(table.read(entries[19_999] as number), { count: 0, sum: 1 });
  t.is(table.chunkOf(17_000)[table.offsetOf(17_000) + place], 1);
});

test('a removed entry leaves nothing to the key that gets its number', (t) => {
  const table = new KeyedTable();
  const entry = entryOf(table, 'a');
  table.write(entry, { n: 5, list: [1] });
  table.write(entry, { n: 'five', list: [1] });
  table.remove('a', hashKey('a'));
  t.is(entryOf(table, 'b'), entry);
  t.deepEqual(table.read(entry), { n: 0, list: undefined });
});

test('instances and lists are kept by reference', (t) => {
  class Accumulator {
    count = 0;
  }
  t.deepEqual(captureValueLayout(new Accumulator()), OBJECT_LAYOUT);
  const table = new KeyedTable({ value: OBJECT_LAYOUT });
  const list: number[] = [];
  const entry = entryOf(table, 'a');
  table.write(entry, list);
  list.push(1);
  t.is(table.read(entry), list);
});

test('field names are data, never code', (t) => {
  const value = JSON.parse(
    '{"__proto__": 1, "a\\"]; throw 1; //": 2, "constructor": 3, "\\u2028": 4}',
  ) as unknown;
  const table = new KeyedTable();
  table.write(entryOf(table, 1), value);
  const read = table.read(0) as object;
  t.deepEqual(Object.entries(read), Object.entries(value as object));
  t.is(Object.getPrototypeOf(read), Object.prototype);
});

test('a value captured after thousands of inserts keeps the keys', (t) => {
  const table = new KeyedTable();
  const keys = Array.from({ length: 30_000 }, (_, i) => `key ${i}`);
  const entries = new Int32Array(keys.length);
  table.findOrInsertBatch(
    keys,
    Int32Array.from(keys, hashKey),
    keys.length,
    entries,
    new Uint8Array(keys.length),
  );
  table.write(7, { x: 1, y: 2 });
  t.true(keys.every((key, i) => table.keyAt(i) === key));
  t.deepEqual(table.read(7), { x: 1, y: 2 });
  t.deepEqual(table.read(29_999), { x: 0, y: 0 });
});

test('a kept string does not keep the slab that it was cut from', (t) => {
  const table = new KeyedTable();
  const slab = 'x'.repeat(1_000_000) + 'a word of some length, ключ 𐀀 \ud800';
  const word = slab.substring(1_000_000);
  const entry = entryOf(table, 1);
  table.write(entry, { word });
  const first = (table.read(entry) as { word: string }).word;
  t.is(first, word);
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 200; i++) {
    const other = Buffer.alloc(1_000_000, i).toString('latin1').substring(0, 50);
    table.write(entryOf(table, i), { word: other });
  }
  t.true(process.memoryUsage().heapUsed - before < 150e6, 'the slabs were let go of');
});
