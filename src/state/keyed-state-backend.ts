/**
 * The contract of keyed state between operators and backends. One backend per keyed operator and
 * subtask.
 *
 * Invariants:
 * 1. A row is changed only after it was found through one of the `…ForUpdate` / `findOrInsert…`
 *    calls of this batch: they mark it dirty and, while a snapshot is being written, write its old
 *    value first.
 * 2. An entry number is valid until the next call that may insert, evict or remove, {@link
 *    KeyedStateBackend.maintain} included.
 * 3. The hash given with a key is `hashKey` of the user's key; what is stored as key may be that
 *    key together with more.
 */
import type { TypeInformation } from '../types/type-information.ts';
import type { IndexRange } from './key-groups.ts';
import type {
  KeyedStateHandle,
  SnapshotInput,
  SnapshotRequest,
  SnapshotWork,
  StateMeta,
} from './snapshot.ts';
import type { KeyArray, KeyKind } from './table/key-column.ts';
import type { KeyedTable } from './table/keyed-table.ts';
import type { ValueLayout } from './table/value-layout.ts';

/** What an operator wants of a state. */
export interface StateDeclaration {
  /** Unique within the operator. */
  readonly name: string;
  readonly kind: StateMeta['kind'];
  /** Types where they are known; else captured and widened. */
  readonly keyType?: TypeInformation<unknown> | undefined;
  /** Of lists and maps: of an element, of a value of the map. */
  readonly valueType?: TypeInformation<unknown> | undefined;
  /** Of maps: of a key of the map. */
  readonly mapKeyType?: TypeInformation<unknown> | undefined;
  /** New names of fields of values by their old paths. */
  readonly renames?: Readonly<Record<string, string>> | undefined;
  readonly keyKind?: KeyKind | undefined;
  readonly layout?: ValueLayout | undefined;
  readonly omitsKeyField?: boolean | undefined;
  /** Never leaves memory: timers. */
  readonly resident?: boolean | undefined;
  /** Time to live in ms; values then begin with their time. */
  readonly hasTtl?: boolean | undefined;
  /**
   * Whether nothing of a value, as it lies in the table, is to be read any more: full snapshots
   * leave it out.
   */
  readonly isExpired?: ((stored: unknown) => boolean) | undefined;
}

/** A namespace: a window's start, a timer's domain. */
export type Namespace = number | string;

/** The rows of one state and namespace: the table of the hot tier, with what keeps it durable. */
export interface StateTable {
  /** For generated loops over `entries` and `values`; never changed but under invariant 1. */
  readonly table: KeyedTable;
  /** Keys in memory and below; exact for the heap, an estimate where rows lie in a store. */
  readonly size: number;
  readonly wasInserted: boolean;
  findOrInsertBatch(
    keys: KeyArray,
    hashes: Int32Array,
    count: number,
    entriesOut: Int32Array,
    isNewOut: Uint8Array,
  ): void;
  findOrInsertSelected(
    keys: KeyArray,
    hashes: Int32Array,
    indices: Int32Array,
    count: number,
    entriesOut: Int32Array,
    isNewOut: Uint8Array,
  ): void;
  /** To read: the entry, or -1. */
  find(key: unknown, hash: number): number;
  /** To change: the entry, or -1. */
  findForUpdate(key: unknown, hash: number): number;
  /** To change: the entry, a new one if there was none ({@link wasInserted}). */
  findOrInsert(key: unknown, hash: number): number;
  /** Marks an entry that was found to read as about to be changed. */
  willUpdate(entry: number): void;
  remove(key: unknown, hash: number): boolean;
  read(entry: number): unknown;
  write(entry: number, value: unknown, key?: unknown): void;
  keyAt(entry: number): unknown;
  hashAt(entry: number): number;
  /**
   * As {@link KeyedTable.scan}, over rows in memory. States of which rows may lie below are scanned
   * with `forEach`.
   */
  scan(cursor: number, limit: number, entriesOut: Int32Array): number;
  readonly scanned: number;
  /** All rows, in memory and below, in any order; the table must not change meanwhile. */
  forEach(visit: (key: unknown, value: unknown, hash: number) => void): void;
  clear(): void;
}

/** One named state. */
export interface NamedState {
  readonly name: string;
  /** Rows without a namespace. */
  readonly table: StateTable;
  /** Rows of a namespace; made at the first call. */
  tableOf(namespace: Namespace): StateTable;
  /** Whether the namespace has a table. */
  has(namespace: Namespace): boolean;
  /** Removes all rows of a namespace. */
  dropNamespace(namespace: Namespace): void;
  /** Namespaces that have a table, ascending. */
  namespaces(): readonly Namespace[];
}

/** See the file's head. */
export interface KeyedStateBackend extends Disposable {
  readonly maxParallelism: number;
  readonly keyGroups: IndexRange;
  /** Whether state was restored. */
  readonly isRestored: boolean;
  /**
   * Declares a state; the same name again gives the same one.
   *
   * @throws STATE_INCOMPATIBLE if what was restored cannot become what is declared; names state and
   * field
   */
  declare(declaration: StateDeclaration): NamedState;
  /**
   * Takes over restored state: once, before any row. Handles may hold more hashes than this
   * subtask's.
   */
  restore(handles: readonly KeyedStateHandle[], input: SnapshotInput): void;
  /** Cuts: what is changed afterwards is not in this snapshot. One at a time. */
  snapshot(request: SnapshotRequest): SnapshotWork<KeyedStateHandle>;
  /** The checkpoint counts: its files may be named by later ones. */
  notifyCheckpointComplete(checkpointId: number): void;
  /** It does not: what it held counts as changed again. */
  notifyCheckpointAborted(checkpointId: number): void;
  /**
   * Called between batches, when nobody holds an entry number: moves rows out of memory until it is
   * within its bounds, and does other work of its own for about `budgetMs`.
   */
  maintain?(budgetMs: number): void;
  /** Bytes in memory. */
  readonly memoryBytes: number;
}
