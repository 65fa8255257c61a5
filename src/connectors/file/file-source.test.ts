import { gzipSync, zstdCompressSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { hasErrorCode } from '../../base/errors.ts';
import {
  type SimulatedEnvironment,
  simulatedEnvironment,
} from '../../base/simulated-environment.ts';
import { csvFormat } from '../../formats/csv/csv-format.ts';
import { jsonLinesFormat } from '../../formats/json/json-lines-format.ts';
import type { LineReaderFormat } from '../../functions/format.ts';
import { types } from '../../types/types.ts';
import { readAll } from './testing/file-source-harness.ts';
import { fileSource } from './file-source.ts';
import type { FileSplit } from './file-split.ts';

function worldWith(files: Readonly<Record<string, string | Uint8Array>>): SimulatedEnvironment {
  const environment = simulatedEnvironment({ seed: 1 });
  for (const [path, content] of Object.entries(files)) {
    environment.fileSystem.makeDirectory(path.slice(0, path.lastIndexOf('/')));
    using file = environment.fileSystem.open(path, 'write');
    file.append(typeof content === 'string' ? Buffer.from(content) : content);
  }
  return environment;
}

/** Lines as they are: a record is the line's text; `!` makes it malformed. */
const textFormat: LineReaderFormat<string> = {
  kind: 'lines',
  name: 'text',
  hasHeader: false,
  multiline: false,
  createDecoder: () => ({
    decode(line) {
      if (!line.startsWith('!')) return line;
      throw Object.assign(new Error('bang'), { code: 'RECORD_MALFORMED' });
    },
  }),
};

const anyLine = fc
  .oneof(
    fc.string({ unit: 'grapheme', maxLength: 30 }),
    fc.constantFrom('', '!', '!bad', 'é', '\ufeff', '😀'.repeat(9)),
  )
  .map((line) => line.replace(/[\r\n]/g, ' '));

test('any lines cut at any splitBytes come exactly once, with right offsets', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyLine, { maxLength: 20 }),
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      fc.boolean(),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 4 }),
      async (lines, lineEnd, isEnded, hasMark, splitBytes, blockBytes, parallelism) => {
        const content = (hasMark ? '\ufeff' : '') + lines.join(lineEnd) + (isEnded ? lineEnd : '');
        const environment = worldWith({ '/in/a.txt': content });
        const format = textFormat;
        const source = fileSource({ path: '/in/a.txt', format, splitBytes, blockBytes });
        const { records, deadLetters } = await readAll(source, { environment, parallelism });
        const { good, bad } = expectedOf(content, lineEnd);
        t.deepEqual([...records].sort(), good.sort());
        t.deepEqual(deadLetters.map(({ offset, raw }) => `${offset}:${raw}`).sort(), bad.sort());
      },
    ),
    { numRuns: 1000 },
  );
});

/** The slow, obvious reader. */
function expectedOf(content: string, lineEnd: string): { good: string[]; bad: string[] } {
  const good: string[] = [];
  const bad: string[] = [];
  let offset = 0;
  for (const line of content.split(lineEnd)) {
    const text = offset === 0 ? line.replace(/^\ufeff/, '') : line;
    if (text.startsWith('!')) bad.push(`${offset}:${line}`);
    else if (text !== '') good.push(text);
    offset += Buffer.byteLength(line + lineEnd);
  }
  return { good, bad };
}

