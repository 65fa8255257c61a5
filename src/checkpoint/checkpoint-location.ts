/**
 * Where a checkpoint or savepoint lies in its storage.
 * Invariant: a savepoint's folder holds all that it names, so it can be moved; a checkpoint's files
 * lie in the job's folder, where the next ones name them too.
 */
import { MillraceError } from '../base/errors.ts';
import type { CheckpointStorage } from './checkpoint-storage.ts';
import { checkpointFolder } from './job-directory.ts';
import { MANIFEST_NAME } from './manifest.ts';
import type { StorageEnvironment } from './storage/file-storage.ts';
import { openStorage } from './storage/open-storage.ts';
import { joinPath } from './storage/storage-path.ts';

/** See the file's head. */
export interface CheckpointLocation {
  readonly storage: CheckpointStorage;
  /** What the paths of its files are relative to. */
  readonly folder: string;
  /** The folder of its manifest. */
  readonly manifestFolder: string;
  readonly manifestPath: string;
  /** The manifest's folder with the storage's URL. */
  readonly url: string;
}

/** The place of a job's checkpoint. */
export function checkpointLocation(
  storage: CheckpointStorage,
  jobId: string,
  checkpointId: number,
): CheckpointLocation {
  return location(storage, jobId, checkpointFolder(jobId, checkpointId));
}

/** What names a savepoint's folder. */
export interface SavepointName {
  readonly jobId: string;
  readonly epoch: number;
  readonly checkpointId: number;
}

/**
 * A savepoint's place below a folder.
 *
 * @throws CONFIG_INVALID if there is no such folder to be had
 */
export function savepointLocation(
  directory: string | undefined,
  { jobId, epoch, checkpointId }: SavepointName,
  environment: StorageEnvironment,
): CheckpointLocation {
  if (directory === undefined) {
    throw new MillraceError(
      'CONFIG_INVALID',
      'a savepoint needs a folder: name one, or set execution.checkpointing.savepoint-dir',
    );
  }
  const folder = `savepoint-${jobId}-${epoch}-${checkpointId}`;
  return location(openStorage(directory, environment), folder, folder);
}

function location(
  storage: CheckpointStorage,
  folder: string,
  manifestFolder: string,
): CheckpointLocation {
  return {
    storage,
    folder,
    manifestFolder,
    manifestPath: joinPath(manifestFolder, MANIFEST_NAME),
    url: `${storage.url}/${manifestFolder}`,
  };
}
