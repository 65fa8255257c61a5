import test from 'ava';
import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { checkValue } from './check-value.ts';
import { frameMemoryOf, type FrameMemory } from './frame-memory.ts';
import { createFrameReader, frameSchemaId } from './frame-reader.ts';
import type { FrameSchema } from './frame-schema.ts';
import { APPENDED, FULL, frameWriterFactory, type FrameWriter, MISFIT } from './frame-writer.ts';
import { setGenericCodec } from './generic-codec.ts';
import { fallbackCodec } from './fallback-codec.ts';
import { msgpackCodec } from './msgpack-codec.ts';
import { anyType, genericValue, typedValues, valueOf } from './type-arbitraries.test-kit.ts';
import type { TypeInformation } from './type-information.ts';
import { rowType, types } from './types.ts';

const RUNS = 300;

function schemaOf(type: TypeInformation<unknown>, keyed = true): FrameSchema {
  return { id: 7, type, keyed };
}

/** Writes what is staged somewhere into shared memory full of ones. */
function written(writer: FrameWriter, byteOffset = 64): FrameMemory {
  const bytes = writer.byteLength();
  const memory = frameMemoryOf(new SharedArrayBuffer(byteOffset + bytes + 64));
  memory.bytes.fill(0xff);
  const length = writer.writeTo(memory, byteOffset);
  if (length !== bytes || length % 8 !== 0)
    throw new Error(`byteLength said ${bytes}, writeTo wrote ${length}`);
  if (memory.bytes.subarray(byteOffset + bytes).some((byte) => byte !== 0xff))
    throw new Error('wrote beyond its frame');
  return memory;
}

/** The bytes of format version 1, as hexadecimal words; savepoints hold them. */
const GOLDEN: readonly (readonly [string, TypeInformation<unknown>, readonly unknown[], string])[] =
  [
    [
      'numbers',
      types.row({ a: types.int, b: types.long, c: types.double, d: types.boolean }),
      [
        { a: -2, b: 2 ** 53 - 1, c: 0.5, d: true },
        { a: 7, b: -1, c: -0, d: false },
      ],
      '0101000007000000 0200000058000000 000000000000e03f 000000000000f83f fffffffffeffffff ' +
        'feffffff07000000 ffffffffffff3f43 000000000000f0bf 000000000000e03f 0000000000000080 ' +
        '0100000000000000',
    ],
    [
      'text',
      types.string,
      ['ab', '', 'cde'],
      '0101000007000000 0300000058000000 000000000000e03f 000000000000f83f 0000000000000440 ' +
        'fffffffffeffffff fdffffff00000000 0500000000000000 0000000002000000 0200000005000000 ' +
        '6162636465000000',
    ],
    [
      'wide text',
      types.string,
      ['é', '\ud800'],
      '0101000007000000 0200000048000000 000000000000e03f 000000000000f83f fffffffffeffffff ' +
        '0400000001000000 0000000001000000 0200000000000000 e90000d800000000',
    ],
    [
      'nested',
      types.row({
        a: types.array(types.int),
        b: types.map(types.string, types.boolean),
        c: types.optional(types.timestamp),
      }),
      [
        { a: [1, 2, 3], b: new Map([['k', true]]), c: null },
        { a: [], b: new Map(), c: 9 },
      ],
      '0101000007000000 02000000a0000000 000000000000e03f 000000000000f83f fffffffffeffffff ' +
        '0300000000000000 0000000003000000 0300000000000000 0100000002000000 0300000000000000 ' +
        '0100000000000000 0000000001000000 0100000000000000 0100000000000000 0000000001000000 ' +
        '6b00000000000000 0100000000000000 0100000000000000 0000000000000000 0000000000002240',
    ],
    [
      'large',
      types.row({ a: types.bigint, b: types.bytes, c: types.generic() }),
      [
        { a: 2n ** 62n, b: new Uint8Array([1, 2, 3]), c: { x: [null, -1, 'y', 1.5] } },
        { a: -(2n ** 64n), b: new Uint8Array(0), c: undefined },
      ],
      '0101010007000000 02000000b0000000 000000000000e03f 000000000000f83f fffffffffeffffff ' +
        '0000000000000040 0000000000000080 0100000000000000 0c00000000000000 000000000c000000 ' +
        '0901090000000000 0000000100000000 0300000000000000 0000000003000000 0300000000000000 ' +
        '0102030000000000 1700000000000000 0000000016000000 1700000000000000 0e010601780b0400 ' +
        '0401060179050000 00000000f83f0100',
    ],
  ];

