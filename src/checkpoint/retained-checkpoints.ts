/**
 * The completed checkpoints of a job, and which files they name.
 *
 * Invariants:
 * 1. A manifest's removal is durable before a file that it names is removed.
 * 2. A file is removed only when no retained checkpoint names it.
 * 3. Only the job's own `chk-…` folders, `shared` files and leftover temporary files are touched.
 */
import type { Environment } from '../base/environment.ts';
import type { ReadManifest } from './checkpoint-selection.ts';
import type { CheckpointStorage } from './checkpoint-storage.ts';
import { checkpointFolder, checkpointFolderIds } from './job-directory.ts';
import { type CheckpointManifest, MANIFEST_NAME } from './manifest.ts';
import { SHARED_FOLDER } from './snapshot-files.ts';
import { joinPath } from './storage/storage-path.ts';

/** How temporary files of `createExclusive` end. */
const TEMPORARY = /\.\d+\.tmp$/;

interface Retained {
  readonly checkpointId: number;
  /** Undefined: its manifest cannot be read. */
  readonly files: ReadonlySet<string> | undefined;
  readonly isDamaged: boolean;
}

/** What {@link RetainedCheckpoints} works on. */
export interface RetainedOptions {
  readonly storage: CheckpointStorage;
  readonly jobId: string;
  readonly environment: Pick<Environment, 'faultPoint'>;
}

/** See the file's head. */
export class RetainedCheckpoints {
  readonly #options: RetainedOptions;
  /** The oldest first. */
  #entries: readonly Retained[] = [];

  constructor(options: RetainedOptions) {
    this.#options = options;
  }

  /** Takes over what lies in the storage, the newest first as `readManifests` gives it. */
  load(manifests: readonly ReadManifest[], damagedIds: readonly number[]): void {
    const entries = manifests.map(
      ({ checkpointId, manifest }): Retained => ({
        checkpointId,
        files: manifest && namesOf(manifest),
        isDamaged: damagedIds.includes(checkpointId),
      }),
    );
    this.#entries = entries.reverse();
  }

  add(manifest: CheckpointManifest): void {
    const { checkpointId } = manifest;
    this.#entries = [
      ...this.#entries,
      { checkpointId, files: namesOf(manifest), isDamaged: false },
    ];
  }

  /** Whether a retained checkpoint names this file. */
  names(path: string): boolean {
    return this.#entries.some(({ files }) => files?.has(path) === true);
  }

  /** Removes damaged and old checkpoints, so that at most `count` are left, and their files. */
  async trim(count: number): Promise<void> {
    const whole = this.#entries.filter(({ isDamaged }) => !isDamaged);
    await this.#keepOnly(whole.slice(-count));
  }

  /** Removes all checkpoints and their files. */
  async removeAll(): Promise<void> {
    await this.#keepOnly([]);
    this.sweep();
  }

  /** Removes what no retained checkpoint names. No task of the job may run. */
  sweep(): void {
    const { storage, jobId } = this.#options;
    for (const id of checkpointFolderIds(storage, jobId)) this.#sweepCheckpointFolder(id);
    for (const name of storage.list(jobId, 'names')) {
      if (TEMPORARY.test(name)) storage.remove(joinPath(jobId, name));
    }
    // What a manifest names that cannot be read is not known: its files stay until it is gone.
    if (this.#entries.some(({ files }) => files === undefined)) return;
    const from = jobId.length + 1;
    this.#removeFiles(
      storage
        .list(joinPath(jobId, SHARED_FOLDER), 'files')
        .map((path) => path.slice(from))
        .filter((path) => !this.names(path)),
    );
  }

  async #keepOnly(kept: readonly Retained[]): Promise<void> {
    const { storage, jobId, environment } = this.#options;
    const dropped = this.#entries.filter((entry) => !kept.includes(entry));
    if (dropped.length === 0) return;
    for (const { checkpointId } of dropped) {
      environment.faultPoint?.('checkpoint.remove-old');
      storage.remove(checkpointFolder(jobId, checkpointId));
    }
    await storage.sync([jobId]);
    this.#entries = kept;
    const files = new Set(dropped.flatMap((entry) => [...(entry.files ?? [])]));
    this.#removeFiles([...files].filter((path) => !this.names(path)));
  }

  #removeFiles(paths: readonly string[]): void {
    const { storage, jobId, environment } = this.#options;
    if (paths.length === 0) return;
    environment.faultPoint?.('checkpoint.remove-files');
    for (const path of paths) storage.remove(joinPath(jobId, path));
  }

  #sweepCheckpointFolder(checkpointId: number): void {
    const { storage, jobId } = this.#options;
    const folder = checkpointFolder(jobId, checkpointId);
    const names = storage.list(folder, 'names');
    if (!names.includes(MANIFEST_NAME)) {
      storage.remove(folder);
      return;
    }
    for (const name of names) if (TEMPORARY.test(name)) storage.remove(joinPath(folder, name));
  }
}

function namesOf(manifest: CheckpointManifest): ReadonlySet<string> {
  return new Set(manifest.files.map(({ path }) => path));
}
