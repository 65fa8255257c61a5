/**
 * Gives finished parts their final names.
 *
 * Invariants:
 * 1. Idempotent: a part that has its final name already is fine.
 * 2. Never replaces a file that this part is not: the final name is made as a second name of the
 *    part, which the file system refuses if the name is taken.
 * 3. The name in progress goes only after the final one is durable, so at any moment of a crash the
 *    bytes can be reached by one of the two.
 * 4. Nothing waits for the disk on the calling thread.
 */
import type { FileSystem } from '../../base/environment.ts';
import { hasErrorCode, MillraceError } from '../../base/errors.ts';
import type { MetricGroup } from '../../functions/runtime-context.ts';
import type { CommitContext, Committer } from '../../functions/sink.ts';
import type { PartCommittable } from './part-file.ts';
import { parentOf } from './staging-folder.ts';

/** Codes of file systems that know no second names. */
const NO_LINKS: readonly unknown[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/**
 * Names parts and makes the names durable. Counts them: `numFilesCommitted`, `numBytesCommitted`;
 * `numFilesGone` are those that were committed before a restore and are no longer there.
 */
export class PartCommitter implements Committer<PartCommittable> {
  readonly #path: string;
  readonly #fileSystem: FileSystem;
  readonly #metrics: MetricGroup;

  /** A committer for the sink with that folder. */
  constructor(path: string, fileSystem: FileSystem, metrics: MetricGroup) {
    this.#path = path;
    this.#fileSystem = fileSystem;
    this.#metrics = metrics;
  }

  async commit(committables: readonly PartCommittable[], context: CommitContext): Promise<void> {
    const named = committables.filter((part) => this.#name(part, context));
    const folders = new Set(named.flatMap((part) => this.#foldersOf(part.finalPath)));
    await Promise.all([...folders].map((folder) => this.#fileSystem.syncFile(folder)));
    for (const { inProgressPath } of named) this.#fileSystem.remove(inProgressPath);
  }

  /** Makes the final name; false if there was nothing to do. */
  #name(part: PartCommittable, context: CommitContext): boolean {
    const inProgress = this.#fileSystem.stat(part.inProgressPath);
    const final = this.#fileSystem.stat(part.finalPath);
    if (inProgress === undefined) {
      this.#requireCommitted(part, final?.size, context);
      return false;
    }
    if (inProgress.size !== part.bytes) throw failed(part, sizes(inProgress.size, part));
    // A commit that was cut off before has made the name already.
    if (final?.size === part.bytes) return true;
    if (final !== undefined) throw failed(part, 'both names exist: another job writes there');
    this.#fileSystem.makeDirectory(parentOf(part.finalPath));
    this.#linkOrRename(part);
    this.#metrics.counter('numFilesCommitted').inc();
    this.#metrics.counter('numBytesCommitted').inc(part.bytes);
    return true;
  }

  /** Files that are visible belong to their readers, who may have taken them away since. */
  #requireCommitted(
    part: PartCommittable,
    finalBytes: number | undefined,
    { isRestored }: CommitContext,
  ): void {
    if (finalBytes === part.bytes) return;
    if (finalBytes !== undefined) throw failed(part, sizes(finalBytes, part));
    if (!isRestored) throw failed(part, 'neither name exists');
    this.#metrics.counter('numFilesGone').inc();
  }

  #linkOrRename({ inProgressPath, finalPath }: PartCommittable): void {
    try {
      this.#fileSystem.link(inProgressPath, finalPath);
    } catch (error) {
      if (!hasErrorCode(error, 'FILE_FAILED')) throw error;
      if (!NO_LINKS.includes((error as MillraceError).details?.['system'])) throw error;
      this.#fileSystem.rename(inProgressPath, finalPath);
    }
  }

  /** The folders up to the sink's whose names a crash could take away. */
  #foldersOf(finalPath: string): string[] {
    const folders = [parentOf(finalPath)];
    for (let folder = parentOf(finalPath); folder.startsWith(`${this.#path}/`); ) {
      folder = parentOf(folder);
      folders.push(folder);
    }
    return folders;
  }
}

function sizes(bytes: number, part: PartCommittable): string {
  return `it has ${bytes} bytes, but ${part.bytes} were written`;
}

function failed(part: PartCommittable, reason: string): MillraceError {
  return new MillraceError(
    'CONNECTOR_FAILED',
    `cannot commit '${part.finalPath}' (in progress: '${part.inProgressPath}'): ${reason}; was ` +
      'it changed or removed while the job ran?',
    { details: { ...part } },
  );
}
