/**
 * What checkpoints that do not count have left in the storage.
 * Invariant: only files that were written for such a checkpoint are removed.
 */
import type { CheckpointLocation } from './checkpoint-location.ts';
import { asError } from './checkpoint-request.ts';
import type { PendingCheckpoint } from './pending-checkpoint.ts';
import { joinPath } from './storage/storage-path.ts';
import type { SubtaskState } from './subtask-state.ts';

/** Aborted checkpoints whose late acknowledgements are still told from nonsense. */
const ABORTED_MAX = 256;

/** See the file's head. */
export class AbortedCheckpoints {
  readonly #locations = new Map<number, CheckpointLocation>();
  readonly #cleanupFailed: (error: Error) => void;

  /** @param cleanupFailed - told when files could not be removed; the next start's sweep does. */
  constructor(cleanupFailed: (error: Error) => void) {
    this.#cleanupFailed = cleanupFailed;
  }

  /**
   * Remembers a checkpoint as aborted and removes what it has written so far, unless its manifest
   * may be there after all and must find its files.
   */
  add(pending: PendingCheckpoint, mayExist: boolean): void {
    const { location, request } = pending.start;
    this.#locations.set(pending.checkpointId, location);
    for (const oldest of this.#locations.keys()) {
      if (this.#locations.size <= ABORTED_MAX) break;
      this.#locations.delete(oldest);
    }
    if (mayExist) return;
    this.#attempt(() => {
      if (request.kind === 'savepoint') location.storage.remove(location.folder);
      else removeFiles(location, pending.states);
    });
  }

  /** An acknowledgement that came too late: nobody names its files. */
  acknowledged(checkpointId: number, state: SubtaskState): void {
    const location = this.#locations.get(checkpointId);
    if (location !== undefined) this.#attempt(() => removeFiles(location, [state]));
  }

  #attempt(remove: () => void): void {
    try {
      remove();
    } catch (error) {
      this.#cleanupFailed(asError(error));
    }
  }
}

function removeFiles(
  { storage, folder }: CheckpointLocation,
  states: readonly SubtaskState[],
): void {
  for (const { path } of states.flatMap(({ newFiles }) => newFiles)) {
    storage.remove(joinPath(folder, path));
  }
}
