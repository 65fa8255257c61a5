/** A trigger's state by descriptor, and how that of several windows becomes one. */
import { MillraceError } from '../../../base/errors.ts';
import {
  type AggregatingStateDescriptor,
  type KeyedStateStore,
  type ListState,
  type ListStateDescriptor,
  type MapStateDescriptor,
  type ReducingState,
  type ReducingStateDescriptor,
  type State,
  ValueStateDescriptor,
} from '../../../functions/state.ts';
import type { AnyRecord } from '../../../graph/operator-spec.ts';
import { AccumulatorState } from './accumulator-state.ts';

/** A descriptor of any kind. */
export type AnyDescriptor =
  | ValueStateDescriptor<AnyRecord>
  | ListStateDescriptor<AnyRecord>
  | MapStateDescriptor<AnyRecord, AnyRecord>
  | ReducingStateDescriptor<AnyRecord>
  | AggregatingStateDescriptor<AnyRecord, AnyRecord, AnyRecord>;

/** One per operator; the store that is given in is always the same, set to a window. */
export class PartitionedStates {
  readonly #states = new Map<AnyDescriptor, State>();

  /** The state of the store's window. */
  get(store: KeyedStateStore, descriptor: AnyDescriptor): State {
    let state = this.#states.get(descriptor);
    if (state === undefined) {
      state = makeState(store, descriptor);
      this.#states.set(descriptor, state);
    }
    return state;
  }
}

function makeState(store: KeyedStateStore, descriptor: AnyDescriptor): State {
  switch (descriptor.kind) {
    case 'value':
      return store.getState(descriptor);
    case 'list':
      return store.getListState(descriptor);
    case 'map':
      return store.getMapState(descriptor);
    case 'reducing':
      return store.getReducingState(descriptor);
    case 'aggregating':
      return new AccumulatorState(
        store.getState(
          new ValueStateDescriptor(descriptor.name, descriptor.accumulatorType, {
            ttl: descriptor.ttl,
          }),
        ),
        descriptor.aggregateFunction,
      );
    default:
      return descriptor satisfies never;
  }
}

/** Takes what a state holds out of it; undefined if nothing. */
export function takeOut(state: State, { kind, name }: AnyDescriptor): unknown {
  const held = contentsOf(state, kind, name);
  state.clear();
  return held;
}

/** Adds what {@link takeOut} gave to the same state of another window. */
export function putInto(state: State, { kind, name }: AnyDescriptor, held: unknown): void {
  switch (kind) {
    case 'list':
      return (state as ListState<unknown>).addAll(held as readonly unknown[]);
    case 'reducing':
      return (state as ReducingState<unknown>).add(held);
    case 'aggregating':
      return (state as AccumulatorState<unknown, unknown, unknown>).addAccumulator(held);
    default:
      return refuse(kind, name);
  }
}

function contentsOf(state: State, kind: AnyDescriptor['kind'], name: string): unknown {
  switch (kind) {
    case 'list': {
      const elements = [...(state as ListState<unknown>).get()];
      return elements.length === 0 ? undefined : elements;
    }
    case 'reducing':
      return (state as ReducingState<unknown>).get();
    case 'aggregating':
      return (state as AccumulatorState<unknown, unknown, unknown>).accumulator();
    default:
      return refuse(kind, name);
  }
}

function refuse(kind: 'value' | 'map', name: string): never {
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `mergePartitionedState got the ${kind} state '${name}': only list, reducing and aggregating ` +
      'state can be merged',
    { details: { state: name } },
  );
}
