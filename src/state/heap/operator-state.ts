/**
 * Operator state in memory, for every backend.
 *
 * Invariants:
 * 1. A snapshot is a deep copy as of its cut.
 * 2. A name is one state: asked for again with another mode it is refused. What was restored and
 *    never asked for is part of the next snapshots as it came.
 */
import { MillraceError } from '../../base/errors.ts';
import type {
  BroadcastState,
  ListState,
  ListStateDescriptor,
  MapStateDescriptor,
} from '../../functions/state.ts';
import { ContentMap } from '../content-map.ts';
import type {
  OperatorStateBackend,
  OperatorStateMode,
  OperatorStateSnapshot,
} from '../operator-state-backend.ts';

/** An operator's state that belongs to no key. */
export function operatorStateBackend(options: {
  readonly operatorName: string;
}): OperatorStateBackend {
  return new HeapOperatorState(options.operatorName);
}

/** One state that somebody has asked for. */
interface Held {
  readonly mode: OperatorStateMode;
  readonly state: OperatorList | OperatorMap;
}

class HeapOperatorState implements OperatorStateBackend {
  readonly #operatorName: string;
  readonly #held = new Map<string, Held>();
  /** Restored and not asked for yet. */
  readonly #restored = new Map<string, OperatorStateSnapshot>();

  constructor(operatorName: string) {
    this.#operatorName = operatorName;
  }

  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    return this.#list(descriptor.name, 'split') as ListState<unknown> as ListState<T>;
  }

  getUnionListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    return this.#list(descriptor.name, 'union') as ListState<unknown> as ListState<T>;
  }

  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): BroadcastState<K, V> {
    const { name } = descriptor;
    const held = this.#heldOf(name, 'broadcast', (elements) => new OperatorMap(elements));
    return held as BroadcastState<unknown, unknown> as BroadcastState<K, V>;
  }

  snapshot(): readonly OperatorStateSnapshot[] {
    const held = [...this.#held].map(([name, { mode, state }]): OperatorStateSnapshot => {
      return { name, mode, elements: this.#copy(name, state.elements()) };
    });
    return [...held, ...this.#restored.values()];
  }

  restore(snapshots: readonly OperatorStateSnapshot[]): void {
    for (const { name, mode, elements } of snapshots) {
      const before = this.#restored.get(name);
      if (before !== undefined && before.mode !== mode) this.#refuse(name, before.mode, mode);
      const all = mode === 'broadcast' || before === undefined ? [] : before.elements;
      this.#restored.set(name, { name, mode, elements: [...all, ...elements] });
    }
  }

  #list(name: string, mode: OperatorStateMode): ListState<unknown> {
    const held = this.#heldOf(name, mode, (elements) => new OperatorList(elements));
    return held as ListState<unknown>;
  }

  #heldOf(
    name: string,
    mode: OperatorStateMode,
    make: (elements: readonly unknown[]) => OperatorList | OperatorMap,
  ): OperatorList | OperatorMap {
    const held = this.#held.get(name);
    if (held !== undefined) {
      if (held.mode !== mode) this.#refuse(name, held.mode, mode);
      return held.state;
    }
    const restored = this.#restored.get(name);
    if (restored !== undefined && restored.mode !== mode) this.#refuse(name, restored.mode, mode);
    this.#restored.delete(name);
    const state = make(restored?.elements ?? []);
    this.#held.set(name, { mode, state });
    return state;
  }

  #copy(name: string, elements: readonly unknown[]): readonly unknown[] {
    try {
      return structuredClone(elements);
    } catch (error) {
      throw new MillraceError(
        'TYPE_NOT_SERIALIZABLE',
        `operator state '${name}' of '${this.#operatorName}' holds a value that cannot be copied: ` +
          `keep plain data in it (no functions, no handles)`,
        { cause: error, details: { operator: this.#operatorName, state: name } },
      );
    }
  }

  #refuse(name: string, is: OperatorStateMode, asked: OperatorStateMode): never {
    throw new MillraceError(
      'STATE_INCOMPATIBLE',
      `operator state '${name}' of '${this.#operatorName}' is ${TEXTS[is]}, but is asked for as ` +
        `${TEXTS[asked]}: give the new state a name of its own`,
      { details: { operator: this.#operatorName, state: name, is, asked } },
    );
  }
}

const TEXTS: Readonly<Record<OperatorStateMode, string>> = {
  split: 'a list that is split',
  union: 'a union list',
  broadcast: 'broadcast state',
};

class OperatorList implements ListState<unknown> {
  #elements: unknown[];

  constructor(elements: readonly unknown[]) {
    this.#elements = [...elements];
  }

  get(): Iterable<unknown> {
    return this.#elements.slice();
  }

  add(value: unknown): void {
    this.#elements.push(value);
  }

  addAll(values: Iterable<unknown>): void {
    for (const value of values) this.#elements.push(value);
  }

  update(values: Iterable<unknown>): void {
    this.#elements = [...values];
  }

  clear(): void {
    this.#elements = [];
  }

  elements(): readonly unknown[] {
    return this.#elements;
  }
}

class OperatorMap implements BroadcastState<unknown, unknown> {
  readonly #map = new ContentMap<unknown>();

  constructor(elements: readonly unknown[]) {
    for (const [key, value] of elements as readonly (readonly [unknown, unknown])[]) {
      this.#map.set(key, value);
    }
  }

  get(key: unknown): unknown {
    return this.#map.get(key);
  }

  contains(key: unknown): boolean {
    return this.#map.has(key);
  }

  put(key: unknown, value: unknown): void {
    this.#map.set(key, value);
  }

  putAll(entries: Iterable<readonly [unknown, unknown]>): void {
    for (const [key, value] of entries) this.#map.set(key, value);
  }

  remove(key: unknown): void {
    this.#map.delete(key);
  }

  clear(): void {
    this.#map.clear();
  }

  entries(): Iterable<readonly [unknown, unknown]> {
    return this.#map.entries();
  }

  immutableEntries(): Iterable<readonly [unknown, unknown]> {
    return this.#map.entries();
  }

  elements(): readonly unknown[] {
    return this.#map.entries();
  }
}
