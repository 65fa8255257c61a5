import test from 'ava';
import fc from 'fast-check';
import { hasErrorCode } from '../../base/errors.ts';
import type { RowSection, RowSink } from '../cold-state.ts';
import { MemorySnapshots } from '../testing/memory-snapshots.ts';
import { countRows, readSegment, verifySegment } from './segment-reader.ts';
import { SegmentWriter } from './segment-writer.ts';

type Row =
  | readonly ['drop', RowSection]
  | readonly ['remove', RowSection, hash: number, key: string]
  | readonly ['put', RowSection, hash: number, key: string, value: string];

const ALL = { first: 0, last: 2 ** 32 - 1 };
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const textOf = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.subarray(from, to)).toString('latin1');

function write(rows: readonly Row[], fileBytesMax?: number): Uint8Array[] {
  const output = new MemorySnapshots();
  let filesWritten = 0;
  const onFileWritten = (): void => void filesWritten++;
  const writer = new SegmentWriter({ output, hint: 'segment', fileBytesMax, onFileWritten });
  for (const row of rows) {
    if (row[0] === 'drop') writer.drop(row[1]);
    else if (row[0] === 'remove') {
      const key = bytesOf(`-${row[3]}`);
      writer.remove(row[1], row[2], key, 1, key.length);
    } else {
      const both = bytesOf(`-${row[3]}${row[4]}`);
      writer.put(row[1], row[2], both, 1, 1 + row[3].length, both.length);
    }
  }
  const files = writer.finish();
  if (files.length !== filesWritten) throw new Error(`${filesWritten} of ${files.length} told`);
  return files.map((file) => output.read(file));
}

function read(files: readonly Uint8Array[], hashes = ALL): Row[] {
  const rows: Row[] = [];
  const plain = ({ stateIndex, namespace }: RowSection): RowSection => ({ stateIndex, namespace });
  const sink: RowSink = {
    drop: (section) => rows.push(['drop', plain(section)]),
    remove: (section, hash, bytes, from, to) =>
      rows.push(['remove', plain(section), hash, textOf(bytes, from, to)]),
    put: (section, hash, bytes, from, valueFrom, to) => {
      const [key, value] = [textOf(bytes, from, valueFrom), textOf(bytes, valueFrom, to)];
      rows.push(['put', plain(section), hash, key, value]);
    },
  };
  for (const file of files) {
    verifySegment(file);
    readSegment(file, { hashes }, sink);
  }
  return rows;
}

/** A put, through the writer's own memory; a row that is given up comes before it. */
function putInPlace(
  writer: SegmentWriter,
  row: Extract<Row, readonly ['put', ...unknown[]]>,
): void {
  const [, section, hash, key, value] = row;
  writer.target.beginRow(section).raw(bytesOf('given up'));
  writer.target.cancelRow();
  const block = writer.target.beginRow(section);
  block.raw(bytesOf(key));
  block.raw(bytesOf(value));
  writer.target.endRow(hash, key.length);
}

test('rows that are written in place have the bytes of others', (t) => {
  const lengths = [0, 1, 127, 128, 300, 16_383, 16_384, 70_000];
  const section = { stateIndex: 3, namespace: 1 };
  const rows = lengths.flatMap((keyLength) =>
    lengths.map((length): Extract<Row, readonly ['put', ...unknown[]]> => {
      return ['put', section, length * 77 - 5000, 'k'.repeat(keyLength), 'v'.repeat(length)];
    }),
  );
  const output = new MemorySnapshots();
  const writer = new SegmentWriter({ output, hint: 'segment', onFileWritten: () => undefined });
  for (const row of rows) putInPlace(writer, row);
  const files = writer.finish().map((file) => output.read(file));
  t.is(JSON.stringify(read(files)), JSON.stringify(rows));
  const isSame = Buffer.compare(Buffer.concat(files), Buffer.concat(write(rows))) === 0;
  t.true(isSame);
});

