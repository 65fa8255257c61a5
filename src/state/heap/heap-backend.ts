/**
 * The default backend: all keyed state in memory, in tables of typed arrays; snapshots are segments.
 *
 * Invariants:
 * 1. A checkpoint names files of completed ones only.
 * 2. A state that was restored and that nobody has declared yet is opened with what its rows say, at
 *    the first snapshot at the latest, and is part of the snapshots from then on.
 * 3. The number of a state within snapshots is its for life; the files of a chain agree on it.
 */
import type { Environment } from '../../base/environment.ts';
import { MillraceError } from '../../base/errors.ts';
import type { CutOptions } from '../cold-state.ts';
import { hashRange } from '../key-groups.ts';
import type { IndexRange } from '../key-groups.ts';
import type { KeyedStateBackend, NamedState, StateDeclaration } from '../keyed-state-backend.ts';
import { NamedTables } from '../named-tables.ts';
import { RestoredState } from '../restored-state.ts';
import { RowCoder } from '../row-coder.ts';
import type {
  FileRef,
  KeyedStateHandle,
  SnapshotInput,
  SnapshotRequest,
  StateMeta,
} from '../snapshot.ts';
import { layoutOf, sameDeclaration } from '../state-layout.ts';
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

/** A state, and how it came to be. */
interface Opened {
  readonly state: NamedTables;
  readonly coder: RowCoder;
  /** Nobody has declared it: its types are those of its rows. */
  readonly isGuessed: boolean;
}

/** See the file's head. */
export class HeapBackend implements KeyedStateBackend {
  readonly maxParallelism: number;
  readonly keyGroups: IndexRange;
  readonly #options: BackendOptions;
  readonly #hashes: IndexRange;
  readonly #opened = new Map<string, Opened>();
  /** Names by number. */
  readonly #names: string[] = [];
  readonly #chain = new SnapshotChain();
  #restored: RestoredState | undefined;
  #isRestored = false;
  #lastCheckpointId = -1;

  constructor(options: BackendOptions) {
    this.maxParallelism = options.maxParallelism;
    this.keyGroups = options.keyGroups;
    this.#options = options;
    this.#hashes = hashRange(options.keyGroups, options.maxParallelism);
  }

  get isRestored(): boolean {
    return this.#isRestored;
  }

  get memoryBytes(): number {
    let bytes = 0;
    for (const { state } of this.#opened.values()) bytes += state.memoryBytes;
    return bytes;
  }

  declare(declaration: StateDeclaration): NamedState {
    const opened = this.#opened.get(declaration.name);
    if (opened === undefined) return this.#open(declaration, false).state;
    if (opened.isGuessed) return this.#redeclare(declaration, opened).state;
    if (!sameDeclaration(opened.state.declaration, declaration)) this.#refuse(declaration);
    return opened.state;
  }

  restore(handles: readonly KeyedStateHandle[], input: SnapshotInput): void {
    this.#isRestored = true;
    const { first, last } = this.#hashes;
    const relevant = handles.filter(
      ({ hashFirst, hashLast }) => hashFirst <= last && hashLast >= first,
    );
    this.#restored = new RestoredState({
      handles: relevant,
      input,
      hashes: this.#hashes,
      operatorName: this.#options.operatorName,
      filesOf: (handle) => this.#filesOf(handle),
    });
    const [only] = relevant;
    // Another range of hashes is another subtask's: its files hold more than this one's rows.
    if (relevant.length === 1 && only?.hashFirst === first && only.hashLast === last) {
      const names = only.states.map(({ name }) => name);
      const others = this.#names.filter((name) => !names.includes(name));
      this.#names.splice(0, this.#names.length, ...names, ...others);
      this.#chain.adopt(only);
    }
    for (const opened of this.#opened.values()) this.#fill(opened.state);
  }

