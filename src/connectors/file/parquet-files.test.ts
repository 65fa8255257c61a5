import test from 'ava';
import fc from 'fast-check';
import { parquetReadObjects } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { hasErrorCode } from '../../base/errors.ts';
import {
  type SimulatedEnvironment,
  simulatedEnvironment,
} from '../../base/simulated-environment.ts';
import { realEnvironment } from '../../base/real-environment.ts';
import { type Collected, type HarnessOptions, readAll } from './testing/file-source-harness.ts';
import { fileSource } from './file-source.ts';
import type { TypeInformation } from '../../types/type-information.ts';
import { types } from '../../types/types.ts';
import { type ParquetFormatOptions, parquetFormat } from '../../formats/parquet/parquet-format.ts';

const FLIGHTS = 'node_modules/vega-datasets/data/flights-3m.parquet';

function worldWith(buffer: ArrayBuffer): SimulatedEnvironment {
  const environment = simulatedEnvironment({ seed: 1 });
  using file = environment.fileSystem.open('/home/a.parquet', 'write');
  file.append(new Uint8Array(buffer));
  return environment;
}

function read<T>(
  buffer: ArrayBuffer,
  format: ParquetFormatOptions<T> = {},
  options: Partial<HarnessOptions> = {},
): Promise<Collected<T>> {
  const source = fileSource({ path: '/home/a.parquet', format: parquetFormat(format) });
  return readAll(source, { environment: worldWith(buffer), ...options });
}

const anyColumns = fc.integer({ min: 1, max: 300 }).chain((count) => {
  const column = <V>(value: fc.Arbitrary<V>): fc.Arbitrary<(V | null)[]> =>
    fc.oneof(
      fc.array(value, { minLength: count, maxLength: count }),
      fc.array(fc.option(value), { minLength: count, maxLength: count }),
      // Few distinct values and long runs: dictionaries and run lengths.
      fc
        .tuple(value, value)
        .map(([a, b]) => Array.from({ length: count }, (_, i) => (i % 97 < 50 ? a : b))),
    );
  return fc.record({
    int: column(fc.integer()),
    long: column(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    double: column(fc.double()),
    boolean: column(fc.boolean()),
    string: column(
      fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.toWellFormed()),
    ),
    timestamp: column(fc.date({ noInvalidDate: true })),
  });
});

test('any columns, plain or by dictionary, with nulls or not, read as the slow way does', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      anyColumns,
      fc.constantFrom('SNAPPY' as const, 'UNCOMPRESSED' as const),
      fc.integer({ min: 1, max: 200 }),
      fc.boolean(),
      async (columns, codec, rowGroupSize, isSmallPaged) => {
        const buffer = parquetWriteBuffer({
          columnData: [
            { name: 'int', data: columns.int, type: 'INT32' },
            { name: 'long', data: columns.long, type: 'INT64' },
            { name: 'double', data: columns.double, type: 'DOUBLE' },
            { name: 'boolean', data: columns.boolean, type: 'BOOLEAN' },
            { name: 'string', data: columns.string, type: 'STRING' },
            { name: 'timestamp', data: columns.timestamp, type: 'TIMESTAMP' },
          ],
          codec,
          rowGroupSize,
          ...(isSmallPaged ? { pageSize: 64 } : {}),
        });
        const slow = await parquetReadObjects({ file: buffer });
        const expected = slow.map((row) =>
          Object.fromEntries(Object.entries(row).map(([key, value]) => [key, plain(value)])),
        );
        const { records, deadLetters } = await read(buffer);
        t.deepEqual(records, expected);
        t.deepEqual(deadLetters, []);
      },
    ),
    { numRuns: 150 },
  );
});

function plain(value: unknown): unknown {
  if (value instanceof Date) return value.getTime();
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  return value ?? null;
}

test('the 3 M flights: columns of the type, checked sums, four readers', async (t) => {
  const type = types.row({ delay: types.int, origin: types.string, date: types.timestamp });
  const source = fileSource({ path: FLIGHTS, format: parquetFormat({ type }) });
  const { records } = await readAll(source, { environment: realEnvironment(), parallelism: 4 });
  t.is(records.length, 3_000_000);
  let delay = 0;
  for (const record of records) delay += record.delay;
  t.is(delay, 20_003_603);
  t.deepEqual(records[0], { delay: 33, origin: 'LAS', date: Date.UTC(2001, 0, 1, 0, 1) });
});

