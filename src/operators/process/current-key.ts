/** @dataplane The key whose state and timers a function sees. */
import type { KeyedStateHandles } from '../../state/keyed-state-store.ts';
import type { KeyContext } from '../../state/timers/internal-timer-service.ts';

/** One per keyed operator; no key before the first record, and on a broadcast side. */
export class CurrentKey implements KeyContext {
  currentKey: unknown = undefined;
  currentKeyHash = 0;
  readonly #handles: KeyedStateHandles;

  constructor(handles: KeyedStateHandles) {
    this.#handles = handles;
  }

  setCurrentKey(key: unknown, hash: number): void {
    this.currentKey = key;
    this.currentKeyHash = hash;
    this.#handles.setCurrentKey(key, hash);
  }

  /** From here on there is none. */
  clear(): void {
    this.setCurrentKey(undefined, 0);
  }
}
