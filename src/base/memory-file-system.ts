/**
 * A file system in memory that behaves like Linux's and can crash, fill up and fail on demand.
 *
 * Invariants:
 * 1. What passes the shared contract suite here passes it on the real disk.
 * 2. After `crash()`, what is left is what `sync` and `syncDirectory` made durable. This is harsher
 *    than most real disks: syncing a file does not make its name durable, and a rename is durable
 *    only as its folders are synced.
 * 3. Every operation asks `fault` first, and changes nothing if that names an error.
 */
import { posix } from 'node:path';
import type { FileHandle, FileStat, FileSystem, OpenMode, Random } from './environment.ts';
import { fileError } from './file-error.ts';
import { type CrashChoices, MemoryDirectory, MemoryFile, type MemoryNode } from './memory-file.ts';

/** The operations that {@link MemoryFileSystem.fault} is asked about. */
export type FileOperation =
  | 'open'
  | 'read'
  | 'append to'
  | 'sync'
  | 'stat'
  | 'list'
  | 'make folder'
  | 'rename'
  | 'link'
  | 'remove'
  | 'sync folder';

/**
 * Decides whether an operation fails: the system's code to fail with (such as `EIO`), or
 * `undefined`.
 */
export type FileFault = (operation: FileOperation, path: string) => string | undefined;

/** A {@link FileSystem} in memory. */
export interface MemoryFileSystem extends FileSystem {
  /** Injects failures; `undefined` for none. */
  fault: FileFault | undefined;
  /** How many bytes of files fit before `ENOSPC`. */
  capacityBytes: number;
  /** Bytes in all files that have a name. */
  usedBytes(): number;
  /**
   * Loses what was not made durable and makes every open file unusable. With `random`, a part of
   * what was not synced survives: a prefix of the bytes, in which blocks may be zeros, and some of
   * the changes of names.
   */
  crash(random?: Random): void;
  /** Turns a file's bytes into others, as a bad disk does; they are durable at once. */
  damage(path: string, change: (bytes: Uint8Array) => Uint8Array): void;
}

/** What {@link memoryFileSystem} needs. */
export interface MemoryFileSystemOptions {
  /** The time of changes, in epoch milliseconds. */
  readonly now: () => number;
}

/**
 * Makes an empty file system with the durable folders `/home` (the working directory) and `/tmp`.
 */
export function memoryFileSystem(options: MemoryFileSystemOptions): MemoryFileSystem {
  return new InMemory(options.now);
}

const WORKING_DIRECTORY = '/home';
const TEMPORARY_DIRECTORY = '/tmp';
/** One in so many unsynced blocks that a crash keeps has its length but not its bytes. */
const HOLE_ONE_IN = 16;

class InMemory implements MemoryFileSystem {
  fault: FileFault | undefined;
  capacityBytes = Number.POSITIVE_INFINITY;
  readonly #now: () => number;
  readonly #root: MemoryDirectory;
  /** Grows with each crash, so that handles from before it are refused. */
  #epoch = 0;
  #temporaryCount = 0;

  constructor(now: () => number) {
    this.#now = now;
    this.#root = new MemoryDirectory(now());
    this.makeDirectory(WORKING_DIRECTORY);
    this.makeDirectory(TEMPORARY_DIRECTORY);
    this.#root.sync();
  }

