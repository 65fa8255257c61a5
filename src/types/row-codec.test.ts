import test from 'ava';
import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { checkValue } from './check-value.ts';
import { ByteReader, ByteWriter, rowCodec } from './row-codec.ts';
import { anyType, genericValue, typedValues, valueOf } from './type-arbitraries.test-kit.ts';
import type { TypeInformation } from './type-information.ts';
import { NOTHING, optionalType, types } from './types.ts';

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
