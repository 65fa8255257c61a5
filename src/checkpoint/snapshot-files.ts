/**
 * Where a subtask's snapshot writes its files and where a restore reads them, over a storage.
 *
 * Invariants:
 * 1. Files of different owners, attempts, checkpoints and subtasks have different names; no text of
 *    users is part of one.
 * 2. What is read has been verified against length and checksum.
 */
import { crc32 } from 'node:zlib';
import type { Environment } from '../base/environment.ts';
import { hasErrorCode, MillraceError } from '../base/errors.ts';
import type { FileRef, SnapshotInput, SnapshotOutput } from '../state/snapshot.ts';
import type { CheckpointPlace } from './checkpoint-messages.ts';
import type { CheckpointStorage } from './checkpoint-storage.ts';
import { localPathOf } from './storage/file-storage.ts';
import { joinPath } from './storage/storage-path.ts';

/** The folder of state files below a job's or savepoint's folder. */
export const SHARED_FOLDER = 'shared';

const HINT_LENGTH_MAX = 32;

/** How the names of a checkpoint's files begin. */
export function filePrefix(epoch: number, attempt: number, checkpointId: number): string {
  return `${epoch}-${attempt}-${checkpointId}`;
}

/** What {@link snapshotOutput} needs. */
export interface SnapshotOutputOptions {
  /** That of `place.storageUrl`. */
  readonly storage: CheckpointStorage;
  readonly place: CheckpointPlace;
  readonly vertex: number;
  readonly subtask: number;
  readonly environment: Pick<Environment, 'faultPoint'>;
}

/** The output of a subtask's snapshot, with what it has made so far. */
export interface RecordingOutput extends SnapshotOutput {
  /** Finished files: the acknowledgement's `newFiles`. */
  readonly newFiles: readonly FileRef[];
  /** Removes all of them, when the checkpoint is given up before it was acknowledged. */
  discard(): void;
}

/** Makes an output for one subtask and checkpoint. */
export function snapshotOutput(options: SnapshotOutputOptions): RecordingOutput {
  const { storage, place, vertex, subtask, environment } = options;
  const newFiles: FileRef[] = [];
  let count = 0;
  const nextPath = (hint: string): string => {
    const name = `${place.filePrefix}-${vertex}-${subtask}-${count++}-${checkedHint(hint)}`;
    return `${SHARED_FOLDER}/${name}`;
  };
  const finished = (path: string, { bytes, checksum }: FileRef): FileRef => {
    const file = { path, bytes, checksum };
    newFiles.push(file);
    environment.faultPoint?.('snapshot.file-written');
    return file;
  };
  return {
    newFiles,
    create(hint) {
      const path = nextPath(hint);
      const writer = storage.writer(joinPath(place.folder, path));
      return {
        write: (bytes) => writer.write(bytes),
        close: () => finished(path, writer.close()),
        abort: () => writer.abort(),
      };
    },
    async adopt(localPath, hint) {
      const path = nextPath(hint);
      return finished(path, await storage.adopt(localPath, joinPath(place.folder, path)));
    },
    discard() {
      for (const { path } of newFiles.splice(0)) {
        try {
          storage.remove(joinPath(place.folder, path));
        } catch (error) {
          // No checkpoint names it: the next recovery removes it. The job must not fail for it.
          if (!hasErrorCode(error, 'FILE_FAILED')) throw error;
        }
      }
    },
  };
}

function checkedHint(hint: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(hint) && hint.length <= HINT_LENGTH_MAX) return hint;
  throw new MillraceError(
    'BUG',
    `a file's hint is a short word of letters and digits, got '${hint}'`,
  );
}

/** What {@link snapshotInput} needs. */
export interface SnapshotInputOptions {
  readonly storage: CheckpointStorage;
  /** What the files' paths are relative to. */
  readonly folder: string;
  readonly environment: Pick<Environment, 'fileSystem'>;
}

/** The input of a restore. */
export function snapshotInput(options: SnapshotInputOptions): SnapshotInput {
  const { storage, folder, environment } = options;
  const read = (file: FileRef): Uint8Array => {
    const path = joinPath(folder, file.path);
    const bytes = storage.read(path);
    const reason = mismatch(file, bytes && { bytes: bytes.length, checksum: crc32(bytes) });
    if (bytes === undefined || reason !== undefined) {
      throw damagedFile(`${storage.url}/${path}`, reason ?? 'it is missing');
    }
    return bytes;
  };
  return {
    read,
    materialize(file, localPath) {
      const source = localPathOf(storage, joinPath(folder, file.path));
      if (source !== undefined && tryLink(environment, source, localPath)) return;
      const bytes = read(file);
      using target = environment.fileSystem.open(localPath, 'create-exclusive');
      target.append(bytes);
    },
  };
}

/** Why a file is not what its manifest says, in words; undefined if it is. */
export function mismatch(
  file: FileRef,
  found: Pick<FileRef, 'bytes' | 'checksum'> | undefined,
): string | undefined {
  if (found === undefined) return 'it is missing';
  if (found.bytes !== file.bytes) return `it has ${found.bytes} bytes instead of ${file.bytes}`;
  return found.checksum === file.checksum ? undefined : 'its checksum is another';
}

/** The error for a damaged file. */
export function damagedFile(path: string, reason: string): MillraceError {
  return new MillraceError(
    'CHECKPOINT_DAMAGED',
    `the checkpoint file '${path}' is damaged: ${reason}; ` +
      'start from another checkpoint or savepoint',
    { details: { path, reason } },
  );
}

/** Where the file system cannot link, the caller copies. */
function tryLink(
  environment: Pick<Environment, 'fileSystem'>,
  source: string,
  target: string,
): boolean {
  try {
    environment.fileSystem.link(source, target);
    return true;
  } catch (error) {
    const system = error instanceof MillraceError ? error.details?.['system'] : undefined;
    if (['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP'].includes(String(system))) return false;
    if (system === 'ENOENT') throw damagedFile(source, 'it is missing');
    throw error;
  }
}
