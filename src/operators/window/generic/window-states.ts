/**
 * The state of users around windows: that of a key and window (triggers, `windowState`), and that
 * of a key (`globalState`, `open` of the function).
 *
 * Invariants:
 * 1. The key is always the current one; the window is that of the last {@link WindowStates.of}.
 * 2. Nothing is made before it is asked for.
 */
import type { KeyedStateStore } from '../../../functions/state.ts';
import { KeyedStateHandles } from '../../../state/keyed-state-store.ts';
import type { StageContext } from '../../chain-stage.ts';
import type { CurrentWindowKey } from './current-key.ts';

/** See the file's head. One per operator. */
export class WindowStates {
  readonly #context: StageContext;
  readonly #key: CurrentWindowKey;
  #ofWindow: KeyedStateHandles | undefined;
  #ofKey: KeyedStateHandles | undefined;

  constructor(context: StageContext, key: CurrentWindowKey) {
    this.#context = context;
    this.#key = key;
    key.onChange = (current, hash) => {
      this.#ofWindow?.setCurrentKey(current, hash);
      this.#ofKey?.setCurrentKey(current, hash);
    };
  }

  /** Whether anybody has asked. */
  get isUsed(): boolean {
    return this.#ofWindow !== undefined || this.#ofKey !== undefined;
  }

  /** State of the current key and a window. */
  of(namespace: unknown): KeyedStateStore {
    this.#ofWindow ??= this.#make();
    this.#ofWindow.setCurrentNamespace(namespace);
    return this.#ofWindow;
  }

  /** State of the current key. */
  get global(): KeyedStateStore {
    this.#ofKey ??= this.#make();
    return this.#ofKey;
  }

  #make(): KeyedStateHandles {
    const { keyedState, operatorName, runtimeContext } = this.#context;
    const { clock } = runtimeContext.environment;
    const made = new KeyedStateHandles(keyedState, { operatorName, now: () => clock.now() });
    const { currentKey, currentKeyHash } = this.#key;
    made.setCurrentKey(currentKey, currentKeyHash);
    return made;
  }
}
