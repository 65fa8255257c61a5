/**
 * Encoding rows into column frames and decoding them, per row: the work at each edge between
 * workers.
 */
import { type FrameMemory, frameMemoryOf } from '../../src/types/frame-memory.ts';
import { createFrameReader } from '../../src/types/frame-reader.ts';
import { FULL, frameWriterFactory } from '../../src/types/frame-writer.ts';
import type { TypeInformation } from '../../src/types/type-information.ts';
import { readingOf, reading } from '../jobs/readings.ts';
import { wordCount } from '../jobs/wordcount.ts';
import type { Bench } from '../support/bench.ts';
import { type MicroTask, microResult } from './tinybench-results.ts';

const ROWS = 512;
const MEMORY_BYTES = 1 << 20;

/** See the file's head. */
export const codecBench: Bench = {
  name: 'codec',
  run: async function* ({ quick }) {
    const readings = Array.from({ length: ROWS }, (_, n) => readingOf(n, 10_000, 0));
    const words = Array.from({ length: ROWS }, (_, n) => ({ word: `word${n * 977}`, count: n }));
    const tasks = [
      ...codecTasks('reading', reading, readings, true),
      ...codecTasks('reading, fields checked', reading, readings, false),
      ...codecTasks('word', wordCount, words, false),
    ];
    yield await microResult('codec', tasks, quick);
  },
};

/** Where results go, so that no work can be left out. */
export const sink: { value: unknown } = { value: undefined };

function codecTasks(
  name: string,
  type: TypeInformation<unknown>,
  rows: readonly unknown[],
  hasExactRows: boolean,
): MicroTask[] {
  const schema = { id: 1, type, keyed: true, hasExactRows };
  const writer = frameWriterFactory(schema)();
  const reader = createFrameReader(schema);
  const memory: FrameMemory = frameMemoryOf(new SharedArrayBuffer(MEMORY_BYTES));
  const encode = (): void => {
    let row = 0;
    let outcome = 0;
    while (row < ROWS && outcome !== FULL) outcome = writer.append(rows[row], row, row++);
    if (row < ROWS) throw new Error(`a frame of ${name} is full after ${row} rows`);
    writer.writeTo(memory, 0);
  };
  const decode = (): void => {
    const count = reader.open(memory, 0);
    for (let row = 0; row < count; row++) sink.value = reader.read(row);
  };
  return [
    { name: `${name} encode`, perCall: ROWS, call: encode },
    { name: `${name} decode`, perCall: ROWS, call: decode },
  ];
}
