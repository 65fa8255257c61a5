import test from 'ava';
import { hasErrorCode } from '../../base/errors.ts';
import type { FaultPoint } from '../../base/fault-points.ts';
import { hashKey } from '../../base/hash.ts';
import { simulatedEnvironment } from '../../base/simulated-environment.ts';
import { readSegment } from '../segment/segment-reader.ts';
import type { KeyedStateHandle, SnapshotKind } from '../snapshot.ts';
import { testBackendContract } from '../testing/backend-contract.test-kit.ts';
import { MAX_PARALLELISM } from '../testing/backend-model.ts';
import { MemorySnapshots } from '../testing/memory-snapshots.ts';
import { heapBackend } from './heap-backend.ts';
import type { HeapBackend } from './heap-backend.ts';

testBackendContract('heap', {
  make: (keyGroups) =>
    heapBackend({
      maxParallelism: MAX_PARALLELISM,
      keyGroups,
      operatorName: 'operator',
      environment: simulatedEnvironment({ seed: 1 }),
      memoryBytes: 1 << 20,
    }),
  storage: () => new MemorySnapshots(),
});

interface Parts {
  readonly backend: HeapBackend;
  readonly storage: MemorySnapshots;
  readonly points: FaultPoint[];
}

function make(keyGroups = { first: 0, last: MAX_PARALLELISM - 1 }): Parts {
  const points: FaultPoint[] = [];
  const environment = {
    ...simulatedEnvironment({ seed: 1 }),
    faultPoint: (point: FaultPoint) => void points.push(point),
  };
  const backend = heapBackend({
    maxParallelism: MAX_PARALLELISM,
    keyGroups,
    operatorName: 'op',
    environment,
    memoryBytes: 1 << 20,
  });
  return { backend, storage: new MemorySnapshots(), points };
}

function put({ backend }: Parts, key: unknown, value: unknown): void {
  const { table } = backend.declare({ name: 'state', kind: 'value' });
  table.write(table.findOrInsert(key, hashKey(key)), value, key);
}

function take(
  { backend, storage }: Parts,
  checkpointId: number,
  kind: SnapshotKind = 'incremental',
  isSavepoint = false,
): KeyedStateHandle {
  const work = backend.snapshot({ checkpointId, kind, output: storage, isSavepoint });
  while (!work.step(0)) continue;
  return work.finishNow();
}

const pathsOf = ({ base, segments }: KeyedStateHandle): string[] =>
  [...(base?.kind === 'segments' ? base.files : []), ...segments].map(({ path }) => path);

test('a checkpoint names files of completed ones only', (t) => {
  const parts = make();
  put(parts, 'a', 1);
  const first = take(parts, 1);
  parts.backend.notifyCheckpointComplete(1);
  put(parts, 'b', 2);
  const second = take(parts, 2);
  t.deepEqual(pathsOf(second).slice(0, 1), pathsOf(first));
  put(parts, 'c', 3);
  const third = take(parts, 3);
  t.false(pathsOf(third).includes(pathsOf(second)[1] ?? ''), '2 is neither complete nor aborted');
  parts.backend.notifyCheckpointAborted(2);
  parts.backend.notifyCheckpointComplete(3);
  const fourth = take(parts, 4);
  t.deepEqual(pathsOf(fourth), pathsOf(third), 'nothing has changed: no new file');
  const restored = make();
  restored.backend.restore([fourth], parts.storage);
  t.is(restored.backend.declare({ name: 'state', kind: 'value' }).table.size, 3);
});

test('savepoints and full snapshots have files of their own, and no checkpoint names a savepoint’s', (t) => {
  const parts = make();
  put(parts, 'a', 1);
  const first = take(parts, 1);
  parts.backend.notifyCheckpointComplete(1);
  put(parts, 'b', 2);
  const savepoints = [take(parts, 2, 'canonical'), take(parts, 3, 'full', true)];
  for (const id of [2, 3]) parts.backend.notifyCheckpointComplete(id);
  const full = take(parts, 4, 'full');
  for (const handle of [...savepoints, full])
    t.false(pathsOf(handle).includes(pathsOf(first)[0] ?? ''));
  const incremental = take(parts, 5);
  t.deepEqual(pathsOf(incremental).slice(0, 1), pathsOf(first));
  t.is(pathsOf(incremental).length, 2, 'b is still new to the chain of checkpoints');
});

