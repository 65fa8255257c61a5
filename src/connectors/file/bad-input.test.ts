/** A corpus of hostile lines: each ends as a record or as a dead letter with the right offset. */
import test from 'ava';
import { simulatedEnvironment } from '../../base/simulated-environment.ts';
import { csvFormat } from '../../formats/csv/csv-format.ts';
import { jsonLinesFormat } from '../../formats/json/json-lines-format.ts';
import type { DeadLetter } from '../../functions/dead-letter.ts';
import type { ReaderFormat } from '../../functions/format.ts';
import { rowType, types } from '../../types/types.ts';
import { readAll } from './testing/file-source-harness.ts';
import { fileSource } from './file-source.ts';

/** A line, and whether it is a record: untyped, typed as {@link wide}. */
type Case = readonly [line: string | Uint8Array, untyped: boolean, typed: boolean];

const wide = types.row({
  i: types.optional(types.int),
  l: types.optional(types.long),
  d: types.optional(types.double),
  b: types.optional(types.boolean),
  s: types.optional(types.string),
  t: types.optional(types.timestamp),
  n: types.optional(types.bigint),
  y: types.optional(types.bytes),
  a: types.optional(types.array(types.int)),
  m: types.optional(types.map(types.string, types.int)),
  r: types.optional(types.row({ x: types.int })),
});

const nested = (depth: number): string => `{"s":${'['.repeat(depth)}${']'.repeat(depth)}}`;

const JSON_CASES: readonly Case[] = [
  ['{}', true, true],
  ['{"i":1}', true, true],
  ['{"i":-0}', true, true],
  ['{"i":1.0}', true, true],
  ['{"i":1e2}', true, true],
  ['{"i":1.5}', true, false],
  ['{"i":2147483648}', true, false],
  ['{"i":"1"}', true, false],
  ['{"i":null}', true, true],
  ['{"i":true}', true, false],
  ['{"i":[]}', true, false],
  ['{"l":9007199254740991}', true, true],
  ['{"l":9007199254740992}', true, false],
  ['{"l":100000000000000000000}', true, false],
  ['{"l":9007199254740993}', false, false],
  ['{"l":-9007199254740993}', false, false],
  ['{"n":9007199254740993}', false, true],
  ['{"n":123456789012345678901234567890}', false, true],
  ['{"n":1.5}', true, false],
  ['{"n":1e30}', true, false],
  ['{"d":1e999}', false, false],
  ['{"d":-1e999}', false, false],
  ['{"d":1e-999}', true, true],
  ['{"d":12345678901234567890.5}', true, true],
  [`{"d":0.${'1'.repeat(400)}}`, true, true],
  ['{"d":NaN}', false, false],
  ['{"d":Infinity}', false, false],
  ['{"d":"NaN"}', true, false],
  ['{"b":0}', true, false],
  ['{"b":"true"}', true, false],
  ['{"s":1}', true, false],
  ['{"s":"\\ud800"}', true, true],
  ['{"s":"\\u0000"}', true, true],
  ['{"s":"a\u0000b"}', false, false],
  ['{"s":"tab\tin"}', false, false],
  ['{"s":"😀é"}', true, true],
  ['{"s":"__proto__"}', true, true],
  ['{"s":"unended', false, false],
  ['{"t":0}', true, true],
  ['{"t":1.5}', true, false],
  ['{"t":"2001-01-17T15:35:00.000Z"}', true, true],
  ['{"t":"2001-02-30T00:00:00Z"}', true, false],
  ['{"t":"2001-02-03T24:00:00Z"}', true, false],
  ['{"t":"yesterday"}', true, false],
  ['{"t":8640000000000001}', true, false],
  ['{"y":"AAEC"}', true, true],
  ['{"y":"AAE"}', true, false],
  ['{"a":[1,2]}', true, true],
  ['{"a":[1,"2"]}', true, false],
  ['{"a":{"0":1}}', true, false],
  ['{"m":{"k":1}}', true, true],
  ['{"m":{"__proto__":1}}', false, true],
  ['{"m":[1]}', true, false],
  ['{"r":{"x":1}}', true, true],
  ['{"r":{}}', true, false],
  ['{"r":{"x":1,"__proto__":{"y":1}}}', false, false],
  ['{"__proto__":{"polluted":1}}', false, false],
  ['{"__proto__":null}', false, false],
  ['{"\\u005f_proto__":{"polluted":1}}', false, false],
  ['{"other":{"__proto__":{"polluted":1}}}', false, true],
  ['{"constructor":{"prototype":{"polluted":1}}}', true, true],
  ['{"i":1,"i":2}', true, true],
  ['{"i":1,}', false, false],
  ["{'i':1}", false, false],
  ['{i:1}', false, false],
  ['{"i":01}', false, false],
  ['{"i":+1}', false, false],
  ['{"i":0x10}', false, false],
  ['{"i":1}{"i":2}', false, false],
  ['{"i":1} // comment', false, false],
  ['  {"i":1}  ', true, true],
  ['   ', false, false],
  ['[]', false, false],
  ['[{"i":1}]', false, false],
  ['null', false, false],
  ['5', false, false],
  ['"text"', false, false],
  ['true', false, false],
  ['undefined', false, false],
  ['{', false, false],
  ['}', false, false],
  ['\ufeff{"i":1}', false, false],
  ['{"i":1}\u00a0', false, false],
  ['{"i":1}\u2028', false, false],
  [nested(400), true, false],
  [nested(10_000), false, false],
  ['['.repeat(100_000), false, false],
  [`{"s":"${'['.repeat(5000)}"}`, true, true],
  [`{"s":"${'\\"['.repeat(2000)}"}`, true, true],
  [Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), false, false],
  [Uint8Array.of(0xc0, 0x80), false, false],
  [Uint8Array.of(0xed, 0xa0, 0x80), false, false],
  [Uint8Array.of(0xff, 0xfe, 0x7b, 0x00), false, false],
  [Uint8Array.of(0x22, 0xe2, 0x82, 0x22), false, false],
  [Uint8Array.of(0x00), false, false],
];

