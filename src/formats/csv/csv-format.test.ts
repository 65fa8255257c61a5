import test from 'ava';
import fc from 'fast-check';
import { types } from '../../types/types.ts';
import { csvFormat } from './csv-format.ts';
import type { CsvDialectOptions } from './csv-dialect.ts';

const hostile = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 10 }),
  fc.constantFrom(
    '',
    '"',
    '""',
    ',',
    ';',
    '\n',
    '\r\n',
    '\\',
    '\\"',
    '#',
    'NULL',
    '\ufeff',
    ' ',
    '=1+1',
    "'",
  ),
  fc
    .array(fc.constantFrom('"', ',', '\n', '\r', '\\', 'a', 'NULL'), { maxLength: 8 })
    .map((parts) => parts.join('')),
);

const dialects: readonly CsvDialectOptions[] = [
  {},
  { delimiter: ';' },
  { delimiter: '\t', quote: "'" },
  { escape: '\\' },
  { nullLiteral: 'NULL' },
  { allowComments: true, delimiter: '|' },
  { delimiter: '^', quote: '-', escape: ']' },
];

const type = types.row({
  s: types.string,
  o: types.optional(types.string),
  d: types.double,
  n: types.optional(types.bigint),
  t: types.timestamp,
  b: types.boolean,
  y: types.bytes,
});

const anyRow = fc.record({
  s: hostile,
  o: fc.option(hostile),
  d: fc.double(),
  n: fc.option(
    fc
      .bigInt({ min: -(2n ** 70n), max: 2n ** 70n })
      .map((n) => (Number.isSafeInteger(Number(n)) ? Number(n) : n)),
  ),
  t: fc.integer({ min: -8.64e15, max: 8.64e15 }),
  b: fc.boolean(),
  y: fc.uint8Array({ maxLength: 5 }).map((bytes) => new Uint8Array(bytes)),
});

/** Frames and decodes a text the way the file source does. */
function decodeAll<T>(text: string, format: ReturnType<typeof csvFormat<T>>): T[] {
  const decoder = format.createDecoder();
  const bytes = Buffer.from(text);
  const records: T[] = [];
  for (let from = 0, line = 0; from < bytes.length; line++) {
    const end = decoder.endOfRecord?.(bytes, from, bytes.length) ?? bytes.indexOf(10, from);
    const content = bytes.toString('utf8', from, end).replace(/\r$/, '');
    if (line === 0 && format.hasHeader) decoder.header?.(content);
    else records.push(decoder.decode(content) as T);
    from = end + 1;
  }
  return records;
}

test('typed rows with hostile cells read back as they were, in every dialect', (t) => {
  fc.assert(
    fc.property(
      fc.array(anyRow, { minLength: 1, maxLength: 8 }),
      fc.constantFrom(...dialects),
      fc.boolean(),
      (rows, dialect, header) => {
        const format = csvFormat({ ...dialect, type, header, multiline: true });
        const encoder = format.createEncoder();
        const text = rows.map((row) => encoder.encode(row)).join('');
        t.deepEqual(decodeAll(text, format), rows);
      },
    ),
    { numRuns: 2000 },
  );
});

test('untyped rows with hostile names and cells read back as they were', (t) => {
  const anyName = hostile.filter((name) => name !== '__proto__' && name !== '');
  fc.assert(
    fc.property(
      fc.uniqueArray(anyName, { minLength: 2, maxLength: 5 }),
      fc.array(fc.array(hostile, { minLength: 5, maxLength: 5 }), { minLength: 1, maxLength: 5 }),
      fc.constantFrom(...dialects),
      (names, cells, dialect) => {
        const rows = cells.map((row) =>
          Object.fromEntries(names.map((name, i) => [name, row[i] as string])),
        );
        const format = csvFormat({ ...dialect, multiline: true });
        const encoder = format.createEncoder();
        const text = rows.map((row) => encoder.encode(row)).join('');
        t.deepEqual(decodeAll(text, format), rows);
      },
    ),
    { numRuns: 1000 },
  );
});

test('columns are found by name, whatever their order; others are ignored', (t) => {
  const format = csvFormat({ type: types.row({ b: types.int, a: types.string }) });
  t.deepEqual(decodeAll('x,a,b\n0,one,1\n', format), [{ b: 1, a: 'one' }]);
});

test('a quoted null literal is text, an unquoted one null', (t) => {
  const format = csvFormat({ type: types.row({ a: types.optional(types.string), b: types.int }) });
  t.deepEqual(decodeAll('a,b\n,1\n"",2\n', format), [
    { a: null, b: 1 },
    { a: '', b: 2 },
  ]);
});

test('comment lines are no records if allowed', (t) => {
  const format = csvFormat({ allowComments: true });
  const decoder = format.createDecoder();
  decoder.header?.('a');
  t.is(decoder.decode('# a comment, "unbalanced'), undefined);
  t.deepEqual(decoder.decode('"# no comment"'), { a: '# no comment' });
});

test('a header that lacks a column, names one twice or is malformed is an error', (t) => {
  const decoder = csvFormat({ type: types.row({ a: types.int }) }).createDecoder();
  t.throws(() => decoder.header?.('b,c'), { message: /no column 'a'/ });
  t.throws(() => csvFormat().createDecoder().header?.('a,a'), { message: /'a' twice/ });
  t.throws(() => csvFormat().createDecoder().header?.('a,"b'), { message: /malformed/ });
  t.throws(() => csvFormat().createDecoder().header?.('__proto__'), { message: /__proto__/ });
});

test('types and options that CSV cannot carry are refused when the format is made', (t) => {
  t.throws(() => csvFormat({ type: types.row({ a: types.array(types.int) }) }), {
    message: /'a'.*array/,
  });
  t.throws(() => csvFormat({ type: types.int }), { message: /types\.row/ });
  t.throws(() => csvFormat({ header: false }), { message: /needs a type/ });
  t.throws(() => csvFormat({ delimiter: ',,' }), { message: /delimiter/ });
  t.throws(() => csvFormat({ delimiter: '"' }), { message: /quote/ });
  t.throws(() => csvFormat({ nullLiteral: 'a,b' }), { message: /nullLiteral/ });
});

test('records that a CSV file cannot hold are refused, not bent', (t) => {
  const encoder = csvFormat<object>().createEncoder();
  encoder.encode({ a: 1 });
  t.throws(() => encoder.encode({ a: 1, b: 2 }), { message: /'b'/ });
  t.throws(() => encoder.encode({ a: [1] }), { message: /'a'.*array/ });
  t.throws(() => encoder.encode({ a: null }), { message: /empty line/ });
  t.throws(() => csvFormat<unknown>().createEncoder().encode(5), { message: /objects/ });
});
