/** What an interval join's function sees of the pair at hand. */
import type { ProcessJoinContext } from '../../functions/join-functions.ts';
import type { OutputTag } from '../../functions/output-tag.ts';
import type { StageContext } from '../chain-stage.ts';
import { SideOutputs } from '../side-outputs.ts';
import { TimestampedCollector } from '../timestamped-collector.ts';

/** One per operator. Results and side outputs have the greater timestamp. */
export class IntervalJoinContext implements ProcessJoinContext {
  readonly collector: TimestampedCollector;
  readonly #sideOutputs: SideOutputs;
  #left = 0;
  #right = 0;

  constructor(context: StageContext) {
    this.collector = new TimestampedCollector(context.emit);
    this.#sideOutputs = new SideOutputs(context);
  }

  /** Before each pair. */
  enter(left: number, right: number): void {
    this.#left = left;
    this.#right = right;
    this.collector.timestamp = left > right ? left : right;
  }

  getLeftTimestamp(): number {
    return this.#left;
  }

  getRightTimestamp(): number {
    return this.#right;
  }

  getTimestamp(): number {
    return this.collector.timestamp;
  }

  output<T>(tag: OutputTag<T>, value: T): void {
    this.#sideOutputs.emit(tag as OutputTag<never>, value, this.collector.timestamp);
  }
}
