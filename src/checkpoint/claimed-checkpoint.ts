/**
 * Removes a checkpoint or savepoint that a job was started from and has claimed, when it needs it
 * no more. Invariant: of a checkpoint only those files go that no other checkpoint of its job
 * names.
 */
import type { Environment } from '../base/environment.ts';
import { readManifests, type SelectedCheckpoint } from './checkpoint-selection.ts';
import { RetainedCheckpoints } from './retained-checkpoints.ts';
import { openStorage } from './storage/open-storage.ts';
import type { StorageEnvironment } from './storage/file-storage.ts';

/** See the file's head. */
export async function removeClaimed(
  { path, manifest }: SelectedCheckpoint,
  environment: StorageEnvironment & Pick<Environment, 'faultPoint'>,
): Promise<void> {
  const [parent, name] = split(path);
  if (manifest.kind === 'savepoint') {
    openStorage(parent, environment).remove(name);
    return;
  }
  const [root, jobId] = split(parent);
  const storage = openStorage(root, environment);
  const retained = new RetainedCheckpoints({ storage, jobId, environment });
  retained.load(readManifests(storage, jobId), []);
  await retained.remove(manifest.checkpointId);
}

/** The URL of a folder, and the name in it. */
function split(url: string): readonly [string, string] {
  const at = url.lastIndexOf('/');
  return [url.slice(0, at), url.slice(at + 1)];
}
