/**
 * Whether a checkpoint's files are what its manifest says.
 * Invariant: every file is read to its end; what cannot be read for other reasons than damage is an
 * error, not damage.
 */
import { hasErrorCode, MillraceError } from '../base/errors.ts';
import type { CheckpointStorage } from './checkpoint-storage.ts';
import type { CheckpointManifest } from './manifest.ts';
import { mismatch } from './snapshot-files.ts';
import { forEachBounded } from './storage/bounded.ts';
import { joinPath } from './storage/storage-path.ts';

/** A file that is not what its manifest says. */
export interface Damage {
  /** With the storage's URL. */
  readonly path: string;
  readonly reason: string;
}

/** Files read at the same time: enough to hide a store's latency. */
const FILES_MAX = 8;

/**
 * Reads of a file that fail before its sectors count as lost: falling back loses what was committed
 * since.
 */
const READS_MAX = 3;

/** What {@link verifyCheckpoint} looks at. */
export interface VerifyOptions {
  readonly storage: CheckpointStorage;
  readonly manifest: CheckpointManifest;
  /** What the manifest's paths are relative to. */
  readonly folder: string;
}

/** Damaged files, by path; none if the checkpoint is whole. */
export async function verifyCheckpoint(options: VerifyOptions): Promise<readonly Damage[]> {
  const { storage, manifest, folder } = options;
  const damages: Damage[] = [];
  await forEachBounded(manifest.files, FILES_MAX, async (file) => {
    const path = joinPath(folder, file.path);
    const reason = await reasonOf(() => storage.checksum(path), file);
    if (reason !== undefined) damages.push({ path: `${storage.url}/${path}`, reason });
  });
  return damages.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function reasonOf(
  measure: () => ReturnType<CheckpointStorage['checksum']>,
  file: Parameters<typeof mismatch>[0],
  reads = 1,
): Promise<string | undefined> {
  try {
    return mismatch(file, await measure());
  } catch (error) {
    if (hasErrorCode(error, 'ILLEGAL_ARGUMENT')) return 'its path is not allowed';
    const system = error instanceof MillraceError ? error.details?.['system'] : undefined;
    if (system === 'EIO' && reads < READS_MAX) return reasonOf(measure, file, reads + 1);
    // A folder in the file's place; sectors that the disk cannot read any more.
    if (system === 'EISDIR' || system === 'EIO') return `it cannot be read (${system})`;
    throw error;
  }
}
