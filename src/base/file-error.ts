/**
 * The one place that makes the file system's errors, so that every implementation fails in the same
 * words.
 */
import { MillraceError } from './errors.ts';

/** What was tried on which path, and the system's answer. */
export interface FileFailure {
  /** A verb in the infinitive, such as `open`. */
  readonly operation: string;
  readonly path: string;
  /** The system's code, such as `ENOSPC`. */
  readonly system: string;
  readonly cause?: unknown;
}

const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: 'it, or the folder it should be in, does not exist; check the path',
  EEXIST: 'it exists already; choose another name or remove it',
  ENOTDIR: 'a part of the path is not a folder; check the path',
  EISDIR: 'it is a folder, not a file',
  ENOTEMPTY: 'the folder is not empty',
  EACCES: 'permission denied; check who owns it',
  EPERM: 'the operation is not permitted; check who owns it',
  ENOSPC: 'no space is left; free some or use another disk',
  EMFILE: 'too many files are open; raise the limit (ulimit -n)',
  EROFS: 'the file system is read-only',
  EBADF: 'the file was closed or was not opened for this',
};

/**
 * `FILE_NOT_FOUND` for a missing path, else `FILE_FAILED`; the system's code is in
 * `details.system`.
 */
export function fileError(failure: FileFailure): MillraceError {
  const { operation, path, system, cause } = failure;
  const reason = REMEDIES[system] ?? 'the system refused';
  return new MillraceError(
    system === 'ENOENT' ? 'FILE_NOT_FOUND' : 'FILE_FAILED',
    `cannot ${operation} '${path}': ${reason} (${system})`,
    { cause, details: { operation, path, system } },
  );
}
