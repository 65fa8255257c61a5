import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { ByteReader, ByteWriter } from '../types/row-codec.ts';
import { genericValue, typedValues } from '../types/type-arbitraries.test-kit.ts';
import type { TypeInformation } from '../types/type-information.ts';
import { typeFromJson, typeToJson } from '../types/type-json.ts';
import { typeToString } from '../types/type-text.ts';
import { types } from '../types/types.ts';
import { storedKey } from './stored-key.ts';
import { keysEqual } from './table/key-equality.ts';
import { SCHEMAS_MAX, ValueSerializer, type ValueSerializerOptions } from './value-serializer.ts';

const { int, long, double, string } = types;
const row = types.row;

function serializer(options: Partial<ValueSerializerOptions> = {}): ValueSerializer {
  return new ValueSerializer({ stateName: 'counts', role: 'value', ...options });
}

function bytesOf(values: ValueSerializer, value: unknown): Uint8Array {
  const writer = new ByteWriter();
  values.write(writer, value);
  return writer.take();
}

function back(values: ValueSerializer, bytes: Uint8Array): unknown {
  const reader = new ByteReader(bytes);
  const value = values.read(reader);
  if (reader.left !== 0) throw new Error(`${reader.left} bytes are left`);
  return value;
}

function typesOf(values: ValueSerializer): string[] {
  return values.schemas.map((json) => typeToString(typeFromJson(json)));
}

/** Schemas as they come back from a manifest. */
function restored(values: ValueSerializer): unknown[] {
  return JSON.parse(JSON.stringify(values.schemas)) as unknown[];
}

function typeJson(...all: readonly TypeInformation<unknown>[]): unknown[] {
  return all.map((type) => typeToJson(type));
}

function refusal(t: ExecutionContext, options: Partial<ValueSerializerOptions>): string {
  const error = t.throws(() => serializer(options), { code: 'STATE_INCOMPATIBLE' });
  return error?.message ?? '';
}

test('without a type it is captured and widened, and all rows stay readable', (t) => {
  const values = serializer();
  const rows = [{ a: 1 }, { a: 2 ** 40, b: 'x' }, { a: null, b: 'y' }].map((value) =>
    bytesOf(values, value),
  );
  t.deepEqual(typesOf(values), [
    'row<a: int>',
    'row<a: long, b: optional<string>>',
    'row<a: optional<long>, b: optional<string>>',
  ]);
  t.deepEqual(
    rows.map((bytes) => back(values, bytes)),
    [{ a: 1 }, { a: 2 ** 40, b: 'x' }, { a: null, b: 'y' }],
  );
  t.deepEqual([...(rows[0] as Uint8Array)], [0, 2], 'schema number, zigzag varint');
});

test('whatever plain data comes in whatever order, it is read as it was, also after a restore', (t) => {
  fc.assert(
    fc.property(fc.array(genericValue, { minLength: 1, maxLength: 6 }), (all) => {
      const values = serializer();
      const rows = all.map((value) => bytesOf(values, value));
      const later = serializer({ restored: restored(values) });
      const isSame = (value: unknown, i: number): boolean =>
        [values, later].every((one) => isSameButAbsent(back(one, rows[i] as Uint8Array), all[i])) &&
        isDeepStrictEqual([...bytesOf(later, value)], [...bytesOf(values, value)]);
      return all.every(isSame);
    }),
    { numRuns: 500 },
  );
  t.pass();
});

/**
 * As types tell values apart: undefined and absent fields arrive as null, safe bigints as numbers.
 */
function isSameButAbsent(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(plain(a), plain(b));
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (typeof value === 'number') return value + 0;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array)
    return value ?? null;
  if (value instanceof Date) return value;
  if (Array.isArray(value)) return Array.from(value, plain);
  if (value instanceof Set) return new Set([...value].map(plain));
  if (value instanceof Map) return new Map([...value].map(([k, v]) => [plain(k), plain(v)]));
  const entries = Object.entries(value).map(([name, part]) => [name, plain(part)] as const);
  return Object.fromEntries(entries.filter(([, part]) => part !== null));
}

