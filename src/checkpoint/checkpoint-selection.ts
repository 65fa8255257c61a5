/**
 * Which checkpoint a job starts from: the newest one that is whole, or the one it is told.
 *
 * Invariants:
 * 1. A checkpoint is chosen only after all its files were read and have the lengths and checksums
 *    that its manifest names.
 * 2. What is damaged is reported, never loaded; where all are damaged the job does not start empty.
 * 3. A manifest of a newer release stops the choice: falling back would lose what it holds.
 */
import { hasErrorCode, MillraceError } from '../base/errors.ts';
import type { CheckpointStorage } from './checkpoint-storage.ts';
import { checkpointFolder, listCheckpoints } from './job-directory.ts';
import { type CheckpointManifest, decodeManifest, MANIFEST_NAME } from './manifest.ts';
import { damagedFile } from './snapshot-files.ts';
import type { StorageEnvironment } from './storage/file-storage.ts';
import { openStorage } from './storage/open-storage.ts';
import { joinPath } from './storage/storage-path.ts';
import { type Damage, verifyCheckpoint } from './verify-checkpoint.ts';

/** A checkpoint that has been verified, and where it lies. */
export interface SelectedCheckpoint {
  readonly manifest: CheckpointManifest;
  /** What `openStorage` takes. */
  readonly storageUrl: string;
  /** What the manifest's paths are relative to, in that storage. */
  readonly folder: string;
  /** The folder of its manifest, with the storage's URL. */
  readonly path: string;
  /** Newer ones that were passed over, and their damaged files. */
  readonly damagedIds: readonly number[];
  readonly damaged: readonly Damage[];
}

/** A manifest that was read, or why it could not be. */
export type ReadManifest =
  | { readonly checkpointId: number; readonly manifest: CheckpointManifest }
  | { readonly checkpointId: number; readonly manifest: undefined; readonly damage: Damage };

/** All manifests of a job, the newest first: by epoch, then by id; unreadable ones by id alone. */
export function readManifests(storage: CheckpointStorage, jobId: string): readonly ReadManifest[] {
  const all = listCheckpoints(storage, jobId).map((id) => readOne(storage, jobId, id));
  return all.sort((a, b) => {
    const byEpoch = (b.manifest?.epoch ?? 0) - (a.manifest?.epoch ?? 0);
    const isKnown = a.manifest !== undefined && b.manifest !== undefined;
    return isKnown && byEpoch !== 0 ? byEpoch : b.checkpointId - a.checkpointId;
  });
}

/**
 * The newest checkpoint of a job that is whole; undefined if it has none at all.
 *
 * @throws CHECKPOINT_DAMAGED (rejects) if it has some, but none is whole
 */
export async function selectCheckpoint(
  storage: CheckpointStorage,
  jobId: string,
): Promise<SelectedCheckpoint | undefined> {
  const damaged: Damage[] = [];
  const damagedIds: number[] = [];
  for (const read of readManifests(storage, jobId)) {
    const { manifest, checkpointId } = read;
    const found =
      manifest === undefined
        ? [read.damage]
        : await verifyCheckpoint({ storage, manifest, folder: jobId });
    if (manifest !== undefined && found.length === 0) {
      const path = `${storage.url}/${checkpointFolder(jobId, checkpointId)}`;
      return { manifest, storageUrl: storage.url, folder: jobId, path, damagedIds, damaged };
    }
    damagedIds.push(checkpointId);
    damaged.push(...found);
  }
  const [first] = damaged;
  if (first === undefined) return undefined;
  throw new MillraceError(
    'CHECKPOINT_DAMAGED',
    `no checkpoint of job ${jobId} is whole: '${first.path}': ${first.reason}; ` +
      'repair the file, start from a savepoint, or start anew under another job id',
    { details: { jobId, path: first.path, reason: first.reason, damaged } },
  );
}

/**
 * The checkpoint or savepoint at a path or URL: its folder, or its `_metadata`.
 *
 * @throws CHECKPOINT_NOT_FOUND (rejects)
 * @throws CHECKPOINT_DAMAGED (rejects)
 */
export async function resolveCheckpoint(
  pathOrUrl: string,
  environment: StorageEnvironment,
): Promise<SelectedCheckpoint> {
  const { storage, folder, manifest, path } = openManifest(pathOrUrl, environment);
  const [damage] = await verifyCheckpoint({ storage, manifest, folder });
  if (damage !== undefined) throw damagedFile(damage.path, damage.reason);
  return { manifest, storageUrl: storage.url, folder, path, damagedIds: [], damaged: [] };
}

interface OpenedManifest {
  readonly storage: CheckpointStorage;
  readonly folder: string;
  readonly manifest: CheckpointManifest;
  readonly path: string;
}

/**
 * The manifest at a path or URL, its files not looked at.
 *
 * @throws CHECKPOINT_NOT_FOUND
 * @throws CHECKPOINT_DAMAGED
 */
export function openManifest(pathOrUrl: string, environment: StorageEnvironment): OpenedManifest {
  const own = pathOrUrl.replace(/\/+$/, '').replace(/\/_metadata$/, '');
  const storage = openStorage(own, environment);
  const shown = `${storage.url}/${MANIFEST_NAME}`;
  const bytes = storage.read(MANIFEST_NAME);
  if (bytes === undefined) throw notFound(pathOrUrl, shown);
  const manifest = decodeManifest(bytes, shown);
  if (manifest.kind === 'savepoint') return { storage, folder: '', manifest, path: storage.url };
  // A checkpoint's files lie beside it, below the job's folder.
  const job = openStorage(parentUrl(storage.url), environment);
  return { storage: job, folder: '', manifest, path: storage.url };
}

function parentUrl(url: string): string {
  return url.slice(0, url.lastIndexOf('/'));
}

function readOne(storage: CheckpointStorage, jobId: string, checkpointId: number): ReadManifest {
  const path = joinPath(checkpointFolder(jobId, checkpointId), MANIFEST_NAME);
  const shown = `${storage.url}/${path}`;
  const bytes = storage.read(path);
  if (bytes === undefined) {
    return { checkpointId, manifest: undefined, damage: { path: shown, reason: 'it is missing' } };
  }
  try {
    const manifest = decodeManifest(bytes, shown);
    if (manifest.checkpointId === checkpointId) return { checkpointId, manifest };
    const reason = `it is that of checkpoint ${manifest.checkpointId}`;
    return { checkpointId, manifest: undefined, damage: { path: shown, reason } };
  } catch (error) {
    if (!(error instanceof MillraceError) || !hasErrorCode(error, 'CHECKPOINT_DAMAGED'))
      throw error;
    const reason = String(error.details?.['reason']);
    return { checkpointId, manifest: undefined, damage: { path: shown, reason } };
  }
}

function notFound(given: string, shown: string): MillraceError {
  return new MillraceError(
    'CHECKPOINT_NOT_FOUND',
    `there is no checkpoint or savepoint at '${given}': '${shown}' does not exist`,
    { details: { path: given } },
  );
}
