/**
 * The user's handles over a backend: what `getState` and its like give.
 *
 * Invariants:
 * 1. A name is one state of the operator: asked for again it is the same handle, and with another
 *    kind, type or time to live it is refused.
 * 2. Handles act on the current key, which whoever runs user code sets before.
 */
import { MillraceError } from '../base/errors.ts';
import type {
  AggregatingState,
  AggregatingStateDescriptor,
  KeyedStateStore,
  ListState,
  ListStateDescriptor,
  MapState,
  MapStateDescriptor,
  ReducingState,
  ReducingStateDescriptor,
  State,
  StateTtlConfig,
  ValueState,
  ValueStateDescriptor,
} from '../functions/state.ts';
import type { TypeInformation } from '../types/type-information.ts';
import { CurrentRows } from './handles/current-rows.ts';
import type { KeyCursor, Prune } from './handles/current-rows.ts';
import { ListHandle, pruneList } from './handles/list-handle.ts';
import { MapHandle, pruneMap } from './handles/map-handle.ts';
import {
  AggregatingHandle,
  pruneSingle,
  ReducingHandle,
  ValueHandle,
} from './handles/single-handles.ts';
import { timeToLive } from './handles/time-to-live.ts';
import type { TimeToLive } from './handles/time-to-live.ts';
import type { KeyedStateBackend, NamedState, StateDeclaration } from './keyed-state-backend.ts';
import { sameDeclaration } from './state-layout.ts';

/** What {@link KeyedStateHandles} are made with. */
export interface KeyedStateHandlesOptions {
  readonly operatorName: string;
  /** Processing time, for the time to live. */
  readonly now: () => number;
  readonly keyType?: TypeInformation<unknown> | undefined;
}

/** A descriptor of any types: their union has no common form. */
type AnyDescriptor = { readonly ttl?: StateTtlConfig | undefined } & (
  | ValueStateDescriptor<unknown>
  | ListStateDescriptor<unknown>
  | MapStateDescriptor<unknown, unknown>
  | ReducingStateDescriptor<unknown>
  | AggregatingStateDescriptor<unknown, unknown, unknown>
);

interface Held {
  readonly declaration: StateDeclaration;
  readonly ttl: TimeToLive | undefined;
  readonly state: NamedState;
  readonly handle: State;
}

/** See the file's head. */
export class KeyedStateHandles implements KeyedStateStore {
  readonly #backend: KeyedStateBackend;
  readonly #options: KeyedStateHandlesOptions;
  readonly #cursor: KeyCursor;
  readonly #held = new Map<string, Held>();

  constructor(backend: KeyedStateBackend, options: KeyedStateHandlesOptions) {
    this.#backend = backend;
    this.#options = options;
    const { operatorName } = options;
    this.#cursor = { key: undefined, hash: 0, namespace: undefined, operatorName };
  }

  /** `hash` is `hashKey(key)`; an undefined key means that there is none. */
  setCurrentKey(key: unknown, hash: number): void {
    this.#cursor.key = key;
    this.#cursor.hash = hash;
  }

  currentKey(): unknown {
    return this.#cursor.key;
  }

  /** State of the key and this namespace from now on; undefined: of the key alone. */
  setCurrentNamespace(namespace: unknown): void {
    this.#cursor.namespace = namespace;
  }

  currentNamespace(): unknown {
    return this.#cursor.namespace;
  }

