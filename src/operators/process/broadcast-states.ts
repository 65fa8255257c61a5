/**
 * The broadcast states of one operator's subtask: to change for the broadcast side, to read for the
 * other.
 */
import { MillraceError } from '../../base/errors.ts';
import type {
  BroadcastState,
  MapStateDescriptor,
  ReadOnlyBroadcastState,
} from '../../functions/state.ts';
import type { AnyRecord } from '../../graph/operator-spec.ts';
import type { StageContext } from '../chain-stage.ts';

type AnyBroadcastState = BroadcastState<AnyRecord, AnyRecord>;

/** See the file's head. */
export class BroadcastStates {
  readonly #operatorName: string;
  readonly #states = new Map<string, AnyBroadcastState>();
  readonly #readOnly = new Map<string, ReadOnlyState>();

  constructor(
    { operatorState, operatorName }: StageContext,
    descriptors: readonly MapStateDescriptor<AnyRecord, AnyRecord>[],
  ) {
    this.#operatorName = operatorName;
    for (const descriptor of descriptors) {
      const state = operatorState.getBroadcastState(descriptor);
      this.#states.set(descriptor.name, state);
      this.#readOnly.set(descriptor.name, new ReadOnlyState(state, operatorName));
    }
  }

  /** To change. */
  get<K, V>({ name }: MapStateDescriptor<K, V>): BroadcastState<K, V> {
    return this.#states.get(name) ?? this.#refuse(name);
  }

  /** To read. */
  getReadOnly<K, V>({ name }: MapStateDescriptor<K, V>): ReadOnlyBroadcastState<K, V> {
    return this.#readOnly.get(name) ?? this.#refuse(name);
  }

  #refuse(name: string): never {
    const known = [...this.#states.keys()].map((each) => `'${each}'`).join(', ');
    throw new MillraceError(
      'ILLEGAL_ARGUMENT',
      `'${this.#operatorName}' asks for broadcast state '${name}', but its stream was broadcast ` +
        `with ${known}: give broadcast(…) the descriptor, too`,
      { details: { operator: this.#operatorName, state: name } },
    );
  }
}

/** Broadcast state whose changes fail, also where the compiler was told otherwise. */
class ReadOnlyState implements AnyBroadcastState {
  readonly #state: AnyBroadcastState;
  readonly #operatorName: string;

  constructor(state: AnyBroadcastState, operatorName: string) {
    this.#state = state;
    this.#operatorName = operatorName;
  }

  get(key: AnyRecord): AnyRecord {
    return this.#state.get(key);
  }

  contains(key: AnyRecord): boolean {
    return this.#state.contains(key);
  }

  immutableEntries(): Iterable<readonly [AnyRecord, AnyRecord]> {
    return this.#state.immutableEntries();
  }

  entries(): Iterable<readonly [AnyRecord, AnyRecord]> {
    return this.#state.immutableEntries();
  }

  put(): void {
    this.#refuse();
  }

  putAll(): void {
    this.#refuse();
  }

  remove(): void {
    this.#refuse();
  }

  clear(): void {
    this.#refuse();
  }

  #refuse(): never {
    throw new MillraceError(
      'ILLEGAL_STATE',
      `'${this.#operatorName}' changes broadcast state while it processes a record that is not ` +
        'broadcast, so that subtasks would come to differ: change it in processBroadcastElement',
      { details: { operator: this.#operatorName } },
    );
  }
}