const CSV_TYPE = types.row({ s: types.string, i: types.int, d: types.optional(types.double) });

const CSV_CASES: readonly Case[] = [
  ['a,1,2', true, true],
  ['a,1,', true, true],
  [',1,', true, true],
  ['"",1,""', true, false],
  ['a,,', true, false],
  ['a,1', false, false],
  ['a,1,2,3', false, false],
  ['a', false, false],
  [',,', true, false],
  [',,,', false, false],
  ['"a,b",1,2', true, true],
  ['"a""b",1,2', true, true],
  ['"a"b,1,2', false, false],
  ['"a" ,1,2', false, false],
  ['"a,1,2', false, false],
  ['a"b,1,2', true, true],
  ['a""b,1,2', true, true],
  ['""",1,2', false, false],
  ['"""",1,2', true, true],
  ['a,1,"2', false, false],
  ['a, 1,2', true, false],
  ['a,1 ,2', true, false],
  ['a,+1,2', true, false],
  ['a,0x1,2', true, false],
  ['a,1e2,2', true, false],
  ['a,-,2', true, false],
  ['a,-1,-2.5e-3', true, true],
  ['a,007,2', true, true],
  ['a,2147483648,2', true, false],
  ['a,99999999999999999999999999,2', true, false],
  ['a,1,NaN', true, true],
  ['a,1,-Infinity', true, true],
  ['a,1,nan', true, false],
  ['a,1,1e999', true, false],
  ['a,1,1,', false, false],
  ['a;1;2', false, false],
  ['a\t1\t2', false, false],
  ['__proto__,1,2', true, true],
  ['=cmd(),1,2', true, true],
  ['#a,1,2', true, true],
  ['\u0000,1,2', true, true],
  ['😀,1,2', true, true],
  ['\u2028,1,2', true, true],
  [Uint8Array.of(0xff, 0x2c, 0x31, 0x2c, 0x32), false, false],
  [Uint8Array.of(0x22, 0xe2, 0x22, 0x2c, 0x31, 0x2c, 0x32), false, false],
  [`${'x'.repeat(100_000)},1,2`, true, true],
  [`${','.repeat(100_000)}`, false, false],
  [`${'"'.repeat(100_001)},1,2`, false, false],
];

interface Outcome {
  readonly records: readonly unknown[];
  readonly deadLetters: readonly DeadLetter[];
}

