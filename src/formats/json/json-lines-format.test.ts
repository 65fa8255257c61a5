import test from 'ava';
import fc from 'fast-check';
import { types } from '../../types/types.ts';
import { jsonLinesFormat } from './json-lines-format.ts';
import { parseTimestamp } from '../timestamp-text.ts';

test('plain JSON values read back as they were', (t) => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (record) => {
      if (JSON.stringify(record).includes('__proto__')) return;
      const format = jsonLinesFormat();
      const line = format.createEncoder().encode(record);
      t.is(line, `${JSON.stringify(record)}\n`);
      t.deepEqual(format.createDecoder().decode(line), JSON.parse(line));
    }),
  );
});

test('values without a JSON form are written so that the declared type reads them back', (t) => {
  const type = types.row({
    n: types.array(types.bigint),
    m: types.map(types.string, types.bigint),
    y: types.bytes,
  });
  const format = jsonLinesFormat({ type });
  const record = {
    n: [1, 2n ** 60n + 1n, -(2n ** 64n)],
    m: new Map([['__proto__', 2n ** 53n]]),
    y: Uint8Array.of(0, 255),
  };
  const line = format.createEncoder().encode(record);
  t.is(
    line,
    '{"n":[1,1152921504606846977,-18446744073709551616],"m":{"__proto__":9007199254740992},"y":"AP8="}\n',
  );
  t.deepEqual(format.createDecoder().decode(line), record);
});

test('a Buffer, a Set, a Map with other keys and a Date have a documented form', (t) => {
  const encoder = jsonLinesFormat<object>().createEncoder();
  const record = {
    b: Buffer.from('hi'),
    s: new Set([1]),
    m: new Map([[1, 2]]),
    n: Number.NaN,
    u: undefined,
  };
  t.is(encoder.encode(record), '{"b":"aGk=","s":[1],"m":[[1,2]],"n":null}\n');
  t.is(encoder.encode({ d: new Date(0), big: 1n }), '{"d":"1970-01-01T00:00:00.000Z","big":1}\n');
});

test('typed rows have the declared fields in the declared order and no others', (t) => {
  const format = jsonLinesFormat({
    type: types.row({ b: types.int, a: types.optional(types.string) }),
  });
  const decoder = format.createDecoder();
  const record = decoder.decode('{"x":1,"a":"s","b":2}');
  t.deepEqual(Object.entries(record ?? {}), [
    ['b', 2],
    ['a', 's'],
  ]);
  t.deepEqual(decoder.decode('{"b":2}'), { b: 2, a: null });
});

test('a missing field is not found on Object.prototype', (t) => {
  const type = types.row({ constructor: types.generic(), toString: types.optional(types.string) });
  const decoder = jsonLinesFormat({ type }).createDecoder();
  t.throws(() => decoder.decode('{}'), { message: /'constructor' is missing/ });
});

test('a mismatch names the field, the value and what was expected', (t) => {
  const type = types.row({ r: types.row({ x: types.int }), a: types.array(types.int) });
  const decoder = jsonLinesFormat({ type }).createDecoder();
  t.throws(() => decoder.decode('{"r":{"x":"7"},"a":[]}'), {
    message: /field 'r' field 'x' is "7", not a whole number/,
  });
  t.throws(() => decoder.decode('{"r":{"x":7},"a":[1.5]}'), {
    message: /an element of field 'a' is 1\.5/,
  });
});

test('a map with keys that are not strings is refused when the format is made', (t) => {
  t.throws(() => jsonLinesFormat({ type: types.map(types.int, types.int) }), {
    message: /types\.string/,
  });
});

test('timestamps: what Date writes is read back, other texts by ISO 8601 or not at all', (t) => {
  fc.assert(
    fc.property(
      fc.date({
        min: new Date('0000-01-01T00:00:00Z'),
        max: new Date('9999-12-31T23:59:59Z'),
        noInvalidDate: true,
      }),
      (date) => {
        t.is(parseTimestamp(date.toISOString()), date.getTime());
      },
    ),
  );
  t.is(parseTimestamp('2001-01-17'), Date.UTC(2001, 0, 17));
  t.is(parseTimestamp('2001-01-17 15:35'), Date.UTC(2001, 0, 17, 15, 35));
  t.is(parseTimestamp('2001-01-17T15:35:01.123456789Z'), Date.UTC(2001, 0, 17, 15, 35, 1, 123));
  t.is(parseTimestamp('2001-01-17T15:35:00+02:00'), Date.UTC(2001, 0, 17, 13, 35));
  t.is(parseTimestamp('2001-01-17T15:35:00-0230'), Date.UTC(2001, 0, 17, 18, 5));
  t.is(parseTimestamp('2000-02-29'), Date.UTC(2000, 1, 29));
  const bad = [
    '',
    '2001',
    '2001-13-01',
    '2001-02-29',
    '2001-01-01T24:00',
    '2001-01-01T00:60',
    '2001-01-01T00:00:60',
    '2001-01-01T00:00:00+24:00',
    ' 2001-01-01',
    '2001-1-1',
    '17/01/2001',
  ];
  for (const text of bad) t.true(Number.isNaN(parseTimestamp(text)), text);
});