test('what no codec can carry is refused with the state and the path', (t) => {
  const error = t.throws(() => bytesOf(serializer(), { a: [() => 1] }), {
    code: 'TYPE_NOT_SERIALIZABLE',
  });
  t.regex(error?.message ?? '', /a value of state 'counts'.*\$\.a\[0\]/);
});

test('after many schemas the next one is generic', (t) => {
  const values = serializer();
  const rows = Array.from({ length: SCHEMAS_MAX * 2 }, (_, i) => ({ [`k${i}`]: i }));
  const written = rows.map((value) => bytesOf(values, value));
  t.is(values.schemas.length, SCHEMAS_MAX);
  t.is(typesOf(values).at(-1), 'generic');
  t.deepEqual(back(values, written.at(-1) as Uint8Array), rows.at(-1));
});

test('a value that does not fit the declared type is refused, and the writer is as it was', (t) => {
  const values = serializer({ declared: row({ a: row({ b: int }) }) });
  const writer = new ByteWriter();
  values.write(writer, { a: { b: 1 } });
  const error = t.throws(() => values.write(writer, { a: { b: 'x' } }), {
    code: 'RECORD_TYPE_MISMATCH',
  });
  t.is(
    error?.message,
    `a value of state 'counts' does not fit its declared type at $.a.b: expected int, found "x" (string); correct the value or the type`,
  );
  t.deepEqual([...writer.take()], [0, 2]);
});

