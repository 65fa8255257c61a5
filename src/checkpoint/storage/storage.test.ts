/** The contract of storages, on the simulated disk, the real one and in memory. */
import test from 'ava';
import { crc32 } from 'node:zlib';
import type { Environment, FileSystem } from '../../base/environment.ts';
import { fileError } from '../../base/file-error.ts';
import { realEnvironment } from '../../base/real-environment.ts';
import { seededRandom } from '../../base/seeded-random.ts';
import { simulatedEnvironment } from '../../base/simulated-environment.ts';
import type { CheckpointStorage } from '../checkpoint-storage.ts';
import { fileStorage, localPathOf } from './file-storage.ts';
import { discardMemoryStorage, memoryStorage } from './memory-storage.ts';
import { openStorage } from './open-storage.ts';

const A = new TextEncoder().encode('first');
const B = new TextEncoder().encode('second');

interface Subject {
  readonly environment: Environment;
  readonly storage: CheckpointStorage;
  readonly close: () => void;
}

let memories = 0;

const SUBJECTS: Readonly<Record<string, () => Subject>> = {
  'simulated disk': () => {
    const environment = simulatedEnvironment({ seed: 1 });
    return { environment, storage: fileStorage('/a/b', environment), close: () => undefined };
  },
  'real disk': () => {
    const environment = realEnvironment();
    const root = environment.fileSystem.makeTemporaryDirectory('millrace-storage-');
    return {
      environment,
      storage: fileStorage(`${root}/x/y`, environment),
      close: () => environment.fileSystem.remove(root),
    };
  },
  memory: () => {
    const environment = simulatedEnvironment({ seed: 1 });
    const url = `memory://test-${memories++}/folder`;
    return {
      environment,
      storage: memoryStorage(url, environment),
      close: () => discardMemoryStorage(url),
    };
  },
};

for (const [name, make] of Object.entries(SUBJECTS)) {
  test(`${name}: files are written, listed, measured and removed`, async (t) => {
    const { storage, close } = make();
    const writer = storage.writer('j/shared/one');
    writer.write(A);
    writer.write(B);
    const whole = new TextEncoder().encode('firstsecond');
    t.deepEqual(writer.close(), { path: 'j/shared/one', bytes: 11, checksum: crc32(whole) });
    const other = storage.writer('j/chk-1/two');
    other.write(A);
    other.close();
    await storage.sync(['j/shared/one', 'j/chk-1/two', 'j', '']);
    t.deepEqual([...(storage.read('j/shared/one') ?? [])], [...whole]);
    t.deepEqual(await storage.checksum('j/shared/one'), {
      path: 'j/shared/one',
      bytes: 11,
      checksum: crc32(whole),
    });
    t.deepEqual(storage.list('', 'files'), ['j/chk-1/two', 'j/shared/one']);
    t.deepEqual(storage.list('j/shared', 'files'), ['j/shared/one']);
    t.deepEqual(storage.list('j', 'names'), ['chk-1', 'shared']);
    t.deepEqual(
      [storage.list('', 'names'), storage.list('none', 'names'), storage.list('none', 'files')],
      [['j'], [], []],
    );
    storage.remove('j/chk-1');
    t.deepEqual(storage.list('', 'files'), ['j/shared/one']);
    storage.remove('j/shared/one');
    storage.remove('j/shared/one');
    t.is(storage.read('j/shared/one'), undefined);
    t.is(await storage.checksum('j/shared/one'), undefined);
    close();
  });

  test(`${name}: a writer refuses a name that is taken, and an aborted one leaves nothing`, (t) => {
    const { storage, close } = make();
    const writer = storage.writer('one');
    writer.write(A);
    writer.close();
    t.throws(() => storage.writer('one'), { code: 'FILE_FAILED' });
    const aborted = storage.writer('two');
    aborted.write(A);
    aborted.abort();
    t.deepEqual(storage.list('', 'files'), ['one']);
    close();
  });

  test(`${name}: exclusive creation has one winner and leaves only its file`, async (t) => {
    const { storage, close } = make();
    const wins = await Promise.all(
      [A, B, A, B].map((bytes) => storage.createExclusive('j/lock-1', bytes)),
    );
    t.is(wins.filter(Boolean).length, 1);
    const winner = [A, B, A, B][wins.indexOf(true)];
    t.deepEqual([...(storage.read('j/lock-1') ?? [])], [...(winner as Uint8Array)]);
    t.false(await storage.createExclusive('j/lock-1', A));
    t.deepEqual(storage.list('', 'files'), ['j/lock-1']);
    close();
  });

  test(`${name}: a finished local file is taken over`, async (t) => {
    const { storage, environment, close } = make();
    const folder = environment.fileSystem.makeTemporaryDirectory('adopt-');
    t.teardown(() => environment.fileSystem.remove(folder));
    const local = `${folder}/file`;
    using file = environment.fileSystem.open(local, 'write');
    const bytes = new Uint8Array(3_000_000).map((_, index) => index);
    file.append(bytes);
    const adopted = await storage.adopt(local, 'j/shared/sst');
    t.deepEqual(adopted, { path: 'j/shared/sst', bytes: bytes.length, checksum: crc32(bytes) });
    environment.fileSystem.remove(local);
    t.is(crc32(storage.read('j/shared/sst') ?? A), crc32(bytes));
    close();
  });

  test(`${name}: syncing what is not there fails`, async (t) => {
    const { storage, close } = make();
    await t.throwsAsync(storage.sync(['j/none']), { code: 'FILE_NOT_FOUND' });
    close();
  });

  test(`${name}: paths that lead out are refused by every call`, async (t) => {
    const { storage, environment, close } = make();
    const bad = ['', '.', '..', '/etc/passwd', '../x', 'a/../../x', 'a/./b', 'a//b', 'a/', 'a\\b'];
    bad.push('a\0b', 'a\nb', `a/${'x'.repeat(256)}`, 'x/'.repeat(3000));
    for (const path of bad) {
      const expected = { code: 'ILLEGAL_ARGUMENT' };
      t.throws(() => storage.writer(path), expected, path);
      t.throws(() => storage.read(path), expected, path);
      t.throws(() => storage.remove(path), expected, path);
      await t.throwsAsync(storage.createExclusive(path, A), expected, path);
      await t.throwsAsync(storage.checksum(path), expected, path);
      await t.throwsAsync(storage.adopt('/tmp/none', path), expected, path);
      if (path !== '') {
        await t.throwsAsync(storage.sync([path]), expected, path);
        t.throws(() => storage.list(path, 'files'), expected, path);
        t.throws(() => storage.list(path, 'names'), expected, path);
      }
    }
    t.true(environment.fileSystem.stat('/etc/passwd')?.kind !== 'directory');
    close();
  });
}

