/** Finds the storage for a URL by its scheme. */
import { MillraceError } from '../../base/errors.ts';
import type { CheckpointStorage } from '../checkpoint-storage.ts';
import { fileStorage, type StorageEnvironment } from './file-storage.ts';
import { memoryStorage } from './memory-storage.ts';

const SCHEMES: Readonly<
  Record<string, (url: string, environment: StorageEnvironment) => CheckpointStorage>
> = { file: fileStorage, memory: memoryStorage };

/**
 * Opens the storage of a URL: `file:///folder`, a path, or `memory://name`.
 *
 * @throws CONFIG_INVALID for a scheme that is not known
 */
export function openStorage(url: string, environment: StorageEnvironment): CheckpointStorage {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) return fileStorage(url, environment);
  const open = Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined;
  if (open !== undefined) return open(url, environment);
  const known = Object.keys(SCHEMES).map((name) => `${name}://`);
  throw new MillraceError(
    'CONFIG_INVALID',
    `there is no checkpoint storage for '${url}': give a path or one of ${known.join(', ')}`,
    { details: { url } },
  );
}
