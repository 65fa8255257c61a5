/**
 * The keyed state of an operator under test, with a look at what is in it.
 */
import { MillraceError } from '../../base/errors.ts';
import { hashKey } from '../../base/hash.ts';
import type { TimeDomain } from '../../functions/process-functions.ts';
import { ContentMap } from '../../state/content-map.ts';
import type { IndexRange } from '../../state/key-groups.ts';
import type {
  KeyedStateBackend,
  NamedState,
  StateDeclaration,
  StateTable,
} from '../../state/keyed-state-backend.ts';
import type {
  KeyedStateHandle,
  SnapshotInput,
  SnapshotRequest,
  SnapshotWork,
} from '../../state/snapshot.ts';

/** A backend that remembers which states were declared. */
export class RecordingBackend implements KeyedStateBackend {
  readonly #backend: KeyedStateBackend;
  readonly #states = new Map<string, { declaration: StateDeclaration; state: NamedState }>();

  constructor(backend: KeyedStateBackend) {
    this.#backend = backend;
  }

  /** Timers of one time domain, over all keys. */
  numTimers(domain: TimeDomain): number {
    let count = 0;
    for (const { declaration, state } of this.#states.values()) {
      if (declaration.kind !== 'timers' || !state.has(domain)) continue;
      state.tableOf(domain).forEach((_key, times) => {
        count += (times as readonly number[]).length;
      });
    }
    return count;
  }

  /** Rows of a state, in all namespaces. */
  numEntries(name: string): number {
    return tablesOf(this.#named(name)).reduce((rows, { size }) => rows + size, 0);
  }

  /** The value of a key that lies in no namespace; undefined if there is none. */
  valueOf(name: string, key: unknown): unknown {
    const { table } = this.#named(name);
    const entry = table.find(key, hashKey(key));
    if (entry < 0) return undefined;
    const value = table.read(entry);
    return value instanceof ContentMap ? new Map(value.entries()) : value;
  }

  get maxParallelism(): number {
    return this.#backend.maxParallelism;
  }

  get keyGroups(): IndexRange {
    return this.#backend.keyGroups;
  }

  get isRestored(): boolean {
    return this.#backend.isRestored;
  }

  get memoryBytes(): number {
    return this.#backend.memoryBytes;
  }

  declare(declaration: StateDeclaration): NamedState {
    const state = this.#backend.declare(declaration);
    this.#states.set(declaration.name, { declaration, state });
    return state;
  }

  restore(handles: readonly KeyedStateHandle[], input: SnapshotInput): void {
    this.#backend.restore(handles, input);
  }

  snapshot(request: SnapshotRequest): SnapshotWork<KeyedStateHandle> {
    return this.#backend.snapshot(request);
  }

  notifyCheckpointComplete(checkpointId: number): void {
    this.#backend.notifyCheckpointComplete(checkpointId);
  }

  notifyCheckpointAborted(checkpointId: number): void {
    this.#backend.notifyCheckpointAborted(checkpointId);
  }

  [Symbol.dispose](): void {
    this.#backend[Symbol.dispose]();
  }

  #named(name: string): NamedState {
    const state = this.#states.get(name)?.state;
    if (state !== undefined) return state;
    const names = [...this.#states]
      .filter(([, { declaration }]) => declaration.kind !== 'timers')
      .map(([each]) => `'${each}'`)
      .join(', ');
    throw new MillraceError(
      'ILLEGAL_ARGUMENT',
      `there is no state '${name}'; the operator has declared ${names || 'none'}`,
    );
  }
}

/** The tables of a state: without a namespace, and of each namespace. */
export function tablesOf(state: NamedState): readonly StateTable[] {
  return [state.table, ...state.namespaces().map((namespace) => state.tableOf(namespace))];
}
