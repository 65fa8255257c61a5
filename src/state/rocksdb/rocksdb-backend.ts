/**
 * Keyed state on two levels: hot tables in memory, all other rows in a database below them.
 *
 * Invariants:
 * 1. Rows go to the database and out of memory only in {@link RocksDBBackend.maintain}, between
 *    batches, and at a restore. A state that fits into its memory never opens a database.
 * 2. A checkpoint is a base and segments with what has changed since. The base is one of segments
 *    until the database is opened; then it is links to the database's files and, as segments, the
 *    rows that it lacks.
 * 3. A new base is made when the changes have become many, or when a changed row has left memory.
 */
import type { Environment } from '../../base/environment.ts';
import type { CutOptions } from '../cold-state.ts';
import type { BackendOptions } from '../heap/heap-backend.ts';
import { HeapSnapshot } from '../heap/heap-snapshot.ts';
import { hashRange } from '../key-groups.ts';
import type { IndexRange } from '../key-groups.ts';
import type { KeyedStateBackend, NamedState, StateDeclaration } from '../keyed-state-backend.ts';
import { OpenedStates } from '../opened-states.ts';
import type { OpenedState } from '../opened-states.ts';
import { RestoredState } from '../restored-state.ts';
import type {
  BaseHandle,
  FileRef,
  KeyedStateHandle,
  SnapshotInput,
  SnapshotRequest,
  SnapshotWork,
  StateMeta,
} from '../snapshot.ts';
import type { TrackedTable } from '../tracked-table.ts';
import { BaseSnapshot } from './base-snapshot.ts';
import { CanonicalSnapshot } from './canonical-snapshot.ts';
import { KeyFilter } from './key-filter.ts';
import type { StateDatabase } from './state-database.ts';
import { StoreChains } from './store-chain.ts';
import type { StoreChain } from './store-chain.ts';
import { copyRows, RestoredDatabases } from './store-restore.ts';
import { StoreRows } from './store-rows.ts';
import { Sweep } from './sweep.ts';

/** What a {@link RocksDBBackend} is made with. */
export interface RocksDBBackendOptions extends BackendOptions {
  readonly environment: Pick<Environment, 'clock' | 'faultPoint' | 'fileSystem' | 'scheduler'>;
  readonly database: StateDatabase;
}

/** Index and hash per row, with what the tables' typed arrays have to spare. */
const ROW_BYTES = 32;
/** At a restore tables are made as large as if rows of this size filled the memory. */
const RESERVED_ROW_BYTES = 32;
/** What the filter leaves of the memory at least. */
const HOT_SHARE_MIN = 1 / 4;
/** Rows that a look for garbage takes at once. */
const PURGE_ROWS = 1024;
/** Slices of the hand while nothing can be put into the database: few rows can go then. */
const BUSY_SLICES_MAX = 16;
/** Memory is freed down to this part of the budget, so that not every batch has to. */
const LOW_WATERMARK = 31 / 32;

/** See the file's head. */
export class RocksDBBackend implements KeyedStateBackend {
  readonly maxParallelism: number;
  readonly keyGroups: IndexRange;
  readonly #options: RocksDBBackendOptions;
  readonly #hashes: IndexRange;
  readonly #states: OpenedStates;
  readonly #database: StateDatabase;
  readonly #rows: StoreRows;
  readonly #sweep: Sweep;
  readonly #chains = new StoreChains();
  readonly #sources: RestoredDatabases;
  /** Tables whose hand has yet to come round in the merge that is going on; undefined: none is. */
  #merging: TrackedTable[] | undefined;
  #isRestored = false;
  /** Whether the database is that of the restored checkpoint. */
  #isLinked = false;

