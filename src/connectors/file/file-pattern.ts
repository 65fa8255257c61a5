/**
 * Finds the files that a path means: one file, all files of a folder, or those that match a glob.
 *
 * Invariants:
 * 1. The order is stable: names of a folder sorted, depth first.
 * 2. Names that start with `.` or `_` (files in progress, markers) are skipped, unless the path
 *    names them: the pattern's own part starts with the same character.
 */
import type { FileSystem } from '../../base/environment.ts';
import { MillraceError } from '../../base/errors.ts';
import { fileError } from '../../base/file-error.ts';

/** Folders below folders, at most; a loop of links ends here. */
const FOLDER_DEPTH_MAX = 100;

/**
 * Lists the files of a path. In a glob `*` and `?` stand for characters of one name, `**` for any
 * folders, `{a,b}` for alternatives.
 *
 * @throws MillraceError `FILE_NOT_FOUND` if the path is missing or a glob matches nothing
 */
export function findFiles(fileSystem: FileSystem, path: string): readonly string[] {
  const stat = fileSystem.stat(path);
  if (stat?.kind === 'file') return [path];
  if (stat?.kind === 'directory') return filesBelow(fileSystem, path, 0);
  if (!/[*?{]/.test(path)) throw fileError({ operation: 'read', path, system: 'ENOENT' });
  const files = globFiles(fileSystem, path);
  if (files.length > 0) return files;
  throw new MillraceError(
    'FILE_NOT_FOUND',
    `no file matches '${path}': check the pattern (* and ? within a name, ** for folders, {a,b})`,
    { details: { path } },
  );
}

function filesBelow(fileSystem: FileSystem, folder: string, depth: number): string[] {
  requireDepth(folder, depth);
  const files: string[] = [];
  for (const name of fileSystem.list(folder)) {
    if (isHidden(name)) continue;
    const path = join(folder, name);
    const kind = fileSystem.stat(path)?.kind;
    if (kind === 'file') files.push(path);
    else if (kind === 'directory') files.push(...filesBelow(fileSystem, path, depth + 1));
  }
  return files;
}

function globFiles(fileSystem: FileSystem, pattern: string): readonly string[] {
  const found = new Set<string>();
  for (const alternative of expandBraces(pattern)) {
    const isAbsolute = alternative.startsWith('/');
    const parts = alternative.split('/').filter((part) => part !== '');
    matchParts({ fileSystem, found }, isAbsolute ? '/' : '', parts);
  }
  return [...found].sort();
}

interface Search {
  readonly fileSystem: FileSystem;
  readonly found: Set<string>;
}

function matchParts(search: Search, folder: string, parts: readonly string[], depth = 0): void {
  requireDepth(folder, depth);
  const [part, ...rest] = parts;
  if (part === undefined) return;
  if (part === '**') matchAnyFolders(search, folder, rest, depth);
  else if (!/[*?]/.test(part)) matchNext(search, join(folder, part), rest, depth);
  else {
    const expression = nameExpression(part);
    for (const name of namesIn(search, folder)) {
      if (isHidden(name) && name[0] !== part[0]) continue;
      if (expression.test(name)) matchNext(search, join(folder, name), rest, depth);
    }
  }
}

function matchAnyFolders(
  search: Search,
  folder: string,
  rest: readonly string[],
  depth: number,
): void {
  matchParts(search, folder, rest.length === 0 ? ['*'] : rest, depth + 1);
  for (const name of namesIn(search, folder)) {
    if (isHidden(name)) continue;
    const path = join(folder, name);
    if (search.fileSystem.stat(path)?.kind === 'directory') {
      matchAnyFolders(search, path, rest, depth + 1);
    }
  }
}

function matchNext(search: Search, path: string, rest: readonly string[], depth: number): void {
  const kind = search.fileSystem.stat(path)?.kind;
  if (rest.length > 0) {
    if (kind === 'directory') matchParts(search, path, rest, depth + 1);
  } else if (kind === 'file') search.found.add(path);
  else if (kind === 'directory') {
    for (const file of filesBelow(search.fileSystem, path, depth)) search.found.add(file);
  }
}

function namesIn(search: Search, folder: string): readonly string[] {
  const path = folder === '' ? '.' : folder;
  return search.fileSystem.stat(path)?.kind === 'directory' ? search.fileSystem.list(path) : [];
}

/** `a{b,c}d` to `abd`, `acd`; braces may be nested and repeated. */
function expandBraces(pattern: string): readonly string[] {
  const open = pattern.indexOf('{');
  if (open < 0) return [pattern];
  const alternatives: string[] = [];
  let depth = 0;
  let from = open + 1;
  for (let at = open; at < pattern.length; at++) {
    const character = pattern[at];
    if (character === '{') depth++;
    else if (character === '}') depth--;
    const isEnd = depth === 0;
    if (!isEnd && !(character === ',' && depth === 1)) continue;
    alternatives.push(pattern.slice(from, at));
    from = at + 1;
    if (!isEnd) continue;
    const before = pattern.slice(0, open);
    const after = pattern.slice(at + 1);
    return alternatives.flatMap((middle) => expandBraces(before + middle + after));
  }
  throw new MillraceError('ILLEGAL_ARGUMENT', `the path '${pattern}' has a { without its }`);
}

function nameExpression(part: string): RegExp {
  const text = part
    .replace(/[.+^$()|[\]\\{}]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${text}$`, 'su');
}

function isHidden(name: string): boolean {
  return name.startsWith('.') || name.startsWith('_');
}

function join(folder: string, name: string): string {
  if (folder === '') return name;
  return folder.endsWith('/') ? folder + name : `${folder}/${name}`;
}

function requireDepth(folder: string, depth: number): void {
  if (depth <= FOLDER_DEPTH_MAX) return;
  throw new MillraceError(
    'FILE_FAILED',
    `'${folder}' lies more than ${FOLDER_DEPTH_MAX} folders deep: does a link lead back up?`,
  );
}
