/**
 * What a savepoint of the rows of RocksDB must cost at least: each subtask's database, as a native savepoint has it, is read from
 * end to end by a thread that writes the rows to one file and syncs it. Prints one JSON line.
 *
 *     node raw-savepoint.ts <URL of a native savepoint> <bytes to write in all>
 */
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { realEnvironment } from '../../src/base/real-environment.ts';
import { decodeManifest, MANIFEST_NAME } from '../../src/checkpoint/manifest.ts';
import { harperStoreFactory } from '../../src/state/rocksdb/harper-store.ts';
import type { ColumnFamily } from '../../src/state/rocksdb/key-value-store.ts';

/** A thread's part. */
interface Part {
  readonly folder: string;
  readonly columnFamily: string;
  readonly bytes: number;
}

interface Outcome {
  readonly seconds: number;
  readonly rows: number;
}

const BUFFER_BYTES = 2 ** 20;
const STORE_MEMORY_BYTES = 2 ** 28;

if (isMainThread) console.log(JSON.stringify(await measure(process.argv.slice(2))));
else parentPort?.postMessage(copy(workerData as Part));

async function measure([url = '', bytes = '0']: readonly string[]): Promise<Outcome> {
  const savepoint = fileURLToPath(url);
  // On the same disk, so that files can be linked.
  const scratch = mkdtempSync(join(dirname(savepoint), 'raw-'));
  try {
    const parts = linkDatabases(savepoint, scratch);
    const each = parts.map((part) => ({ ...part, bytes: Number(bytes) / parts.length }));
    const outcomes = await Promise.all(each.map(runThread));
    return {
      seconds: Math.max(0, ...outcomes.map(({ seconds }) => seconds)),
      rows: outcomes.reduce((sum, { rows }) => sum + rows, 0),
    };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Each subtask's database in a folder of its own. */
function linkDatabases(savepoint: string, scratch: string): Omit<Part, 'bytes'>[] {
  const path = join(savepoint, MANIFEST_NAME);
  const { subtasks } = decodeManifest(readFileSync(path), path);
  const bases = subtasks.flatMap(({ operators }) =>
    operators.flatMap(({ keyed }) => (keyed?.base?.kind === 'rocksdb' ? [keyed.base] : [])),
  );
  return bases.map(({ files, columnFamily }) => {
    const folder = mkdtempSync(join(scratch, 'db-'));
    for (const { name, file } of files) linkSync(join(savepoint, file.path), join(folder, name));
    return { folder, columnFamily };
  });
}

function runThread(part: Part): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: part });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

function copy({ folder, columnFamily, bytes }: Part): Outcome {
  const { fileSystem } = realEnvironment();
  const factory = harperStoreFactory(fileSystem);
  using store = factory.open({ folder, memoryBytes: STORE_MEMORY_BYTES, isSource: true });
  const family = store.columnFamily(columnFamily);
  const file = openSync(`${folder}/copy`, 'w');
  const startMs = performance.now();
  const rows = writeRows(family, file, bytes);
  fsyncSync(file);
  const seconds = (performance.now() - startMs) / 1000;
  closeSync(file);
  return { seconds, rows };
}

/** All rows, and if they have fewer bytes than wanted, filling behind them. */
function writeRows(family: ColumnFamily, file: number, bytes: number): number {
  const buffer = new Uint8Array(BUFFER_BYTES);
  let [rows, written, length] = [0, 0, 0];
  const flush = (): void => {
    writeSync(file, buffer, 0, length);
    written += length;
    length = 0;
  };
  using cursor = family.range(new Uint8Array(0), undefined);
  while (cursor.next()) {
    rows++;
    const { keyLength, valueLength } = cursor;
    if (length + keyLength + valueLength > BUFFER_BYTES) flush();
    buffer.set(family.key.subarray(0, keyLength), length);
    buffer.set(family.value.subarray(0, valueLength), length + keyLength);
    length += keyLength + valueLength;
  }
  flush();
  while (written < bytes) {
    length = Math.min(BUFFER_BYTES, bytes - written);
    flush();
  }
  return rows;
}
