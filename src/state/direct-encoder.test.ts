import test from 'ava';
import fc from 'fast-check';
import type { TypeInformation } from '../types/type-information.ts';
import { ByteWriter } from '../types/row-codec.ts';
import { types } from '../types/types.ts';
import { hashKey } from '../base/hash.ts';
import { RowCoder } from './row-coder.ts';
import { KeyedTable } from './table/keyed-table.ts';
import { valueLayoutOf } from './table/value-layout.ts';

/** Values that suit the types, and some that do not. */
const parts = fc.oneof(
  fc.integer(),
  fc.constantFrom(0, -0, NaN, Infinity, 2 ** 31, -(2 ** 31), 2 ** 53, 0.5, 127, 128, -1),
  fc.maxSafeInteger(),
  fc.double(),
  fc.boolean(),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.uint8Array({ maxLength: 40 }),
  fc.constant(undefined),
  fc.constant(null),
);

const keys = fc.oneof(
  { weight: 6, arbitrary: fc.string({ maxLength: 12 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
  { weight: 3, arbitrary: fc.integer() },
  { weight: 1, arbitrary: fc.constantFrom(-0, 2 ** 40, 0.5, NaN, '', 12n, true) },
);

const captured = fc.oneof(
  parts,
  fc.record({ word: fc.string({ maxLength: 14 }), count: parts }),
  fc.record({ a: parts, b: parts, c: parts }),
);

test('a row without a declared type has the bytes of the general way', (t) => {
  let directs = 0;
  const property = fc.property(
    fc.array(fc.tuple(keys, captured, fc.boolean()), { minLength: 1, maxLength: 12 }),
    (rows) => {
      directs += compare(
        undefined,
        rows.map(([key, value, isOwn]) => [key, isOwn ? { word: key, count: value } : value]),
      );
    },
  );
  fc.assert(property, { numRuns: 500 });
  t.true(directs > 500, `${directs} rows went the direct way`);
});

test('a row of a declared type has the bytes of the general way', (t) => {
  let directs = 0;
  const declared: readonly [TypeInformation<unknown>, fc.Arbitrary<unknown>][] = [
    [types.long, fc.maxSafeInteger()],
    [types.int, fc.integer()],
    [types.double, fc.double()],
    [types.boolean, fc.boolean()],
    [types.string, fc.string({ unit: 'binary' })],
    [types.bytes, fc.uint8Array({ maxLength: 200 })],
    [types.optional(types.int), fc.option(fc.integer())],
    [
      types.row({ n: types.int, at: types.timestamp, s: types.string, b: types.boolean }),
      fc.record({
        n: fc.integer(),
        at: fc.maxSafeInteger(),
        s: fc.string({ maxLength: 300 }),
        b: fc.boolean(),
      }),
    ],
    [
      types.row({ n: types.optional(types.int), s: types.optional(types.string) }),
      fc.record({ n: fc.option(fc.integer()), s: fc.option(fc.string()) }),
    ],
  ];
  for (const [type, values] of declared) {
    const rows = fc.array(fc.tuple(keys, values), { minLength: 1, maxLength: 12 });
    const property = fc.property(rows, (each) => {
      directs += compare(type, each);
    });
    fc.assert(property, { numRuns: 100 });
  }
  t.true(directs > 500, `${directs} rows went the direct way`);
});

/** How many rows the direct encoder wrote; throws if one has other bytes. */
function compare(
  valueType: TypeInformation<unknown> | undefined,
  rows: readonly (readonly [key: unknown, value: unknown])[],
): number {
  const coder = new RowCoder({
    declaration: { name: 'rows', kind: 'value', valueType },
    restored: undefined,
    now: () => 0,
  });
  const table = new KeyedTable({
    omitsKeyField: true,
    value: valueType === undefined ? undefined : valueLayoutOf(valueType),
  });
  const direct = cachedDirect(coder, table);
  let directs = 0;
  for (const [key, value] of rows) {
    const entry = table.findOrInsert(key, hashKey(key));
    table.write(entry, value, key);
    const before = direct(entry);
    coder.encodeRow(table.keyAt(entry), table.read(entry));
    const general = taken(coder);
    const after = direct(entry);
    for (const found of [before, after]) {
      if (found === undefined) continue;
      directs++;
      if (found !== general) throw new Error(`direct ${found}, general ${general}`);
    }
  }
  return directs;
}

/**
 * Gives what the direct encoder appends to a writer that is nearly full; undefined if it refuses.
 */
function cachedDirect(coder: RowCoder, table: KeyedTable): (entry: number) => string | undefined {
  let revision = Number.NaN;
  let encode: ReturnType<RowCoder['directFor']>;
  return (entry) => {
    // As its user does, which relies on the revision.
    if (coder.revision !== revision) encode = coder.directFor(table);
    revision = coder.revision;
    const writer = new ByteWriter(64);
    for (let i = 0; i < 50; i++) writer.byte(7);
    const keyLength = encode?.(entry, writer) ?? -1;
    const bytes = writer.take();
    if (bytes.subarray(0, 50).some((byte) => byte !== 7)) throw new Error('bytes before were lost');
    if (keyLength >= 0) return `${keyLength} ${Buffer.from(bytes.subarray(50)).toString('hex')}`;
    if (bytes.length !== 50) throw new Error('a refused row left bytes');
    return undefined;
  };
}

/** The row as text: where its key ends, and its bytes. */
function taken(coder: RowCoder): string {
  return `${coder.keyLength} ${Buffer.from(coder.writer.take()).toString('hex')}`;
}