test('a declared type reads and writes any value of it', (t) => {
  fc.assert(
    fc.property(typedValues, ({ type, values: all }) => {
      const values = serializer({ declared: type });
      return all.every((value) => isDeepStrictEqual(back(values, bytesOf(values, value)), value));
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('restored rows come out migrated, and new ones are written with the declared type', (t) => {
  const old = serializer();
  const rows = [
    { id: 1, code: 'JFK' },
    { id: 2 ** 40, code: 'LHR', extra: true },
  ].map((value) => bytesOf(old, value));
  const declared = row({ airport: string, id: double, note: types.optional(string) });
  const renames = { code: 'airport' };
  const values = serializer({ declared, restored: restored(old), renames });
  t.deepEqual(
    rows.map((bytes) => back(values, bytes)),
    [
      { airport: 'JFK', id: 1, note: null },
      { airport: 'LHR', id: 2 ** 40, note: null },
    ],
  );
  const now = bytesOf(values, { airport: 'CDG', id: 0.5 });
  t.is(now[0], 2);
  // The program keeps its renames, and the list keeps its old schemas.
  const again = serializer({ declared, restored: restored(values), renames });
  t.deepEqual(
    [...rows, now].map((bytes) => (back(again, bytes) as { airport: string }).airport),
    ['JFK', 'LHR', 'CDG'],
  );
  t.is(again.schemas.length, 3);
});

test('state that cannot become what is declared is refused with state and field', (t) => {
  t.is(
    refusal(t, { declared: row({ a: string }), restored: typeJson(row({ a: int })) }),
    "the restored values of state 'counts' do not fit the declared type: field 'a': int cannot become string; keep int",
  );
  t.regex(
    refusal(t, {
      declared: row({ b: types.optional(int) }),
      restored: typeJson(row({ a: int })),
      renames: { aa: 'b' },
    }),
    /field 'aa' is renamed to 'b', but no restored value has such a field/,
  );
  t.regex(
    refusal(t, {
      role: 'key',
      declared: row({ a: int }),
      restored: typeJson(row({ a: int, b: int })),
    }),
    /keys of state 'counts'.*field 'b'.*a key must keep its fields/,
  );
  t.regex(
    refusal(t, { declared: string, restored: typeJson(int) }),
    /the value itself: int cannot/,
  );
  t.throws(() => serializer({ restored: ['decimal'] }), { code: 'FORMAT_INVALID' });
  t.throws(() => serializer({ renames: { a: 'b' } }), { code: 'ILLEGAL_ARGUMENT' });
});

test('rows of another list of schemas are read and migrated', (t) => {
  const values = serializer({ declared: row({ a: double }), restored: typeJson(row({ a: int })) });
  const other = serializer();
  const bytes = bytesOf(other, { a: 7, b: 1 });
  const read = values.readerOf(restored(other));
  t.deepEqual(read(new ByteReader(bytes)), { a: 7 });
  t.throws(() => values.readerOf(typeJson(string)), { code: 'STATE_INCOMPATIBLE' });
});

test('damaged: a schema number that is none, and bytes that end', (t) => {
  const values = serializer({ declared: long });
  t.throws(() => values.read(new ByteReader(Uint8Array.of(9))), {
    code: 'FORMAT_INVALID',
    message: /schema 9 of 1/,
  });
  t.throws(() => values.read(new ByteReader(Uint8Array.of(0, 1))), { code: 'FORMAT_INVALID' });
});

test('a key has the same bytes before and after others widened its type', (t) => {
  const keys = serializer({ role: 'key' });
  const all = [1, 0.5, 'x', 2n ** 70n, null];
  const before = all.map((key) => [...bytesOf(keys, key)]);
  t.deepEqual(typesOf(keys), ['int', 'double', 'generic']);
  t.deepEqual(
    all.map((key) => [...bytesOf(keys, key)]),
    before,
  );
  const later = serializer({ role: 'key', restored: restored(keys) });
  t.deepEqual(
    all.map((key) => [...bytesOf(later, key)]),
    before,
  );
  const declared = serializer({ role: 'key', restored: typeJson(int), declared: double });
  t.deepEqual([...bytesOf(declared, 1)], [0, 2], 'the schema that the key was written with');
  t.is(bytesOf(declared, 0.5)[0], 1);
});

const part = fc.constantFrom<unknown>(0, -0, 1, 1n, 0.5, 'x', null, undefined, 2n ** 70n, true);
const keyRow = fc
  .array(fc.tuple(fc.constantFrom('a', 'b', 'c'), part), { maxLength: 3 })
  .map((entries) => Object.fromEntries(entries) as unknown);
const anyKey = fc.oneof(part, keyRow, fc.array(fc.oneof(part, keyRow), { maxLength: 2 }));

test('keys are the same key exactly if their bytes are the same', (t) => {
  fc.assert(
    fc.property(fc.array(anyKey, { minLength: 2, maxLength: 6 }), (all) => {
      const keys = serializer({ role: 'key' });
      const written = all.map((key) => Buffer.from(bytesOf(keys, key)));
      return all.every((a, i) =>
        all.every((b, j) => {
          const isSame = (written[i] as Buffer).equals(written[j] as Buffer);
          return isSame === keysEqual(a, b) && keysEqual(back(keys, written[i] as Buffer), a);
        }),
      );
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

test('stored keys are deeply equal exactly if keys are the same', (t) => {
  fc.assert(
    fc.property(anyKey, anyKey, (a, b) => {
      const text = (key: unknown): string =>
        JSON.stringify(storedKey(key), (_, value: unknown) =>
          typeof value === 'bigint' ? `${value}n` : value,
        );
      return (text(a) === text(b)) === keysEqual(a, b);
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('a declared key is accepted in another order of fields and with fields that are null', (t) => {
  const declared = row({ a: types.optional(int), b: types.generic() });
  const keys = serializer({ role: 'key', declared });
  t.deepEqual(back(keys, bytesOf(keys, { b: 1, a: 2 })), { a: 2, b: 1 });
  t.deepEqual(back(keys, bytesOf(keys, { a: null, b: null })), { a: null, b: null });
  t.throws(() => bytesOf(keys, { a: 'x', b: 1 }), {
    code: 'RECORD_TYPE_MISMATCH',
    message: /a key of state 'counts'/,
  });
});