  getState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T> {
    return this.#handleOf(descriptor) as ValueState<unknown> as ValueState<T>;
  }

  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    return this.#handleOf(descriptor) as ListState<unknown> as ListState<T>;
  }

  getMapState<K, V>(descriptor: MapStateDescriptor<K, V>): MapState<K, V> {
    return this.#handleOf(descriptor) as MapState<unknown, unknown> as MapState<K, V>;
  }

  getReducingState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T> {
    return this.#handleOf(descriptor) as ReducingState<unknown> as ReducingState<T>;
  }

  getAggregatingState<IN, ACC, OUT>(
    descriptor: AggregatingStateDescriptor<IN, ACC, OUT>,
  ): AggregatingState<IN, OUT> {
    return this.#handleOf(descriptor) as AggregatingState<never, unknown> as AggregatingState<
      IN,
      OUT
    >;
  }

  /**
   * Calls `visit` for each key that has the state, without a namespace, with that key as the
   * current one. Keys that come to have it meanwhile are not visited.
   */
  applyToAllKeys<S extends State = State>(
    descriptor: unknown,
    visit: (key: unknown, state: S) => void,
  ): void {
    const { state, handle } = this.#heldOf(descriptor as AnyDescriptor);
    const keys: [unknown, number][] = [];
    state.table.forEach((key, _value, hash) => keys.push([key, hash]));
    const { key: previous, hash: previousHash, namespace } = this.#cursor;
    this.#cursor.namespace = undefined;
    try {
      for (const [key, hash] of keys) {
        this.setCurrentKey(key, hash);
        visit(key, handle as S);
      }
    } finally {
      this.setCurrentKey(previous, previousHash);
      this.#cursor.namespace = namespace;
    }
  }

  #handleOf(descriptor: unknown): State {
    return this.#heldOf(descriptor as AnyDescriptor).handle;
  }

  #heldOf(descriptor: AnyDescriptor): Held {
    const { name, kind } = descriptor;
    const ttl = timeToLive(descriptor.ttl, name, this.#options.now);
    const declaration = declarationOf(descriptor, ttl);
    const held = this.#held.get(name);
    if (held !== undefined) {
      const isSame = sameDeclaration(held.declaration, declaration) && sameTtl(held.ttl, ttl);
      if (!isSame) this.#refuse(name, held.declaration.kind, kind);
      return held;
    }
    const state = this.#backend.declare(declaration);
    const rows = new CurrentRows(state, this.#cursor, ttl, pruneOf(descriptor, ttl));
    const made = { declaration, ttl, state, handle: makeHandle(descriptor, rows, ttl) };
    this.#held.set(name, made);
    return made;
  }

  #refuse(name: string, is: string, asked: string): never {
    const { operatorName } = this.#options;
    const how = is === asked ? `with other types or another time to live` : `as ${asked} state`;
    throw new MillraceError(
      'ILLEGAL_ARGUMENT',
      `state '${name}' of '${operatorName}' is ${is} state, but is asked for ${how}: ` +
        `give each state a name of its own, and use one descriptor for all its uses`,
      { details: { operator: operatorName, state: name, is, asked } },
    );
  }
}

function declarationOf(descriptor: AnyDescriptor, ttl: TimeToLive | undefined): StateDeclaration {
  const { name, kind } = descriptor;
  const common = {
    name,
    kind,
    hasTtl: ttl !== undefined,
    isExpired: ttl?.cleansFullSnapshots === true ? expiryOf(descriptor, ttl) : undefined,
  };
  switch (kind) {
    case 'value':
    case 'reducing':
      return { ...common, valueType: descriptor.type };
    case 'aggregating':
      return { ...common, valueType: descriptor.accumulatorType };
    case 'list':
      return { ...common, valueType: descriptor.elementType };
    case 'map':
      return { ...common, mapKeyType: descriptor.keyType, valueType: descriptor.valueType };
    default:
      return descriptor satisfies never;
  }
}

/** Whether nothing is left of a value. */
function expiryOf(descriptor: AnyDescriptor, ttl: TimeToLive): (stored: unknown) => boolean {
  const prune = pruneOf(descriptor, ttl);
  return (stored) => prune(stored) === undefined;
}

function pruneOf({ kind }: AnyDescriptor, ttl: TimeToLive | undefined): Prune {
  switch (kind) {
    case 'list':
      return pruneList(ttl);
    case 'map':
      return pruneMap(ttl);
    case 'value':
    case 'reducing':
    case 'aggregating':
      return pruneSingle(ttl);
    default:
      return kind satisfies never;
  }
}

function makeHandle(
  descriptor: AnyDescriptor,
  rows: CurrentRows,
  ttl: TimeToLive | undefined,
): State {
  switch (descriptor.kind) {
    case 'value':
      return new ValueHandle(rows, ttl, descriptor.name);
    case 'list':
      return new ListHandle(rows, ttl, descriptor.name);
    case 'map':
      return new MapHandle(rows, ttl);
    case 'reducing':
      return new ReducingHandle(rows, ttl, descriptor.reduceFunction);
    case 'aggregating':
      return new AggregatingHandle(rows, ttl, descriptor.aggregateFunction);
    default:
      return descriptor satisfies never;
  }
}

function sameTtl(a: TimeToLive | undefined, b: TimeToLive | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.ttlMs === b.ttlMs &&
    a.updatesOnRead === b.updatesOnRead &&
    a.returnsExpired === b.returnsExpired &&
    a.cleanupEntries === b.cleanupEntries &&
    a.cleansFullSnapshots === b.cleansFullSnapshots
  );
}
