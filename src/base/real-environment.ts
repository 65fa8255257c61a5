/**
 * The real Environment: the machine's clock, random numbers, event loop, disk and network. The only
 * file that names them, with `local-http.ts`.
 *
 * Invariants:
 * 1. It lies on the path of a cold start, so `node:net` and `node:http` load when first used and
 *    not before.
 * 2. Every error that leaves here is a MillraceError with the system's error as cause.
 * 3. Files are written at their end only (O_APPEND), whoever else writes.
 */
import * as fs from 'node:fs';
import type { Server, Socket } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import * as path from 'node:path';
import { assert } from './assert.ts';
import type {
  Clock,
  Connection,
  Environment,
  FileHandle,
  FileStat,
  FileSystem,
  Listener,
  Network,
  OpenMode,
  Processes,
  Random,
  Scheduler,
  Timer,
} from './environment.ts';
import type { MillraceError } from './errors.ts';
import { fileError } from './file-error.ts';
import { localSocketFolder, requestHttp, serveHttp } from './local-http.ts';
import { networkError } from './network-error.ts';
import { seededRandom } from './seeded-random.ts';

/** Options of {@link realEnvironment}. */
export interface RealEnvironmentOptions {
  /** Makes `random` a function of this seed; for runs that shall be repeated. */
  readonly seed?: number | undefined;
}

/** The machine itself. Holds nothing that must be closed. */
export function realEnvironment(options: RealEnvironmentOptions = {}): Environment {
  return {
    kind: 'real',
    clock: realClock,
    random: options.seed === undefined ? realRandom : seededRandom(options.seed),
    scheduler: realScheduler,
    fileSystem: realFileSystem,
    network: realNetwork,
    processes: realProcesses,
    faultPoint: preloadedFaultPoint(),
  };
}

/**
 * Where a module that tests preload (`node --import`) leaves its {@link Environment.faultPoint}.
 */
export const FAULT_POINT_HOOK: unique symbol = Symbol.for('millrace.fault-point') as never;

function preloadedFaultPoint(): Environment['faultPoint'] {
  return (globalThis as { [FAULT_POINT_HOOK]?: Environment['faultPoint'] })[FAULT_POINT_HOOK];
}

/** The longest delay that Node's timers take; beyond it they fire at once. */
const NODE_DELAY_MS_MAX = 2_147_483_647;

const realClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer: (delayMs, callback) => new RealTimer(delayMs, callback),
};

/** Re-arms itself for delays longer than Node's, and when Node fires a millisecond early. */
class RealTimer implements Timer {
  readonly #dueMs: number;
  readonly #callback: () => void;
  #handle: NodeJS.Timeout | undefined;

  constructor(delayMs: number, callback: () => void) {
    assert(delayMs >= 0, () => `a timer's delay must not be negative, got ${delayMs}`);
    this.#dueMs = performance.now() + delayMs;
    this.#callback = callback;
    this.#arm(delayMs);
  }

  cancel(): void {
    clearTimeout(this.#handle);
    this.#handle = undefined;
  }

  #arm(delayMs: number): void {
    this.#handle = setTimeout(() => this.#fire(), Math.min(Math.ceil(delayMs), NODE_DELAY_MS_MAX));
  }

  #fire(): void {
    const restMs = this.#dueMs - performance.now();
    if (restMs > 0) {
      this.#arm(restMs);
      return;
    }
    this.#handle = undefined;
    this.#callback();
  }
}

const realRandom: Random = {
  below(bound) {
    assert(
      Number.isInteger(bound) && bound >= 1 && bound <= 4_294_967_296,
      () => `a random bound must be a whole number from 1 to 2^32, got ${bound}`,
    );
    return Math.floor(Math.random() * bound);
  },
  nextDouble: () => Math.random(),
};

const realScheduler: Scheduler = {
  yield: () => new Promise((resolve) => setImmediate(resolve)),
  choose(count) {
    assert(count >= 1, () => `there is nothing to choose from: ${count}`);
    return 0;
  },
};

