import test from 'ava';
import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { checkValue } from './check-value.ts';
import { WRITER_BYTES_MAX } from './byte-writer.ts';
import { ByteReader, ByteWriter, rowCodec } from './row-codec.ts';
import { anyType, genericValue, typedValues, valueOf } from './type-arbitraries.test-kit.ts';
import type { TypeInformation } from './type-information.ts';
import { NOTHING, optionalType, rowType, types } from './types.ts';

const RUNS = { numRuns: 1000 };
const MARK = [0xab, 0xcd];

/** The bytes of values, one after the other, behind some others. */
function written(type: TypeInformation<unknown>, values: readonly unknown[]): Uint8Array {
  const codec = rowCodec(type);
  const writer = new ByteWriter(1);
  writer.raw(Uint8Array.from(MARK));
  for (const value of values)
    if (!codec.write(writer, value)) throw new Error('a value of the type did not fit');
  return writer.take().slice(MARK.length);
}

function readAll(type: TypeInformation<unknown>, bytes: Uint8Array, count: number): unknown[] {
  const reader = new ByteReader(bytes);
  const values = Array.from({ length: count }, () => rowCodec(type).read(reader));
  if (reader.left !== 0) throw new Error(`${reader.left} bytes are left`);
  return values;
}

/** The bytes of format version 1; checkpoints and savepoints hold them. */
const GOLDEN: readonly (readonly [string, TypeInformation<unknown>, readonly unknown[], string])[] =
  [
    ['int', types.int, [0, -1, 1, 300, -(2 ** 31)], '00 01 02 d804 ffffffff0f'],
    [
      'long',
      types.row({ a: types.long, b: types.timestamp }),
      [{ a: 2 ** 53 - 1, b: -2 }],
      'ffffffffffff3f4300000000000000c0',
    ],
    [
      'double',
      types.double,
      [0.5, -0, Number.POSITIVE_INFINITY],
      '000000000000e03f 0000000000000080 000000000000f07f',
    ],
    ['boolean', types.array(types.boolean), [[true, false], []], '020100 00'],
    ['string', types.string, ['', 'ab', 'é', '日', '\ud800'], '00 046162 02e9 03e565 0300d8'],
    ['bytes', types.bytes, [new Uint8Array([1, 2, 3]), new Uint8Array(0)], '03010203 00'],
    [
      'bigint',
      types.bigint,
      [7, 2n ** 62n, -(2n ** 64n)],
      '000000000000001c40 100000000000000040 13000000000000000001',
    ],
    ['map', types.map(types.string, types.int), [new Map([['k', 5]]), new Map()], '01026b0a 00'],
    ['optional', types.optional(types.int), [null, 5], '01 000a'],
    [
      'row',
      types.row({
        a: types.optional(types.int),
        b: types.string,
        c: types.optional(types.row({ d: types.int })),
        e: types.row({}),
      }),
      [
        { a: null, b: 'x', c: { d: 1 }, e: {} },
        { a: 2, b: '', c: null, e: {} },
      ],
      '0102780200 02040000',
    ],
    [
      'generic',
      types.generic(),
      [{ x: [null, -1, 'y', 1.5] }, undefined],
      '160e010601780b0400040106017905000000000000f83f 0101',
    ],
    ['nothing', optionalType(NOTHING), [null], '01'],
  ];

test('golden: the bytes of rows never change within a format version', (t) => {
  for (const [name, type, values, hex] of GOLDEN) {
    t.is(Buffer.from(written(type, values)).toString('hex'), hex.replaceAll(' ', ''), name);
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    t.true(isDeepStrictEqual(readAll(type, bytes, values.length), values), name);
  }
});

test('any value of any type arrives as it was', (t) => {
  fc.assert(
    fc.property(typedValues, ({ type, values }) =>
      isDeepStrictEqual(readAll(type, written(type, values), values.length), values),
    ),
    RUNS,
  );
  t.pass();
});

test('a value fits exactly if checkValue finds no misfit, and a misfit leaves nothing behind', (t) => {
  let misfits = 0;
  fc.assert(
    fc.property(anyType, fc.oneof(genericValue, anyType.chain(valueOf)), (type, value) => {
      const writer = new ByteWriter(1);
      writer.raw(Uint8Array.from(MARK));
      const fits = rowCodec(type).write(writer, value);
      if (fits) return checkValue(type, value) === undefined;
      misfits++;
      return checkValue(type, value) !== undefined && isDeepStrictEqual([...writer.take()], MARK);
    }),
    RUNS,
  );
  t.true(misfits > 100);
});

test('a getter that throws in the middle of a value leaves nothing behind', (t) => {
  const type = types.row({ a: types.array(types.row({ b: types.int })) });
  const bad = {
    get b(): number {
      throw new Error('from user code');
    },
  };
  const writer = new ByteWriter();
  t.throws(() => rowCodec(type).write(writer, { a: [{ b: 1 }, bad] }), {
    message: 'from user code',
  });
  t.is(writer.length, 0);
});

class Reading {
  readonly celsius = 1;
  get kelvin(): number {
    return 274.15;
  }
}

test('a field that is not enumerable does not stand for another one', (t) => {
  const writer = new ByteWriter();
  t.false(rowCodec(types.row({ length: types.int })).write(writer, [0]));
  t.false(rowCodec(types.row({ kelvin: types.double })).write(writer, new Reading()));
  t.true(rowCodec(types.row({ b: types.int, a: types.int })).write(writer, { a: 1, b: 2 }));
});

