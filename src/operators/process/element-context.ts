/**
 * What process functions see of the record that is being processed, on streams that are not keyed.
 * Main and side outputs have the timestamp of the record.
 */
import { MillraceError } from '../../base/errors.ts';
import type { OutputTag } from '../../functions/output-tag.ts';
import type { ProcessContext, TimerService } from '../../functions/process-functions.ts';
import { NO_TIMESTAMP } from '../chain-stage.ts';
import type { StageContext } from '../chain-stage.ts';
import { SideOutputs } from '../side-outputs.ts';
import { TimestampedCollector } from '../timestamped-collector.ts';

/** One per operator: what it says is about the record whose timestamp the collector has. */
export class ElementContext implements ProcessContext {
  readonly collector: TimestampedCollector;
  readonly #context: StageContext;
  readonly #sideOutputs: SideOutputs;

  constructor(context: StageContext) {
    this.collector = new TimestampedCollector(context.emit);
    this.#context = context;
    this.#sideOutputs = new SideOutputs(context);
  }

  timestamp(): number | undefined {
    const timestamp = this.collector.timestamp;
    return timestamp === NO_TIMESTAMP ? undefined : timestamp;
  }

  currentWatermark(): number {
    return this.#context.currentWatermark();
  }

  currentProcessingTime(): number {
    return this.#context.currentProcessingTime();
  }

  output<T>(tag: OutputTag<T>, value: T): void {
    this.outputAt(tag, value, this.collector.timestamp);
  }

  protected outputAt<T>(tag: OutputTag<T>, value: T, timestamp: number): void {
    this.#sideOutputs.emit(tag as OutputTag<never>, value, timestamp);
  }

  timerService(): TimerService {
    return new NoTimers(this.#context);
  }
}

/** Time without timers. */
class NoTimers implements TimerService {
  readonly #context: StageContext;

  constructor(context: StageContext) {
    this.#context = context;
  }

  currentProcessingTime(): number {
    return this.#context.currentProcessingTime();
  }

  currentWatermark(): number {
    return this.#context.currentWatermark();
  }

  registerEventTimeTimer(): void {
    this.#refuse();
  }

  registerProcessingTimeTimer(): void {
    this.#refuse();
  }

  deleteEventTimeTimer(): void {
    this.#refuse();
  }

  deleteProcessingTimeTimer(): void {
    this.#refuse();
  }

  #refuse(): never {
    const operator = this.#context.operatorName;
    throw new MillraceError(
      'ILLEGAL_STATE',
      `'${operator}' sets or deletes a timer, but its stream has no key, and timers belong to ` +
        'keys: call keyBy(…) before it, with the same key for all records if need be',
      { details: { operator } },
    );
  }
}
