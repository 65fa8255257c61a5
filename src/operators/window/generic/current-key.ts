/** The key and hash of the record or timer that is being handled. */
import type { KeyContext } from '../../../state/timers/internal-timer-service.ts';

/** One per operator. */
export class CurrentWindowKey implements KeyContext {
  currentKey: unknown = undefined;
  currentKeyHash = 0;
  /** Told of each change, if there is one. */
  onChange: ((key: unknown, hash: number) => void) | undefined;

  setCurrentKey(key: unknown, hash: number): void {
    this.currentKey = key;
    this.currentKeyHash = hash;
    this.onChange?.(key, hash);
  }
}
