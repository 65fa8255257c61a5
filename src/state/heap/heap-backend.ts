/**
 * The default backend: all keyed state in memory, in tables of typed arrays; snapshots are
 * segments.
 *
 * Invariants:
 * 1. A checkpoint names files of completed ones only.
 * 2. A state that was restored and that nobody has declared yet is opened with what its rows say,
 *    at the first snapshot at the latest, and is part of the snapshots from then on.
 * 3. The number of a state within snapshots is its for life; the files of a chain agree on it.
 */
import type { Environment } from '../../base/environment.ts';
import { MillraceError } from '../../base/errors.ts';
import type { CutOptions } from '../cold-state.ts';
import { hashRange } from '../key-groups.ts';
import type { IndexRange } from '../key-groups.ts';
import type { KeyedStateBackend, NamedState, StateDeclaration } from '../keyed-state-backend.ts';
import { OpenedStates } from '../opened-states.ts';
import type { OpenedState } from '../opened-states.ts';
import { RestoredState } from '../restored-state.ts';
import type { FileRef, KeyedStateHandle, SnapshotInput, SnapshotRequest } from '../snapshot.ts';
import { HeapSnapshot } from './heap-snapshot.ts';
import { SnapshotChain } from './snapshot-chain.ts';

/** What every backend is made with. */
export interface BackendOptions {
  readonly maxParallelism: number;
  readonly keyGroups: IndexRange;
  readonly operatorName: string;
  readonly environment: Pick<Environment, 'clock' | 'faultPoint' | 'fileSystem'>;
  /** Bytes that state may take in memory, where it need not all be there. */
  readonly memoryBytes: number;
  /** False where no snapshot is ever taken: nothing is noted then (true). */
  readonly isTracking?: boolean | undefined;
}

/** A backend that keeps all state in memory. */
export function heapBackend(options: BackendOptions): HeapBackend {
  return new HeapBackend(options);
}

/** See the file's head. */
export class HeapBackend implements KeyedStateBackend {
  readonly maxParallelism: number;
  readonly keyGroups: IndexRange;
  readonly #options: BackendOptions;
  readonly #hashes: IndexRange;
  readonly #states: OpenedStates;
  readonly #chain = new SnapshotChain();
  #isRestored = false;
  #lastCheckpointId = -1;

  constructor(options: BackendOptions) {
    this.maxParallelism = options.maxParallelism;
    this.keyGroups = options.keyGroups;
    this.#options = options;
    this.#hashes = hashRange(options.keyGroups, options.maxParallelism);
    this.#states = new OpenedStates({
      operatorName: options.operatorName,
      hashes: this.#hashes,
      isTracking: options.isTracking ?? true,
      cold: undefined,
      now: () => options.environment.clock.now(),
      onFormChanged: () => this.#chain.restart(this.#lastCheckpointId),
      onRestored: ({ state, coder }) => this.#states.restored?.takeInto(state, coder),
      // What was read may need schemas that nothing was written with yet.
      beforeTakeOver: ({ state }) => state.encodeAll(),
      takeOver: (from, to) => to.state.takeOver(from.state, to.coder.decoderOf(from.coder.meta)),
    });
  }

  get isRestored(): boolean {
    return this.#isRestored;
  }

  get memoryBytes(): number {
    return this.#states.memoryBytes;
  }

  declare(declaration: StateDeclaration): NamedState {
    return this.#states.declare(declaration);
  }

  restore(handles: readonly KeyedStateHandle[], input: SnapshotInput): void {
    this.#isRestored = true;
    const { first, last } = this.#hashes;
    const relevant = handles.filter(
      ({ hashFirst, hashLast }) => hashFirst <= last && hashLast >= first,
    );
    this.#states.restored = new RestoredState({
      handles: relevant,
      input,
      hashes: this.#hashes,
      operatorName: this.#options.operatorName,
      filesOf: (handle) => this.#filesOf(handle),
    });
    const [only] = relevant;
    // Another range of hashes is another subtask's: its files hold more than this one's rows.
    if (relevant.length === 1 && only?.hashFirst === first && only.hashLast === last) {
      this.#states.keepNumbers(only.states.map(({ name }) => name));
      this.#chain.adopt(only);
    }
    this.#states.fillDeclared();
  }

  snapshot(request: SnapshotRequest): HeapSnapshot {
    if (this.#options.isTracking === false) {
      throw new MillraceError('ILLEGAL_STATE', 'a backend that tracks nothing takes no snapshots');
    }
    const opened = this.#states.all();
    const isSavepoint = request.isSavepoint === true || request.kind === 'canonical';
    const chain = request.kind === 'incremental' ? this.#chain.usable : undefined;
    const options: CutOptions = {
      kind: chain === undefined ? 'all' : 'since-checkpoint',
      checkpointId: isSavepoint ? undefined : request.checkpointId,
      isOrdered: request.kind === 'canonical',
    };
    if (!isSavepoint) this.#lastCheckpointId = request.checkpointId;
    const { clock, faultPoint } = this.#options.environment;
    return new HeapSnapshot({
      cut: {
        states: opened.map(({ state }) => state),
        options,
        hashes: this.#hashes,
        monotonicMs: () => clock.monotonicMs(),
        onStateWritten: () => faultPoint?.('state.table-written'),
      },
      files: {
        output: request.output,
        hint: chain === undefined ? 'base' : 'delta',
        onFileWritten: () => faultPoint?.('snapshot.file-written'),
      },
      handleOf: (files) => {
        const base = chain === undefined ? files : chain.base;
        const segments = chain === undefined ? [] : [...chain.segments, ...files];
        if (!isSavepoint) this.#chain.propose(request.checkpointId, { base, segments });
        return this.#handleOf(base, segments, opened);
      },
    });
  }

  notifyCheckpointComplete(checkpointId: number): void {
    this.#chain.complete(checkpointId);
    this.#states.complete(checkpointId);
  }

  notifyCheckpointAborted(checkpointId: number): void {
    this.#chain.abort(checkpointId);
    this.#states.abort(checkpointId);
  }

  [Symbol.dispose](): void {
    this.#states.clear();
  }

  #handleOf(
    base: readonly FileRef[],
    segments: readonly FileRef[],
    opened: readonly OpenedState[],
  ): KeyedStateHandle {
    return {
      hashFirst: this.#hashes.first,
      hashLast: this.#hashes.last,
      states: opened.map(({ coder }) => coder.meta),
      base: { kind: 'segments', files: base },
      segments,
    };
  }

  #filesOf(handle: KeyedStateHandle): readonly FileRef[] {
    if (handle.base?.kind === 'rocksdb') {
      throw new MillraceError(
        'STATE_INCOMPATIBLE',
        `the state of '${this.#options.operatorName}' was kept in RocksDB, which the heap backend ` +
          `cannot read: take a canonical savepoint with the rocksdb backend and restore from that`,
        { details: { operator: this.#options.operatorName } },
      );
    }
    return [...(handle.base?.files ?? []), ...handle.segments];
  }
}
