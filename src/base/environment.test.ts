/** The contract of the Environment, run against the real machine and against the simulation. */
import test, { type ExecutionContext } from 'ava';
import type { Connection, Environment, FileSystem } from './environment.ts';
import { realEnvironment } from './real-environment.ts';
import { simulatedEnvironment } from './simulated-environment.ts';

interface Subject {
  readonly name: string;
  readonly make: () => Environment;
  /** Lets `durationMs` pass on the environment's clock. */
  readonly pass: (environment: Environment, durationMs: number) => Promise<void>;
}

const SUBJECTS: readonly Subject[] = [
  {
    name: 'real',
    make: () => realEnvironment(),
    pass: (_, durationMs) => new Promise((resolve) => setTimeout(resolve, durationMs)),
  },
  {
    name: 'simulated',
    make: () => simulatedEnvironment({ seed: 11 }),
    pass: async (environment, durationMs) => {
      (environment as ReturnType<typeof simulatedEnvironment>).clock.advanceBy(durationMs);
    },
  },
];

for (const subject of SUBJECTS) {
  const { name, make } = subject;

  test(`${name} clock: a timer fires once, not before its delay`, async (t) => {
    const environment = make();
    const start = environment.clock.monotonicMs();
    let firedAtMs: number[] = [];
    environment.clock.setTimer(20, () => {
      firedAtMs = [...firedAtMs, environment.clock.monotonicMs() - start];
    });
    t.deepEqual(firedAtMs, []);
    await subject.pass(environment, 60);
    t.is(firedAtMs.length, 1);
    t.true(firedAtMs[0]! >= 20, `fired after ${firedAtMs[0]} ms`);
  });

  test(`${name} clock: a canceled timer does not fire, also if it is longer than 2^31 ms`, async (t) => {
    const environment = make();
    let fired = 0;
    const short = environment.clock.setTimer(5, () => fired++);
    const long = environment.clock.setTimer(2 ** 33, () => fired++);
    short.cancel();
    short.cancel();
    await subject.pass(environment, 20);
    long.cancel();
    t.is(fired, 0);
  });

  test(`${name} clock: timers fire by due time, then by age`, async (t) => {
    const environment = make();
    const order: string[] = [];
    for (const [id, delayMs] of [
      ['late', 30],
      ['a', 10],
      ['b', 10],
    ] as const) {
      environment.clock.setTimer(delayMs, () => order.push(id));
    }
    await subject.pass(environment, 80);
    t.deepEqual(order, ['a', 'b', 'late']);
  });

  test(`${name} clock: now is whole milliseconds and does not go back`, async (t) => {
    const { clock } = make();
    const first = clock.now();
    t.true(Number.isSafeInteger(first));
    t.true(clock.now() >= first && clock.monotonicMs() <= clock.monotonicMs());
  });

  test(`${name} clock: a negative delay is a bug`, (t) => {
    const { clock } = make();
    t.throws(() => clock.setTimer(-1, () => undefined), { code: 'BUG' });
    t.throws(() => clock.setTimer(Number.NaN, () => undefined), { code: 'BUG' });
  });

  test(`${name} scheduler: yield lets others run, and choose stays in range`, async (t) => {
    const { scheduler } = make();
    let others = 0;
    const other = (async () => {
      await scheduler.yield();
      others++;
    })();
    for (let turn = 0; turn < 3; turn++) await scheduler.yield();
    await other;
    t.is(others, 1);
    for (let i = 0; i < 20; i++) t.true(scheduler.choose(3) < 3);
    t.is(scheduler.choose(1), 0);
    t.throws(() => scheduler.choose(0), { code: 'BUG' });
  });

  test(`${name} random: bounds hold`, (t) => {
    const { random } = make();
    for (let i = 0; i < 100; i++) t.true(random.below(3) < 3 && random.nextDouble() < 1);
    t.throws(() => random.below(0), { code: 'BUG' });
  });

  filesTest(
    subject,
    'bytes appended are read back, also through another handle',
    (t, files, root) => {
      using file = files.open(`${root}/a`, 'write');
      file.append(text('hello '));
      file.append(text('world'));
      t.is(file.size(), 11);
      const target = new Uint8Array(8);
      t.is(file.read(target, 2, 5, 6), 5);
      t.is(String.fromCharCode(...target.subarray(2, 7)), 'world');
      t.is(contentOf(files, `${root}/a`), 'hello world');
      t.is(file.read(target, 0, 8, 11), 0);
      t.is(file.read(target, 0, 8, 99), 0);
    },
  );

  filesTest(
    subject,
    'write truncates, append keeps, create-exclusive refuses',
    (t, files, root) => {
      const path = `${root}/a`;
      put(files, path, 'one');
      put(files, path, 'two', 'append');
      t.is(contentOf(files, path), 'onetwo');
      put(files, path, '3');
      t.is(contentOf(files, path), '3');
      const error = t.throws(() => files.open(path, 'create-exclusive'), { code: 'FILE_FAILED' });
      t.like(error, { details: { system: 'EEXIST' } });
      put(files, `${root}/b`, 'new', 'create-exclusive');
      t.is(contentOf(files, `${root}/b`), 'new');
    },
  );

  filesTest(subject, 'two appenders do not overwrite each other', (t, files, root) => {
    using first = files.open(`${root}/a`, 'write');
    using second = files.open(`${root}/a`, 'append');
    first.append(text('1'));
    second.append(text('2'));
    first.append(text('3'));
    t.is(contentOf(files, `${root}/a`), '123');
  });

  filesTest(subject, 'what is missing is FILE_NOT_FOUND', (t, files, root) => {
    const missing = `${root}/none`;
    for (const action of [
      () => files.open(missing, 'read'),
      () => files.open(`${missing}/x`, 'write'),
      () => files.list(missing),
      () => files.rename(missing, `${root}/x`),
      () => files.link(missing, `${root}/x`),
      () => files.syncDirectory(missing),
    ]) {
      const error = t.throws(action, { code: 'FILE_NOT_FOUND' });
      t.like(error, { details: { system: 'ENOENT' } });
      t.true(error.message.includes(missing), error.message);
    }
    t.is(files.stat(missing), undefined);
    t.notThrows(() => files.remove(missing));
  });

  filesTest(
    subject,
    'a file where a folder should be, and the reverse, is FILE_FAILED',
    (t, files, root) => {
      put(files, `${root}/file`, 'x');
      files.makeDirectory(`${root}/folder`);
      for (const [action, system] of [
        [() => files.list(`${root}/file`), 'ENOTDIR'],
        [() => files.open(`${root}/file/x`, 'write'), 'ENOTDIR'],
        [() => files.makeDirectory(`${root}/file`), 'EEXIST'],
        [() => files.makeDirectory(`${root}/file/x`), 'ENOTDIR'],
        [() => files.open(`${root}/folder`, 'write'), 'EISDIR'],
        [() => files.rename(`${root}/file`, `${root}/folder`), 'EISDIR'],
        [() => files.link(`${root}/file`, `${root}/folder`), 'EEXIST'],
        [() => files.rename(`${root}/folder`, `${root}/folder/x`), 'EINVAL'],
      ] as const) {
        t.like(t.throws(action, { code: 'FILE_FAILED' }), { details: { system } });
      }
      t.is(files.stat(`${root}/file/x`), undefined);
    },
  );

  filesTest(
    subject,
    'folders are made, listed in order and removed with all below',
    (t, files, root) => {
      files.makeDirectory(`${root}/a/b/c`);
      files.makeDirectory(`${root}/a/b`);
      put(files, `${root}/a/z`, '1');
      put(files, `${root}/a/B`, '22');
      t.deepEqual(files.list(`${root}/a`), ['B', 'b', 'z']);
      t.like(files.stat(`${root}/a`), { kind: 'directory', size: 0 });
      t.like(files.stat(`${root}/a/B`), { kind: 'file', size: 2 });
      files.remove(`${root}/a`);
      t.deepEqual(files.list(root), []);
    },
  );

  filesTest(subject, 'rename replaces, and an open handle follows its file', (t, files, root) => {
    put(files, `${root}/old`, 'old');
    using file = files.open(`${root}/new`, 'write');
    file.append(text('new'));
    files.rename(`${root}/new`, `${root}/old`);
    file.append(text('er'));
    t.is(contentOf(files, `${root}/old`), 'newer');
    t.deepEqual(files.list(root), ['old']);
  });

  filesTest(subject, 'a link is a second name of one file', (t, files, root) => {
    put(files, `${root}/a`, 'x');
    files.link(`${root}/a`, `${root}/b`);
    put(files, `${root}/b`, 'y', 'append');
    files.remove(`${root}/a`);
    t.is(contentOf(files, `${root}/b`), 'xy');
  });

  filesTest(subject, 'a removed file stays readable through its handle', (t, files, root) => {
    put(files, `${root}/a`, 'still');
    using file = files.open(`${root}/a`, 'read');
    files.remove(`${root}/a`);
    t.is(file.size(), 5);
  });

  filesTest(subject, 'a handle refuses what it is not for', (t, files, root) => {
    put(files, `${root}/a`, 'x');
    const file = files.open(`${root}/a`, 'read');
    t.like(
      t.throws(() => file.append(text('y')), { code: 'FILE_FAILED' }),
      {
        details: { system: 'EBADF' },
      },
    );
    file.close();
    t.notThrows(() => file.close());
    t.like(
      t.throws(() => file.size(), { code: 'FILE_FAILED' }),
      { details: { system: 'EBADF' } },
    );
  });

  filesTest(subject, 'sync and syncDirectory succeed on what exists', (t, files, root) => {
    using file = files.open(`${root}/a`, 'write');
    file.append(text('x'));
    t.notThrows(() => file.sync());
    t.notThrows(() => files.syncDirectory(root));
    t.true(files.stat(`${root}/a`)!.modifiedMs > 0);
  });

  test(`${name} files: syncFile takes files and folders, and refuses what is missing`, async (t) => {
    const files = make().fileSystem;
    const root = files.makeTemporaryDirectory('millrace-sync-');
    put(files, `${root}/a`, 'x');
    await files.syncFile(`${root}/a`);
    await files.syncFile(root);
    const error = await t.throwsAsync(files.syncFile(`${root}/none`), { code: 'FILE_NOT_FOUND' });
    t.like(error, { details: { system: 'ENOENT' } });
    files.remove(root);
  });

  filesTest(subject, 'paths resolve to absolute ones', (t, files, root) => {
    t.is(files.resolve(`${root}/a/../b/`), `${root}/b`);
    t.true(files.resolve('relative').startsWith('/'));
    t.not(files.makeTemporaryDirectory('x-'), files.makeTemporaryDirectory('x-'));
  });

  test(`${name} network: bytes arrive complete and in order both ways`, async (t) => {
    const { network } = make();
    const sent = Uint8Array.from({ length: 300_000 }, (_, index) => index * 7);
    const listener = await network.listen('127.0.0.1', 0, (connection) => void echo(connection));
    const connection = await network.connect('localhost', listener.port);
    const received = collect(connection, sent.length);
    for (let at = 0; at < sent.length; at += 50_000) {
      await connection.write(sent.subarray(at, at + 50_000));
    }
    t.deepEqual(await received, sent);
    await connection.close();
    await connection.close();
    await listener.close();
  });

  test(`${name} network: chunks end when the peer closes, and a closed side refuses to write`, async (t) => {
    const { network } = make();
    const listener = await network.listen('127.0.0.1', 0, (connection) => {
      void connection.write(text('bye')).then(() => connection.close());
    });
    const connection = await network.connect('127.0.0.1', listener.port);
    t.deepEqual(await collect(connection, 1000), text('bye'));
    await connection.close();
    await t.throwsAsync(() => connection.write(text('x')), { code: 'NETWORK_FAILED' });
    await listener.close();
  });

  test(`${name} network: nobody listens, or somebody does already`, async (t) => {
    const { network } = make();
    const listener = await network.listen('127.0.0.1', 0, () => undefined);
    const again = network.listen('127.0.0.1', listener.port, () => undefined);
    const taken = await t.throwsAsync(again, { code: 'NETWORK_FAILED' });
    t.like(taken, { details: { system: 'EADDRINUSE' } });
    await listener.close();
    const refused = await t.throwsAsync(network.connect('127.0.0.1', listener.port), {
      code: 'NETWORK_FAILED',
    });
    t.like(refused, { details: { system: 'ECONNREFUSED' } });
  });
}

