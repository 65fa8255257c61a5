/**
 * What process functions on keyed streams see: of the record that is being processed, and of the
 * timer that fires.
 */
import type { OutputTag } from '../../functions/output-tag.ts';
import type {
  KeyedProcessContext,
  OnTimerContext,
  TimeDomain,
  TimerService,
} from '../../functions/process-functions.ts';
import { NO_TIMESTAMP } from '../chain-stage.ts';
import type { StageContext } from '../chain-stage.ts';
import type { CurrentKey } from './current-key.ts';
import { ElementContext } from './element-context.ts';

/** What a function sees of a record. */
export class KeyedElementContext extends ElementContext implements KeyedProcessContext<unknown> {
  readonly #key: CurrentKey;
  readonly #timerService: TimerService;

  constructor(context: StageContext, key: CurrentKey, timerService: TimerService) {
    super(context);
    this.#key = key;
    this.#timerService = timerService;
  }

  getCurrentKey(): unknown {
    return this.#key.currentKey;
  }

  override timerService(): TimerService {
    return this.#timerService;
  }
}

/**
 * What a function sees of a timer. As in Flink results of a processing timer carry no timestamp,
 * but its side outputs carry the timer's time.
 */
export class TimerContext extends KeyedElementContext implements OnTimerContext<unknown> {
  #time = 0;
  #domain: TimeDomain = 'event-time';

  /** Before each timer. */
  setTimer(time: number, domain: TimeDomain): void {
    this.#time = time;
    this.#domain = domain;
    this.collector.timestamp = domain === 'event-time' ? time : NO_TIMESTAMP;
  }

  override timestamp(): number {
    return this.#time;
  }

  timeDomain(): TimeDomain {
    return this.#domain;
  }

  override output<T>(tag: OutputTag<T>, value: T): void {
    this.outputAt(tag, value, this.#time);
  }
}
