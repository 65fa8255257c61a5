/**
 * The removed keys of one table, as far as some snapshot may hold them.
 *
 * Invariants:
 * 1. In a snapshot tombstones come before the rows, so a key that was removed and came again is in
 *    both.
 * 2. What outstanding checkpoints have taken is part of the next cut, too.
 */
import type { CutOptions, RowSection, RowSink } from './cold-state.ts';
import { Outstanding } from './outstanding.ts';
import { RowBuffer } from './row-buffer.ts';

/** See the file's head. */
export class Tombstones {
  #current = new RowBuffer();
  readonly #outstanding = new Outstanding<RowBuffer>();
  /** Removed here, and perhaps still in the store below; undefined without one. */
  readonly #unmerged: RowBuffer | undefined;
  /** The keys of `#unmerged`, where lookups below ask for them. */
  readonly #keys = new Set<string>();
  readonly #isTracking: boolean;

  /** @param isTracking - whether snapshots are taken */
  constructor(hasStore: boolean, isTracking = true) {
    this.#unmerged = hasStore ? new RowBuffer() : undefined;
    this.#isTracking = isTracking;
  }

  /** The key `bytes[0..keyLength)` is removed. */
  add(hash: number, bytes: Uint8Array, keyLength: number): void {
    if (this.#isTracking) this.#current.addTombstone(hash, bytes, keyLength);
    this.addBelow(hash, bytes, keyLength);
  }

  /** The store below may have the key, but it is gone; snapshots know. */
  addBelow(hash: number, bytes: Uint8Array, keyLength: number): void {
    if (this.#unmerged === undefined) return;
    this.#unmerged.addTombstone(hash, bytes, keyLength);
    this.#keys.add(nameOf(hash, bytes, keyLength));
  }

  /** Hands what the store below has to remove to a sink, and forgets it. */
  takeUnmerged(section: RowSection, sink: RowSink): void {
    if (this.#unmerged === undefined || this.#keys.size === 0) return;
    this.#unmerged.drain(section, sink);
    this.#keys.clear();
  }

  /** Whether a key is gone that the store below may still have. */
  has(hash: number, bytes: Uint8Array, keyLength: number): boolean {
    return this.#keys.size > 0 && this.#keys.has(nameOf(hash, bytes, keyLength));
  }

  /** What a cut has to tell. */
  beginCut(options: CutOptions): RowBuffer {
    const cut = new RowBuffer();
    if (options.kind === 'since-base' && this.#unmerged !== undefined) cut.addAll(this.#unmerged);
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

  /** The cut is given up. */
  abortCut(checkpointId: number | undefined): void {
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
    if (this.#unmerged === undefined || other.#unmerged === undefined) return;
    this.#unmerged.addAll(other.#unmerged);
    for (const name of other.#keys) this.#keys.add(name);
  }

  /** Everything before is covered by a drop of the section. */
  clear(): void {
    this.#current.clear();
    this.#unmerged?.clear();
    this.#keys.clear();
    for (const part of this.#outstanding.parts) part.clear();
  }
}

function nameOf(hash: number, bytes: Uint8Array, keyLength: number): string {
  const key = Buffer.from(bytes.buffer, bytes.byteOffset, keyLength).toString('latin1');
  return `${hash | 0} ${key}`;
}
