/** One contract for the native store and its model: both against a Map. */
import test from 'ava';
import fc from 'fast-check';
import type { FileSystem } from '../../base/environment.ts';
import { realEnvironment } from '../../base/real-environment.ts';
import { memoryFileSystem } from '../../base/memory-file-system.ts';
import { seededRandom } from '../../base/seeded-random.ts';
import type { SeededRandom } from '../../base/seeded-random.ts';
import { harperStoreFactory } from './harper-store.ts';
import { isSharedFile } from './key-value-store.ts';
import type { ColumnFamily, KeyValueStore, KeyValueStoreFactory } from './key-value-store.ts';
import { loadBinding } from './native-binding.ts';
import { modelStoreFactory } from './model-store.ts';

interface Candidate {
  readonly name: string;
  readonly runs: number;
  make(): { factory: KeyValueStoreFactory; fileSystem: FileSystem; folder: string };
}

const realFiles = realEnvironment().fileSystem;

const CANDIDATES: readonly Candidate[] = [
  {
    name: 'native',
    runs: 12,
    make: () => {
      const folder = realFiles.makeTemporaryDirectory('millrace-store-');
      return { factory: harperStoreFactory(realFiles), fileSystem: realFiles, folder };
    },
  },
  {
    name: 'model',
    runs: 60,
    make: () => {
      const fileSystem = memoryFileSystem({ now: () => 0 });
      return { factory: modelStoreFactory(fileSystem), fileSystem, folder: '/home/store' };
    },
  },
];

const MEMORY_BYTES = 4 << 20;
type Oracle = Map<string, Map<string, string>>;

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function put(family: ColumnFamily, key: string, value: string): void {
  family.ensureKey(key.length);
  family.ensureValue(value.length);
  family.key.set(bytesOf(key));
  family.value.set(bytesOf(value));
  family.put(key.length, value.length);
}

function get(family: ColumnFamily, key: string): string | undefined {
  family.ensureKey(key.length);
  family.key.set(bytesOf(key));
  const length = family.get(key.length);
  return length < 0 ? undefined : text(family.value, length);
}

function remove(family: ColumnFamily, key: string): void {
  family.ensureKey(key.length);
  family.key.set(bytesOf(key));
  family.delete(key.length);
}

function rows(family: ColumnFamily, first = '', end?: string): [string, string][] {
  using cursor = family.range(bytesOf(first), end === undefined ? undefined : bytesOf(end));
  const all: [string, string][] = [];
  while (cursor.next())
    all.push([text(family.key, cursor.keyLength), text(family.value, cursor.valueLength)]);
  return all;
}

function text(bytes: Uint8Array, length: number): string {
  return Buffer.from(bytes.subarray(0, length)).toString('latin1');
}

function sorted(map: ReadonlyMap<string, string>, first = '', end?: string): [string, string][] {
  return [...map]
    .filter(([key]) => key >= first && (end === undefined || key < end))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function randomText(random: SeededRandom, lengthMax: number): string {
  return Array.from({ length: random.below(lengthMax + 1) }, () =>
    String.fromCharCode(random.below(256)),
  ).join('');
}

/** A short key often, so that they come again; rarely one longer than the buffer. */
function randomKey(random: SeededRandom): string {
  if (random.below(60) === 0) return `long${'k'.repeat(1000 + random.below(1500))}`;
  return String.fromCharCode(random.below(256), random.below(3)) + 'x'.repeat(random.below(2));
}

function randomValue(random: SeededRandom): string {
  if (random.below(60) === 0) return 'v'.repeat(16_000 + random.below(30_000));
  return randomText(random, 40);
}

function check(
  t: { deepEqual(a: unknown, b: unknown): unknown },
  store: KeyValueStore,
  oracle: Oracle,
): void {
  t.deepEqual(store.columnFamilies(), [...oracle.keys()].toSorted());
  for (const [name, map] of oracle) t.deepEqual(rows(store.columnFamily(name)), sorted(map));
}

for (const { name, runs, make } of CANDIDATES) {
  test(`${name}: does what a Map does, through flushes, checkpoints and reopening`, async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const random = seededRandom(seed);
        const { factory, fileSystem, folder } = make();
        let store = factory.open({ folder: `${folder}/0`, memoryBytes: MEMORY_BYTES });
        const oracle: Oracle = new Map();
        let checkpoints = 0;
        for (let step = 0; step < 300; step++) {
          const familyName = `operator-${random.below(3)}`;
          const map = oracle.get(familyName) ?? new Map<string, string>();
          oracle.set(familyName, map);
          const family = store.columnFamily(familyName);
          const key = randomKey(random);
          const choice = random.below(100);
          if (choice < 50) {
            const value = randomValue(random);
            put(family, key, value);
            map.set(key, value);
          } else if (choice < 65) {
            remove(family, key);
            map.delete(key);
          } else if (choice < 85) {
            t.is(get(family, key), map.get(key));
          } else if (choice < 93) {
            const [first = '', end = ''] = [randomKey(random), randomKey(random)].toSorted();
            t.deepEqual(rows(family, first, end), sorted(map, first, end));
          } else if (choice < 96) {
            await store.flush();
          } else if (choice === 96) {
            store.dropColumnFamily(familyName);
            oracle.delete(familyName);
          } else {
            const target = `${folder}/${++checkpoints}`;
            const files = await store.checkpoint(target);
            t.true(files.length > 0);
            store.close();
            fileSystem.remove(store.folder);
            store = factory.open({ folder: target, memoryBytes: MEMORY_BYTES });
          }
        }
        check(t, store, oracle);
        store.close();
        fileSystem.remove(folder);
      }),
      { numRuns: runs },
    );
  });

  test(`${name}: a checkpoint keeps what it had, and shares its tables with later ones`, async (t) => {
    const { factory, fileSystem, folder } = make();
    const store = factory.open({ folder: `${folder}/work`, memoryBytes: MEMORY_BYTES });
    const family = store.columnFamily('a');
    for (let i = 0; i < 1000; i++) put(family, `key-${i}`, `first-${i}`);
    const first = await store.checkpoint(`${folder}/first`);
    put(family, 'key-1', 'second');
    const second = await store.checkpoint(`${folder}/second`);
    put(family, 'key-1', 'third');
    const shared = first.filter((file) => isSharedFile(file) && second.includes(file));
    t.true(shared.length > 0);
    for (const file of shared)
      t.deepEqual(
        read(fileSystem, `${folder}/first/${file}`),
        read(fileSystem, `${folder}/second/${file}`),
      );
    store.close();
    fileSystem.remove(`${folder}/work`);
    for (const [name, value] of [
      ['first', 'first-1'],
      ['second', 'second'],
    ] as const) {
      using old = factory.open({ folder: `${folder}/${name}`, memoryBytes: MEMORY_BYTES });
      t.is(get(old.columnFamily('a'), 'key-1'), value);
      t.is(get(old.columnFamily('a'), 'key-2'), 'first-2');
    }
    fileSystem.remove(folder);
  });

  test(`${name}: a checkpoint to a folder that exists is refused`, async (t) => {
    const { factory, fileSystem, folder } = make();
    using store = factory.open({ folder: `${folder}/work`, memoryBytes: MEMORY_BYTES });
    put(store.columnFamily('a'), 'key', 'value');
    fileSystem.makeDirectory(`${folder}/taken`);
    await t.throwsAsync(store.checkpoint(`${folder}/taken`), { code: 'STATE_STORE_FAILED' });
    t.is(get(store.columnFamily('a'), 'key'), 'value');
  });

  test(`${name}: statistics tell keys and bytes`, async (t) => {
    const { factory, fileSystem, folder } = make();
    const store = factory.open({ folder, memoryBytes: MEMORY_BYTES });
    const family = store.columnFamily('a');
    for (let i = 0; i < 500; i++) put(family, `key-${i}`, 'v'.repeat(100));
    t.true(store.statistics().writeBufferBytes > 40_000);
    await store.flush();
    const { keysEstimate, fileBytes, isWriteStopped } = store.statistics();
    t.is(keysEstimate, 500);
    t.true(fileBytes > 50_000);
    t.false(isWriteStopped);
    store.close();
    fileSystem.remove(folder);
  });
}