  constructor(options: RocksDBBackendOptions) {
    this.maxParallelism = options.maxParallelism;
    this.keyGroups = options.keyGroups;
    this.#options = options;
    this.#hashes = hashRange(options.keyGroups, options.maxParallelism);
    this.#database = options.database;
    this.#rows = new StoreRows(() => options.database.family());
    this.#sweep = new Sweep(this.#rows);
    this.#sources = new RestoredDatabases(options.database, this.#hashes);
    this.#states = new OpenedStates({
      operatorName: options.operatorName,
      hashes: this.#hashes,
      isTracking: options.isTracking ?? true,
      cold: this.#rows,
      now: () => options.environment.clock.now(),
      onFormChanged: () => this.#chains.lose(),
      onRestored: (opened, meta) => this.#takeRestored(opened, meta),
      beforeTakeOver: (from) => from.state.encodeAll(),
      takeOver: (from, to) => this.#takeOver(from, to),
    });
  }

  get isRestored(): boolean {
    return this.#isRestored;
  }

  get memoryBytes(): number {
    return this.#states.memoryBytes + (this.#rows.filter?.bytes ?? 0);
  }

  /** Rows that have been put into the database, and that have left memory. */
  get statistics(): { putRows: number; evictedRows: number; storeRows: number; fileBytes: number } {
    const { putRows, evictedRows } = this.#sweep;
    const { fileBytes } = this.#database;
    return { putRows, evictedRows, storeRows: this.#rows.rows, fileBytes };
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
      filesOf: ({ base, segments }) =>
        base?.kind === 'segments' ? [...base.files, ...segments] : segments,
      afterFile: () => this.#free(),
      reservedMax: this.#options.memoryBytes / RESERVED_ROW_BYTES,
    });
    const [only] = relevant;
    if (relevant.length === 1 && only?.hashFirst === first && only.hashLast === last) {
      this.#states.keepNumbers(only.states.map(({ name }) => name));
      this.#chains.adopt(only);
      if (only.base?.kind === 'rocksdb') this.#link(only.base, input);
    } else {
      this.#sources.open(relevant, input);
    }
    this.#states.fillDeclared();
  }

  snapshot(request: SnapshotRequest): SnapshotWork<KeyedStateHandle> {
    const opened = this.#states.all();
    if (!this.#rows.isOpen) return this.#snapshotOfSegments(request, opened, this.#chains.usable);
    if (request.kind === 'canonical') return this.#canonical(request, opened);
    const usable = request.kind === 'incremental' ? this.#chains.usable : undefined;
    if (usable !== undefined) return this.#snapshotOfSegments(request, opened, usable);
    return this.#newBase(request, opened);
  }

  notifyCheckpointComplete(checkpointId: number): void {
    this.#chains.complete(checkpointId);
    this.#states.complete(checkpointId);
  }

  notifyCheckpointAborted(checkpointId: number): void {
    this.#chains.abort(checkpointId);
    this.#states.abort(checkpointId);
  }

  maintain(budgetMs: number): void {
    const { clock } = this.#options.environment;
    this.#free();
    if (this.#database.isBusy) return;
    const endMs = clock.monotonicMs() + budgetMs;
    if (this.#merging === undefined && this.#rows.isOpen && this.#chains.wantsMerge)
      this.#merging = this.#evictable();
    while (this.#merging !== undefined && clock.monotonicMs() < endMs) this.#merge(this.#merging);
    if (this.#rows.isOpen && this.#rows.hasGarbage) this.#rows.purge(PURGE_ROWS);
  }

  [Symbol.dispose](): void {
    this.#sources[Symbol.dispose]();
    this.#states.clear();
    this.#database[Symbol.dispose]();
  }

  #link(base: Extract<BaseHandle, { kind: 'rocksdb' }>, input: SnapshotInput): void {
    this.#isLinked = true;
    this.#database.link(base.files, input);
    this.#rows.load();
    this.#rows.filter = base.filter && filterOf(input.read(base.filter));
  }

  /** Frees memory down to the budget. */
  #free(): void {
    const { memoryBytes } = this.#options;
    const filterBytes = this.#rows.filter?.bytes ?? 0;
    const budget = Math.max(memoryBytes * HOT_SHARE_MIN, memoryBytes - filterBytes);
    const tables = this.#evictable();
    let used = usedBytes(tables);
    if (used <= budget) return;
    this.#options.environment.faultPoint?.('state.merge');
    const canPut = !this.#database.isBusy;
    let slices = canPut ? Number.POSITIVE_INFINITY : BUSY_SLICES_MAX;
    // Twice round at most: the first may only take away the marks of what was used.
    let rounds = 2 * tables.length;
    while (rounds > 0 && slices > 0 && used > budget * LOW_WATERMARK) {
      const table = largestOf(tables);
      if (table === undefined) return;
      slices--;
      if (this.#sweepOnce(table, { mergesAll: false, evicts: true, canPut })) rounds--;
      used = usedBytes(tables);
    }
  }

  #merge(tables: TrackedTable[]): void {
    const table = tables.at(-1);
    if (table === undefined) {
      this.#merging = undefined;
      this.#chains.lose();
      return;
    }
    // The table of a dropped namespace may have become another's.
    if (!this.#evictable().includes(table)) {
      tables.pop();
      return;
    }
    this.#options.environment.faultPoint?.('state.merge');
    if (this.#sweepOnce(table, { mergesAll: true, evicts: false, canPut: true })) tables.pop();
  }

  #sweepOnce(table: TrackedTable, options: Parameters<Sweep['slice']>[1]): boolean {
    const { lostRows } = this.#sweep;
    const isRound = this.#sweep.slice(table, options);
    if (this.#sweep.lostRows !== lostRows) this.#chains.lose();
    return isRound;
  }

  #evictable(): TrackedTable[] {
    const states = this.#states.tables().filter(({ declaration }) => declaration.resident !== true);
    return states.flatMap((state) => state.tables());
  }

  /** A base of segments, or segments over a base that exists. */
  #snapshotOfSegments(
    request: SnapshotRequest,
    opened: readonly OpenedState[],
    usable: StoreChain | undefined,
  ): SnapshotWork<KeyedStateHandle> {
    const chain = request.kind === 'incremental' ? usable : undefined;
    const kind = chain === undefined ? 'all' : 'since-checkpoint';
    const cut = this.#cutNumber(request);
    return new HeapSnapshot({
      cut: this.#cutOf(request, opened, kind),
      files: this.#filesOf(request, chain === undefined ? 'base' : 'delta'),
      handleOf: (files) => {
        if (chain === undefined) {
          return this.#propose(request, opened, {
            base: { kind: 'segments', files },
            segments: [],
            cut,
          });
        }
        const segments = [...chain.segments, ...files];
        return this.#propose(request, opened, { base: chain.base, segments, cut });
      },
    });
  }

  #newBase(request: SnapshotRequest, opened: readonly OpenedState[]): BaseSnapshot {
    const { environment } = this.#options;
    const cut = this.#cutNumber(request);
    return new BaseSnapshot({
      cut: this.#cutOf(request, opened, 'since-base'),
      files: this.#filesOf(request, 'lacking'),
      rows: this.#rows,
      database: this.#database,
      shared: request.kind === 'incremental' ? this.#chains.shared : new Map<string, FileRef>(),
      onStoreCheckpoint: () => environment.faultPoint?.('state.store-checkpoint'),
      handleOf: (chain) => this.#propose(request, opened, { ...chain, cut }),
    });
  }

  #canonical(request: SnapshotRequest, opened: readonly OpenedState[]): CanonicalSnapshot {
    const { environment } = this.#options;
    return new CanonicalSnapshot({
      cut: this.#cutOf(request, opened, 'since-base'),
      files: this.#filesOf(request, 'base'),
      rows: this.#rows,
      database: this.#database,
      statesCount: opened.length,
      onStoreCheckpoint: () => environment.faultPoint?.('state.store-checkpoint'),
      yield: () => environment.scheduler.yield(),
      handleOf: (files) => this.#handleOf(opened, { kind: 'segments', files }, []),
    });
  }

  #cutOf(
    request: SnapshotRequest,
    opened: readonly OpenedState[],
    kind: CutOptions['kind'],
  ): ConstructorParameters<typeof HeapSnapshot>[0]['cut'] {
    const { clock, faultPoint } = this.#options.environment;
    return {
      states: opened.map(({ state }) => state),
      options: {
        kind,
        checkpointId: isSavepoint(request) ? undefined : request.checkpointId,
        isOrdered: request.kind === 'canonical',
      },
      hashes: this.#hashes,
      monotonicMs: () => clock.monotonicMs(),
      onStateWritten: () => faultPoint?.('state.table-written'),
    };
  }

  #filesOf(
    request: SnapshotRequest,
    hint: string,
  ): ConstructorParameters<typeof HeapSnapshot>[0]['files'] {
    const { faultPoint } = this.#options.environment;
    const onFileWritten = (): void => faultPoint?.('snapshot.file-written');
    return { output: request.output, hint, onFileWritten };
  }

  #cutNumber(request: SnapshotRequest): number {
    return isSavepoint(request) ? 0 : this.#chains.nextCut();
  }

  #propose(
    request: SnapshotRequest,
    opened: readonly OpenedState[],
    chain: StoreChain,
  ): KeyedStateHandle {
    if (!isSavepoint(request)) this.#chains.propose(request.checkpointId, chain);
    return this.#handleOf(opened, chain.base, chain.segments);
  }

  #handleOf(
    opened: readonly OpenedState[],
    base: StoreChain['base'],
    segments: readonly FileRef[],
  ): KeyedStateHandle {
    const { first: hashFirst, last: hashLast } = this.#hashes;
    return { hashFirst, hashLast, states: opened.map(({ coder }) => coder.meta), base, segments };
  }

  /**
   * Puts what was restored of a state where it belongs: rows of databases first, then those of
   * segments.
   */
  #takeRestored(opened: OpenedState, meta: StateMeta): void {
    const { restored } = this.#states;
    if (this.#isLinked) this.#takeBelow(opened, meta);
    else this.#sources.copy(opened, meta, this.#rows);
    restored?.takeInto(opened.state, opened.coder);
    if (restored?.names.length === 0) this.#sources[Symbol.dispose]();
    this.#free();
  }

  /**
   * Opens the tables of rows that lie in the database; reads or writes them anew where they must
   * not stay as they are.
   */
  #takeBelow(opened: OpenedState, meta: StateMeta): void {
    const { state } = opened;
    const namespaces = this.#rows.namespacesOf(state.stateIndex);
    for (const namespace of namespaces) {
      if (namespace === undefined) void state.table;
      else state.tableOf(namespace);
    }
    const { resident, hasTtl } = state.declaration;
    if (resident !== true && meta.hasTtl === (hasTtl === true)) return;
    const below = this.#rows.detach(state.stateIndex);
    const source = { rows: below, stateIndex: state.stateIndex, meta, hashes: this.#hashes };
    copyRows(source, this.#rows, opened, meta);
    this.#chains.lose();
  }

  #takeOver(from: OpenedState, to: OpenedState): void {
    to.state.takeOver(from.state, to.coder.decoderOf(from.coder.meta));
    this.#free();
  }
}

/**
 * Bytes of the rows in memory: what a table's arrays have to spare does not count, since it does
 * not go away.
 */
function usedBytes(tables: readonly TrackedTable[]): number {
  let bytes = 0;
  for (const table of tables) bytes += bytesOf(table);
  return bytes;
}

function bytesOf({ table, objectBytes }: TrackedTable): number {
  return table.size * (8 * table.entries.stride + ROW_BYTES + objectBytes);
}

function largestOf(tables: readonly TrackedTable[]): TrackedTable | undefined {
  let largest: TrackedTable | undefined;
  let most = 0;
  for (const table of tables) {
    const bytes = bytesOf(table);
    if (bytes <= most) continue;
    most = bytes;
    largest = table;
  }
  return largest;
}

function filterOf(bytes: Uint8Array): KeyFilter {
  const filter = new KeyFilter();
  filter.load(bytes);
  return filter;
}

function isSavepoint({ isSavepoint = false, kind }: SnapshotRequest): boolean {
  return isSavepoint || kind === 'canonical';
}
