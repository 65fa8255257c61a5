import test from 'ava';
import type { FileSystem } from './environment.ts';
import { faultPoints } from './fault-points.ts';
import { seededRandom } from './seeded-random.ts';
import { type FaultRates, NO_FAULTS, swarmFaultRates } from './simulated-faults.ts';
import { SimulatedMachine } from './simulated-machine.ts';

const MANY = 1_000_000;

function machineWith(faults: Partial<FaultRates>, seed = 1): SimulatedMachine {
  return new SimulatedMachine({ seed, faults: { ...NO_FAULTS, faultsMax: MANY, ...faults } });
}

function write(fileSystem: FileSystem, path: string, bytes: number, syncs: boolean): void {
  using file = fileSystem.open(path, 'write');
  file.append(new Uint8Array(bytes).fill(7));
  if (syncs) file.sync();
  if (syncs) fileSystem.syncDirectory('/home');
}

test('the next process finds what the dead one has synced, and time has gone on', (t) => {
  const machine = machineWith({});
  const first = machine.boot();
  write(first.environment.fileSystem, '/home/synced', 10, true);
  write(first.environment.fileSystem, '/home/unsynced', 10, false);
  first.environment.clock.advanceBy(5000);
  machine.crash('by the test');
  const second = machine.boot(1000);
  t.is(first.crashedAt, 'by the test');
  t.deepEqual(second.environment.fileSystem.list('/home'), ['synced']);
  t.is(second.environment.clock.now() - 6000, machine.nowMs - 6000);
  t.is(second.crashedAt, undefined);
});

test('a dead process cannot act any more', async (t) => {
  const machine = machineWith({});
  const { environment, crashed } = machine.boot();
  const file = environment.fileSystem.open('/home/a', 'write');
  machine.crash('by the test');
  t.is(await crashed, 'by the test');
  t.true(environment.hasCrashed?.());
  const died = { name: 'SimulatedCrash', message: /by the test/ };
  t.throws(() => file.append(Uint8Array.of(1)), died);
  t.throws(() => environment.fileSystem.remove('/home'), died);
  t.throws(() => environment.faultPoint?.('sink.commit'), died);
  t.throws(() => environment.scheduler.choose(3), died);
  await t.throwsAsync(() => environment.fileSystem.syncFile('/home/a'), died);
  let goesOn = false;
  void environment.scheduler.yield().then(() => {
    goesOn = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 5));
  t.false(goesOn);
});

test('a process dies at a fault point, and the hits are counted by name', (t) => {
  const machine = machineWith({ crashAtFaultPoint: 1 });
  const { environment } = machine.boot();
  t.throws(() => environment.faultPoint?.('manifest.rename'), { message: /at manifest\.rename/ });
  t.is(machine.faults.hits().get('manifest.rename'), 1);
  t.deepEqual(machine.faults.counts(), { crash: 1 });
});

test('a crash around an operation leaves it done or not done', (t) => {
  const found = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    const machine = machineWith({ crashAtFileOperation: 1 }, seed);
    const { environment, crashed } = machine.boot();
    t.throws(() => environment.fileSystem.open('/home/a', 'write'), { name: 'SimulatedCrash' });
    void crashed.then((where) => found.add(where));
  }
  return new Promise<void>((resolve) => setTimeout(resolve, 1)).then(() => {
    t.deepEqual(found, new Set(['before it could open /home/a', 'right after open /home/a']));
  });
});

test('errors of the disk come as the system gives them, and change nothing', (t) => {
  const machine = machineWith({ writeError: 0.5, noSpace: 0.5 });
  const { environment } = machine.boot();
  const seen = new Set<unknown>();
  using file = environment.fileSystem.open('/home/a', 'write');
  for (let time = 0; time < 100; time++) {
    const before = file.size();
    try {
      file.append(Uint8Array.of(1));
    } catch (error) {
      t.is(file.size(), before);
      seen.add((error as { details: { system: string } }).details.system);
    }
  }
  t.deepEqual(seen, new Set(['EIO', 'ENOSPC']));
});

test('a slow disk lets time pass; an asynchronous sync waits without holding the thread', async (t) => {
  const machine = machineWith({ slow: 1, slowMsMax: 1 });
  const { environment } = machine.boot();
  const { clock, fileSystem } = environment;
  const startMs = clock.now();
  write(fileSystem, '/home/a', 1, false);
  t.true(clock.now() > startMs);
  const syncing = fileSystem.syncFile('/home/a');
  const beforeMs = clock.now();
  t.true(clock.advanceToNextTimer());
  await syncing;
  t.is(clock.now(), beforeMs + 1);
});

test('faults come to an end', (t) => {
  const machine = machineWith({ writeError: 1, faultsMax: 3 });
  const { environment } = machine.boot();
  using file = environment.fileSystem.open('/home/a', 'write');
  for (let time = 0; time < 3; time++) t.throws(() => file.append(Uint8Array.of(1)));
  file.append(Uint8Array.of(1));
  t.is(file.size(), 1);
});

test('a torn crash leaves prefixes, in which whole blocks may be zeros', (t) => {
  const lengths = new Set<number>();
  let holes = 0;
  for (let seed = 0; seed < 200; seed++) {
    const machine = machineWith({ tornCrash: 1 }, seed);
    const { environment } = machine.boot();
    const { fileSystem } = environment;
    using file = fileSystem.open('/home/a', 'write');
    fileSystem.syncDirectory('/home');
    file.append(new Uint8Array(2000).fill(7));
    machine.crash('by the test');
    const left = new Uint8Array(machine.disk.stat('/home/a')?.size ?? 0);
    using found = machine.disk.open('/home/a', 'read');
    found.read(left, 0, left.length, 0);
    lengths.add(left.length);
    if (left.includes(0)) holes++;
    t.true(left.every((byte) => byte === 7 || byte === 0));
  }
  t.true(lengths.size > 50, `${lengths.size} lengths`);
  t.true(holes > 0 && holes < 200, `${holes} holes`);
});

test('swarm rates are a function of the seed, and leave some kinds of faults out', (t) => {
  t.deepEqual(swarmFaultRates(seededRandom(5)), swarmFaultRates(seededRandom(5)));
  const draws = Array.from({ length: 100 }, (_, seed) => swarmFaultRates(seededRandom(seed)));
  for (const rate of ['crashAtFaultPoint', 'readError', 'noSpace', 'slow'] as const) {
    const off = draws.filter((draw) => draw[rate] === 0).length;
    t.true(off > 25 && off < 75, `${rate} is off in ${off} of 100`);
  }
});

test('without faults no fault point ends a process', (t) => {
  const { environment, crashedAt } = machineWith({}).boot();
  for (const point of faultPoints) environment.faultPoint?.(point);
  t.is(crashedAt, undefined);
});

test('damage changes the bytes of a file for good', (t) => {
  const machine = machineWith({});
  const { environment } = machine.boot();
  write(environment.fileSystem, '/home/a', 3, true);
  machine.disk.damage('/home/a', (bytes) => bytes.map((byte, at) => (at === 1 ? byte ^ 4 : byte)));
  machine.crash('by the test');
  const left = new Uint8Array(3);
  using file = machine.disk.open('/home/a', 'read');
  file.read(left, 0, 3, 0);
  t.deepEqual([...left], [7, 3, 7]);
});
