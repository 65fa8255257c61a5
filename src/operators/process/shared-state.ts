/**
 * Keyed state for a function object that serves several subtasks of one thread. The object has one
 * field for a state's handle, which each subtask's `open` sets; so the handle goes to the state of
 * whichever subtask runs.
 *
 * Invariant: before a subtask calls the object, {@link SharedFunction.current} is its store.
 */
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
  ValueState,
  ValueStateDescriptor,
} from '../../functions/state.ts';

const shared = new WeakMap<object, SharedFunction>();

/** Gives state as the current subtask has it. */
export class SharedFunction implements KeyedStateStore {
  current: KeyedStateStore;

  private constructor(current: KeyedStateStore) {
    this.current = current;
  }

  /** The one of a user's object; `current` is set. */
  static of(given: object, current: KeyedStateStore): SharedFunction {
    const known = shared.get(given);
    if (known === undefined) {
      const made = new SharedFunction(current);
      shared.set(given, made);
      return made;
    }
    known.current = current;
    return known;
  }

  getState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T> {
    return new SharedValueState(this, (store) => store.getState(descriptor));
  }

  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    return new SharedListState(this, (store) => store.getListState(descriptor));
  }

  getMapState<K, V>(descriptor: MapStateDescriptor<K, V>): MapState<K, V> {
    return new SharedMapState(this, (store) => store.getMapState(descriptor));
  }

  getReducingState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T> {
    return new SharedAddingState(this, (store) => store.getReducingState(descriptor));
  }

  getAggregatingState<IN, ACC, OUT>(
    descriptor: AggregatingStateDescriptor<IN, ACC, OUT>,
  ): AggregatingState<IN, OUT> {
    return new SharedAddingState(this, (store) => store.getAggregatingState(descriptor));
  }
}

/** A handle that looks the subtask's own one up when another subtask runs than at its last use. */
class SharedState<S extends State> implements State {
  readonly #function: SharedFunction;
  readonly #get: (store: KeyedStateStore) => S;
  #store: KeyedStateStore;
  #state: S;

  constructor(of: SharedFunction, get: (store: KeyedStateStore) => S) {
    this.#function = of;
    this.#get = get;
    this.#store = of.current;
    // At once, so that the state is declared and a wrong descriptor refused in `open`.
    this.#state = get(of.current);
  }

  protected get own(): S {
    const { current } = this.#function;
    if (current !== this.#store) {
      this.#store = current;
      this.#state = this.#get(current);
    }
    return this.#state;
  }

  clear(): void {
    this.own.clear();
  }
}

class SharedValueState<T> extends SharedState<ValueState<T>> implements ValueState<T> {
  value(): T | undefined {
    return this.own.value();
  }

  update(value: T | undefined): void {
    this.own.update(value);
  }
}

class SharedListState<T> extends SharedState<ListState<T>> implements ListState<T> {
  get(): Iterable<T> {
    return this.own.get();
  }

  add(value: T): void {
    this.own.add(value);
  }

  addAll(values: Iterable<T>): void {
    this.own.addAll(values);
  }

  update(values: Iterable<T>): void {
    this.own.update(values);
  }
}

class SharedMapState<K, V> extends SharedState<MapState<K, V>> implements MapState<K, V> {
  get(key: K): V | undefined {
    return this.own.get(key);
  }

  put(key: K, value: V): void {
    this.own.put(key, value);
  }

  putAll(entries: Iterable<readonly [K, V]>): void {
    this.own.putAll(entries);
  }

  remove(key: K): void {
    this.own.remove(key);
  }

  contains(key: K): boolean {
    return this.own.contains(key);
  }

  entries(): Iterable<readonly [K, V]> {
    return this.own.entries();
  }

  keys(): Iterable<K> {
    return this.own.keys();
  }

  values(): Iterable<V> {
    return this.own.values();
  }

  isEmpty(): boolean {
    return this.own.isEmpty();
  }
}

class SharedAddingState<IN, OUT>
  extends SharedState<AggregatingState<IN, OUT>>
  implements AggregatingState<IN, OUT>
{
  get(): OUT | undefined {
    return this.own.get();
  }

  add(value: IN): void {
    this.own.add(value);
  }
}
