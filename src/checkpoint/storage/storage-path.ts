/**
 * Which paths a storage takes: relative, `/` between names, nothing that leads out of its root.
 * Invariant: a path that passes names a place below the root, whatever it was made of.
 */
import { MillraceError } from '../../base/errors.ts';

const PATH_LENGTH_MAX = 4096;
const NAME_LENGTH_MAX = 255;
/** Control characters, and what some systems take for a separator. */
const FORBIDDEN = /[\u0000-\u001f\u007f\\]/;

/**
 * Gives the path back.
 *
 * @throws ILLEGAL_ARGUMENT
 */
export function checkedPath(path: string): string {
  const reason = complaint(path);
  if (reason === undefined) return path;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `'${path.slice(0, 200)}' is no path in a checkpoint storage: ${reason}`,
    { details: { path: path.slice(0, 200) } },
  );
}

function complaint(path: string): string | undefined {
  if (path.length > PATH_LENGTH_MAX) return `it is longer than ${PATH_LENGTH_MAX}`;
  if (FORBIDDEN.test(path)) return 'it has a backslash or a control character';
  for (const name of path.split('/')) {
    if (name === '') return 'it is absolute, or a name in it is empty';
    if (name === '.' || name === '..') return `it has '${name}' in it`;
    if (name.length > NAME_LENGTH_MAX) return `a name in it is longer than ${NAME_LENGTH_MAX}`;
  }
  return undefined;
}

/** Paths joined by `/`; an empty one is the root. */
export function joinPath(folder: string, path: string): string {
  if (folder === '') return path;
  return path === '' ? folder : `${folder}/${path}`;
}

/** The folder of a path; `''` is the root. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** The last name of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
