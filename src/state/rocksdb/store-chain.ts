/**
 * Which files hold the state as of the last completed checkpoint: a base, of segments or of the
 * database's files, and what has changed since.
 *
 * Invariants:
 * 1. Only files of completed checkpoints are in it.
 * 2. Cuts are counted. What has changed since cut `n` is at hand only if no changed row has left
 *    memory after it: then the next checkpoint needs a new base.
 */
import type { BaseHandle, FileRef, KeyedStateHandle } from '../snapshot.ts';

/** A file of the database: its name there, and where it is kept. */
export type StoreFile = Extract<BaseHandle, { kind: 'rocksdb' }>['files'][number];

/** Files after which a new base is made. */
const SEGMENTS_MAX = 32;
/** The bytes of changes per byte of the base after which a new base is made. */
const CHANGES_RATIO_MAX = 0.5;
/** The same, after which rows are moved to the store in advance. */
const CHANGES_RATIO_MERGE = 0.25;
/** A smaller base counts as this large: it is read in no time. */
const BASE_BYTES_MIN = 65_536;

/** A base with its changes, as of a cut. */
export interface StoreChain {
  readonly base: BaseHandle;
  readonly segments: readonly FileRef[];
  readonly cut: number;
}

/** See the file's head. */
export class StoreChains {
  #completed: StoreChain | undefined;
  readonly #candidates = new Map<number, StoreChain>();
  #cuts = 0;
  /** A changed row has left memory after this cut. */
  #lostAfter = -1;

  /** What the next checkpoint may build on; undefined: it must be a base. */
  get usable(): StoreChain | undefined {
    const chain = this.#completed;
    if (chain === undefined || chain.cut <= this.#lostAfter) return undefined;
    return chain.segments.length >= SEGMENTS_MAX || ratioOf(chain) > CHANGES_RATIO_MAX
      ? undefined
      : chain;
  }

  /** Whether rows should go to the store, since a new base will soon be due. */
  get wantsMerge(): boolean {
    const chain = this.#completed;
    if (chain === undefined || chain.cut <= this.#lostAfter) return false;
    return ratioOf(chain) > CHANGES_RATIO_MERGE;
  }

  /** Files by name that a checkpoint may share instead of handing them over again. */
  get shared(): ReadonlyMap<string, FileRef> {
    const base = this.#completed?.base;
    return new Map(
      base?.kind === 'rocksdb' ? base.files.map(({ name, file }) => [name, file]) : [],
    );
  }

  /** A checkpoint cuts; the number of the cut. */
  nextCut(): number {
    return ++this.#cuts;
  }

  /** Changed rows have left memory, or are written in another form from now on. */
  lose(): void {
    this.#lostAfter = this.#cuts;
  }

  /** The restored state goes on where a checkpoint of this very subtask left off. */
  adopt({ base, segments }: KeyedStateHandle): void {
    this.#completed = { base: base ?? { kind: 'segments', files: [] }, segments, cut: this.#cuts };
  }

  /** A checkpoint has all its files. */
  propose(checkpointId: number, chain: StoreChain): void {
    this.#candidates.set(checkpointId, chain);
  }

  complete(checkpointId: number): void {
    const chain = this.#candidates.get(checkpointId);
    if (chain !== undefined) this.#completed = chain;
    for (const id of this.#candidates.keys()) if (id <= checkpointId) this.#candidates.delete(id);
  }

  abort(checkpointId: number): void {
    this.#candidates.delete(checkpointId);
  }
}

function ratioOf({ base, segments }: StoreChain): number {
  const files = base.kind === 'segments' ? base.files : base.files.map(({ file }) => file);
  return sizeOf(segments) / Math.max(BASE_BYTES_MIN, sizeOf(files));
}

function sizeOf(files: readonly FileRef[]): number {
  return files.reduce((total, { bytes }) => total + bytes, 0);
}