test('a run goes on after any record from what snapshotState gave', async (t) => {
  const lines = Array.from({ length: 60 }, (_, i) => (i % 7 === 3 ? `!${i}` : `line ${i} é`));
  const environment = worldWith({
    '/in/a.txt': lines.join('\n'),
    '/in/b.txt': `${lines.join('\r\n')}\r\n`,
  });
  const source = fileSource({ path: '/in', format: textFormat, splitBytes: 100, blockBytes: 64 });
  const whole = await readAll(source, { environment });
  const total = whole.records.length + whole.deadLetters.length;
  t.is(total, 120);
  for (let stopAfter = 1; stopAfter <= total; stopAfter++) {
    const first = await readUntil(source, environment, stopAfter);
    const rest = await readAll(source, { environment, restored: first.splits });
    t.deepEqual([...first.records, ...rest.records], whole.records, `stopped after ${stopAfter}`);
    t.deepEqual(
      [...first.letters, ...rest.deadLetters].map((letter) => letter.offset),
      whole.deadLetters.map((letter) => letter.offset),
    );
  }
});

/**
 * Reads with one reader, stops after some records; what is left are the reader's and the
 * enumerator's splits.
 */
async function readUntil(
  source: ReturnType<typeof fileSource<string>>,
  environment: SimulatedEnvironment,
  stopAfter: number,
): Promise<{ records: string[]; letters: { offset: number }[]; splits: FileSplit[] }> {
  const given: FileSplit[] = [];
  const enumerator = source.createEnumerator({
    parallelism: 1,
    environment,
    assignSplit: (split) => given.push(split),
    signalNoMoreSplits: () => undefined,
  });
  await enumerator.start?.();
  const reader = source.createReader({
    indexOfSubtask: 0,
    parallelism: 1,
    environment,
    metricGroup: { counter: () => ({ count: 0, inc: () => undefined }) },
    sendSplitRequest: () => enumerator.handleSplitRequest(0),
    hasSideOutput: () => true,
  });
  const records: string[] = [];
  const letters: { offset: number }[] = [];
  let splits: FileSplit[] | undefined;
  const count = (): void => {
    if (splits === undefined && records.length + letters.length === stopAfter) {
      splits = JSON.parse(
        JSON.stringify([...reader.snapshotState(), ...given, ...enumerator.snapshotState()]),
      );
    }
  };
  reader.start?.();
  while (splits === undefined) {
    reader.addSplits(given.splice(0));
    const isCounting = (): boolean => splits === undefined;
    reader.pollNext({
      collect(record) {
        if (isCounting()) records.push(record);
        count();
      },
      output(_tag, letter) {
        if (isCounting()) letters.push(letter as { offset: number });
        count();
      },
      markIdle: () => undefined,
      markActive: () => undefined,
    });
  }
  await reader.close();
  return { records, letters, splits };
}

test('a folder is read recursively in stable order, without hidden names', async (t) => {
  const environment = worldWith({
    '/in/b.txt': 'b\n',
    '/in/a/2.txt': 'a2\n',
    '/in/a/1.txt': 'a1\n',
    '/in/.hidden': 'no\n',
    '/in/_SUCCESS': 'no\n',
    '/in/.part/x.txt': 'no\n',
  });
  const { records } = await readAll(fileSource({ path: '/in', format: textFormat }), {
    environment,
  });
  t.deepEqual(records, ['a1', 'a2', 'b']);
});

test('a glob matches names, any folders and alternatives', async (t) => {
  const environment = worldWith({
    '/in/x/y/a.txt': 'deep\n',
    '/in/a.txt': 'a\n',
    '/in/ab.txt': 'ab\n',
    '/in/a.csv': 'csv\n',
    '/in/.a.txt': 'hidden\n',
    '/in/a+b.txt': 'plus\n',
  });
  const read = async (path: string): Promise<string> => {
    const { records } = await readAll(fileSource({ path, format: textFormat }), { environment });
    return records.join(' ');
  };
  t.is(await read('/in/*.txt'), 'plus a ab');
  t.is(await read('/in/?.txt'), 'a');
  t.is(await read('/in/**/a.txt'), 'a deep');
  t.is(await read('/in/**'), 'plus csv a ab deep');
  t.is(await read('/in/a.{txt,csv}'), 'csv a');
  t.is(await read('/in/.*.txt'), 'hidden');
  t.is(await read('/in/a+*.txt'), 'plus');
  t.is(await read('/{in,out}/x/*/*'), 'deep');
});

