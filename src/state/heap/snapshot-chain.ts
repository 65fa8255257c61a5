/**
 * Which files hold the state as of the last completed checkpoint: a base and what has changed
 * since.
 *
 * Invariants:
 * 1. Only files of completed checkpoints are in it.
 * 2. When the changes have become half as large as the base, or many, a new base is due.
 */
import type { FileRef, KeyedStateHandle } from '../snapshot.ts';

/** Files after which a new base is made. */
const SEGMENTS_MAX = 32;
/** The bytes of changes per byte of the base after which a new base is made. */
const CHANGES_RATIO_MAX = 0.5;
/** A smaller base counts as this large: it is read in no time. */
const BASE_BYTES_MIN = 65_536;

/** A base with its changes. */
export interface Chain {
  readonly base: readonly FileRef[];
  readonly segments: readonly FileRef[];
}

/** See the file's head. */
export class SnapshotChain {
  #completed: Chain | undefined;
  /** Chains of checkpoints that may yet complete. */
  readonly #candidates = new Map<number, Chain>();
  /** Checkpoints up to here count no more: their files cannot be read together with newer ones. */
  #ignoredUpTo = -1;

  /** What the next checkpoint may build on; undefined: it must be a base. */
  get usable(): Chain | undefined {
    const chain = this.#completed;
    if (chain === undefined || chain.segments.length >= SEGMENTS_MAX) return undefined;
    const changesMax = Math.max(BASE_BYTES_MIN, sizeOf(chain.base)) * CHANGES_RATIO_MAX;
    return sizeOf(chain.segments) > changesMax ? undefined : chain;
  }

  /** The restored state goes on where a checkpoint of this very subtask left off. */
  adopt(handle: KeyedStateHandle): void {
    if (handle.base?.kind === 'rocksdb') return;
    this.#completed = { base: handle.base?.files ?? [], segments: handle.segments };
  }

  /** A checkpoint has written its files. */
  propose(checkpointId: number, chain: Chain): void {
    this.#candidates.set(checkpointId, chain);
  }

  complete(checkpointId: number): void {
    const chain = this.#candidates.get(checkpointId);
    if (chain === undefined) return;
    if (checkpointId > this.#ignoredUpTo) this.#completed = chain;
    for (const id of this.#candidates.keys()) if (id <= checkpointId) this.#candidates.delete(id);
  }

  abort(checkpointId: number): void {
    this.#candidates.delete(checkpointId);
  }

  /** Rows are written in another form from now on: the next checkpoint is a base. */
  restart(lastCheckpointId: number): void {
    this.#completed = undefined;
    this.#ignoredUpTo = lastCheckpointId;
  }
}

function sizeOf(files: readonly FileRef[]): number {
  return files.reduce((total, { bytes }) => total + bytes, 0);
}
