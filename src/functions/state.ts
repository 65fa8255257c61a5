/**
 * Keyed state and operator state as user functions see them: descriptors (what is wanted) and
 * handles (what is got), with Flink's names.
 *
 * Contract: a value that was put into state is not changed any more but by another `update`; what
 * `value()` gives is the caller's to read. `undefined` means absent; `null` is refused as a value
 * of a ValueState, as in Flink it means absent.
 */
import type { TypeInformation } from '../types/type-information.ts';
import { MillraceError } from '../base/errors.ts';
import type { AggregateFunction, ReduceFunction } from './functions.ts';

/** When the time to live of an entry starts anew. */
export type StateTtlUpdateType = 'disabled' | 'on-create-and-write' | 'on-read-and-write';

/** Whether an entry past its time may still be read as long as it is there. */
export type StateTtlVisibility = 'never-return-expired' | 'return-expired-if-not-cleaned-up';

/**
 * How long entries live after their last update, by processing time; per element for lists, per
 * entry for maps.
 */
export interface StateTtlConfig {
  readonly ttlMs: number;
  /** `on-create-and-write` if left out. */
  readonly updateType?: StateTtlUpdateType | undefined;
  /** `never-return-expired` if left out. */
  readonly stateVisibility?: StateTtlVisibility | undefined;
  /**
   * Entries looked at per access for clean-up in passing (Flink: cleanupIncrementally; 5). 0 turns
   * it off.
   */
  readonly cleanupIncrementally?: number | undefined;
  /** Whether full snapshots leave expired entries out (true). */
  readonly cleanupFullSnapshot?: boolean | undefined;
}

/** What every descriptor may be given besides name and types. */
export interface StateDescriptorOptions {
  readonly ttl?: StateTtlConfig | undefined;
}

/**
 * One value per key.
 *
 * @example
 * const lastSeen = new ValueStateDescriptor('last-seen', types.timestamp, { ttl: { ttlMs: hours(24) } });
 */
export class ValueStateDescriptor<T> {
  readonly kind = 'value' as const;
  readonly name: string;
  readonly type: TypeInformation<T> | undefined;
  readonly ttl: StateTtlConfig | undefined;

  constructor(name: string, type?: TypeInformation<T>, options: StateDescriptorOptions = {}) {
    requireDescriptor('ValueStateDescriptor', name, options);
    this.name = name;
    this.type = type;
    this.ttl = options.ttl;
  }
}

/** A list per key (keyed), or a list of elements that are redistributed (operator state). */
export class ListStateDescriptor<T> {
  readonly kind = 'list' as const;
  readonly name: string;
  readonly elementType: TypeInformation<T> | undefined;
  readonly ttl: StateTtlConfig | undefined;

  constructor(
    name: string,
    elementType?: TypeInformation<T>,
    options: StateDescriptorOptions = {},
  ) {
    requireDescriptor('ListStateDescriptor', name, options);
    this.name = name;
    this.elementType = elementType;
    this.ttl = options.ttl;
  }
}

/** A map per key (keyed), or one map that all subtasks hold (broadcast state). */
export class MapStateDescriptor<K, V> {
  readonly kind = 'map' as const;
  readonly name: string;
  readonly keyType: TypeInformation<K> | undefined;
  readonly valueType: TypeInformation<V> | undefined;
  readonly ttl: StateTtlConfig | undefined;

  constructor(
    name: string,
    keyType?: TypeInformation<K>,
    valueType?: TypeInformation<V>,
    options: StateDescriptorOptions = {},
  ) {
    requireDescriptor('MapStateDescriptor', name, options);
    this.name = name;
    this.keyType = keyType;
    this.valueType = valueType;
    this.ttl = options.ttl;
  }
}

/**
 * One value per key, combined from all that is added.
 *
 * @example
 * const largest = new ReducingStateDescriptor<number>('largest', Math.max, types.double);
 */
export class ReducingStateDescriptor<T> {
  readonly kind = 'reducing' as const;
  readonly name: string;
  readonly reduceFunction: ReduceFunction<T>;
  readonly type: TypeInformation<T> | undefined;
  readonly ttl: StateTtlConfig | undefined;

  constructor(
    name: string,
    reduceFunction: ReduceFunction<T>,
    type?: TypeInformation<T>,
    options: StateDescriptorOptions = {},
  ) {
    requireDescriptor('ReducingStateDescriptor', name, options);
    this.name = name;
    this.reduceFunction = reduceFunction;
    this.type = type;
    this.ttl = options.ttl;
  }
}

/** One accumulator per key. */
export class AggregatingStateDescriptor<IN, ACC, OUT> {
  readonly kind = 'aggregating' as const;
  readonly name: string;
  readonly aggregateFunction: AggregateFunction<IN, ACC, OUT>;
  readonly accumulatorType: TypeInformation<ACC> | undefined;
  readonly ttl: StateTtlConfig | undefined;

  constructor(
    name: string,
    aggregateFunction: AggregateFunction<IN, ACC, OUT>,
    accumulatorType?: TypeInformation<ACC>,
    options: StateDescriptorOptions = {},
  ) {
    requireDescriptor('AggregatingStateDescriptor', name, options);
    this.name = name;
    this.aggregateFunction = aggregateFunction;
    this.accumulatorType = accumulatorType;
    this.ttl = options.ttl;
  }
}

