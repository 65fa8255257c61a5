/**
 * The default backend: all keyed state in memory, in tables of typed arrays.
 */
import { MillraceError } from '../../base/errors.ts';
import type { Environment } from '../../base/environment.ts';
import { hashRange } from '../key-groups.ts';
import type { IndexRange } from '../key-groups.ts';
import type { KeyedStateBackend, NamedState, StateDeclaration } from '../keyed-state-backend.ts';
import { NamedTables } from '../named-tables.ts';
import type {
  KeyedStateHandle,
  SnapshotInput,
  SnapshotRequest,
  SnapshotWork,
} from '../snapshot.ts';
import { valueLayoutOf } from '../table/value-layout.ts';

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
export function heapBackend(options: BackendOptions): KeyedStateBackend {
  return new HeapBackend(options);
}

class HeapBackend implements KeyedStateBackend {
  readonly maxParallelism: number;
  readonly keyGroups: IndexRange;
  readonly #options: BackendOptions;
  readonly #states = new Map<string, NamedTables>();

  constructor(options: BackendOptions) {
    this.maxParallelism = options.maxParallelism;
    this.keyGroups = options.keyGroups;
    this.#options = options;
  }

  get isRestored(): boolean {
    return false;
  }

  get memoryBytes(): number {
    let bytes = 0;
    for (const state of this.#states.values()) bytes += state.bytes;
    return bytes;
  }

  declare(declaration: StateDeclaration): NamedState {
    let state = this.#states.get(declaration.name);
    if (state === undefined) {
      const { valueType, layout } = declaration;
      state = new NamedTables({
        declaration,
        stateIndex: this.#states.size,
        encoder: undefined as never,
        layout: layout ?? (valueType && valueLayoutOf(valueType)),
        hashes: hashRange(this.keyGroups, this.maxParallelism),
        isTracking: this.#options.isTracking ?? true,
        cold: undefined,
      });
      this.#states.set(declaration.name, state);
    }
    return state;
  }

  restore(_handles: readonly KeyedStateHandle[], _input: SnapshotInput): void {
    throw new MillraceError('UNSUPPORTED', 'restoring comes next');
  }

  snapshot(_request: SnapshotRequest): SnapshotWork<KeyedStateHandle> {
    throw new MillraceError('UNSUPPORTED', 'snapshots come next');
  }

  notifyCheckpointComplete(checkpointId: number): void {
    for (const state of this.#states.values()) state.complete(checkpointId);
  }

  notifyCheckpointAborted(checkpointId: number): void {
    for (const state of this.#states.values()) state.abort(checkpointId);
  }

  [Symbol.dispose](): void {
    this.#states.clear();
  }
}
