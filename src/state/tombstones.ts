/**
 * The removed keys of one table, as far as some snapshot may hold them.
 *
 * Invariants:
 * 1. In a snapshot tombstones come before the rows, so a key that was removed and came again is in
 *    both.
 * 2. What outstanding checkpoints have taken is part of the next cut, too.
 */
import type { CutOptions } from './cold-state.ts';
import { Outstanding } from './outstanding.ts';
import { RowBuffer } from './row-buffer.ts';

/** See the file's head. */
export class Tombstones {
  #current = new RowBuffer();
  readonly #outstanding = new Outstanding<RowBuffer>();
  /** Removed since the last cut for the store below; undefined without one. */
  #unmerged: RowBuffer | undefined;
  #merging: RowBuffer | undefined;
  /** The keys of `#unmerged` and of `#merging`, where lookups below ask for them. */
  #keys = new Set<string>();
  #mergingKeys = new Set<string>();
  /** Whether all rows that the store below has are gone; as above. */
  #isAllGone = false;
  #isAllGoneMerging = false;

  constructor(hasStore: boolean) {
    this.#unmerged = hasStore ? new RowBuffer() : undefined;
  }

  /** The key `bytes[0..keyLength)` is removed. */
  add(hash: number, bytes: Uint8Array, keyLength: number): void {
    this.#current.addTombstone(hash, bytes, keyLength);
    if (this.#unmerged === undefined) return;
    this.#unmerged.addTombstone(hash, bytes, keyLength);
    this.#keys.add(nameOf(hash, bytes, keyLength));
  }

  /** Whether a key is gone that the store below may still have. */
  has(hash: number, bytes: Uint8Array, keyLength: number): boolean {
    if (this.#isAllGone || this.#isAllGoneMerging) return true;
    if (this.#keys.size === 0 && this.#mergingKeys.size === 0) return false;
    const name = nameOf(hash, bytes, keyLength);
    return this.#keys.has(name) || this.#mergingKeys.has(name);
  }

  /** What a cut has to tell. */
  beginCut(options: CutOptions): RowBuffer {
    const cut = new RowBuffer();
    if (options.kind === 'since-base' && this.#unmerged !== undefined) {
      cut.addAll(this.#unmerged);
      this.#merging = this.#unmerged;
      this.#unmerged = new RowBuffer();
      this.#mergingKeys = this.#keys;
      this.#keys = new Set();
      this.#isAllGoneMerging = this.#isAllGone;
      this.#isAllGone = false;
    }
    if (options.kind === 'since-checkpoint') {
      for (const part of this.#outstanding.parts) cut.addAll(part);
      cut.addAll(this.#current);
    }
    if (options.checkpointId !== undefined) {
      this.#outstanding.add(options.checkpointId, this.#current);
      this.#current = new RowBuffer();
    }
    return cut;
  }

  /** The cut is written; what was for the store is in it. */
  finishCut(): void {
    this.#merging = undefined;
    this.#mergingKeys = new Set();
    this.#isAllGoneMerging = false;
  }

  /** The cut is given up. */
  abortCut(checkpointId: number | undefined): void {
    if (this.#merging !== undefined) {
      const removed = this.#merging;
      if (this.#unmerged !== undefined) removed.addAll(this.#unmerged);
      this.#unmerged = removed;
      this.#merging = undefined;
      for (const name of this.#mergingKeys) this.#keys.add(name);
      this.#mergingKeys = new Set();
      if (this.#isAllGoneMerging) this.#isAllGone = true;
      this.#isAllGoneMerging = false;
    }
    if (checkpointId !== undefined) this.abort(checkpointId);
  }

  complete(checkpointId: number): void {
    this.#outstanding.complete(checkpointId);
  }

  abort(checkpointId: number): void {
    const removed = this.#outstanding.abort(checkpointId, (aborted, next) => next.addAll(aborted));
    if (removed === undefined) return;
    removed.addAll(this.#current);
    this.#current = removed;
  }

  /** Takes everything that another table's tell, whatever has become of its checkpoints. */
  takeOver(other: Tombstones): void {
    for (const part of other.#outstanding.parts) this.#current.addAll(part);
    this.#current.addAll(other.#current);
  }

  /** Everything before is covered by a drop of the section. */
  clear(): void {
    this.#current.clear();
    this.#unmerged?.clear();
    this.#keys.clear();
    this.#mergingKeys.clear();
    this.#isAllGone = this.#unmerged !== undefined;
    for (const part of this.#outstanding.parts) part.clear();
  }
}

function nameOf(hash: number, bytes: Uint8Array, keyLength: number): string {
  const key = Buffer.from(bytes.buffer, bytes.byteOffset, keyLength).toString('latin1');
  return `${hash | 0} ${key}`;
}