function requireDescriptor(owner: string, name: unknown, { ttl }: StateDescriptorOptions): void {
  if (typeof name !== 'string' || name.trim() === '') {
    throw new MillraceError(
      'ILLEGAL_ARGUMENT',
      `${owner} got ${String(name)} as name: give text that is not empty`,
    );
  }
  if (ttl === undefined || (Number.isFinite(ttl.ttlMs) && ttl.ttlMs > 0)) return;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `${owner} '${name}' got a time to live of ${ttl.ttlMs}: give milliseconds above 0, such as ` +
      '{ ttl: { ttlMs: hours(1) } }',
  );
}

/** Any descriptor. */
export type StateDescriptor =
  | ValueStateDescriptor<never>
  | ListStateDescriptor<never>
  | MapStateDescriptor<never, never>
  | ReducingStateDescriptor<never>
  | AggregatingStateDescriptor<never, never, never>;

/** What all handles have. */
export interface State {
  /** Removes the current key's value. */
  clear(): void;
}

/** See {@link ValueStateDescriptor}. */
export interface ValueState<T> extends State {
  /** The current key's value, or undefined. */
  value(): T | undefined;
  /** Sets it; undefined clears. */
  update(value: T | undefined): void;
}

/** See {@link ListStateDescriptor}. */
export interface ListState<T> extends State {
  /** The elements in order; empty, never undefined, if there are none. */
  get(): Iterable<T>;
  add(value: T): void;
  addAll(values: Iterable<T>): void;
  /** Replaces the list; an empty one clears. */
  update(values: Iterable<T>): void;
}

/** See {@link MapStateDescriptor}. */
export interface MapState<K, V> extends State {
  get(key: K): V | undefined;
  put(key: K, value: V): void;
  putAll(entries: Iterable<readonly [K, V]>): void;
  remove(key: K): void;
  contains(key: K): boolean;
  entries(): Iterable<readonly [K, V]>;
  keys(): Iterable<K>;
  values(): Iterable<V>;
  isEmpty(): boolean;
}

/** See {@link ReducingStateDescriptor}. */
export interface ReducingState<T> extends State {
  get(): T | undefined;
  add(value: T): void;
}

/** See {@link AggregatingStateDescriptor}. */
export interface AggregatingState<IN, OUT> extends State {
  get(): OUT | undefined;
  add(value: IN): void;
}

/** Broadcast state as the side that must not change it sees it. */
export interface ReadOnlyBroadcastState<K, V> {
  get(key: K): V | undefined;
  contains(key: K): boolean;
  immutableEntries(): Iterable<readonly [K, V]>;
}

/** Broadcast state as the broadcast side sees it. */
export interface BroadcastState<K, V> extends ReadOnlyBroadcastState<K, V> {
  put(key: K, value: V): void;
  putAll(entries: Iterable<readonly [K, V]>): void;
  remove(key: K): void;
  clear(): void;
  entries(): Iterable<readonly [K, V]>;
}

/** Gives keyed state; only on keyed operators. Asking twice for a name gives the same state. */
export interface KeyedStateStore {
  getState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T>;
  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T>;
  getMapState<K, V>(descriptor: MapStateDescriptor<K, V>): MapState<K, V>;
  getReducingState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T>;
  getAggregatingState<IN, ACC, OUT>(
    descriptor: AggregatingStateDescriptor<IN, ACC, OUT>,
  ): AggregatingState<IN, OUT>;
}

/** Gives state that belongs to an operator's subtask, not to a key. */
export interface OperatorStateStore {
  /** On restore the elements of all subtasks are concatenated and divided anew, in order. */
  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T>;
  /** On restore every subtask gets the elements of all. */
  getUnionListState<T>(descriptor: ListStateDescriptor<T>): ListState<T>;
  /** Every subtask holds a copy of its own. */
  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): BroadcastState<K, V>;
}

/** What `initializeState` sees. */
export interface FunctionInitializationContext {
  /** Whether the job goes on from a checkpoint or savepoint. */
  isRestored(): boolean;
  getOperatorStateStore(): OperatorStateStore;
  getKeyedStateStore(): KeyedStateStore;
}

/** What `snapshotState` sees. */
export interface FunctionSnapshotContext {
  readonly checkpointId: number;
  readonly checkpointTimestamp: number;
}

/** A function with operator state: any user function may have these two methods. */
export interface CheckpointedFunction {
  /** Called once, before `open`'s first record, with what was restored. */
  initializeState(context: FunctionInitializationContext): void;
  /** Called for each checkpoint, before state is written: put into state what is kept elsewhere. */
  snapshotState(context: FunctionSnapshotContext): void;
}

/**
 * A function that wants to know how checkpoints end; calls are best effort, a later one covers
 * earlier ones.
 */
export interface CheckpointListener {
  notifyCheckpointComplete(checkpointId: number): void;
  notifyCheckpointAborted?(checkpointId: number): void;
}