test('what numbers and strings tend to lose arrives', (t) => {
  const texts = [
    '\ud800',
    'a\udfffb',
    '\ufeffx',
    'é'.repeat(25),
    '日'.repeat(30),
    'x'.repeat(70_000),
  ];
  const same = texts.concat(
    Array.from({ length: 40 }, (_, units) => 'äbc'.repeat(14).slice(0, units)),
  );
  t.deepEqual(readAll(types.array(types.string), written(types.array(types.string), [same]), 1), [
    same,
  ]);
  const numbers = [-0, Number.NaN, Number.MIN_VALUE, -(2 ** 53)];
  const double = types.array(types.double);
  t.true(isDeepStrictEqual(readAll(double, written(double, [numbers]), 1), [numbers]));
  t.is(readAll(types.int, written(types.int, [-0]), 1)[0], 0);
  t.deepEqual(readAll(types.bigint, written(types.bigint, [5n, -0]), 2), [5, 0]);
});

test('many optional fields and names that every object has', (t) => {
  const names = Array.from({ length: 20 }, (_, i) => `f${i}`).concat('__proto__', 'constructor');
  const type = rowType(names.map((name) => ({ name, type: types.optional(types.int) })));
  const value = Object.fromEntries(names.map((name, i) => [name, i % 3 === 0 ? null : i]));
  const absent = Object.fromEntries(Object.entries(value).filter(([, part]) => part !== null));
  t.true(isDeepStrictEqual(readAll(type, written(type, [value, absent]), 2), [value, value]));
  t.deepEqual(
    Object.values(readAll(type, written(type, [{}]), 1)[0] as object).filter(Boolean),
    [],
  );
});

test('what was read is a copy of the bytes', (t) => {
  const type = types.row({ a: types.bytes, b: types.generic(), c: types.string });
  const value = { a: Uint8Array.of(1, 2), b: [Uint8Array.of(3)], c: 'x'.repeat(40) };
  for (const make of [(bytes: Uint8Array): Uint8Array => bytes, Buffer.from.bind(Buffer)]) {
    const bytes = make(written(type, [value]));
    const [read] = readAll(type, bytes, 1);
    bytes.fill(0x55);
    t.deepEqual(read, value);
  }
});

test('damaged bytes end in FORMAT_INVALID or in some value, soon, never in another error', (t) => {
  let slowestMs = 0;
  fc.assert(
    fc.property(
      typedValues,
      fc.array(fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(0x7f, 0x80, 0xff))), {
        maxLength: 6,
      }),
      fc.nat(),
      ({ type, values }, damage, cut) => {
        const bytes = written(type, values);
        for (const [index, byte] of damage) bytes[index % bytes.length] = byte;
        const reader = new ByteReader(bytes.subarray(0, bytes.length - (cut % bytes.length)));
        const startMs = performance.now();
        try {
          for (const _ of values) rowCodec(type).read(reader);
        } catch (error) {
          return (error as { code?: string }).code === 'FORMAT_INVALID';
        } finally {
          slowestMs = Math.max(slowestMs, performance.now() - startMs);
        }
        return reader.left >= 0;
      },
    ),
    { numRuns: 2000 },
  );
  t.true(slowestMs < 2000, `${slowestMs} ms`);
});

for (const [name, type] of [
  ['array', types.array(types.boolean)],
  ['array of rows without fields', types.array(types.row({}))],
  ['array of a type without values', types.array(NOTHING)],
  ['map', types.map(types.row({}), types.row({}))],
  ['string', types.string],
  ['byte array', types.bytes],
  ['whole number', types.bigint],
  ['generic value', types.generic()],
] as const) {
  test(`more is claimed than there is: ${name}`, (t) => {
    for (const claim of ['ffffffff0f', 'feffffff0f', 'ffffffff7f', 'ffffffffff01', '04']) {
      const reader = new ByteReader(Buffer.from(`${claim}00`, 'hex'));
      t.throws(() => rowCodec(type).read(reader), { code: 'FORMAT_INVALID' }, claim);
    }
  });
}

test('a reader keeps to its part of the bytes', (t) => {
  const bytes = written(types.int, [1, 2, 3]);
  const reader = new ByteReader();
  reader.open(bytes, 1, 2);
  t.is(rowCodec(types.int).read(reader), 2);
  t.throws(() => rowCodec(types.int).read(reader), { code: 'FORMAT_INVALID' });
  for (const [from, to] of [
    [-1, 2],
    [2, 1],
    [0, 4],
  ] as const)
    t.throws(() => reader.open(bytes, from, to), { code: 'FORMAT_INVALID' });
});

test('a writer is used again, grows, and refuses what is too large', (t) => {
  const writer = new ByteWriter(1);
  writer.u32(0xffff_fffe);
  writer.f64(0.5);
  writer.varint(2 ** 32 - 1);
  writer.blob(new Uint8Array(5000).fill(7));
  const reader = new ByteReader(writer.take());
  t.deepEqual([reader.u32(), reader.f64(), reader.varint()], [0xffff_fffe, 0.5, 2 ** 32 - 1]);
  t.deepEqual(reader.blob(), new Uint8Array(5000).fill(7));
  writer.reset();
  t.is(writer.take().length, 0);
  t.throws(() => writer.ensure(WRITER_BYTES_MAX + 1), { code: 'FRAME_TOO_LARGE' });
});

test('equal types have one codec', (t) => {
  t.is(rowCodec(types.row({ a: types.int })), rowCodec(types.row({ a: types.int })));
  t.not(rowCodec(types.row({ a: types.int })), rowCodec(types.row({ a: types.long })));
});