  open(path: string, mode: OpenMode): FileHandle {
    this.#check('open', path);
    const { directory, name, node } = this.#locate('open', path);
    if (node !== undefined && mode === 'create-exclusive') throw failure('open', path, 'EEXIST');
    if (node instanceof MemoryDirectory) throw failure('open', path, 'EISDIR');
    if (node === undefined && mode === 'read') throw failure('open', path, 'ENOENT');
    const file = node ?? new MemoryFile(this.#now());
    if (node === undefined) directory.set(name, file, this.#now());
    if (mode === 'write') file.truncate();
    return this.#handle(file, path, mode !== 'read');
  }

  stat(path: string): FileStat | undefined {
    this.#check('stat', path);
    const node = this.#find(path);
    if (node === undefined) return undefined;
    return { kind: node.kind, size: node.size, modifiedMs: node.modifiedMs };
  }

  list(path: string): readonly string[] {
    this.#check('list', path);
    return this.#directory('list', path).names();
  }

  makeDirectory(path: string): void {
    this.#check('make folder', path);
    let directory = this.#root;
    const names = this.#names(path);
    for (const [depth, name] of names.entries()) {
      const existing = directory.get(name);
      if (existing instanceof MemoryFile) {
        throw failure('make folder', path, depth === names.length - 1 ? 'EEXIST' : 'ENOTDIR');
      }
      const next = existing ?? new MemoryDirectory(this.#now());
      if (existing === undefined) directory.set(name, next, this.#now());
      directory = next;
    }
  }

  rename(from: string, to: string): void {
    this.#check('rename', from);
    const source = this.#locate('rename', from);
    const target = this.#locate('rename', to);
    const shown = `${from}' to '${to}`;
    if (source.node === undefined) throw failure('rename', shown, 'ENOENT');
    if (source.node === target.node) return;
    if (this.resolve(to).startsWith(`${this.resolve(from)}/`)) {
      throw failure('rename', shown, 'EINVAL');
    }
    const refusal = renameRefusal(source.node, target.node);
    if (refusal !== undefined) throw failure('rename', shown, refusal);
    source.directory.delete(source.name, this.#now());
    target.directory.set(target.name, source.node, this.#now());
  }

  link(existing: string, path: string): void {
    this.#check('link', existing);
    const source = this.#locate('link', existing);
    const target = this.#locate('link', path);
    const shown = `${existing}' to '${path}`;
    if (source.node === undefined) throw failure('link', shown, 'ENOENT');
    if (source.node instanceof MemoryDirectory) throw failure('link', shown, 'EPERM');
    if (target.node !== undefined) throw failure('link', shown, 'EEXIST');
    target.directory.set(target.name, source.node, this.#now());
  }

  remove(path: string): void {
    this.#check('remove', path);
    if (this.#find(path) === undefined) return;
    const { directory, name } = this.#locate('remove', path);
    directory.delete(name, this.#now());
  }

  syncDirectory(path: string): void {
    this.#check('sync folder', path);
    this.#directory('sync folder', path).sync();
  }

  async syncFile(path: string): Promise<void> {
    const epoch = this.#epoch;
    // The disk takes its time: what crashes meanwhile was not durable.
    await Promise.resolve();
    const node = this.#find(path);
    this.#check(node instanceof MemoryDirectory ? 'sync folder' : 'sync', path);
    if (epoch !== this.#epoch) throw failure('sync', path, 'EBADF');
    if (node === undefined) throw failure('sync', path, 'ENOENT');
    node.sync();
  }

  makeTemporaryDirectory(prefix: string): string {
    const path = `${TEMPORARY_DIRECTORY}/${prefix}${String(this.#temporaryCount++).padStart(6, '0')}`;
    this.makeDirectory(path);
    return path;
  }

  resolve(path: string): string {
    const absolute = path.startsWith('/') ? path : `${WORKING_DIRECTORY}/${path}`;
    const normal = posix.normalize(absolute);
    return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
  }

  usedBytes(): number {
    let bytes = 0;
    for (const node of reachable(this.#root)) bytes += node.size;
    return bytes;
  }

  crash(random?: Random): void {
    this.#epoch++;
    const isKept = (): boolean => random !== undefined && random.below(2) === 1;
    const choices: CrashChoices = {
      keep: (count) => (random === undefined ? 0 : random.below(count + 1)),
      isHole: () => random !== undefined && random.below(HOLE_ONE_IN) === 0,
    };
    // Folders first, from the top: what a lost folder held is no longer there to be reached.
    for (const node of reachable(this.#root)) {
      if (node instanceof MemoryDirectory) node.crash(isKept);
      else node.crash(choices);
    }
  }

  damage(path: string, change: (bytes: Uint8Array) => Uint8Array): void {
    const node = this.#find(path);
    if (node === undefined) throw failure('open', path, 'ENOENT');
    if (node instanceof MemoryDirectory) throw failure('open', path, 'EISDIR');
    node.damage(change);
  }

  #handle(file: MemoryFile, path: string, isWritable: boolean): FileHandle {
    const epoch = this.#epoch;
    let isOpen = true;
    const check = (operation: FileOperation): void => {
      this.#check(operation, path);
      if (!isOpen || epoch !== this.#epoch) throw failure(operation, path, 'EBADF');
    };
    const close = (): void => {
      isOpen = false;
    };
    return {
      read(target, targetOffset, length, position) {
        check('read');
        return file.read(target, targetOffset, length, position);
      },
      append: (bytes) => {
        check('append to');
        if (!isWritable) throw failure('append to', path, 'EBADF');
        if (this.#isFull(bytes.length)) throw failure('append to', path, 'ENOSPC');
        file.append(bytes);
        file.modifiedMs = this.#now();
      },
      sync() {
        check('sync');
        file.sync();
      },
      size() {
        check('stat');
        return file.size;
      },
      close,
      [Symbol.dispose]: close,
    };
  }

  #isFull(bytes: number): boolean {
    if (this.capacityBytes === Number.POSITIVE_INFINITY) return false;
    return this.usedBytes() + bytes > this.capacityBytes;
  }

  #check(operation: FileOperation, path: string): void {
    const system = this.fault?.(operation, path);
    if (system !== undefined) throw failure(operation, path, system);
  }

  #names(path: string): readonly string[] {
    return this.resolve(path)
      .split('/')
      .filter((name) => name !== '');
  }

  #find(path: string): MemoryNode | undefined {
    let node: MemoryNode | undefined = this.#root;
    for (const name of this.#names(path)) {
      node = node instanceof MemoryDirectory ? node.get(name) : undefined;
    }
    return node;
  }

  #directory(operation: FileOperation, path: string): MemoryDirectory {
    const node = this.#find(path);
    if (node === undefined) throw failure(operation, path, 'ENOENT');
    if (node instanceof MemoryFile) throw failure(operation, path, 'ENOTDIR');
    return node;
  }

  /** The folder that holds, or would hold, the last name of a path. */
  #locate(operation: FileOperation, path: string): Location {
    const resolved = this.resolve(path);
    const name = posix.basename(resolved);
    const parent = this.#find(posix.dirname(resolved));
    if (parent === undefined || name === '') throw failure(operation, path, 'ENOENT');
    if (parent instanceof MemoryFile) throw failure(operation, path, 'ENOTDIR');
    return { directory: parent, name, node: parent.get(name) };
  }
}

interface Location {
  readonly directory: MemoryDirectory;
  readonly name: string;
  readonly node: MemoryNode | undefined;
}

function renameRefusal(source: MemoryNode, target: MemoryNode | undefined): string | undefined {
  if (target === undefined) return undefined;
  if (target instanceof MemoryFile) return source instanceof MemoryFile ? undefined : 'ENOTDIR';
  if (source instanceof MemoryFile) return 'EISDIR';
  return target.isEmpty ? undefined : 'ENOTEMPTY';
}

/**
 * Every node below `root`, once, folders before what they hold; a folder may change while it is
 * visited.
 */
function* reachable(root: MemoryDirectory): Generator<MemoryNode> {
  const seen = new Set<MemoryNode>([root]);
  for (const node of seen) {
    yield node;
    if (node instanceof MemoryFile) continue;
    for (const child of node.children()) seen.add(child);
  }
}

function failure(operation: FileOperation, path: string, system: string): Error {
  return fileError({ operation, path, system });
}