test('golden: the bytes of frames never change within a format version', (t) => {
  for (const [name, type, values, hex] of GOLDEN) {
    const writer = frameWriterFactory(schemaOf(type))();
    values.forEach((value, i) => writer.append(value, i + 0.5, -1 - i));
    const memory = written(writer, 0);
    const bytes = memory.bytes.subarray(0, memory.bytes.length - 64);
    t.is(
      Buffer.from(bytes)
        .toString('hex')
        .replace(/(.{16})/g, '$1 ')
        .trim(),
      hex,
      name,
    );
    const reader = createFrameReader(schemaOf(type));
    const rows = Array.from({ length: reader.open(memory, 0) }, (_, row) => reader.read(row));
    t.true(isDeepStrictEqual(rows, values), name);
  }
});

function roundTrip(type: TypeInformation<unknown>, values: readonly unknown[]): unknown[] {
  const writer = frameWriterFactory(schemaOf(type))();
  values.forEach((value, i) => {
    if (writer.append(value, i, -i) === MISFIT) throw new Error('a value of the type did not fit');
  });
  const memory = written(writer);
  const reader = createFrameReader(schemaOf(type));
  return Array.from({ length: reader.open(memory, 64) }, (_, row) => reader.read(row));
}

test.serial('any value of any type arrives as it was, with either generic codec', (t) => {
  for (const codec of [fallbackCodec, msgpackCodec]) {
    setGenericCodec(codec);
    fc.assert(
      fc.property(typedValues, ({ type, values }) =>
        isDeepStrictEqual(roundTrip(type, values), values),
      ),
      { numRuns: RUNS },
    );
  }
  setGenericCodec(fallbackCodec);
  t.pass();
});

test('a name that only reads like a field is none: an array is no row with a length', (t) => {
  const type = types.row({ length: types.int });
  const writer = frameWriterFactory(schemaOf(type))();
  class Reading {
    get length(): number {
      return 1;
    }
  }
  for (const value of [[0], 'a', new Reading(), Object.assign([], { other: 1 })]) {
    t.is(writer.append(value, 1, 2), MISFIT);
  }
  t.not(writer.append({ length: 1 }, 1, 2), MISFIT);
});

test('a value is appended exactly if checkValue finds no misfit, and a misfit leaves nothing behind', (t) => {
  const cases = anyType.chain((type) =>
    fc.tuple(
      fc.constant(type),
      fc.array(
        fc.oneof(
          valueOf(type),
          genericValue,
          anyType.chain(valueOf),
          fc.constant(() => 1),
        ),
        { maxLength: 12 },
      ),
    ),
  );
  fc.assert(
    fc.property(cases, ([type, values]) => {
      const writer = frameWriterFactory(schemaOf(type))();
      const clean = frameWriterFactory(schemaOf(type))();
      for (const value of values) {
        const fits = checkValue(type, value) === undefined;
        if ((writer.append(value, 1, 2) !== MISFIT) !== fits) return false;
        if (fits) clean.append(value, 1, 2);
      }
      if (writer.rowCount !== clean.rowCount) return false;
      return isDeepStrictEqual(written(writer).bytes, written(clean).bytes);
    }),
    { numRuns: RUNS * 3 },
  );
  t.pass();
});

test('timestamps and hashes travel with their rows', (t) => {
  const schema = schemaOf(types.string);
  const writer = frameWriterFactory(schema)();
  writer.append('a', 1.7e12, -5);
  writer.append('b', Number.NEGATIVE_INFINITY, 2 ** 31 - 1);
  const memory = written(writer, 8);
  const reader = createFrameReader(schema);
  t.is(frameSchemaId(memory, 8), 7);
  t.is(reader.open(memory, 8), 2);
  t.deepEqual([reader.timestampAt(0), reader.timestampAt(1)], [1.7e12, Number.NEGATIVE_INFINITY]);
  t.deepEqual([reader.hashAt(0), reader.hashAt(1)], [-5, 2 ** 31 - 1]);
});

test('lone surrogates, Latin-1, empty and long strings survive, side by side', (t) => {
  const texts = [
    '',
    '\ud800',
    '\udfff\ud800',
    'é\u00ff',
    '',
    'x'.repeat(1_000_000),
    '日本',
    '\ufeff',
    '\u0000',
  ];
  t.deepEqual(roundTrip(types.string, texts), texts);
  t.deepEqual(roundTrip(types.string, ['', '']), ['', '']);
});

test('NaN, -0 and the infinities survive in doubles; -0 becomes 0 in ints', (t) => {
  const values = [Number.NaN, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324];
  t.true(isDeepStrictEqual(roundTrip(types.double, values), values));
  t.true(Object.is(roundTrip(types.int, [-0])[0], 0));
});

