/** What an assigner may know; the stagger of windows is settled once per subtask. */
import { windowStart } from '../../../functions/windowing/time-window.ts';
import type {
  WindowAssignerContext,
  WindowStagger,
} from '../../../functions/windowing/window-assigner.ts';
import type { Random } from '../../../base/environment.ts';
import type { OperatorTime } from './operator-trigger-context.ts';

/** One per operator. */
export class OperatorAssignerContext implements WindowAssignerContext {
  readonly #random: Random;
  readonly #time: OperatorTime;
  #staggerMs: number | undefined;

  constructor(random: Random, time: OperatorTime) {
    this.#random = random;
    this.#time = time;
  }

  getCurrentProcessingTime(): number {
    return this.#time.currentProcessingTime();
  }

  getStaggerOffset(stagger: WindowStagger, sizeMs: number): number {
    this.#staggerMs ??= this.#stagger(stagger, sizeMs);
    return this.#staggerMs;
  }

  #stagger(stagger: WindowStagger, sizeMs: number): number {
    switch (stagger) {
      case 'ALIGNED':
        return 0;
      case 'NATURAL': {
        const now = this.getCurrentProcessingTime();
        return Math.max(0, now - windowStart(now, 0, sizeMs));
      }
      case 'RANDOM':
        return this.#random.below(sizeMs);
      default:
        return stagger satisfies never;
    }
  }
}
