/** The timers of the current key, as functions see them. */
import { MillraceError } from '../../base/errors.ts';
import type { TimerService } from '../../functions/process-functions.ts';
import type { InternalTimerService } from '../../state/timers/internal-timer-service.ts';
import type { StageContext } from '../chain-stage.ts';
import type { CurrentKey } from './current-key.ts';

/** See the file's head. */
export class UserTimers implements TimerService {
  readonly #context: StageContext;
  readonly #key: CurrentKey;
  readonly #timers: InternalTimerService;

  constructor(context: StageContext, key: CurrentKey, timers: InternalTimerService) {
    this.#context = context;
    this.#key = key;
    this.#timers = timers;
  }

  currentProcessingTime(): number {
    return this.#context.currentProcessingTime();
  }

  currentWatermark(): number {
    return this.#context.currentWatermark();
  }

  registerEventTimeTimer(time: number): void {
    if (this.#key.currentKey === undefined) this.#refuse();
    this.#timers.registerEventTimeTimer(time);
  }

  registerProcessingTimeTimer(time: number): void {
    if (this.#key.currentKey === undefined) this.#refuse();
    this.#timers.registerProcessingTimeTimer(time);
  }

  deleteEventTimeTimer(time: number): void {
    if (this.#key.currentKey === undefined) this.#refuse();
    this.#timers.deleteEventTimeTimer(time);
  }

  deleteProcessingTimeTimer(time: number): void {
    if (this.#key.currentKey === undefined) this.#refuse();
    this.#timers.deleteProcessingTimeTimer(time);
  }

  #refuse(): never {
    const operator = this.#context.operatorName;
    throw new MillraceError(
      'ILLEGAL_STATE',
      `'${operator}' sets or deletes a timer where there is no current key: do it in ` +
        'processElement or onTimer, not on the broadcast side',
      { details: { operator } },
    );
  }
}
