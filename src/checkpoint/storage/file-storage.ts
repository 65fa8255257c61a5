/**
 * Checkpoints on a disk: a folder of the file system.
 *
 * Invariants:
 * 1. What `createExclusive` makes appears under its name by a hard link from a file that is durable
 *    already: whole or not at all, and never over another.
 * 2. `sync` resolves when the files, their names and the names of all folders above are durable.
 * 3. Symbolic links are followed: who may write into the folder may lead it elsewhere.
 */
import { fileURLToPath, pathToFileURL } from 'node:url';
import { crc32 } from 'node:zlib';
import type { Environment, FileHandle, FileSystem } from '../../base/environment.ts';
import { hasErrorCode, MillraceError } from '../../base/errors.ts';
import type { FaultPoint } from '../../base/fault-points.ts';
import type { FileRef, SnapshotFileWriter } from '../../state/snapshot.ts';
import type { CheckpointStorage } from '../checkpoint-storage.ts';
import { MANIFEST_NAME } from '../manifest.ts';
import { forEachBounded } from './bounded.ts';
import { checkedPath, nameOf } from './storage-path.ts';

/** What a storage needs of the world. */
export type StorageEnvironment = Pick<Environment, 'fileSystem' | 'scheduler' | 'faultPoint'>;

/** Files that are made durable at the same time. */
const SYNCS_MAX = 16;
/** Bytes read in one go before others get their turn. */
const SLICE_BYTES = 1024 * 1024;
/** What systems answer that cannot link here. */
const CANNOT_LINK: ReadonlySet<unknown> = new Set([
  'EXDEV',
  'EPERM',
  'EMLINK',
  'ENOTSUP',
  'ENOSYS',
]);
/** What systems answer for folders above the storage's own that are none of our business. */
const CANNOT_SYNC: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM', 'EINVAL', 'EROFS']);

/**
 * Opens the storage in a folder, given as a path or a `file://` URL; the folder is made when it is
 * written to.
 *
 * @throws CONFIG_INVALID
 */
export function fileStorage(url: string, environment: StorageEnvironment): CheckpointStorage {
  return new FileStorage(environment.fileSystem.resolve(pathOf(url)), environment);
}

/**
 * Where a file lies if it may be hard-linked from, or undefined if its storage is not on a disk.
 */
export function localPathOf(storage: CheckpointStorage, path: string): string | undefined {
  if (!storage.url.startsWith('file:')) return undefined;
  return localPathBelow(fileURLToPath(storage.url), path);
}

function localPathBelow(root: string, path: string): string {
  return `${root === '/' ? '' : root}/${checkedPath(path)}`;
}

function pathOf(url: string): string {
  if (!/^file:/i.test(url)) return url;
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new MillraceError(
      'CONFIG_INVALID',
      `'${url}' names no folder of this machine: give a path or file:///path`,
      { cause, details: { url } },
    );
  }
}

class FileStorage implements CheckpointStorage {
  readonly url: string;
  readonly #root: string;
  readonly #files: FileSystem;
  readonly #environment: StorageEnvironment;
  /** Folders whose names were made durable by this object. */
  readonly #durableFolders = new Set<string>();

  constructor(root: string, environment: StorageEnvironment) {
    this.#root = root;
    this.url = pathToFileURL(root).href;
    this.#files = environment.fileSystem;
    this.#environment = environment;
  }

