/**
 * Where checkpoints and savepoints lie: the narrow interface that disks, memory and object stores
 * implement.
 *
 * Invariants that an implementation keeps:
 * 1. Paths are relative, `/` between names, without `.` or `..`; the storage's own root is the
 *    implementation's.
 * 2. `createExclusive` is atomic: a reader sees all bytes or none, also after a crash.
 * 3. What `writer` and `adopt` made is durable only after `sync` has resolved for it.
 */
import type { SnapshotFileWriter, FileRef } from '../state/snapshot.ts';

/** See the file's head. */
export interface CheckpointStorage {
  /** For messages: `file:///data/ckpt`. */
  readonly url: string;
  /** Begins a new file. Callable on any thread that opened the storage. */
  writer(path: string): SnapshotFileWriter;
  /** Takes over a finished local file, by a hard link where it can. */
  adopt(localPath: string, path: string): Promise<FileRef>;
  /**
   * Makes files and their names durable. A folder's path makes the names in it durable, those that
   * were removed included.
   */
  sync(paths: readonly string[]): Promise<void>;
  /**
   * Writes a whole small file so that it appears at once and is durable when the promise resolves;
   * false, and nothing changed, if a file of that name exists. Manifests, locks and everything else
   * that must be seen whole goes this way.
   */
  createExclusive(path: string, bytes: Uint8Array): Promise<boolean>;
  /** Length and CRC-32 of a file, without all of it in memory; undefined if it does not exist. */
  checksum(path: string): Promise<FileRef | undefined>;
  /** All bytes of a file; undefined if it does not exist. */
  read(path: string): Uint8Array | undefined;
  /**
   * `files`: the paths of all files below a folder; `names`: the names of the files and folders
   * right in it. Sorted; none if it does not exist; `''` is the root.
   */
  list(folder: string, what: 'files' | 'names'): readonly string[];
  /** Removes a file, or a folder with all below it; fine if it is not there. */
  remove(path: string): void;
}