test('a new base is made when the changes are half as large, or many', (t) => {
  const parts = make();
  for (let key = 0; key < 20_000; key++) put(parts, key, key);
  let handle = take(parts, 1);
  let bases = 0;
  for (let id = 2; id < 80; id++) {
    parts.backend.notifyCheckpointComplete(id - 1);
    const few = id < 40 ? 1 : 3000;
    for (let key = 0; key < few; key++) put(parts, key, id);
    const next = take(parts, id);
    if (next.segments.length === 0) bases++;
    else t.is(next.segments.length, handle.segments.length + 1);
    t.true(next.segments.length <= 32);
    handle = next;
  }
  t.true(bases >= 5 && bases <= 15, `${bases}`);
});

test('the rows of a canonical snapshot ascend by unsigned hash, changes meanwhile or not', (t) => {
  const parts = make();
  for (let key = 0; key < 5000; key++) put(parts, key, key);
  const { backend, storage } = parts;
  const work = backend.snapshot({ checkpointId: 1, kind: 'canonical', output: storage });
  for (let key = 0; !work.step(0); key = (key + 501) % 5000) put(parts, key, 'changed');
  const seen: number[] = [];
  const fail = (): never => t.fail();
  for (const path of pathsOf(work.finishNow())) {
    const bytes = storage.files.get(path) as Uint8Array;
    const filter = { hashes: { first: 0, last: 2 ** 32 - 1 } };
    const take = (_section: unknown, hash: number): void => void seen.push(hash >>> 0);
    readSegment(bytes, filter, { drop: fail, remove: fail, put: take });
  }
  t.is(seen.length, 5000);
  t.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  );
});

test('a base in a store is refused with the remedy', (t) => {
  const { backend, storage } = make();
  const handle: KeyedStateHandle = {
    hashFirst: 0,
    hashLast: 2 ** 32 - 1,
    states: [],
    base: { kind: 'rocksdb', files: [], columnFamily: 'x', filter: undefined },
    segments: [],
  };
  const error = t.throws(() => backend.restore([handle], storage));
  t.true(hasErrorCode(error, 'STATE_INCOMPATIBLE'));
  t.regex(error?.message ?? '', /'op'.*canonical savepoint/);
});

test('the fault points of tables and files are passed in order', (t) => {
  const parts = make();
  put(parts, 'a', 1);
  parts.backend.declare({ name: 'other', kind: 'value' });
  take(parts, 1);
  t.deepEqual(parts.points, ['state.table-written', 'snapshot.file-written']);
});

test('an aborted snapshot leaves no file open', (t) => {
  const parts = make();
  for (let key = 0; key < 2000; key++) put(parts, key, key);
  const { backend, storage } = parts;
  const work = backend.snapshot({ checkpointId: 1, kind: 'incremental', output: storage });
  work.step(0);
  t.is(storage.openCount, 1);
  work.abort();
  t.is(storage.openCount, 0);
});

test('a backend that tracks nothing takes no snapshot and keeps no bits', (t) => {
  const backend = heapBackend({
    maxParallelism: MAX_PARALLELISM,
    keyGroups: { first: 0, last: 7 },
    operatorName: 'op',
    environment: simulatedEnvironment({ seed: 1 }),
    memoryBytes: 1,
    isTracking: false,
  });
  const { table } = backend.declare({ name: 'state', kind: 'value' });
  table.write(table.findOrInsert('a', hashKey('a')), 1);
  t.true(table.remove('a', hashKey('a')));
  const request = { checkpointId: 1, kind: 'full', output: new MemorySnapshots() } as const;
  t.true(
    hasErrorCode(
      t.throws(() => backend.snapshot(request)),
      'ILLEGAL_STATE',
    ),
  );
});

test('bytes in memory count objects, too', (t) => {
  const parts = make();
  const { backend } = parts;
  for (let key = 0; key < 1000; key++) put(parts, key, { text: 'x'.repeat(1000), n: key });
  t.true(backend.memoryBytes > 1_000_000, `${backend.memoryBytes}`);
});