test('a missing path and a glob without matches are errors', async (t) => {
  const environment = worldWith({ '/in/a.txt': 'a\n' });
  for (const path of ['/in/b.txt', '/none', '/in/*.csv']) {
    const error = await t.throwsAsync(
      readAll(fileSource({ path, format: textFormat }), { environment }),
    );
    t.true(hasErrorCode(error, 'FILE_NOT_FOUND'), path);
    t.true(error.message.includes(path));
  }
});

test('compressed files are read whole, and resume by decompressed position', async (t) => {
  const text = Array.from({ length: 3000 }, (_, i) => `line ${i}\n`).join('');
  const environment = worldWith({
    '/in/a.txt.gz': gzipSync(text),
    '/in/b.txt.zst': zstdCompressSync(text),
    '/in/c.txt.gz': new Uint8Array(),
  });
  const source = fileSource({ path: '/in', format: textFormat, splitBytes: 50 });
  const { records } = await readAll(source, { environment });
  t.is(records.length, 6000);
  const half = await readUntil(source, environment, 4500);
  const rest = await readAll(source, { environment, restored: half.splits });
  t.deepEqual([...half.records, ...rest.records], records);
});

test('a damaged compressed file fails with its name', async (t) => {
  const environment = worldWith({ '/in/a.gz': 'not gzip' });
  const error = await t.throwsAsync(
    readAll(fileSource({ path: '/in/a.gz', format: textFormat }), { environment }),
  );
  t.true(hasErrorCode(error, 'FORMAT_INVALID'));
  t.true(error.message.includes('/in/a.gz'));
});

test('a line of 50 MB is read; one over lineBytesMax is a dead letter', async (t) => {
  const long = 'x'.repeat(50_000_000);
  const environment = worldWith({ '/in/a.txt': `first\n${long}\nlast\n` });
  const path = '/in/a.txt';
  const all = await readAll(fileSource({ path, format: textFormat }), { environment });
  t.deepEqual(
    all.records.map((record) => record.length),
    [5, 50_000_000, 4],
  );
  const lineBytesMax = 1_000_000;
  for (const splitBytes of [undefined, 20_000_000]) {
    const some = await readAll(fileSource({ path, format: textFormat, lineBytesMax, splitBytes }), {
      environment,
    });
    t.deepEqual(some.records, ['first', 'last']);
    t.is(some.deadLetters.length, 1);
    t.is(some.deadLetters[0]?.offset, 6);
    t.is(some.deadLetters[0]?.raw.length, 65_536);
    t.regex(some.deadLetters[0]?.cause ?? '', /lineBytesMax/);
  }
});

test('every poll is bounded', async (t) => {
  const environment = worldWith({ '/in/a.txt': 'x\n'.repeat(100_000) });
  const source = fileSource({ path: '/in/a.txt', format: textFormat });
  const reader = source.createReader({
    indexOfSubtask: 0,
    parallelism: 1,
    environment,
    metricGroup: { counter: () => ({ count: 0, inc: () => undefined }) },
    sendSplitRequest: () => undefined,
    hasSideOutput: () => true,
  });
  reader.addSplits([
    {
      splitId: 'a',
      path: '/in/a.txt',
      start: 0,
      end: 200_000,
      position: 0,
      isAligned: true,
      block: -1,
    },
  ]);
  reader.notifyNoMoreSplits();
  let records = 0;
  let most = 0;
  for (let status: number = 0; status !== 2; ) {
    const before = records;
    const collect = (): void => {
      records++;
    };
    status = reader.pollNext({
      collect,
      output: () => undefined,
      markIdle: () => undefined,
      markActive: () => undefined,
    });
    most = Math.max(most, records - before);
  }
  t.is(records, 100_000);
  t.true(most <= 1024);
});