function filesTest(
  subject: Subject,
  title: string,
  body: (t: ExecutionContext, files: FileSystem, root: string) => void,
): void {
  test(`${subject.name} files: ${title}`, (t) => {
    const { fileSystem } = subject.make();
    const root = fileSystem.makeTemporaryDirectory('millrace-contract-');
    try {
      body(t, fileSystem, root);
    } finally {
      fileSystem.remove(root);
    }
  });
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function put(
  files: FileSystem,
  path: string,
  value: string,
  mode: 'write' | 'append' | 'create-exclusive' = 'write',
): void {
  using file = files.open(path, mode);
  file.append(text(value));
}

function contentOf(files: FileSystem, path: string): string {
  using file = files.open(path, 'read');
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0, bytes.length, 0);
  return new TextDecoder().decode(bytes);
}

async function echo(connection: Connection): Promise<void> {
  for await (const chunk of connection.chunks) await connection.write(chunk);
  await connection.close();
}

async function collect(connection: Connection, bytesMax: number): Promise<Uint8Array> {
  const result = new Uint8Array(bytesMax);
  let size = 0;
  for await (const chunk of connection.chunks) {
    result.set(chunk, size);
    size += chunk.length;
    if (size >= bytesMax) break;
  }
  return result.slice(0, size);
}
