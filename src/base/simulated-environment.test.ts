import test from 'ava';
import fc from 'fast-check';
import type { FileSystem } from './environment.ts';
import { seededRandom } from './seeded-random.ts';
import { type SimulatedEnvironment, simulatedEnvironment } from './simulated-environment.ts';

test('time stands still until it is advanced, and jumps to the next timer', (t) => {
  const { clock } = simulatedEnvironment({ seed: 1, startMs: 1000 });
  const fired: number[] = [];
  clock.setTimer(500, () => fired.push(clock.now()));
  clock.setTimer(86_400_000, () => fired.push(clock.now()));
  t.is(clock.nextTimerMs(), 1500);
  t.true(clock.advanceToNextTimer());
  t.true(clock.runNextTimer());
  t.deepEqual(fired, [1500, 86_401_000]);
  t.false(clock.advanceToNextTimer());
  t.is(clock.pendingTimers, 0);
});

test('a timer that re-arms itself lets time pass', (t) => {
  const { clock } = simulatedEnvironment({ seed: 1, startMs: 0 });
  let count = 0;
  const rearm = (): void => {
    count++;
    clock.setTimer(0, rearm);
  };
  clock.setTimer(0, rearm);
  clock.advanceBy(100);
  t.is(count, 100);
});

test('time does not go back', (t) => {
  const { clock } = simulatedEnvironment({ seed: 1, startMs: 1000 });
  t.throws(() => clock.advanceTo(999), { code: 'BUG' });
});

test('the order of those that yield is a function of the seed, and seeds differ', async (t) => {
  const orders = await Promise.all([1, 1, 2, 3].map((seed) => orderOfYields(seed)));
  t.deepEqual(orders[0], orders[1]);
  t.true(new Set(orders.map(String)).size > 1);
});

test('nobody who yields is overtaken by a whole round', async (t) => {
  for (let seed = 0; seed < 20; seed++) {
    const order = await orderOfYields(seed);
    for (let round = 0; round < 3; round++) {
      const names = order.slice(round * 4, round * 4 + 4);
      t.is(new Set(names).size, 4, `seed ${seed}: ${order}`);
    }
  }
});

test('a crash leaves what was synced, by name and by content', (t) => {
  const { fileSystem } = simulatedEnvironment({ seed: 1 });
  put(fileSystem, '/home/kept', 'durable', 'sync');
  fileSystem.syncDirectory('/home');
  put(fileSystem, '/home/kept', ' lost', 'leave');
  put(fileSystem, '/home/nameless', 'synced content, unsynced name', 'sync');
  fileSystem.crash();
  t.deepEqual(fileSystem.list('/home'), ['kept']);
  t.is(contentOf(fileSystem, '/home/kept'), 'durable');
});

test('a crash undoes an unsynced rename and an unsynced removal', (t) => {
  const { fileSystem } = simulatedEnvironment({ seed: 1 });
  put(fileSystem, '/home/a', '1', 'sync');
  put(fileSystem, '/home/b', '2', 'sync');
  fileSystem.syncDirectory('/home');
  fileSystem.rename('/home/a', '/home/c');
  fileSystem.remove('/home/b');
  fileSystem.crash();
  t.deepEqual(fileSystem.list('/home'), ['a', 'b']);
});

test('a crash undoes an unsynced truncation', (t) => {
  const { fileSystem } = simulatedEnvironment({ seed: 1 });
  put(fileSystem, '/home/a', 'before', 'sync');
  fileSystem.syncDirectory('/home');
  using file = fileSystem.open('/home/a', 'write');
  t.is(file.size(), 0);
  fileSystem.crash();
  t.is(contentOf(fileSystem, '/home/a'), 'before');
});

test('a crash makes open handles unusable', (t) => {
  const { fileSystem } = simulatedEnvironment({ seed: 1 });
  using file = fileSystem.open('/home/a', 'write');
  fileSystem.crash();
  t.throws(() => file.append(Uint8Array.of(1)), { code: 'FILE_FAILED' });
});

test('a torn crash keeps a prefix of what was written, perhaps with zeros, and all of what was synced', (t) => {
  const property = fc.property(fc.maxSafeInteger(), fc.string(), fc.string(), (seed, one, two) => {
    const { fileSystem } = simulatedEnvironment({ seed: 1 });
    put(fileSystem, '/home/a', one, 'sync');
    fileSystem.syncDirectory('/home');
    put(fileSystem, '/home/a', two, 'leave');
    const whole = contentBytes(fileSystem, '/home/a');
    fileSystem.crash(seededRandom(seed));
    const left = contentBytes(fileSystem, '/home/a');
    const synced = new TextEncoder().encode(one).length;
    const isPrefix = left.every(
      (byte, index) => byte === whole[index] || (index >= synced && byte === 0),
    );
    return isPrefix && left.length >= synced;
  });
  fc.assert(property);
  t.pass();
});

