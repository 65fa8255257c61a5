/** Every source, through random checkpoints, restores, lost readers and changes of parallelism. */
import { gzipSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { seededRandom } from '../../base/seeded-random.ts';
import {
  type SimulatedEnvironment,
  simulatedEnvironment,
} from '../../base/simulated-environment.ts';
import { csvFormat } from '../../formats/csv/csv-format.ts';
import { jsonLinesFormat } from '../../formats/json/json-lines-format.ts';
import { parquetFormat } from '../../formats/parquet/parquet-format.ts';
import type { Source, SourceSplit } from '../../functions/source.ts';
import { asyncIterableSource } from '../async-iterable/async-iterable-source.ts';
import { collectionSource } from '../collection/collection-source.ts';
import { dataGeneratorSource } from '../datagen/data-generator-source.ts';
import { fileSource } from '../file/file-source.ts';
import { nexmarkBidSource, nexmarkSource } from '../nexmark/nexmark-source.ts';
import { sequenceSource } from '../sequence/sequence-source.ts';
import { InterruptedRun } from './testing/interrupted-run.ts';

type AnySource = Source<unknown, SourceSplit>;

interface Case {
  readonly source: () => Source<never, never>;
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

const jsonLines = Array.from({ length: 300 }, (_, id) =>
  id % 50 === 7 ? `{"id":${id},` : JSON.stringify({ id, text: 'x'.repeat(id % 40) }),
).join('\n');
const csv = `id,text\n${Array.from({ length: 300 }, (_, id) => `${id},"a ""line""\nor ${id % 3}"`).join('\n')}\n`;

function parquet(rows: number, rowGroupSize: number): Uint8Array {
  const data = Array.from({ length: rows }, (_, id) => id);
  const columnData = [{ name: 'id', data, type: 'INT32' as const }];
  return new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize }));
}

const small = { splitBytes: 400, blockBytes: 64 };

const CASES: Readonly<Record<string, Case>> = {
  sequence: { source: () => sequenceSource(-5, 3000) as never },
  collection: {
    source: () => collectionSource(Array.from({ length: 2000 }, (_, id) => id)) as never,
  },
  'async iterable': {
    source: () =>
      asyncIterableSource(async function* () {
        for (let id = 0; id < 2000; id++) yield id;
      }) as never,
  },
  datagen: { source: () => dataGeneratorSource({ generator: (n) => n * n, count: 3001 }) as never },
  'datagen at a rate': {
    source: () =>
      dataGeneratorSource({ generator: (n) => n, count: 500, ratePerSecond: 20_000 }) as never,
  },
  nexmark: { source: () => nexmarkSource({ eventsNum: 2500, rate: 100 }) as never },
  'nexmark bids at a rate': {
    source: () => nexmarkBidSource({ eventsNum: 700, rate: 100, ratePerSecond: 50_000 }) as never,
  },
  'JSON lines': {
    source: () => fileSource({ path: '/in', format: jsonLinesFormat(), ...small }) as never,
    files: { 'a.jsonl': Buffer.from(jsonLines), 'b.jsonl': Buffer.from(`${jsonLines}\n\n`) },
  },
  'lines that are too long': {
    source: () =>
      fileSource({
        path: '/in',
        format: jsonLinesFormat(),
        lineBytesMax: 40,
        splitBytes: 100,
        blockBytes: 16,
      }) as never,
    files: { 'a.jsonl': Buffer.from(jsonLines) },
  },
  'compressed JSON lines': {
    source: () => fileSource({ path: '/in', format: jsonLinesFormat(), ...small }) as never,
    files: { 'a.jsonl.gz': gzipSync(jsonLines), 'b.jsonl.gz': gzipSync(jsonLines) },
  },
  'CSV over several lines': {
    source: () =>
      fileSource({ path: '/in', format: csvFormat({ multiline: true }), ...small }) as never,
    files: { 'a.csv': Buffer.from(csv), 'b.csv': Buffer.from(csv) },
  },
  'CSV with a header': {
    source: () => fileSource({ path: '/in', format: csvFormat(), ...small }) as never,
    files: { 'a.csv': Buffer.from(csv.replaceAll('\nor', ' or')) },
  },
  parquet: {
    source: () => fileSource({ path: '/in', format: parquetFormat() }) as never,
    files: { 'a.parquet': parquet(7000, 3000), 'b.parquet': parquet(300, 100) },
  },
};