async function readCases(
  cases: readonly Case[],
  format: ReaderFormat<unknown>,
  file: {
    readonly header?: string;
    readonly lineEnd: string;
    readonly isEnded: boolean;
    readonly splitBytes: number;
  },
): Promise<Outcome & { readonly offsets: readonly number[] }> {
  const { header = '', lineEnd, isEnded, splitBytes } = file;
  const environment = simulatedEnvironment({ seed: 1 });
  const parts: Uint8Array[] = [Buffer.from(header === '' ? '' : header + lineEnd)];
  const offsets: number[] = [];
  let offset = parts[0]?.length ?? 0;
  for (const [i, [line]] of cases.entries()) {
    const isLast = i === cases.length - 1;
    // An empty line after every line shows that empty lines shift nothing and count as nothing.
    const end = isLast && !isEnded ? '' : lineEnd + lineEnd;
    const bytes = Buffer.concat([Buffer.from(line), Buffer.from(end)]);
    offsets.push(offset);
    offset += bytes.length;
    parts.push(bytes);
  }
  {
    using handle = environment.fileSystem.open('/home/in', 'write');
    handle.append(Buffer.concat(parts));
  }
  const source = fileSource({ path: '/home/in', format, splitBytes });
  return { ...(await readAll(source, { environment })), offsets };
}

const FILES = [
  { lineEnd: '\n', isEnded: true, splitBytes: 1_000_000_000 },
  { lineEnd: '\r\n', isEnded: true, splitBytes: 1_000_000_000 },
  { lineEnd: '\n', isEnded: false, splitBytes: 97 },
  { lineEnd: '\r\n', isEnded: false, splitBytes: 1001 },
];

const SETUPS = [
  { name: 'JSON without a type', cases: JSON_CASES, format: jsonLinesFormat(), isTyped: false },
  {
    name: 'JSON with a type',
    cases: JSON_CASES,
    format: jsonLinesFormat({ type: wide }),
    isTyped: true,
  },
  {
    name: 'CSV without a type',
    cases: CSV_CASES,
    format: csvFormat(),
    isTyped: false,
    header: 's,i,d',
  },
  {
    name: 'CSV with a type',
    cases: CSV_CASES,
    format: csvFormat({ type: CSV_TYPE }),
    isTyped: true,
    header: 's,i,d',
  },
];

for (const { name, cases, format, isTyped, header = '' } of SETUPS) {
  test(`${name}: every hostile line is a record or a dead letter at its offset`, async (t) => {
    const prototypeBefore = Object.getOwnPropertyNames(Object.prototype);
    for (const file of FILES) {
      const outcome = await readCases(cases, format as ReaderFormat<unknown>, { header, ...file });
      const expected = cases.flatMap(([line, untyped, typed], i) => {
        const isRecord = isTyped ? typed : untyped;
        return isRecord ? [] : [`${outcome.offsets[i]} ${shown(Buffer.from(line).toString())}`];
      });
      const actual = outcome.deadLetters.map((letter) => `${letter.offset} ${shown(letter.raw)}`);
      t.deepEqual(actual, expected);
      t.is(outcome.records.length + outcome.deadLetters.length, cases.length);
      for (const { cause, origin } of outcome.deadLetters) {
        t.true(cause.length > 5 && cause.length < 600, cause);
        t.is(origin, '/home/in');
      }
      for (const record of outcome.records) t.is(Object.getPrototypeOf(record), Object.prototype);
    }
    t.deepEqual(Object.getOwnPropertyNames(Object.prototype), prototypeBefore);
    t.false('polluted' in {});
  });
}

function shown(raw: string): string {
  return raw.slice(0, 80);
}

test('a declared __proto__ field is data', async (t) => {
  const type = rowType([{ name: '__proto__', type: types.int }]);
  const cases: Case[] = [['{"__proto__":1}', false, true]];
  const { records } = await readCases(cases, jsonLinesFormat({ type }), {
    lineEnd: '\n',
    isEnded: true,
    splitBytes: 99,
  });
  t.is(records.length, 1);
  t.true(Object.hasOwn(records[0] as object, '__proto__'));
  t.is(Object.getPrototypeOf(records[0]), Object.prototype);
});

test('big integers are exact where declared', async (t) => {
  const type = types.row({ n: types.bigint });
  const digits = ['9007199254740993', '-18446744073709551617', '42'];
  const cases = digits.map((text): Case => [`{"n":${text}}`, false, true]);
  const { records } = await readCases(cases, jsonLinesFormat({ type }), {
    lineEnd: '\n',
    isEnded: true,
    splitBytes: 99,
  });
  t.deepEqual(records, [{ n: 9007199254740993n }, { n: -18446744073709551617n }, { n: 42 }]);
});

test('the corpus is not small', (t) => {
  t.true(JSON_CASES.length + CSV_CASES.length >= 120);
});