  writer(path: string): SnapshotFileWriter {
    const target = this.#localPath(path);
    return fileWriter({ path, target, files: this.#files, file: this.#create(target) });
  }

  async adopt(localPath: string, path: string): Promise<FileRef> {
    const target = this.#localPath(path);
    try {
      this.#inFolder(target, () => this.#files.link(localPath, target));
    } catch (error) {
      if (!isSystemError(error, CANNOT_LINK)) throw error;
      return this.#copy(localPath, path);
    }
    const { bytes, checksum } = await this.#measure(localPath);
    return { path, bytes, checksum };
  }

  async sync(paths: readonly string[]): Promise<void> {
    const files = new Set<string>();
    const folders = new Set<string>();
    for (const path of paths) {
      const target = path === '' ? this.#root : this.#localPath(path);
      const isFolder = this.#files.stat(target)?.kind === 'directory';
      if (!isFolder) files.add(target);
      folders.add(isFolder ? target : parentOf(target));
    }
    await forEachBounded(files, SYNCS_MAX, async (file) => {
      this.#faultPoint('storage.sync-file');
      await this.#files.syncFile(file);
    });
    this.#syncFolders(folders);
  }

  async createExclusive(path: string, bytes: Uint8Array): Promise<boolean> {
    const target = this.#localPath(path);
    const isManifest = nameOf(path) === MANIFEST_NAME;
    if (this.#files.stat(target) !== undefined) return false;
    if (isManifest) this.#faultPoint('manifest.write');
    const temporary = this.#writeTemporary(target, bytes);
    let isLinked = false;
    try {
      await this.#files.syncFile(temporary);
      if (isManifest) this.#faultPoint('manifest.rename');
      isLinked = this.#linkExclusive(temporary, target);
      if (isLinked && isManifest) this.#faultPoint('manifest.renamed');
      this.#files.remove(temporary);
      if (isLinked) this.#syncFolders(new Set([parentOf(target)]));
      return isLinked;
    } catch (error) {
      // The first failure is the one to report; what stays behind is the next sweep's.
      this.#removeQuietly(temporary);
      if (isLinked) this.#removeQuietly(target);
      throw error;
    }
  }

  async checksum(path: string): Promise<FileRef | undefined> {
    try {
      const { bytes, checksum } = await this.#measure(this.#localPath(path));
      return { path, bytes, checksum };
    } catch (error) {
      if (hasErrorCode(error, 'FILE_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  read(path: string): Uint8Array | undefined {
    try {
      using file = this.#files.open(this.#localPath(path), 'read');
      const bytes = new Uint8Array(file.size());
      return bytes.subarray(0, readFully(file, bytes, 0));
    } catch (error) {
      if (hasErrorCode(error, 'FILE_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  list(folder: string, what: 'files' | 'names'): readonly string[] {
    if (what === 'names') return this.#names(folder);
    const paths: string[] = [];
    this.#listInto(folder, paths);
    return paths.sort();
  }

  remove(path: string): void {
    const target = this.#localPath(path);
    this.#files.remove(target);
    for (const folder of this.#durableFolders) {
      if (folder === target || folder.startsWith(`${target}/`)) this.#durableFolders.delete(folder);
    }
  }

  #localPath(path: string): string {
    return localPathBelow(this.#root, path);
  }

  #names(folder: string): readonly string[] {
    const path = folder === '' ? this.#root : this.#localPath(folder);
    return this.#files.stat(path)?.kind === 'directory' ? this.#files.list(path) : [];
  }

  #create(target: string): FileHandle {
    return this.#inFolder(target, () => this.#files.open(target, 'create-exclusive'));
  }

  /** Does what needs the target's folder; makes it if it is missing. */
  #inFolder<T>(target: string, act: () => T): T {
    if (this.#files.stat(parentOf(target)) === undefined) {
      this.#files.makeDirectory(parentOf(target));
    }
    return act();
  }

  async #copy(localPath: string, path: string): Promise<FileRef> {
    const writer = this.writer(path);
    try {
      await this.#readSlices(localPath, (slice) => writer.write(slice));
      return writer.close();
    } catch (error) {
      writer.abort();
      throw error;
    }
  }

  async #measure(
    localPath: string,
  ): Promise<{ readonly bytes: number; readonly checksum: number }> {
    let checksum = 0;
    let bytes = 0;
    await this.#readSlices(localPath, (slice) => {
      checksum = crc32(slice, checksum);
      bytes += slice.length;
    });
    return { bytes, checksum };
  }

  async #readSlices(localPath: string, take: (slice: Uint8Array) => void): Promise<void> {
    using file = this.#files.open(localPath, 'read');
    const buffer = new Uint8Array(Math.min(SLICE_BYTES, Math.max(1, file.size())));
    for (let position = 0; ; ) {
      const count = readFully(file, buffer, position);
      if (count > 0) take(buffer.subarray(0, count));
      if (count < buffer.length) return;
      position += count;
      await this.#environment.scheduler.yield();
    }
  }

  #writeTemporary(target: string, bytes: Uint8Array): string {
    for (let attempt = 0; ; attempt++) {
      const temporary = `${target}.${attempt}.tmp`;
      let file: FileHandle;
      try {
        file = this.#create(temporary);
      } catch (error) {
        // Left behind by a crash, or another process is at it.
        if (isSystemError(error, ALREADY_THERE)) continue;
        throw error;
      }
      try {
        file.append(bytes);
      } catch (error) {
        this.#removeQuietly(temporary);
        throw error;
      } finally {
        file.close();
      }
      return temporary;
    }
  }