test('a bigint is read in canonical form', (t) => {
  const values = [
    5n,
    2n ** 53n - 1n,
    2n ** 53n,
    -(2n ** 63n),
    2n ** 63n - 1n,
    2n ** 63n,
    -(2n ** 80n),
  ];
  const expected = [
    5,
    2 ** 53 - 1,
    2n ** 53n,
    -(2n ** 63n),
    2n ** 63n - 1n,
    2n ** 63n,
    -(2n ** 80n),
  ];
  t.deepEqual(roundTrip(types.bigint, values), expected);
});

test('fields named like parts of Object are data, and never reach a prototype', (t) => {
  const type = rowType(
    ['__proto__', 'constructor', 'prototype'].map((name) => ({ name, type: types.string })),
  );
  const row: unknown = JSON.parse('{"__proto__": "a", "constructor": "b", "prototype": "c"}');
  const [read] = roundTrip(type, [row]);
  t.is(JSON.stringify(read), JSON.stringify(row));
  t.is(Object.getPrototypeOf(read), Object.prototype);
  t.is(frameWriterFactory(schemaOf(type))().append({ prototype: 'c' }, 0, 0), MISFIT);
});

test('an optional field may be absent or undefined and arrives as null', (t) => {
  const type = types.row({
    a: types.int,
    b: types.optional(types.string),
    c: types.optional(types.row({ d: types.int })),
  });
  t.deepEqual(
    roundTrip(type, [{ a: 1 }, { a: 2, b: undefined, c: { d: 3 } }, { c: null, b: 'x', a: 4 }]),
    [
      { a: 1, b: null, c: null },
      { a: 2, b: null, c: { d: 3 } },
      { a: 4, b: 'x', c: null },
    ],
  );
});

test('a field too many or too few is a misfit', (t) => {
  const writer = frameWriterFactory(
    schemaOf(types.row({ a: types.int, b: types.optional(types.int) })),
  )();
  for (const value of [
    {},
    { a: 1, c: 1 },
    { a: 1, b: 1, c: 1 },
    { b: 1 },
    [],
    null,
    'a',
    new Map(),
  ]) {
    t.is(writer.append(value, 0, 0), MISFIT);
  }
  t.is(writer.rowCount, 0);
});

test('an absent generic field is not replaced by a field that the type lacks', (t) => {
  // Found with seed -36468202.
  t.is(
    frameWriterFactory(schemaOf(types.row({ a: types.generic() })))().append(
      { prototype: 0 },
      0,
      0,
    ),
    MISFIT,
  );
});

test('a schema with exact rows still refuses what does not fit its fields', (t) => {
  const type = types.row({ a: types.int, b: types.optional(types.string) });
  const writer = frameWriterFactory({ ...schemaOf(type), hasExactRows: true })();
  t.deepEqual([writer.append({ a: 1 }, 0, 0), writer.append({ a: 'x' }, 0, 0)], [APPENDED, MISFIT]);
});

test('all rows of a reader have the fields in the order of the type', (t) => {
  const type = types.row({ a: types.int, b: types.int });
  t.is(JSON.stringify(roundTrip(type, [{ b: 2, a: 1 }])), '[{"a":1,"b":2}]');
});

test('a frame is full at its number of rows, and at its size', (t) => {
  const rows = frameWriterFactory(schemaOf(types.int), 3)();
  t.deepEqual(
    [rows.append(1, 0, 0), rows.append(1, 0, 0), rows.append(1, 0, 0)],
    [APPENDED, APPENDED, FULL],
  );
  t.throws(() => rows.append(1, 0, 0), { code: 'BUG' });
  rows.clear();
  t.is(rows.append(1, 0, 0), APPENDED);
  for (const [type, value] of [
    [types.string, 'x'.repeat(20_000)],
    [types.bytes, new Uint8Array(20_000)],
    [types.array(types.string), ['x'.repeat(20_000)]],
    [types.generic(), 'x'.repeat(20_000)],
  ] as const) {
    const writer = frameWriterFactory(schemaOf(type))();
    t.deepEqual([writer.append(value, 0, 0), writer.append(value, 0, 0)], [APPENDED, FULL]);
    t.true(writer.byteLength() < 65_536);
  }
  const numbers = frameWriterFactory(
    schemaOf(types.row({ a: types.double, b: types.double, c: types.double })),
  )();
  while (numbers.append({ a: 1, b: 2, c: 3 }, 0, 0) === APPENDED);
  t.true(numbers.byteLength() <= 32_768 && numbers.byteLength() > 32_000);
});