test('what was synced survives a crash with all folders above it', async (t) => {
  for (let seed = 0; seed < 50; seed++) {
    const environment = simulatedEnvironment({ seed });
    const storage = fileStorage('/deep/er/root', environment);
    const writer = storage.writer('j/shared/one');
    writer.write(A);
    writer.close();
    await storage.sync(['j/shared/one']);
    environment.fileSystem.crash(seed === 0 ? undefined : seededRandom(seed));
    t.deepEqual([...(storage.read('j/shared/one') ?? [])], [...A], `seed ${seed}`);
    t.true(await storage.createExclusive('j/chk-1/_metadata', B));
    environment.fileSystem.crash(seed === 0 ? undefined : seededRandom(seed));
    t.deepEqual([...(storage.read('j/chk-1/_metadata') ?? [])], [...B], `seed ${seed}`);
  }
});

test('a folder that was removed and made again is made durable again', async (t) => {
  const environment = simulatedEnvironment({ seed: 1 });
  const storage = fileStorage('/root', environment);
  await storage.createExclusive('j/chk-1/_metadata', A);
  storage.remove('j');
  await storage.createExclusive('j/chk-1/_metadata', B);
  environment.fileSystem.crash();
  t.deepEqual([...(storage.read('j/chk-1/_metadata') ?? [])], [...B]);
});

test('a file is copied where the system cannot link', async (t) => {
  const environment = simulatedEnvironment({ seed: 1 });
  const fileSystem: FileSystem = Object.assign(
    Object.create(environment.fileSystem) as FileSystem,
    {
      link(path: string): void {
        throw fileError({ operation: 'link', path, system: 'EXDEV' });
      },
    },
  );
  const bound = bindAll(environment.fileSystem, fileSystem);
  using file = environment.fileSystem.open('/tmp/local', 'write');
  file.append(A);
  const storage = fileStorage('/root', { ...environment, fileSystem: bound });
  t.deepEqual(await storage.adopt('/tmp/local', 'x'), { path: 'x', bytes: 5, checksum: crc32(A) });
  t.deepEqual([...(storage.read('x') ?? [])], [...A]);
});

/** A file system that answers as `changed` does, on the fields of `original`. */
function bindAll(original: FileSystem, changed: FileSystem): FileSystem {
  return new Proxy(original, {
    get(target, name): unknown {
      if (Object.hasOwn(changed, name)) return Reflect.get(changed, name);
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

test('full and failing disks surface as the errors of the file system', async (t) => {
  const environment = simulatedEnvironment({ seed: 1 });
  const storage = fileStorage('/root', environment);
  environment.fileSystem.capacityBytes = 3;
  await t.throwsAsync(storage.createExclusive('a', A), { message: /ENOSPC/ });
  t.deepEqual(storage.list('', 'files'), []);
  const writer = storage.writer('b');
  t.throws(() => writer.write(A), { message: /ENOSPC/ });
  writer.abort();
  environment.fileSystem.capacityBytes = 1000;
  environment.fileSystem.fault = (operation) => (operation === 'sync' ? 'EIO' : undefined);
  await t.throwsAsync(storage.createExclusive('a', A), { message: /EIO/ });
  t.deepEqual(storage.list('', 'files'), []);
});

test('a storage is found by its scheme', (t) => {
  const environment = simulatedEnvironment({ seed: 1 });
  t.is(openStorage('/a b/ü', environment).url, 'file:///a%20b/%C3%BC');
  t.is(localPathOf(openStorage('file:///a%20b', environment), 'x'), '/a b/x');
  t.is(localPathOf(openStorage('memory://m', environment), 'x'), undefined);
  t.is(openStorage('relative', environment).url, 'file:///home/relative');
  t.is(openStorage('memory://m', environment).url, 'memory://m');
  for (const url of ['s3://bucket/x', 'constructor://x', 'file://host/x']) {
    const error = t.throws(() => openStorage(url, environment), { code: 'CONFIG_INVALID' });
    t.regex(error?.message ?? '', /file:\/\//);
  }
});

test('memory is shared by name until it is discarded', (t) => {
  const environment = simulatedEnvironment({ seed: 1 });
  const writer = openStorage('memory://shared', environment).writer('j/one');
  writer.write(A);
  writer.close();
  t.deepEqual(openStorage('memory://shared/j', environment).list('', 'files'), ['one']);
  t.is(openStorage('memory://shared/j', environment).read('one')?.length, A.length);
  discardMemoryStorage('memory://shared/j');
  t.deepEqual(openStorage('memory://shared', environment).list('', 'files'), []);
});
