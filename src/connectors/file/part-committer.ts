/**
 * Gives finished parts their final names.
 *
 * Invariants:
 * 1. Idempotent: a part that has its final name already is fine.
 * 2. Never replaces a file that this part is not.
 */
import type { FileSystem } from '../../base/environment.ts';
import { MillraceError } from '../../base/errors.ts';
import type { MetricGroup } from '../../functions/runtime-context.ts';
import type { Committer } from '../../functions/sink.ts';
import type { PartCommittable } from './part-file.ts';

/**
 * Renames parts and makes the renames durable. Counts them: `numFilesCommitted`,
 * `numBytesCommitted`.
 */
export class PartCommitter implements Committer<PartCommittable> {
  readonly #fileSystem: FileSystem;
  readonly #metrics: MetricGroup;

  constructor(fileSystem: FileSystem, metrics: MetricGroup) {
    this.#fileSystem = fileSystem;
    this.#metrics = metrics;
  }

  commit(committables: readonly PartCommittable[]): void {
    const folders = new Set<string>();
    for (const part of committables) {
      this.#commitOne(part);
      folders.add(part.finalPath.slice(0, part.finalPath.lastIndexOf('/')) || '.');
    }
    for (const folder of folders) this.#fileSystem.syncDirectory(folder);
  }

  #commitOne(part: PartCommittable): void {
    const inProgress = this.#fileSystem.stat(part.inProgressPath);
    const final = this.#fileSystem.stat(part.finalPath);
    if (inProgress === undefined) {
      if (final?.size === part.bytes) return;
      throw failed(part, final === undefined ? 'neither name exists' : sizes(final.size, part));
    }
    if (final !== undefined) throw failed(part, 'both names exist: another job writes there');
    if (inProgress.size !== part.bytes) throw failed(part, sizes(inProgress.size, part));
    this.#fileSystem.rename(part.inProgressPath, part.finalPath);
    this.#metrics.counter('numFilesCommitted').inc();
    this.#metrics.counter('numBytesCommitted').inc(part.bytes);
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
