/**
 * What a savepoint must cost at least: each subtask's rows, as a native savepoint has them, are
 * read from end to end by a thread that writes them to one file and syncs it. Rows in RocksDB are
 * read through it, rows in segments as bytes. Prints one JSON line.
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
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { realEnvironment } from '../../src/base/real-environment.ts';
import { decodeManifest, MANIFEST_NAME } from '../../src/checkpoint/manifest.ts';
import { harperStoreFactory } from '../../src/state/rocksdb/harper-store.ts';
import type { ColumnFamily, KeyValueStore } from '../../src/state/rocksdb/key-value-store.ts';

/** A thread's part. */
interface Part {
  readonly folder: string;
  /** Undefined: there is no database. */
  readonly columnFamily: string | undefined;
  readonly segments: readonly string[];
  readonly bytes: number;
}

interface Outcome {
  readonly seconds: number;
  /** Those of databases. */
  readonly rows: number;
  readonly segmentBytes: number;
}

const BUFFER_BYTES = 2 ** 20;
const STORE_MEMORY_BYTES = 2 ** 28;

async function measure([url = '', bytes = '0']: readonly string[]): Promise<Outcome> {
  const savepoint = fileURLToPath(url);
  // On the same disk, so that files can be linked.
  const scratch = mkdtempSync(join(dirname(savepoint), 'raw-'));
  try {
    const parts = linkStates(savepoint, scratch);
    const each = parts.map((part) => ({ ...part, bytes: Number(bytes) / parts.length }));
    const outcomes = await Promise.all(each.map(runThread));
    return {
      seconds: Math.max(0, ...outcomes.map(({ seconds }) => seconds)),
      rows: outcomes.reduce((sum, { rows }) => sum + rows, 0),
      segmentBytes: outcomes.reduce((sum, { segmentBytes }) => sum + segmentBytes, 0),
    };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Each subtask's files in a folder of its own. */
function linkStates(savepoint: string, scratch: string): Omit<Part, 'bytes'>[] {
  const path = join(savepoint, MANIFEST_NAME);
  const { subtasks } = decodeManifest(readFileSync(path), path);
  const handles = subtasks.flatMap(({ operators }) =>
    operators.flatMap(({ keyed }) => keyed ?? []),
  );
  return handles.map(({ base, segments }) => {
    const folder = mkdtempSync(join(scratch, 'state-'));
    const database = base?.kind === 'rocksdb' ? base : undefined;
    for (const { name, file } of database?.files ?? []) {
      linkSync(join(savepoint, file.path), join(folder, name));
    }
    const inBase = base?.kind === 'segments' ? base.files : [];
    const files = [...inBase, ...segments].map((file) => join(savepoint, file.path));
    return { folder, columnFamily: database?.columnFamily, segments: files };
  });
}

function runThread(part: Part): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: part });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

function copy({ folder, columnFamily, segments, bytes }: Part): Outcome {
  using store = columnFamily === undefined ? undefined : openStore(folder);
  const family = store?.columnFamily(columnFamily as string);
  const startMs = performance.now();
  const file = new CopiedFile(`${folder}/copy`);
  const rows = family === undefined ? 0 : writeRows(family, file);
  let segmentBytes = 0;
  for (const segment of segments) segmentBytes += writeFile(segment, file);
  file.close(bytes);
  return { seconds: (performance.now() - startMs) / 1000, rows, segmentBytes };
}

function openStore(folder: string): KeyValueStore {
  const factory = harperStoreFactory(realEnvironment().fileSystem);
  return factory.open({ folder, memoryBytes: STORE_MEMORY_BYTES, isSource: true });
}

function writeRows(family: ColumnFamily, file: CopiedFile): number {
  let rows = 0;
  using cursor = family.range(new Uint8Array(0), undefined);
  for (; cursor.next(); rows++) {
    file.add(family.key, cursor.keyLength);
    file.add(family.value, cursor.valueLength);
  }
  return rows;
}

function writeFile(path: string, file: CopiedFile): number {
  const source = openSync(path, 'r');
  const buffer = new Uint8Array(BUFFER_BYTES);
  let bytes = 0;
  for (;;) {
    const length = readSync(source, buffer);
    if (length === 0) break;
    file.add(buffer, length);
    bytes += length;
  }
  closeSync(source);
  return bytes;
}

/** A file that is written in large pieces. */
class CopiedFile {
  readonly #file: number;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #length = 0;
  #written = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'w');
  }

  add(bytes: Uint8Array, length: number): void {
    if (this.#length + length > BUFFER_BYTES) this.#flush();
    this.#buffer.set(bytes.subarray(0, length), this.#length);
    this.#length += length;
  }

  /** Fills it up to `bytes` and syncs it. */
  close(bytes: number): void {
    this.#flush();
    while (this.#written < bytes) {
      this.#length = Math.min(BUFFER_BYTES, bytes - this.#written);
      this.#flush();
    }
    fsyncSync(this.#file);
    closeSync(this.#file);
  }

  #flush(): void {
    writeSync(this.#file, this.#buffer, 0, this.#length);
    this.#written += this.#length;
    this.#length = 0;
  }
}

if (isMainThread) console.log(JSON.stringify(await measure(process.argv.slice(2))));
else parentPort?.postMessage(copy(workerData as Part));