test('a full disk refuses with ENOSPC and keeps what is there', (t) => {
  const { fileSystem } = simulatedEnvironment({ seed: 1 });
  fileSystem.capacityBytes = 4;
  using file = fileSystem.open('/home/a', 'write');
  file.append(Uint8Array.of(1, 2, 3));
  const error = t.throws(() => file.append(Uint8Array.of(4, 5)), { code: 'FILE_FAILED' });
  t.like(error, { details: { system: 'ENOSPC' } });
  t.is(file.size(), 3);
  t.is(fileSystem.usedBytes(), 3);
});

test('an injected fault fails the operation and changes nothing', (t) => {
  const { fileSystem } = simulatedEnvironment({ seed: 1 });
  fileSystem.fault = (operation, path) =>
    operation === 'rename' && path === '/home/a' ? 'EIO' : undefined;
  put(fileSystem, '/home/a', 'x', 'leave');
  const error = t.throws(() => fileSystem.rename('/home/a', '/home/b'), { code: 'FILE_FAILED' });
  t.like(error, { details: { system: 'EIO', operation: 'rename' } });
  t.deepEqual(fileSystem.list('/home'), ['a']);
});

test('a broken connection fails on both sides', async (t) => {
  const { network } = simulatedEnvironment({ seed: 1 });
  const accepted = Promise.withResolvers<AsyncIterable<Uint8Array>>();
  const listener = await network.listen('127.0.0.1', 0, (peer) => accepted.resolve(peer.chunks));
  const connection = await network.connect('127.0.0.1', listener.port);
  const peerChunks = await accepted.promise;
  network.breakConnections();
  for (const chunks of [connection.chunks, peerChunks]) {
    await t.throwsAsync(() => allOf(chunks), { code: 'NETWORK_FAILED' });
  }
  await t.throwsAsync(() => connection.write(Uint8Array.of(1)), { code: 'NETWORK_FAILED' });
});

test('a writer waits until its peer reads', async (t) => {
  const { network, scheduler } = simulatedEnvironment({ seed: 1 });
  const accepted = Promise.withResolvers<AsyncIterable<Uint8Array>>();
  const listener = await network.listen('127.0.0.1', 0, (peer) => accepted.resolve(peer.chunks));
  const connection = await network.connect('127.0.0.1', listener.port);
  let isWritten = false;
  const writing = (async () => {
    await connection.write(new Uint8Array(200_000));
    isWritten = true;
  })();
  for (let turn = 0; turn < 20; turn++) await scheduler.yield();
  t.false(isWritten);
  const reading = allOf(await accepted.promise);
  await writing;
  t.true(isWritten);
  await connection.close();
  const size = (await reading).reduce((sum, chunk) => sum + chunk.length, 0);
  t.is(size, 200_000);
});

test('two worlds from one seed do the same, byte for byte', async (t) => {
  t.deepEqual(await chunkSizes(simulatedEnvironment({ seed: 9 })), [
    ...(await chunkSizes(simulatedEnvironment({ seed: 9 }))),
  ]);
});

async function orderOfYields(seed: number): Promise<readonly string[]> {
  const { scheduler } = simulatedEnvironment({ seed });
  const order: string[] = [];
  const run = async (name: string): Promise<void> => {
    for (let turn = 0; turn < 3; turn++) {
      await scheduler.yield();
      order.push(name);
    }
  };
  await Promise.all(['a', 'b', 'c', 'd'].map(run));
  return order;
}

async function allOf(chunks: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

async function chunkSizes(environment: SimulatedEnvironment): Promise<readonly number[]> {
  const { network } = environment;
  const listener = await network.listen('127.0.0.1', 0, (peer) => {
    void peer.write(new Uint8Array(5000)).then(() => peer.close());
  });
  const connection = await network.connect('127.0.0.1', listener.port);
  const sizes: number[] = [];
  for await (const chunk of connection.chunks) sizes.push(chunk.length);
  return sizes;
}

function put(files: FileSystem, path: string, value: string, then: 'sync' | 'leave'): void {
  using file = files.open(path, 'append');
  file.append(new TextEncoder().encode(value));
  if (then === 'sync') file.sync();
}

function contentBytes(files: FileSystem, path: string): Uint8Array {
  using file = files.open(path, 'read');
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0, bytes.length, 0);
  return bytes;
}

function contentOf(files: FileSystem, path: string): string {
  return new TextDecoder().decode(contentBytes(files, path));
}
