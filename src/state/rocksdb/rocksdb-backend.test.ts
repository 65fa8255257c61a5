/** The contract of backends, and state that is many times as large as its memory. */
import test from 'ava';
import { hashKey } from '../../base/hash.ts';
import { seededRandom } from '../../base/seeded-random.ts';
import type { SeededRandom } from '../../base/seeded-random.ts';
import { heapBackend } from '../heap/heap-backend.ts';
import { hashRange, keyGroupFor, keyGroupRange, subtaskFor } from '../key-groups.ts';
import type { KeyedStateBackend, StateTable } from '../keyed-state-backend.ts';
import type { KeyedStateHandle, SnapshotKind } from '../snapshot.ts';
import { testBackendContract } from '../testing/backend-contract.test-kit.ts';
import { MAX_PARALLELISM } from '../testing/backend-model.ts';
import type { BackendUnderTest } from '../testing/backend-model.ts';
import type { RocksDBBackend } from './rocksdb-backend.ts';
import {
  placeInMemory,
  placeOnDisk,
  TestBackends,
} from './testing/backends-under-test.test-kit.ts';
import type { TestPlace } from './testing/backends-under-test.test-kit.ts';

function underTest(makePlace: () => TestPlace, memoryBytes: number): BackendUnderTest {
  let backends = new TestBackends(makePlace(), memoryBytes, MAX_PARALLELISM);
  test.after.always(`remove what is left of ${makePlace.name}, ${memoryBytes}`, () =>
    backends.remove(),
  );
  return {
    make: (keyGroups) => backends.make(keyGroups),
    storage: () => {
      backends.remove();
      backends = new TestBackends(makePlace(), memoryBytes, MAX_PARALLELISM);
      return backends.storage;
    },
    inPassing: (backend) => (backend as RocksDBBackend).maintain(1),
  };
}

testBackendContract('model store, no memory', underTest(placeInMemory, 0), 100);
testBackendContract('model store, some memory', underTest(placeInMemory, 600), 100);
testBackendContract('model store, all in memory', underTest(placeInMemory, 1 << 20), 40);
testBackendContract('native store, some memory', underTest(placeOnDisk, 600), 5);

const KEYS = 6000;
const MEMORY_BYTES = 60_000;
const BATCH = 64;

interface Row {
  readonly count: number;
  readonly text: string;
}

/**
 * An operator of some subtasks with a state that does not fit into memory and one that must stay
 * there.
 */
class Operator {
  readonly expected = new Map<number, Row>();
  subtasks: readonly RocksDBBackend[] = [];
  readonly #backends: TestBackends;
  readonly #random: SeededRandom;
  #checkpointId = 0;
  #completed: { handles: readonly KeyedStateHandle[]; expected: Map<number, Row> } | undefined;

  constructor(backends: TestBackends, random: SeededRandom) {
    this.#backends = backends;
    this.#random = random;
    this.start(1);
  }