test('what was read stays when the memory is written again', (t) => {
  const type = types.row({ a: types.string, b: types.bytes, c: types.generic<unknown>() });
  const value = {
    a: 'a string of some length',
    b: new Uint8Array([1, 2]),
    c: { d: new Uint8Array([3]), e: 'text' },
  };
  const writer = frameWriterFactory(schemaOf(type))();
  writer.append(value, 0, 0);
  const memory = written(writer);
  const reader = createFrameReader(schemaOf(type));
  reader.open(memory, 64);
  const read = reader.read(0);
  memory.bytes.fill(0x55);
  t.deepEqual(read, value);
});

test('a getter that throws in the middle of a value leaves nothing behind', (t) => {
  const type = types.row({
    a: types.array(types.int),
    b: types.array(types.row({ c: types.int })),
  });
  const writer = frameWriterFactory(schemaOf(type))();
  const bad = {
    a: [1],
    b: [
      { c: 1 },
      {
        get c(): number {
          throw new Error('from user code');
        },
      },
    ],
  };
  t.throws(() => writer.append(bad, 0, 0), { message: 'from user code' });
  writer.append({ a: [2], b: [{ c: 3 }] }, 0, 0);
  const reader = createFrameReader(schemaOf(type));
  t.is(reader.open(written(writer), 64), 1);
  t.deepEqual(reader.read(0), { a: [2], b: [{ c: 3 }] });
});

test('damaged frames end in FORMAT_INVALID or in some value, never in another error', (t) => {
  fc.assert(
    fc.property(
      typedValues,
      fc.array(
        fc.tuple(fc.nat(), fc.oneof(fc.integer(), fc.constantFrom(-1, 2 ** 30, 0x7fffffff))),
        { minLength: 1, maxLength: 4 },
      ),
      ({ type, values }, damage) => {
        const writer = frameWriterFactory(schemaOf(type))();
        for (const value of values) writer.append(value, 0, 0);
        const memory = written(writer, 0);
        for (const [index, word] of damage) memory.int32[index % memory.int32.length] = word;
        const reader = createFrameReader(schemaOf(type));
        try {
          const rows = reader.open(memory, 0);
          for (let row = 0; row < rows; row++) reader.read(row);
        } catch (error) {
          return (error as { code?: string }).code === 'FORMAT_INVALID';
        }
        return true;
      },
    ),
    { numRuns: RUNS * 3 },
  );
  t.pass();
});

test('offsets that rise to 2^31 − 1 and fall below 0 are refused: their rows would never end', (t) => {
  const type = types.array(types.boolean);
  const writer = frameWriterFactory(schemaOf(type, false))();
  for (const value of [[true], [false], [true]]) writer.append(value, 0, 0);
  const memory = written(writer, 0);
  const offsetsAt = (16 + 3 * 8 + 8) / 4;
  t.deepEqual([...memory.int32.subarray(offsetsAt, offsetsAt + 4)], [0, 1, 2, 3]);
  memory.int32[offsetsAt + 1] = 0x7fff_ffff;
  memory.int32[offsetsAt + 2] = -2;
  const reader = createFrameReader(schemaOf(type, false));
  t.throws(() => reader.open(memory, 0), { code: 'FORMAT_INVALID', message: /do not rise/ });
});

test('a damaged count of parts that take no bytes is refused, not allocated', (t) => {
  const type = types.array(types.row({}));
  const writer = frameWriterFactory(schemaOf(type))();
  writer.append([{}, {}], 0, 0);
  const memory = written(writer, 0);
  let damaged = 0;
  for (let index = 0; index < memory.int32.length; index++) {
    if (memory.int32[index] !== 2) continue;
    memory.int32[index] = 0x7fff_ffff;
    damaged++;
  }
  t.true(damaged >= 2, 'the total and the last offset');
  t.throws(() => createFrameReader(schemaOf(type)).open(memory, 0), { code: 'FORMAT_INVALID' });
});

test('a truncated header, another version and another schema are refused', (t) => {
  const writer = frameWriterFactory(schemaOf(types.int))();
  writer.append(1, 0, 0);
  const memory = written(writer, 0);
  const reader = createFrameReader(schemaOf(types.int));
  const invalid = { code: 'FORMAT_INVALID' };
  t.throws(() => reader.open(frameMemoryOf(new ArrayBuffer(8)), 0), invalid);
  t.throws(() => frameSchemaId(frameMemoryOf(new ArrayBuffer(8)), 0), invalid);
  t.throws(() => reader.open(frameMemoryOf(memory.bytes.slice(0, 24).buffer), 0), invalid);
  t.throws(() => createFrameReader({ ...schemaOf(types.int), id: 8 }).open(memory, 0), invalid);
  t.throws(() => createFrameReader(schemaOf(types.int, false)).open(memory, 0), invalid);
  memory.bytes[0] = 2;
  t.throws(() => reader.open(memory, 0), invalid);
});