test('values that do not fit the declared type are dead letters with their row', async (t) => {
  const buffer = parquetWriteBuffer({
    columnData: [
      { name: 'a', data: [1n, 2n ** 60n, null, 4n, 5n], type: 'INT64' },
      { name: 'b', data: ['x', 'y', 'z', null, 'w'], type: 'STRING' },
    ],
    rowGroupSize: 2,
  });
  const type = types.row({ a: types.long, b: types.optional(types.string) });
  const { records, deadLetters } = await read(buffer, { type });
  t.deepEqual(records, [
    { a: 1, b: 'x' },
    { a: 4, b: null },
    { a: 5, b: 'w' },
  ]);
  t.deepEqual(
    deadLetters.map(({ offset }) => offset),
    [1, 2],
  );
  t.regex(deadLetters[0]?.cause ?? '', /column 'a' is 1152921504606846976/);
  t.regex(deadLetters[1]?.raw ?? '', /b: z/);
  const exact = await read(buffer, { type: types.row({ a: types.optional(types.bigint) }) });
  t.deepEqual(
    exact.records.map((record) => record.a),
    [1, 2n ** 60n, null, 4, 5],
  );
});

test('nested columns are read as lists and objects', async (t) => {
  const buffer = parquetWriteBuffer({
    columnData: [
      { name: 'id', data: [1, 2, 3] },
      { name: 'tags', data: [['a', 'b'], [], ['c']] },
    ],
    schema: [
      { name: 'root', num_children: 2 },
      { name: 'id', type: 'INT32', repetition_type: 'REQUIRED' },
      { name: 'tags', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      { name: 'element', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL', converted_type: 'UTF8' },
    ],
    rowGroupSize: 2,
  });
  const type = types.row({ id: types.int, tags: types.array(types.string) });
  const { records } = await read(buffer, { type });
  t.deepEqual(records, [
    { id: 1, tags: ['a', 'b'] },
    { id: 2, tags: [] },
    { id: 3, tags: ['c'] },
  ]);
});

test('a run goes on after any row', async (t) => {
  const data = Array.from({ length: 23 }, (_, i) => i);
  const buffer = parquetWriteBuffer({
    columnData: [{ name: 'a', data, type: 'INT32' }],
    rowGroupSize: 10,
  });
  for (let block = 0; block < 3; block++) {
    for (let position = block * 10; position < Math.min(23, block * 10 + 10); position++) {
      const split = {
        splitId: 'x',
        path: '/home/a.parquet',
        start: block * 10,
        end: Math.min(23, block * 10 + 10),
        position,
        isAligned: true,
        block,
      };
      const { records } = await read(buffer, {}, { restored: [split] });
      t.deepEqual(
        records.map((record) => (record as { a: number }).a),
        data.slice(position, split.end),
      );
    }
  }
});

test('columns are projected, and a missing one is named', async (t) => {
  const buffer = parquetWriteBuffer({
    columnData: [
      { name: 'a', data: [1], type: 'INT32' },
      { name: 'b', data: [2], type: 'INT32' },
    ],
  });
  t.deepEqual((await read(buffer, { columns: ['b'] })).records, [{ b: 2 }]);
  const error = await t.throwsAsync(read(buffer, { columns: ['c'] }));
  t.true(hasErrorCode(error, 'FORMAT_INVALID'));
  t.regex(error.message, /no column 'c'; it has a, b/);
  const type: TypeInformation<{ a: number }> = types.row({ a: types.int });
  t.throws(() => parquetFormat({ type, columns: ['a'] }), { message: /not both/ });
});

test('any damaged byte ends in rows or in an error of ours', async (t) => {
  const data = Array.from({ length: 200 }, (_, i) => `value ${i % 17}`);
  const buffer = parquetWriteBuffer({
    columnData: [
      { name: 'a', data, type: 'STRING' },
      { name: 'b', data: data.map((_, i) => (i % 3 ? i : null)), type: 'INT32' },
    ],
  });
  await fc.assert(
    fc.asyncProperty(fc.nat(buffer.byteLength - 1), fc.nat(255), async (index, byte) => {
      const damaged = buffer.slice(0);
      new Uint8Array(damaged)[index] = byte;
      try {
        await read(damaged);
      } catch (error) {
        t.true(
          hasErrorCode(error, 'FORMAT_INVALID') || hasErrorCode(error, 'UNSUPPORTED'),
          String(error),
        );
      }
    }),
    { numRuns: 400 },
  );
  await t.throwsAsync(read(new ArrayBuffer(0)), { message: /not a Parquet file/ });
  await t.throwsAsync(read(buffer.slice(0, 40)), { message: /not a Parquet file/ });
});