  start(parallelism: number): void {
    for (const subtask of this.subtasks) subtask[Symbol.dispose]();
    this.subtasks = Array.from({ length: parallelism }, (_, index) => {
      const backend = this.#backends.make(keyGroupRange(index, MAX_PARALLELISM, parallelism));
      if (this.#completed !== undefined)
        backend.restore(this.#completed.handles, this.#backends.storage);
      return backend;
    });
    this.expected.clear();
    for (const [key, row] of this.#completed?.expected ?? []) this.expected.set(key, row);
  }

  /** Batches of updates and removals, with what a task does between them. */
  run(batches: number): void {
    for (let batch = 0; batch < batches; batch++) {
      const keys = Array.from({ length: BATCH }, () => this.#key());
      this.subtasks.forEach((backend, subtask) => {
        this.#update(
          backend,
          keys.filter((key) => this.#subtaskOf(key) === subtask),
        );
        backend.maintain(0.2);
      });
    }
  }

  async checkpoint(kind: SnapshotKind, end: 'complete' | 'abort' | 'give up'): Promise<void> {
    const checkpointId = ++this.#checkpointId;
    const output = this.#backends.storage;
    const works = this.subtasks.map((each) => each.snapshot({ checkpointId, kind, output }));
    const expected = new Map(this.expected);
    for (const work of works) {
      for (let slices = 0; slices < 3 && !work.step(0); slices++) this.run(2);
      if (end !== 'give up') while (!work.step(1)) this.run(1);
    }
    if (end === 'give up') for (const work of works) work.abort();
    else {
      const finishing = Promise.all(works.map((work) => work.finish()));
      this.run(2);
      const handles = structuredClone(await finishing);
      if (end === 'complete') this.#completed = { handles, expected };
    }
    for (const backend of this.subtasks) {
      if (end === 'complete') backend.notifyCheckpointComplete(checkpointId);
      else backend.notifyCheckpointAborted(checkpointId);
    }
  }

  get handles(): readonly KeyedStateHandle[] {
    return this.#completed?.handles ?? [];
  }

  get completedRows(): ReadonlyMap<number, Row> {
    return this.#completed?.expected ?? new Map<number, Row>();
  }

  /** All rows, as single reads and as a scan. */
  check(t: {
    deepEqual(a: unknown, b: unknown): unknown;
    is(a: unknown, b: unknown): unknown;
  }): void {
    checkRows(t, this.subtasks, this.expected);
    for (let i = 0; i < 200; i++) {
      const key = this.#key();
      const table = tableOf(this.subtasks[this.#subtaskOf(key)] as RocksDBBackend);
      const entry = table.find(key, hashKey(key));
      t.deepEqual(entry < 0 ? undefined : table.read(entry), this.expected.get(key));
    }
  }

  #update(backend: RocksDBBackend, keys: readonly number[]): void {
    const table = tableOf(backend);
    const counts = backend.declare({ name: 'resident', kind: 'value', resident: true }).table;
    const hashes = Int32Array.from(keys, hashKey);
    const entries = new Int32Array(keys.length);
    const isNew = new Uint8Array(keys.length);
    table.findOrInsertBatch([...keys], hashes, keys.length, entries, isNew);
    keys.forEach((key, i) => {
      const entry = entries[i] as number;
      const before = this.expected.get(key);
      const old = isNew[i] === 1 ? undefined : (table.read(entry) as Row);
      if (old?.count !== before?.count)
        throw new Error(`${key}: ${old?.count} of ${before?.count}`);
      const row = { count: (old?.count ?? 0) + 1, text: `text of ${key}` };
      table.write(entry, row, key);
      this.expected.set(key, row);
      const kept = counts.findOrInsert(key % 50, hashKey(key));
      counts.write(kept, row.count);
    });
    for (const key of keys) {
      if (this.#random.below(10) > 0) continue;
      const was = table.remove(key, hashKey(key));
      if (was !== this.expected.delete(key))
        throw new Error(`${key} was ${was ? '' : 'not '}there`);
    }
  }

  #key(): number {
    return this.#random.below(4) === 0 ? this.#random.below(100) : this.#random.below(KEYS);
  }

  #subtaskOf(key: number): number {
    const group = keyGroupFor(hashKey(key), MAX_PARALLELISM);
    return subtaskFor(group, MAX_PARALLELISM, this.subtasks.length);
  }
}

function tableOf(backend: KeyedStateBackend): StateTable {
  return backend.declare({ name: 'rows', kind: 'value' }).table;
}

function checkRows(
  t: { deepEqual(a: unknown, b: unknown): unknown; is(a: unknown, b: unknown): unknown },
  subtasks: readonly KeyedStateBackend[],
  expected: ReadonlyMap<number, Row>,
): void {
  const found = new Map<number, unknown>();
  for (const backend of subtasks) {
    const { first, last } = hashRange(backend.keyGroups, MAX_PARALLELISM);
    tableOf(backend).forEach((key, value, hash) => {
      if (hash >>> 0 < first || hash >>> 0 > last) throw new Error(`${String(key)} is another's`);
      if (found.has(key as number)) throw new Error(`${String(key)} is there twice`);
      found.set(key as number, value);
    });
  }
  t.is(found.size, expected.size);
  for (const [key, row] of expected) t.deepEqual(found.get(key), row);
}

for (const [name, makePlace, rounds] of [
  ['model', placeInMemory, 6],
  ['native', placeOnDisk, 4],
] as const) {
  test(`${name}: state ten times as large as its memory, through checkpoints, failures and rescaling`, async (t) => {
    const seed = 20_261_125;
    const backends = new TestBackends(makePlace(), MEMORY_BYTES, MAX_PARALLELISM);
    const random = seededRandom(seed);
    const operator = new Operator(backends, random);
    t.log(`seed ${seed}`);
    operator.run(150);
    for (let round = 0; round < rounds; round++) {
      const kind = (['incremental', 'incremental', 'full'] as const)[round % 3] as SnapshotKind;
      await operator.checkpoint(kind, 'complete');
      operator.run(20);
      await operator.checkpoint(
        'incremental',
        (['abort', 'give up'] as const)[round % 2] as 'abort',
      );
      operator.run(20);
      await operator.checkpoint('incremental', 'complete');
      operator.check(t);
      operator.run(10);
      operator.start([1, 1, 3, 2, 2, 1][round % 6] as number);
      operator.check(t);
      operator.run(10);
    }
    const { evictedRows, storeRows } = operator.subtasks[0]?.statistics ?? {
      evictedRows: 0,
      storeRows: 0,
    };
    t.true(evictedRows > 500 && storeRows > 1000, `${evictedRows} evicted, ${storeRows} below`);
    await operator.checkpoint('canonical', 'complete');
    checkHeap(t, operator, backends);
    operator.check(t);
    backends.remove();
  });
}

/** A canonical savepoint is readable by the heap backend, with all rows. */
function checkHeap(
  t: { deepEqual(a: unknown, b: unknown): unknown; is(a: unknown, b: unknown): unknown },
  operator: Operator,
  backends: TestBackends,
): void {
  const heap = heapBackend({
    maxParallelism: MAX_PARALLELISM,
    keyGroups: { first: 0, last: MAX_PARALLELISM - 1 },
    operatorName: 'operator',
    environment: backends.place.environment,
    memoryBytes: 1 << 30,
  });
  heap.restore(operator.handles, backends.storage);
  checkRows(t, [heap], operator.completedRows);
}

test('a state that fits into its memory opens no database, and its base is of segments', async (t) => {
  const backends = new TestBackends(placeInMemory(), 1 << 20, MAX_PARALLELISM);
  const operator = new Operator(backends, seededRandom(1));
  operator.run(5);
  await operator.checkpoint('incremental', 'complete');
  t.is(operator.handles[0]?.base?.kind, 'segments');
  t.is(operator.subtasks[0]?.statistics.putRows, 0);
});

test('tables of the database are handed over once', async (t) => {
  const backends = new TestBackends(placeInMemory(), MEMORY_BYTES, MAX_PARALLELISM);
  const operator = new Operator(backends, seededRandom(2));
  operator.run(150);
  await operator.checkpoint('incremental', 'complete');
  const first = operator.handles[0];
  operator.run(1);
  await operator.checkpoint('incremental', 'complete');
  const second = operator.handles[0];
  if (first?.base?.kind !== 'rocksdb' || second?.base?.kind !== 'rocksdb') return t.fail();
  const paths = new Set(first.base.files.map(({ file }) => file.path));
  const shared = second.base.files.filter(({ file }) => paths.has(file.path));
  t.true(shared.length > 0, `${shared.length} shared`);
});
