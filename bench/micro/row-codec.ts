/**
 * Writing and reading rows one by one, per row: the work of snapshots, and of state below memory.
 */
import { ByteReader, ByteWriter, rowCodec } from '../../src/types/row-codec.ts';
import type { TypeInformation } from '../../src/types/type-information.ts';
import { types } from '../../src/types/types.ts';
import type { Bench } from '../support/bench.ts';
import { sink } from './codec.ts';
import { type MicroTask, microResult } from './tinybench-results.ts';

const ROWS = 512;

/** See the file's head. */
export const rowCodecBench: Bench = {
  name: 'row-codec',
  run: async function* ({ quick }) {
    const counter = types.row({ count: types.int, sum: types.double, name: types.string });
    const counters = Array.from({ length: ROWS }, (_, n) => counterOf(n));
    const tasks = [
      ...rowTasks('counter', counter, counters),
      ...rowTasks(
        'int',
        types.int,
        counters.map(({ count }) => count),
      ),
      ...rowTasks('generic', types.generic(), counters),
    ];
    yield await microResult('row-codec', tasks, quick);
  },
};

function counterOf(n: number): { count: number; sum: number; name: string } {
  return { count: n * 3, sum: n + 0.5, name: `key${10_000 + n}` };
}

function rowTasks(
  name: string,
  type: TypeInformation<unknown>,
  rows: readonly unknown[],
): MicroTask[] {
  const codec = rowCodec(type);
  const writer = new ByteWriter();
  const write = (): void => {
    writer.reset();
    for (const row of rows) if (!codec.write(writer, row)) throw new Error(`${name} does not fit`);
  };
  write();
  const bytes = writer.take();
  const reader = new ByteReader();
  const read = (): void => {
    reader.open(bytes);
    for (let row = 0; row < ROWS; row++) sink.value = codec.read(reader);
  };
  return [
    { name: `${name} write`, perCall: ROWS, call: write },
    { name: `${name} read`, perCall: ROWS, call: read },
  ];
}