const OPEN_FLAGS: Readonly<Record<OpenMode, number>> = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_TRUNC | fs.constants.O_APPEND,
  append: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_APPEND,
  'create-exclusive':
    fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_APPEND,
};

const realFileSystem: FileSystem = {
  open(name, mode) {
    const descriptor = attempt('open', name, () => fs.openSync(name, OPEN_FLAGS[mode], 0o666));
    return new RealFile(descriptor, name);
  },
  stat: (name) => attempt('stat', name, () => statOrUndefined(name)),
  list: (name) => attempt('list', name, () => fs.readdirSync(name).sort()),
  makeDirectory(name) {
    attempt('make folder', name, () => fs.mkdirSync(name, { recursive: true }));
  },
  rename(from, to) {
    attempt('rename', from, () => fs.renameSync(from, to), to);
  },
  link(existing, name) {
    attempt('link', existing, () => fs.linkSync(existing, name), name);
  },
  remove(name) {
    attempt('remove', name, () => fs.rmSync(name, { recursive: true, force: true }));
  },
  syncDirectory(name) {
    attempt('sync folder', name, () => syncDirectory(name));
  },
  syncFile: (name) => syncFile(name),
  makeTemporaryDirectory(prefix) {
    const start = path.join(tmpdir(), prefix);
    return attempt('make temporary folder', start, () => fs.mkdtempSync(start));
  },
  resolve: (name) => path.resolve(name),
};

class RealFile implements FileHandle {
  readonly #path: string;
  #descriptor: number | undefined;

  constructor(descriptor: number, name: string) {
    this.#descriptor = descriptor;
    this.#path = name;
  }

  read(target: Uint8Array, targetOffset: number, length: number, position: number): number {
    return attempt('read', this.#path, () =>
      fs.readSync(this.#open('read'), target, targetOffset, length, position),
    );
  }

  append(bytes: Uint8Array): void {
    attempt('append to', this.#path, () => {
      const descriptor = this.#open('append to');
      let written = 0;
      while (written < bytes.length) written += fs.writeSync(descriptor, bytes, written);
    });
  }