  #linkExclusive(temporary: string, target: string): boolean {
    try {
      this.#files.link(temporary, target);
      return true;
    } catch (error) {
      if (isSystemError(error, ALREADY_THERE)) return false;
      throw error;
    }
  }

  #removeQuietly(target: string): void {
    try {
      this.#files.remove(target);
    } catch {
      // Called on the way of another failure, which is reported.
    }
  }

  /** Makes names in these folders durable, and the folders' own names where that is not known. */
  #syncFolders(folders: ReadonlySet<string>): void {
    const synced = new Set<string>();
    const sync = (folder: string): void => {
      if (synced.has(folder)) return;
      synced.add(folder);
      this.#faultPoint('storage.sync-folder');
      this.#files.syncDirectory(folder);
    };
    for (const start of folders) {
      sync(start);
      for (let folder = start; folder !== '/'; folder = parentOf(folder)) {
        if (this.#durableFolders.has(folder)) continue;
        const parent = parentOf(folder);
        if (this.#isInside(folder)) sync(parent);
        else syncForeign(() => sync(parent));
        this.#durableFolders.add(folder);
      }
    }
  }

  #isInside(folder: string): boolean {
    return folder.startsWith(`${this.#root}/`);
  }

  #listInto(folder: string, paths: string[]): void {
    for (const name of this.#names(folder)) {
      const path = folder === '' ? name : `${folder}/${name}`;
      const kind = this.#files.stat(this.#localPath(path))?.kind;
      if (kind === 'directory') this.#listInto(path, paths);
      else if (kind === 'file') paths.push(path);
    }
  }

  #faultPoint(point: FaultPoint): void {
    this.#environment.faultPoint?.(point);
  }
}

const ALREADY_THERE: ReadonlySet<unknown> = new Set(['EEXIST']);

function isSystemError(error: unknown, systems: ReadonlySet<unknown>): boolean {
  return error instanceof MillraceError && systems.has(error.details?.['system']);
}

/** Folders above the storage's own may belong to others, who made their names durable. */
function syncForeign(sync: () => void): void {
  try {
    sync();
  } catch (error) {
    if (!isSystemError(error, CANNOT_SYNC)) throw error;
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** Fills `target` from `position` on; gives the bytes that were there. */
export function readFully(file: FileHandle, target: Uint8Array, position: number): number {
  let count = 0;
  while (count < target.length) {
    const read = file.read(target, count, target.length - count, position + count);
    if (read === 0) break;
    count += read;
  }
  return count;
}

interface WriterParts {
  readonly path: string;
  readonly target: string;
  readonly files: FileSystem;
  readonly file: FileHandle;
}

function fileWriter({ path, target, files, file }: WriterParts): SnapshotFileWriter {
  let bytes = 0;
  let checksum = 0;
  return {
    write(part) {
      file.append(part);
      checksum = crc32(part, checksum);
      bytes += part.length;
    },
    close() {
      file.close();
      return { path, bytes, checksum };
    },
    abort() {
      file.close();
      files.remove(target);
    },
  };
}