function worldOf({ files = {} }: Case, seed: number): SimulatedEnvironment {
  const environment = simulatedEnvironment({ seed });
  environment.fileSystem.makeDirectory('/in');
  for (const [name, bytes] of Object.entries(files)) {
    using file = environment.fileSystem.open(`/in/${name}`, 'write');
    file.append(bytes);
  }
  return environment;
}

function sorted(values: readonly unknown[]): string[] {
  return values
    .map((value) =>
      JSON.stringify(value, (_key, part: unknown) =>
        typeof part === 'bigint' ? `${part}n` : part,
      ),
    )
    .sort();
}

async function uninterrupted(each: Case): Promise<string[]> {
  const source = each.source() as unknown as AnySource;
  const run = new InterruptedRun(source, worldOf(each, 1), seededRandom(1));
  await run.start(1);
  await run.poll(Number.POSITIVE_INFINITY);
  await run.close();
  return sorted(run.emitted);
}

const steps = fc.array(
  fc.record({
    polls: fc.nat(12),
    /** Goes on from the last checkpoint, losing what came after it. */
    restore: fc.boolean(),
    replace: fc.boolean(),
    parallelism: fc.integer({ min: 1, max: 4 }),
  }),
  { minLength: 1, maxLength: 6 },
);

for (const [name, each] of Object.entries(CASES)) {
  test(`${name}: whatever interrupts the readers, each record comes exactly once`, async (t) => {
    const expected = await uninterrupted(each);
    t.true(expected.length >= 300, `${expected.length} records`);
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(), async (plan, seed) => {
        const source = each.source() as unknown as AnySource;
        const run = new InterruptedRun(source, worldOf(each, seed), seededRandom(seed));
        await run.start(plan[0]?.parallelism ?? 1);
        let checkpoint = run.checkpoint();
        for (const { polls, restore, replace, parallelism } of plan) {
          await run.poll(polls);
          if (!restore) checkpoint = run.checkpoint();
          if (replace) await run.replaceReader();
          await run.poll(polls);
          if (restore) await run.start(parallelism, checkpoint);
        }
        await run.start(plan[0]?.polls === 0 ? 3 : 1, checkpoint);
        await run.poll(Number.POSITIVE_INFINITY);
        await run.close();
        const found = sorted(run.emitted);
        if (found.length !== expected.length) throw new Error(`${found.length} records`);
        if (found.some((text, index) => text !== expected[index])) throw new Error('others');
      }),
      { numRuns: 40 },
    );
  });
}

test('the rate of a job does not change with the number of readers that go on', async (t) => {
  for (const parallelism of [1, 2, 3, 5]) {
    const environment = simulatedEnvironment({ seed: 1 });
    const source = dataGeneratorSource({ generator: (n) => n, count: 4000, ratePerSecond: 1000 });
    const run = new InterruptedRun(source, environment, seededRandom(1));
    await run.start(3);
    await run.poll(500);
    const checkpoint = run.checkpoint();
    const startMs = environment.clock.monotonicMs();
    await run.start(parallelism, checkpoint);
    await run.poll(Number.POSITIVE_INFINITY);
    const seconds = (environment.clock.monotonicMs() - startMs) / 1000;
    const rate = (4000 - checkpoint.emittedCount) / seconds;
    t.true(rate > 950 && rate < 1050, `${rate} per second with ${parallelism} readers`);
  }
});