const golden: readonly Row[] = [
  ['drop', { stateIndex: 0, namespace: -2.5 }],
  ['remove', { stateIndex: 1, namespace: 'née' }, -1, 'gone'],
  ['put', { stateIndex: 0, namespace: undefined }, 1, 'k', 'value'],
  ['put', { stateIndex: 0, namespace: undefined }, -2147483648, '', ''],
  ['put', { stateIndex: 300, namespace: 7 }, 123456789, 'key', 'v'],
];

/** Never changes: savepoints hold it. A new layout has a new version. */
const GOLDEN_HEX =
  '4d52534701' +
  '01000100000000000004c00000000000000000' +
  '020102066ee9650100000009000000ffffffff04676f6e65' +
  '03000002000000120000000100000001056b76616c7565000000800000' +
  '03ac02010000000000001c40010000000a00000015cd5b0703016b657976' +
  'ff04000000040000004753524d';

test('a segment of version 1 has these bytes', (t) => {
  const [file] = write(golden);
  t.is(Buffer.from(file ?? []).toString('hex'), GOLDEN_HEX);
  t.deepEqual(read([Buffer.from(GOLDEN_HEX, 'hex')]), golden);
});

const anySection = fc.record({
  stateIndex: fc.nat(200),
  namespace: fc.constantFrom(undefined, 0, -1.5, 1e12, '', 'é', 'namespace'),
});
const anyText = fc.string({ unit: fc.nat(255).map((n) => String.fromCharCode(n)), maxLength: 60 });
const anyHash = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const anyRow: fc.Arbitrary<Row> = fc.oneof(
  fc.tuple(fc.constant('drop' as const), anySection),
  fc.tuple(fc.constant('remove' as const), anySection, anyHash, anyText),
  fc.tuple(fc.constant('put' as const), anySection, anyHash, anyText, anyText),
);

test('what is written is read, in order, also over several files', (t) => {
  fc.assert(
    fc.property(fc.array(anyRow), fc.constantFrom(undefined, 0, 100), (rows, fileBytesMax) => {
      t.deepEqual(
        read(write(rows, fileBytesMax)),
        rows.map((row) => structuredClone(row)),
      );
    }),
    { numRuns: 200 },
  );
});

test('long sections and rows are cut into blocks and files', (t) => {
  const section = { stateIndex: 0, namespace: undefined };
  const rows = Array.from({ length: 9000 }, (_, i): Row => {
    return ['put', section, i, `${i}`, 'x'.repeat(i % 50 === 0 ? 5000 : 20)];
  });
  const files = write(rows, 200_000);
  t.true(files.length > 3);
  t.deepEqual(read(files), rows);
  const counts = new Map();
  for (const file of files) countRows(file, 0, counts);
  t.deepEqual([...counts], [[undefined, rows.length]]);
});

test('no file is made for no rows', (t) => {
  t.deepEqual(write([]), []);
});

test('only the rows of the hashes asked for are given, drops always', (t) => {
  const section = { stateIndex: 0, namespace: undefined };
  const rows: Row[] = [['drop', section], ...[0, 5, -1, -2].map(put)];
  function put(hash: number): Row {
    return ['put', section, hash, `${hash}`, ''];
  }
  t.deepEqual(read(write(rows), { first: 5, last: 2 ** 32 - 2 }), [
    ['drop', section],
    put(5),
    put(-2),
  ]);
});

test('a segment that is cut off or changed is refused, or reads as it says; nothing else', (t) => {
  const [whole] = write(golden) as [Uint8Array];
  for (let length = 0; length < whole.length; length++) {
    const error = t.throws(() => read([whole.slice(0, length)]), undefined, `${length} bytes`);
    t.true(hasErrorCode(error, 'CHECKPOINT_DAMAGED'));
  }
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
      const changed = whole.slice();
      changed[at] = byte;
      try {
        read([changed]);
      } catch (error) {
        const isKnown =
          hasErrorCode(error, 'CHECKPOINT_DAMAGED') || hasErrorCode(error, 'FORMAT_INVALID');
        if (!isKnown) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});
