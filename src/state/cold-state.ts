/**
 * What a store below the hot tables offers them: rows that are not in memory.
 *
 * Invariants:
 * 1. Keys and values are the bytes of the state's serializers; equal keys have equal bytes.
 * 2. What the hot table holds wins over what lies below, and so do its tombstones, until they were
 *    handed to the store: a row below may be older than the one above, never newer.
 * 3. A row leaves memory only if it is in the store as it is, and no cut that is being written has
 *    yet to take it.
 */
import type { ByteWriter } from '../types/row-codec.ts';
import type { Namespace } from './keyed-state-backend.ts';

/**
 * The rows of one state and namespace that lie below. Bytes that it gives are valid until the next
 * call.
 */
export interface ColdState {
  /** Keys below; an estimate. */
  readonly size: number;
  /** Whether no row was put below since the last drop. */
  readonly isEmpty: boolean;
  /**
   * Whether a key with this hash may lie below; false is certain. Asked for each new key, so cheap.
   */
  mayHave(hash: number): boolean;
  /** The value of the key `key[0..keyLength)`, or undefined. */
  get(hash: number, key: Uint8Array, keyLength: number): Uint8Array | undefined;
  /** All rows below are gone; it takes new ones. */
  clear(): void;
  /** All rows below by ascending unsigned hash. Ends early when `visit` returns false. */
  scan(visit: (hash: number, key: Uint8Array, value: Uint8Array) => boolean): void;
}

/** The store as the hot tables see it; without one (the heap backend) they ask nothing. */
export interface ColdTier {
  /** The rows of a state and namespace. Called once per table. */
  open(stateIndex: number, namespace: Namespace | undefined): ColdState;
  /** All rows of the section that lie below are gone. The same {@link ColdState} takes new ones. */
  drop(section: RowSection): void;
}

/** The state and namespace that rows belong to. */
export interface RowSection {
  /** As in the `states` of the handle. */
  readonly stateIndex: number;
  readonly namespace: Namespace | undefined;
}

/**
 * Takes the rows of a cut. Bytes are valid during the call only. Per section `drop` comes first,
 * then all `remove`, then all `put`; sections alternate.
 */
export interface RowSink {
  /** Undefined: rows come by `put` only. */
  readonly target?: RowTarget | undefined;
  /** All rows of the section written before this cut are gone. */
  drop(section: RowSection): void;
  /** The key `bytes[from..to)` is gone. */
  remove(section: RowSection, hash: number, bytes: Uint8Array, from: number, to: number): void;
  /** Key `bytes[from..valueFrom)`, value `bytes[valueFrom..to)`. */
  put(
    section: RowSection,
    hash: number,
    bytes: Uint8Array,
    from: number,
    valueFrom: number,
    to: number,
  ): void;
}

/** The memory of a sink, into which rows can be encoded without a copy. */
export interface RowTarget {
  /** Where to append a row's key and value: nothing else meanwhile. */
  beginRow(section: RowSection): ByteWriter;
  /** They are there. */
  endRow(hash: number, keyLength: number): void;
  /** They are not, and nothing was written. */
  cancelRow(): void;
}

/** Which rows a cut takes. */
export type CutKind =
  /** What has changed since the last completed checkpoint. */
  | 'since-checkpoint'
  /** What the store below lacks; everything where there is none. */
  | 'since-base'
  /** Every row in memory. */
  | 'all';

/** How a cut is made. */
export interface CutOptions {
  readonly kind: CutKind;
  /**
   * The checkpoint that takes the rows off the list of what the next one needs once it is complete;
   * undefined: a savepoint, which does not.
   */
  readonly checkpointId: number | undefined;
  /** Whether rows of a section come by ascending unsigned hash. */
  readonly isOrdered: boolean;
}

/** A cut that is being written. */
export interface CutWork {
  /** Hands rows to the sink for about `budgetMs`; true when all are out. */
  step(budgetMs: number): boolean;
  /** Gives up: its rows count as changed. */
  abort(): void;
}