test('model: what is in no checkpoint is lost with a crash', async (t) => {
  const fileSystem = memoryFileSystem({ now: () => 0 });
  const factory = modelStoreFactory(fileSystem);
  const store = factory.open({ folder: '/home/work', memoryBytes: 1000 });
  put(store.columnFamily('a'), 'key', 'value');
  await store.flush();
  fileSystem.crash();
  const again = factory.open({ folder: '/home/work', memoryBytes: 1000 });
  t.deepEqual(again.columnFamilies(), []);
});

test('model: a write during a checkpoint is refused', async (t) => {
  const fileSystem = memoryFileSystem({ now: () => 0 });
  const store = modelStoreFactory(fileSystem).open({ folder: '/home/work', memoryBytes: 1000 });
  const family = store.columnFamily('a');
  put(family, 'key', 'value');
  const checkpoint = store.checkpoint('/home/checkpoint');
  t.throws(() => put(family, 'key', 'later'), { code: 'STATE_STORE_FAILED' });
  await checkpoint;
  put(family, 'key', 'later');
  t.is(get(family, 'key'), 'later');
});

test('a damaged run of the model is refused', async (t) => {
  const fileSystem = memoryFileSystem({ now: () => 0 });
  const factory = modelStoreFactory(fileSystem);
  const store = factory.open({ folder: '/home/work', memoryBytes: 1000 });
  put(store.columnFamily('a'), 'key', 'value');
  const files = await store.checkpoint('/home/checkpoint');
  const run = `/home/checkpoint/${files.find(isSharedFile)}`;
  const bytes = read(fileSystem, run);
  bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
  fileSystem.remove(run);
  using file = fileSystem.open(run, 'write');
  file.append(bytes);
  t.throws(() => factory.open({ folder: '/home/checkpoint', memoryBytes: 1000 }), {
    code: 'STATE_STORE_FAILED',
    message: /damaged/,
  });
});

test('without a binding the message names the reason and the heap backend', (t) => {
  const missing = Object.assign(new Error('not found'), { code: 'MODULE_NOT_FOUND' });
  const fail = (error: Error) => (): unknown => {
    throw error;
  };
  const expected = { code: 'STATE_BACKEND_UNAVAILABLE' };
  t.throws(() => loadBinding('sunos-sparc', fail(missing)), {
    ...expected,
    message: /no binding for sunos-sparc.*'heap'/,
  });
  t.throws(() => loadBinding('linux-x64', fail(missing)), {
    ...expected,
    message: /rocksdb-js-linux-x64-glibc'.*not installed.*'heap'/,
  });
  t.throws(() => loadBinding('darwin-arm64', fail(new Error('bad image'))), {
    ...expected,
    message: /does not load: bad image.*'heap'/,
  });
});

function read(fileSystem: FileSystem, path: string): Uint8Array {
  using file = fileSystem.open(path, 'read');
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0, bytes.length, 0);
  return bytes;
}
