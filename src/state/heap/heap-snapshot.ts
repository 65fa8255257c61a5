/**
 * One snapshot of the heap backend: rows go to segments in slices.
 */
import { assert } from '../../base/assert.ts';
import { CutRun } from '../cut-run.ts';
import type { CutRunParts } from '../cut-run.ts';
import { SegmentWriter } from '../segment/segment-writer.ts';
import type { SegmentWriterOptions } from '../segment/segment-writer.ts';
import type { FileRef, KeyedStateHandle, SnapshotWork } from '../snapshot.ts';

/** What a {@link HeapSnapshot} is made with. */
export interface HeapSnapshotParts {
  readonly cut: Omit<CutRunParts, 'sink'>;
  readonly files: SegmentWriterOptions;
  /** Makes the handle once all rows are written. */
  readonly handleOf: (files: readonly FileRef[]) => KeyedStateHandle;
}

/** See the file's head. */
export class HeapSnapshot implements SnapshotWork<KeyedStateHandle> {
  readonly #parts: HeapSnapshotParts;
  readonly #writer: SegmentWriter;
  readonly #cut: CutRun;
  #files: readonly FileRef[] | undefined;
  #handle: KeyedStateHandle | undefined;

  constructor(parts: HeapSnapshotParts) {
    this.#parts = parts;
    this.#writer = new SegmentWriter(parts.files);
    this.#cut = new CutRun({ ...parts.cut, sink: this.#writer });
  }

  step(budgetMs: number): boolean {
    if (this.#files !== undefined) return true;
    if (!this.#cut.step(budgetMs)) return false;
    this.#files = this.#writer.finish();
    return true;
  }

  finish(): Promise<KeyedStateHandle> {
    return Promise.resolve(this.finishNow());
  }

  /** {@link finish}, of which nothing is asynchronous here. */
  finishNow(): KeyedStateHandle {
    assert(this.#files !== undefined, 'a snapshot is finished before its last step');
    if (this.#handle === undefined) {
      this.#handle = this.#parts.handleOf(this.#files);
    }
    return this.#handle;
  }

  abort(): void {
    this.#writer.abort();
    this.#cut.abort();
  }
}
