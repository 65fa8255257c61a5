/**
 * A snapshot that makes a new base: links to the database's files as of the cut, and one set of
 * segments with what the database lacks.
 *
 * Invariants:
 * 1. The database's checkpoint begins with the cut, and nothing is written to it until it is made.
 * 2. Its local folder is removed, however the snapshot ends.
 */
import { assert } from '../../base/assert.ts';
import { CutRun } from '../cut-run.ts';
import type { CutRunParts } from '../cut-run.ts';
import { SegmentWriter } from '../segment/segment-writer.ts';
import type { SegmentWriterOptions } from '../segment/segment-writer.ts';
import type { FileRef, KeyedStateHandle, SnapshotWork } from '../snapshot.ts';
import { isSharedFile } from './key-value-store.ts';
import type { DatabaseCheckpoint, StateDatabase } from './state-database.ts';
import { COLUMN_FAMILY } from './state-database.ts';
import type { StoreChain, StoreFile } from './store-chain.ts';
import type { StoreRows } from './store-rows.ts';

/** What a {@link BaseSnapshot} is made with. */
export interface BaseSnapshotParts {
  readonly cut: Omit<CutRunParts, 'sink'>;
  readonly files: SegmentWriterOptions;
  readonly rows: StoreRows;
  readonly database: StateDatabase;
  /** Files by name that need not be handed over again. */
  readonly shared: ReadonlyMap<string, FileRef>;
  readonly onStoreCheckpoint: () => void;
  readonly handleOf: (chain: Omit<StoreChain, 'cut'>) => KeyedStateHandle;
}

/** See the file's head. */
export class BaseSnapshot implements SnapshotWork<KeyedStateHandle> {
  readonly #parts: BaseSnapshotParts;
  readonly #writer: SegmentWriter;
  readonly #cut: CutRun;
  readonly #checkpoint: Promise<DatabaseCheckpoint>;
  #segments: readonly FileRef[] | undefined;

  constructor(parts: BaseSnapshotParts) {
    this.#parts = parts;
    this.#writer = new SegmentWriter(parts.files);
    const sections = parts.rows.sections();
    this.#checkpoint = parts.database.checkpoint(() => parts.rows.save(sections));
    this.#cut = new CutRun({ ...parts.cut, sink: this.#writer });
    // Whoever finishes hears of a failure; whoever gives up does not care.
    this.#checkpoint.catch(() => undefined);
  }

  step(budgetMs: number): boolean {
    if (this.#segments !== undefined) return true;
    if (!this.#cut.step(budgetMs)) return false;
    this.#segments = this.#writer.finish();
    return true;
  }

  async finish(): Promise<KeyedStateHandle> {
    assert(this.#segments !== undefined, 'a snapshot is finished before its last step');
    const { database, handleOf, onStoreCheckpoint } = this.#parts;
    const checkpoint = await this.#checkpoint;
    try {
      onStoreCheckpoint();
      const files = await this.#handOver(checkpoint);
      const filter = this.#writeFilter();
      const base = { kind: 'rocksdb', files, columnFamily: COLUMN_FAMILY, filter } as const;
      return handleOf({ base, segments: this.#segments });
    } finally {
      database.release(checkpoint.folder);
    }
  }

  abort(): void {
    this.#writer.abort();
    this.#cut.abort();
    void this.#checkpoint.then(
      ({ folder }) => this.#parts.database.release(folder),
      () => undefined,
    );
  }

  #handOver({ folder, names }: DatabaseCheckpoint): Promise<readonly StoreFile[]> {
    const { shared, files } = this.#parts;
    return Promise.all(
      names.map(async (name) => {
        const known = isSharedFile(name) ? shared.get(name) : undefined;
        return {
          name,
          file: known ?? (await files.output.adopt(`${folder}/${name}`, `db-${name}`)),
        };
      }),
    );
  }

  #writeFilter(): FileRef | undefined {
    const { rows, files } = this.#parts;
    if (rows.filter === undefined) return undefined;
    const writer = files.output.create('filter');
    writer.write(rows.filter.encode());
    return writer.close();
  }
}
