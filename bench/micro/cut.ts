/**
 * What one changed row costs a checkpoint: cut, encoded and written to a segment in slices, as a
 * task does between batches; and what marking it costs the batch that changes it.
 */
import type { FileRef, SnapshotKind, SnapshotOutput } from '../../src/state/snapshot.ts';
import { realEnvironment } from '../../src/base/real-environment.ts';
import { hashKey } from '../../src/base/hash.ts';
import { heapBackend } from '../../src/state/heap/heap-backend.ts';
import type { StateTable } from '../../src/state/keyed-state-backend.ts';
import type { Bench, Figures } from '../support/bench.ts';
import { mediansOf } from '../support/bench.ts';

const KEYS = 500_000;
const RUNS = 7;
const BATCH = 1024;
const SLICE_MS = 2;

/** A kind of row. */
interface Rows {
  readonly name: string;
  readonly key: (n: number) => unknown;
  readonly value: (n: number) => unknown;
}

const KINDS: readonly Rows[] = [
  {
    name: 'word count',
    key: (n) => `word${n}`,
    value: (n) => ({ word: `word${n}`, count: n }),
  },
  { name: 'number', key: (n) => n, value: (n) => n + 1 },
  { name: 'bytes', key: (n) => n, value: () => new Uint8Array(100) },
];

/** See the file's head. */
export const cutBench: Bench = {
  name: 'cut',
  run: async function* ({ quick }) {
    for (const kind of KINDS) {
      const each = measure(kind, quick ? 100_000 : KEYS, quick ? 3 : RUNS);
      const config = { rows: kind.name, keys: quick ? 100_000 : KEYS };
      yield await Promise.resolve({
        bench: 'cut',
        config,
        runs: each.length,
        medians: mediansOf(each),
        each,
      });
    }
  },
};

/** The first run, which compiles, is left out. */
function measure({ key, value }: Rows, count: number, runs: number): Figures[] {
  using backend = heapBackend({
    maxParallelism: 128,
    keyGroups: { first: 0, last: 127 },
    operatorName: 'cut',
    environment: realEnvironment(),
    memoryBytes: 2 ** 32,
  });
  const { table } = backend.declare({ name: 'rows', kind: 'reducing', omitsKeyField: true });
  const keys = Array.from({ length: count }, (_, n) => key(n));
  const hashes = Int32Array.from(keys, (each) => hashKey(each));
  fill(table, keys, hashes, value);
  const figures: Figures[] = [];
  for (let run = 0; run <= runs; run++) {
    const marked = nanosOf(() => mark(table, keys, hashes));
    const output = new Sums();
    const snapshot = (kind: SnapshotKind): number =>
      nanosOf(() => {
        const work = backend.snapshot({ checkpointId: run + 1, kind, output });
        while (!work.step(SLICE_MS));
        work.finish().catch(() => undefined);
      });
    const cut = snapshot('full');
    const { bytes } = output;
    backend.notifyCheckpointComplete(run + 1);
    const canonical = snapshot('canonical');
    if (run === 0) continue;
    figures.push({
      'find and mark ns': marked / count,
      'cut and write ns': cut / count,
      'canonical savepoint ns': canonical / count,
      'bytes per row': bytes / count,
    });
  }
  return figures;
}

function fill(
  table: StateTable,
  keys: readonly unknown[],
  hashes: Int32Array,
  value: (n: number) => unknown,
): void {
  keys.forEach((key, n) => {
    table.write(table.findOrInsert(key, hashes[n] as number), value(n), key);
  });
}

function mark(table: StateTable, keys: readonly unknown[], hashes: Int32Array): void {
  const entries = new Int32Array(BATCH);
  const isNew = new Uint8Array(BATCH);
  for (let from = 0; from < keys.length; from += BATCH) {
    const batch = keys.slice(from, from + BATCH);
    const hashesOfBatch = hashes.subarray(from, from + batch.length);
    table.findOrInsertBatch(batch, hashesOfBatch, batch.length, entries, isNew);
  }
}

function nanosOf(run: () => void): number {
  const startMs = performance.now();
  run();
  return (performance.now() - startMs) * 1e6;
}

/** Counts what is written; memory and disk cost something of their own. */
class Sums implements SnapshotOutput {
  bytes = 0;

  create(): ReturnType<SnapshotOutput['create']> {
    return {
      write: ({ length }) => {
        this.bytes += length;
      },
      close: () => ({ path: '', bytes: 0, checksum: 0 }),
      abort: () => undefined,
    };
  }

  adopt(localPath: string): Promise<FileRef> {
    return Promise.reject(new Error(`${localPath} is not adopted`));
  }
}
