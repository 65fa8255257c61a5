/**
 * The windows of a key that are in flight, where windows merge (Flink: MergingWindowSet). Contents
 * stay in the namespace of the window that they came to first, the state window; so a window that
 * grows moves nothing.
 *
 * Invariants:
 * 1. Windows of a key do not meet: those that do have become one.
 * 2. A state window belongs to one window.
 */
import type { Window } from '../../../functions/windowing/window.ts';
import type { MergingWindowAssigner } from '../../../functions/windowing/window-assigner.ts';
import type { KeyedStateBackend, NamedState } from '../../../state/keyed-state-backend.ts';
import { OBJECT_LAYOUT } from '../../../state/table/value-layout.ts';
import type { KeyContext } from '../../../state/timers/internal-timer-service.ts';
import { namespaceOf, sameWindow, windowOf } from './window-namespaces.ts';

/** Windows that have become one. */
export interface MergedWindows {
  readonly result: Window;
  /** What there was before; the new window itself is none of it. */
  readonly windows: readonly Window[];
  /** The namespace in which the result's contents are. */
  readonly stateNamespace: unknown;
  /** Namespaces whose contents belong to the result, too. */
  readonly mergedNamespaces: readonly unknown[];
}

/** A window and where its contents are. */
interface InFlight {
  readonly window: Window;
  readonly stateNamespace: unknown;
}

type StoredPair = readonly [namespace: unknown, stateNamespace: unknown];

/** See the file's head. For one key at a time: {@link MergingWindowSet.load} comes first. */
export class MergingWindowSet {
  readonly #assigner: MergingWindowAssigner<unknown, Window>;
  readonly #key: KeyContext;
  readonly #state: NamedState;
  #inFlight: InFlight[] = [];
  #hasChanged = false;

  constructor(
    assigner: MergingWindowAssigner<unknown, Window>,
    backend: KeyedStateBackend,
    key: KeyContext,
  ) {
    this.#assigner = assigner;
    this.#key = key;
    this.#state = backend.declare({ name: 'window-set', kind: 'value', layout: OBJECT_LAYOUT });
  }

  /** Reads the windows of the current key. */
  load(): void {
    const { table } = this.#state;
    const entry = table.find(this.#key.currentKey, this.#key.currentKeyHash);
    this.#hasChanged = false;
    this.#inFlight =
      entry < 0
        ? []
        : (table.read(entry) as readonly StoredPair[]).map(([namespace, stateNamespace]) => {
            return { window: windowOf(namespace), stateNamespace };
          });
  }

  /** Writes what has changed since {@link MergingWindowSet.load}. */
  persist(): void {
    if (!this.#hasChanged) return;
    const { table } = this.#state;
    const { currentKey, currentKeyHash } = this.#key;
    this.#hasChanged = false;
    if (this.#inFlight.length === 0) {
      table.remove(currentKey, currentKeyHash);
      return;
    }
    const pairs = this.#inFlight.map(({ window, stateNamespace }): StoredPair => {
      return [namespaceOf(window), stateNamespace];
    });
    table.write(table.findOrInsert(currentKey, currentKeyHash), pairs);
  }

  /** Where the contents of a window are; undefined if it is not in flight. */
  stateNamespaceOf(window: Window): unknown {
    return this.#inFlight.find((each) => sameWindow(each.window, window))?.stateNamespace;
  }

  /** The window goes. */
  retire(window: Window): void {
    this.#replace([window], undefined);
  }

  /**
   * Adds the window of a new record, which may make others merge.
   *
   * @param onMerge - told before anything else looks at the result
   * @returns the window that the record belongs to now
   */
  add(window: Window, onMerge: (merged: MergedWindows) => void): Window {
    if (this.#inFlight.length === 0) {
      this.#put({ window, stateNamespace: namespaceOf(window) });
      return window;
    }
    if (this.stateNamespaceOf(window) !== undefined) return window;
    let actual = window;
    let hasPlace = false;
    const windows = [...this.#inFlight.map((each) => each.window), window];
    const merges: { readonly toBeMerged: readonly Window[]; readonly result: Window }[] = [];
    this.#assigner.mergeWindows(windows, (toBeMerged, result) =>
      merges.push({ toBeMerged, result }),
    );
    for (const { toBeMerged, result } of merges) {
      const before = toBeMerged.filter((each) => !sameWindow(each, window));
      if (before.length < toBeMerged.length) actual = result;
      const merged = this.#merge(before, result);
      if (merged === undefined) continue;
      if (actual === result) hasPlace = true;
      const isSame = before.length === 1 && sameWindow(before[0] as Window, result);
      if (!isSame) onMerge(merged);
    }
    if (!hasPlace) this.#put({ window: actual, stateNamespace: namespaceOf(actual) });
    return actual;
  }

  #merge(windows: readonly Window[], result: Window): MergedWindows | undefined {
    const [first, ...others] = windows.flatMap((window) => {
      const found = this.#inFlight.find((each) => sameWindow(each.window, window));
      return found === undefined ? [] : [found.stateNamespace];
    });
    if (first === undefined) return undefined;
    this.#replace(windows, { window: result, stateNamespace: first });
    return { result, windows, stateNamespace: first, mergedNamespaces: others };
  }

  #replace(windows: readonly Window[], by: InFlight | undefined): void {
    this.#inFlight = this.#inFlight.filter(
      (each) => !windows.some((window) => sameWindow(each.window, window)),
    );
    this.#hasChanged = true;
    if (by !== undefined) this.#put(by);
  }

  #put(inFlight: InFlight): void {
    this.#inFlight.push(inFlight);
    this.#hasChanged = true;
  }
}