test('without a reader of dead letters the first malformed line fails the job', async (t) => {
  const environment = worldWith({ '/in/a.txt': 'fine\n!bad\n' });
  const source = fileSource({ path: '/in/a.txt', format: textFormat });
  const error = await t.throwsAsync(readAll(source, { environment, hasDeadLetterReader: false }));
  t.true(hasErrorCode(error, 'RECORD_MALFORMED'));
  t.regex(error.message, /\/in\/a\.txt.*offset 5.*getSideOutput\(DEAD_LETTERS\)/s);
});

test("onMalformed: 'fail' fails at the first malformed line", async (t) => {
  const environment = worldWith({ '/in/a.txt': 'fine\n!bad\n' });
  const source = fileSource({ path: '/in/a.txt', format: textFormat, onMalformed: 'fail' });
  const error = await t.throwsAsync(readAll(source, { environment }));
  t.true(hasErrorCode(error, 'RECORD_MALFORMED'));
});

test('an error downstream is not taken for malformed input', async (t) => {
  const environment = worldWith({ '/in/a.txt': 'fine\n' });
  const source = fileSource({ path: '/in/a.txt', format: textFormat });
  const onEmit = (): never => {
    throw Object.assign(new Error('downstream'), { code: 'RECORD_MALFORMED' });
  };
  await t.throwsAsync(readAll(source, { environment, onEmit }), { message: 'downstream' });
});

test('a file that got shorter fails the job instead of losing its end', async (t) => {
  const environment = worldWith({ '/in/a.txt': 'a\nb\n' });
  const source = fileSource({ path: '/in/a.txt', format: textFormat });
  const split = {
    splitId: 'a',
    path: '/in/a.txt',
    start: 0,
    end: 100,
    position: 0,
    isAligned: true,
    block: -1,
  };
  const error = await t.throwsAsync(readAll(source, { environment, restored: [split] }));
  t.true(hasErrorCode(error, 'CONNECTOR_FAILED'));
});

test('a CSV header is read by every split of its file', async (t) => {
  const rows = Array.from({ length: 50 }, (_, i) => `${i};é${i}`);
  const environment = worldWith({
    '/in/a.csv': `\ufeffid;name\r\n${rows.join('\r\n')}`,
    '/in/b.csv': '',
  });
  const type = types.row({ name: types.string, id: types.int });
  const format = csvFormat({ type, delimiter: ';' });
  for (const splitBytes of [1, 7, 64, 10_000]) {
    const { records } = await readAll(fileSource({ path: '/in', format, splitBytes }), {
      environment,
      parallelism: 2,
    });
    t.deepEqual(
      records.map((record) => record.id).sort((a, b) => a - b),
      rows.map((_, i) => i),
    );
    t.is(records.find((record) => record.id === 7)?.name, 'é7');
  }
});

test('a multiline CSV file is not cut inside quotes', async (t) => {
  const environment = worldWith({ '/in/a.csv': 'id,text\n1,"a\nb"\n2,"c""\r\n,d"\n3,e' });
  const format = csvFormat({ multiline: true });
  const source = fileSource({ path: '/in', format, splitBytes: 3, blockBytes: 4 });
  const { records } = await readAll(source, { environment, parallelism: 2 });
  t.deepEqual(records, [
    { id: '1', text: 'a\nb' },
    { id: '2', text: 'c"\r\n,d' },
    { id: '3', text: 'e' },
  ]);
});

test('options out of range are refused with their name', (t) => {
  const format = jsonLinesFormat();
  t.throws(() => fileSource({ path: '', format }), { message: /path/ });
  t.throws(() => fileSource({ path: 'a', format, splitBytes: 0 }), { message: /splitBytes/ });
  t.throws(() => fileSource({ path: 'a', format, lineBytesMax: 1.5 }), { message: /lineBytesMax/ });
  t.throws(() => fileSource({ path: 'a', format, onMalformed: 'skip' as 'fail' }), {
    message: /onMalformed/,
  });
});
