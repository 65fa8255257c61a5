/**
 * The native class of RocksDB: the one place where an addon is loaded, when the first store is
 * opened and not before. Invariant: the shapes below say what is used of the package and nothing
 * more.
 */
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { MillraceError } from '../../base/errors.ts';

/** A byte array with the part of it that counts: how this binding is given keys and values. */
export interface NativeBuffer extends Buffer {
  start: number;
  end: number;
}

/** A handle on one column family of a database; handles on one path share the database. */
export interface NativeDatabase {
  readonly columns: readonly string[];
  open(path: string, options: Readonly<Record<string, unknown>>): void;
  close(): void;
  setDefaultKeyBuffer(buffer: Buffer): void;
  setDefaultValueBuffer(buffer: Buffer): void;
  /** Two 32-bit words: lengths of the key and the value that an iterator has copied. */
  setIteratorState(buffer: Buffer): void;
  /**
   * The length of the value, now in the value buffer; the value if that is too small; undefined if
   * there is none.
   */
  getSync(keyLength: number, flags: number): number | Buffer | undefined;
  putSync(key: NativeBuffer, value: NativeBuffer): void;
  removeSync(key: NativeBuffer): void;
  dropSync(): void;
  flush(resolve: () => void, reject: (error: Error) => void): void;
  createCheckpoint(resolve: () => void, reject: (error: Error) => void, folder: string): void;
  getDBIntProperty(name: string): number | undefined;
}

/** Goes through a range. */
export interface NativeIterator {
  /** 0 at the end, 1 if the row is in the buffers, else the row. */
  next(): number | { readonly key: Buffer; readonly value: Buffer };
  return(): void;
}

/** What is used of the package. */
export interface NativeBinding {
  readonly Database: new () => NativeDatabase;
  readonly Iterator: new (
    database: NativeDatabase,
    flags: number,
    startEnd: number,
    endStart: number,
    endEnd: number,
  ) => NativeIterator;
  readonly constants: { readonly ITERATOR_INCLUDE_VALUES_FLAG: number };
  /** Process-wide. */
  config(options: {
    blockCacheSize: number;
    writeBufferManagerSize: number;
    writeBufferManagerCostToCache: boolean;
  }): void;
}

/**
 * The packages' last parts by system and processor; on Linux the C library decides, and npm
 * installs the fitting one.
 */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'linux-x64': ['linux-x64-glibc', 'linux-x64-musl'],
  'linux-arm64': ['linux-arm64-glibc', 'linux-arm64-musl'],
  'darwin-x64': ['darwin-x64'],
  'darwin-arm64': ['darwin-arm64'],
  'win32-x64': ['win32-x64'],
  'win32-arm64': ['win32-arm64'],
};

let loaded: NativeBinding | undefined;

/**
 * The binding of this machine.
 *
 * @throws STATE_BACKEND_UNAVAILABLE with the reason
 */
export function nativeBinding(): NativeBinding {
  loaded ??= loadBinding(`${platform()}-${arch()}`, createRequire(import.meta.url));
  return loaded;
}

/** Loads the binding of a platform such as `linux-x64`; `require` is Node's. */
export function loadBinding(host: string, require: (name: string) => unknown): NativeBinding {
  const names = (PACKAGES[host] ?? []).map((part) => `@harperfast/rocksdb-js-${part}`);
  if (names.length === 0) throw unavailable(`there is no binding for ${host}`);
  const failures: Error[] = [];
  for (const name of names) {
    try {
      return require(name) as NativeBinding;
    } catch (cause) {
      failures.push(cause instanceof Error ? cause : new Error(String(cause)));
    }
  }
  const broken = failures.find((failure) => !isMissing(failure));
  if (broken !== undefined)
    throw unavailable(`its binding does not load: ${broken.message}`, broken);
  throw unavailable(
    `the package '${names.join("' or '")}' is not installed; install it with Node 24 and without --omit=optional`,
    failures[0],
  );
}

function isMissing(failure: Error): boolean {
  return 'code' in failure && failure.code === 'MODULE_NOT_FOUND';
}

function unavailable(reason: string, cause?: unknown): MillraceError {
  return new MillraceError(
    'STATE_BACKEND_UNAVAILABLE',
    `state.backend.type 'rocksdb' cannot be used here: ${reason}. Or use state.backend.type 'heap', which keeps state in memory.`,
    cause === undefined ? {} : { cause },
  );
}
