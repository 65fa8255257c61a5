/**
 * Checkpoints in memory: for tests, and for jobs that name no directory. They outlive attempts, not
 * the process, and each thread has its own.
 * Invariant: files are never changed, so that what `read` gives may be kept.
 */
import { crc32 } from 'node:zlib';
import { MillraceError } from '../../base/errors.ts';
import type { FileRef, SnapshotFileWriter } from '../../state/snapshot.ts';
import type { CheckpointStorage } from '../checkpoint-storage.ts';
import { readFully, type StorageEnvironment } from './file-storage.ts';
import { checkedPath, joinPath } from './storage-path.ts';

type Files = Map<string, Uint8Array>;

const storages = new Map<string, Files>();

/**
 * The storage of `memory://name`, or a folder of it (`memory://name/folder`): the same files at
 * each call, until {@link discardMemoryStorage}.
 */
export function memoryStorage(
  url: string,
  environment: Pick<StorageEnvironment, 'fileSystem'>,
): CheckpointStorage {
  const { name, root } = partsOf(url);
  let files = storages.get(name);
  if (files === undefined) {
    files = new Map();
    storages.set(name, files);
  }
  return new MemoryStorage({ url, files, root }, environment);
}

/** Forgets all that is stored under the name in this URL. */
export function discardMemoryStorage(url: string): void {
  storages.delete(partsOf(url).name);
}

function partsOf(url: string): { readonly name: string; readonly root: string } {
  const [name = '', ...root] = url.replace(/^memory:\/\//i, '').split('/');
  return { name, root: root.filter((part) => part !== '').join('/') };
}

interface Place {
  readonly url: string;
  readonly files: Files;
  readonly root: string;
}

class MemoryStorage implements CheckpointStorage {
  readonly url: string;
  readonly #files: Files;
  readonly #root: string;
  readonly #environment: Pick<StorageEnvironment, 'fileSystem'>;

  constructor({ url, files, root }: Place, environment: Pick<StorageEnvironment, 'fileSystem'>) {
    this.url = url.replace(/\/+$/, '');
    this.#files = files;
    this.#root = root;
    this.#environment = environment;
  }

  writer(path: string): SnapshotFileWriter {
    this.#refuseExisting(path);
    const parts: Uint8Array[] = [];
    return {
      write: (part) => void parts.push(part.slice()),
      close: () => this.#put(path, Buffer.concat(parts)),
      abort: () => void this.#files.delete(this.#key(path)),
    };
  }

  adopt(localPath: string, path: string): Promise<FileRef> {
    return attempt(() => {
      this.#refuseExisting(path);
      using file = this.#environment.fileSystem.open(localPath, 'read');
      const bytes = new Uint8Array(file.size());
      return this.#put(path, bytes.subarray(0, readFully(file, bytes, 0)));
    });
  }

  sync(paths: readonly string[]): Promise<void> {
    return attempt(() => {
      for (const path of paths) {
        if (path === '' || this.read(path) !== undefined || this.#names(path).length > 0) continue;
        throw new MillraceError('FILE_NOT_FOUND', `there is no '${path}' in ${this.url}`);
      }
    });
  }

  createExclusive(path: string, bytes: Uint8Array): Promise<boolean> {
    return attempt(() => {
      if (this.read(path) !== undefined) return false;
      this.#put(path, bytes.slice());
      return true;
    });
  }

  checksum(path: string): Promise<FileRef | undefined> {
    return attempt(() => {
      const bytes = this.read(path);
      return bytes && { path, bytes: bytes.length, checksum: crc32(bytes) };
    });
  }

  read(path: string): Uint8Array | undefined {
    return this.#files.get(this.#key(path));
  }

  list(folder: string, what: 'files' | 'names'): readonly string[] {
    if (what === 'names') return this.#names(folder);
    const prefix = this.#prefix(folder);
    const from = this.#prefix('').length;
    return [...this.#files.keys()]
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(from))
      .sort();
  }

  #names(folder: string): readonly string[] {
    const from = folder === '' ? 0 : folder.length + 1;
    const names = this.list(folder, 'files').map((path) => path.slice(from).split('/', 1)[0] ?? '');
    return [...new Set(names)].sort();
  }

  remove(path: string): void {
    const prefix = this.#prefix(path);
    this.#files.delete(this.#key(path));
    for (const key of this.#files.keys()) if (key.startsWith(prefix)) this.#files.delete(key);
  }

  #key(path: string): string {
    return joinPath(this.#root, checkedPath(path));
  }

  /** How the keys of what lies in a folder begin. */
  #prefix(folder: string): string {
    const path = folder === '' ? this.#root : this.#key(folder);
    return path === '' ? '' : `${path}/`;
  }

  #put(path: string, bytes: Uint8Array): FileRef {
    this.#files.set(this.#key(path), bytes);
    return { path, bytes: bytes.length, checksum: crc32(bytes) };
  }

  #refuseExisting(path: string): void {
    if (this.read(path) === undefined) return;
    throw new MillraceError('FILE_FAILED', `'${path}' exists already in ${this.url}`, {
      details: { operation: 'open', path, system: 'EEXIST' },
    });
  }
}

/** A promise of what is at hand. */
function attempt<T>(act: () => T): Promise<T> {
  return new Promise((resolve) => resolve(act()));
}
