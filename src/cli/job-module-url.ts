/** From what the user typed to the job module's URL. */
import { pathToFileURL } from 'node:url';
import type { FileSystem } from '../base/environment.ts';
import { MillraceError } from '../base/errors.ts';
import { closestName } from './closest-name.ts';

/**
 * The URL of the module at that path.
 *
 * @throws JOB_MODULE_INVALID if there is no such file, with the name that was probably meant
 */
export function jobModuleUrl(path: string, fileSystem: FileSystem): URL {
  const absolute = fileSystem.resolve(path);
  const kind = fileSystem.stat(absolute)?.kind;
  if (kind === 'file') return pathToFileURL(absolute);
  const what = kind === 'directory' ? 'is a folder' : 'does not exist';
  throw new MillraceError(
    'JOB_MODULE_INVALID',
    `the job module '${path}' ${what}${hint(absolute, fileSystem)}`,
  );
}

function hint(absolute: string, fileSystem: FileSystem): string {
  const slash = absolute.lastIndexOf('/');
  const folder = absolute.slice(0, slash) || '/';
  if (fileSystem.stat(folder)?.kind !== 'directory') return `: there is no folder ${folder}`;
  const modules = fileSystem.list(folder).filter((name) => /\.[cm]?[jt]s$/.test(name));
  const meant = closestName(absolute.slice(slash + 1), modules);
  return meant === undefined ? ': give the path of a .ts or .js file' : `: did you mean ${meant}?`;
}