  sync(): void {
    attempt('sync', this.#path, () => fs.fsyncSync(this.#open('sync')));
  }

  size(): number {
    return attempt('stat', this.#path, () => fs.fstatSync(this.#open('stat')).size);
  }

  close(): void {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) return;
    this.#descriptor = undefined;
    attempt('close', this.#path, () => fs.closeSync(descriptor));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #open(operation: string): number {
    if (this.#descriptor !== undefined) return this.#descriptor;
    throw fileError({ operation, path: this.#path, system: 'EBADF' });
  }
}

const realProcesses: Processes = {
  self: () => ({ pid: process.pid, host: hostname(), startToken: startTokenOf(process.pid) }),
  isAlive({ pid, host, startToken }) {
    if (host !== hostname()) return true;
    try {
      process.kill(pid, 0);
    } catch (error) {
      // It runs, but is another user's.
      if (systemCode(error) !== 'EPERM') return false;
    }
    // A dead one that its parent has not looked after keeps its number.
    if (/^[ZX]$/.test(statFields(pid)[0] ?? '')) return false;
    const now = startTokenOf(pid);
    return now === '' || startToken === '' || now === startToken;
  },
};

/** Empty where the system does not tell: then the number alone decides. */
function startTokenOf(pid: number): string {
  try {
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const fields = statFields(pid);
    // The start time.
    return fields.length === 0 ? '' : `${boot} ${fields[19] ?? ''}`;
  } catch {
    return '';
  }
}

/** What the system tells of a process, from its state on; none where it does not. */
function statFields(pid: number): readonly string[] {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

function statOrUndefined(name: string): FileStat | undefined {
  try {
    const stat = fs.statSync(name, { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    const isDirectory = stat.isDirectory();
    return {
      kind: isDirectory ? 'directory' : 'file',
      size: isDirectory ? 0 : stat.size,
      modifiedMs: Math.floor(stat.mtimeMs),
    };
  } catch (error) {
    // Below something that is not a folder there is nothing, as below a missing folder.
    if (systemCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

function syncDirectory(name: string): void {
  const descriptor = fs.openSync(name, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

async function syncFile(name: string): Promise<void> {
  try {
    const handle = await fs.promises.open(name, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const system = systemCode(cause);
    if (system === undefined) throw cause;
    throw fileError({ operation: 'sync', path: name, system, cause });
  }
}

function attempt<T>(operation: string, name: string, action: () => T, to?: string): T {
  try {
    return action();
  } catch (cause) {
    const system = systemCode(cause);
    if (system === undefined || !(cause instanceof Error && 'syscall' in cause)) throw cause;
    const shown = to === undefined ? name : `${name}' to '${to}`;
    throw fileError({ operation, path: shown, system, cause });
  }
}

function systemCode(error: unknown): string | undefined {
  const hasCode = error instanceof Error && 'code' in error && typeof error.code === 'string';
  return hasCode ? (error.code as string) : undefined;
}

const realNetwork: Network = {
  localSocketFolder,
  serveHttp,
  requestHttp,
  async connect(host, port) {
    const net = await import('node:net');
    const socket = net.connect({ host, port, noDelay: true });
    const address = `${host}:${port}`;
    await settled(socket, 'connect', { operation: 'connect to', address });
    return new RealConnection(socket, address);
  },
  async listen(host, port, onConnection) {
    const net = await import('node:net');
    const server = net.createServer({ noDelay: true }, (socket) => {
      const address = `${socket.remoteAddress}:${socket.remotePort}`;
      onConnection(new RealConnection(socket, address));
    });
    server.listen(port, host);
    await settled(server, 'listening', { operation: 'listen on', address: `${host}:${port}` });
    return new RealListener(server);
  },
};

class RealConnection implements Connection {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly #socket: Socket;
  readonly #address: string;

  constructor(socket: Socket, address: string) {
    this.#socket = socket;
    this.#address = address;
    this.chunks = this.#chunks();
    // Errors reach the caller through `chunks` and `write`; without a listener Node would end the
    // process.
    socket.on('error', () => undefined);
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        if (error) reject(this.#failure('write to', error, 'EPIPE'));
        else resolve();
      });
    });
  }

  close(): Promise<void> {
    const socket = this.#socket;
    if (socket.closed) return Promise.resolve();
    return new Promise((resolve) => {
      socket.once('close', () => resolve());
      socket.destroySoon();
    });
  }

  async *#chunks(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of this.#socket) yield chunk as Uint8Array;
    } catch (error) {
      // Closed from this side while waiting: that is an end, not a failure.
      if (systemCode(error) === 'ERR_STREAM_PREMATURE_CLOSE') return;
      throw this.#failure('read from', error, 'ECONNRESET');
    }
  }

  #failure(operation: string, cause: unknown, otherwise: string): MillraceError {
    const code = systemCode(cause);
    const system = code === undefined || code.startsWith('ERR_') ? otherwise : code;
    return networkError({ operation, address: this.#address, system, cause });
  }
}

class RealListener implements Listener {
  readonly port: number;
  readonly #server: Server;

  constructor(server: Server) {
    const address = server.address();
    assert(address !== null && typeof address === 'object', 'a TCP server has a port');
    this.port = address.port;
    this.#server = server;
  }

  /** Stops listening; connections made before have owners of their own. */
  async close(): Promise<void> {
    this.#server.close();
    await realScheduler.yield();
  }
}

interface Attempt {
  readonly operation: string;
  readonly address: string;
}

function settled(emitter: Socket | Server, event: string, what: Attempt): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: unknown): void => {
      reject(networkError({ ...what, system: systemCode(cause) ?? 'EIO', cause }));
    };
    emitter.once('error', onError);
    emitter.once(event, () => {
      emitter.off('error', onError);
      resolve();
    });
  });
}