  snapshot(request: SnapshotRequest): HeapSnapshot {
    if (this.#options.isTracking === false) {
      throw new MillraceError('ILLEGAL_STATE', 'a backend that tracks nothing takes no snapshots');
    }
    this.#openRest();
    const isSavepoint = request.isSavepoint === true || request.kind === 'canonical';
    const chain = request.kind === 'incremental' ? this.#chain.usable : undefined;
    const options: CutOptions = {
      kind: chain === undefined ? 'all' : 'since-checkpoint',
      checkpointId: isSavepoint ? undefined : request.checkpointId,
      isOrdered: request.kind === 'canonical',
    };
    if (!isSavepoint) this.#lastCheckpointId = request.checkpointId;
    const { clock, faultPoint } = this.#options.environment;
    const opened = this.#names.map((name) => this.#opened.get(name) as Opened);
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
    for (const { state } of this.#opened.values()) state.complete(checkpointId);
  }

  notifyCheckpointAborted(checkpointId: number): void {
    this.#chain.abort(checkpointId);
    for (const { state } of this.#opened.values()) state.abort(checkpointId);
  }

  [Symbol.dispose](): void {
    this.#opened.clear();
    this.#restored = undefined;
  }

  #handleOf(
    base: readonly FileRef[],
    segments: readonly FileRef[],
    opened: readonly Opened[],
  ): KeyedStateHandle {
    return {
      hashFirst: this.#hashes.first,
      hashLast: this.#hashes.last,
      states: opened.map(({ coder }) => coder.meta),
      base: { kind: 'segments', files: base },
      segments,
    };
  }

  #open(declaration: StateDeclaration, isGuessed: boolean): Opened {
    const { name } = declaration;
    const meta = this.#restored?.metaOf(name);
    const opened = this.#make(declaration, meta, isGuessed);
    if (meta !== undefined) this.#restored?.takeInto(opened.state, opened.coder);
    this.#opened.set(name, opened);
    return opened;
  }

  /** A state that was declared before the restore gets its rows. */
  #fill(state: NamedTables): void {
    const { declaration, name } = state;
    const meta = this.#restored?.metaOf(name);
    const coder = this.#coder(declaration, meta);
    state.rebind(this.#names.indexOf(name), coder);
    this.#opened.set(name, { state, coder, isGuessed: false });
    if (meta !== undefined) this.#restored?.takeInto(state, coder);
  }

  /** An empty state; what was written of it before has the schemas of `meta`. */
  #make(declaration: StateDeclaration, meta: StateMeta | undefined, isGuessed: boolean): Opened {
    const { name } = declaration;
    const coder = this.#coder(declaration, meta);
    if (!this.#names.includes(name)) this.#names.push(name);
    const state = new NamedTables({
      declaration,
      stateIndex: this.#names.indexOf(name),
      encoder: coder,
      layout: layoutOf(declaration),
      hashes: this.#hashes,
      isTracking: this.#options.isTracking ?? true,
      cold: undefined,
    });
    return { state, coder, isGuessed };
  }

  #coder(declaration: StateDeclaration, meta: StateMeta | undefined): RowCoder {
    const { clock } = this.#options.environment;
    const hasTtl = declaration.hasTtl === true;
    if (meta !== undefined && meta.hasTtl !== hasTtl) this.#chain.restart(this.#lastCheckpointId);
    return new RowCoder({ declaration, restored: meta, now: () => clock.now() });
  }

  #openRest(): void {
    for (const name of this.#restored?.names ?? []) {
      const meta = this.#restored?.metaOf(name);
      if (meta !== undefined) this.#open({ name, kind: meta.kind, hasTtl: meta.hasTtl }, true);
    }
  }

  /** Somebody declares a state that was opened without a declaration: its rows are read anew. */
  #redeclare(declaration: StateDeclaration, guessed: Opened): Opened {
    // What was read may need schemas that nothing was written with yet.
    guessed.state.encodeAll();
    const { meta } = guessed.coder;
    if (meta.kind !== declaration.kind) this.#refuse(declaration);
    const opened = this.#make(declaration, meta, false);
    opened.state.takeOver(guessed.state, opened.coder.decoderOf(meta));
    this.#opened.set(declaration.name, opened);
    return opened;
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

  #refuse(declaration: StateDeclaration): never {
    const { name, kind } = declaration;
    throw new MillraceError(
      'STATE_INCOMPATIBLE',
      `state '${name}' of '${this.#options.operatorName}' exists with another kind or type, but is ` +
        `declared as ${kind} state: give each state a name of its own`,
      { details: { operator: this.#options.operatorName, state: name, kind } },
    );
  }
}
