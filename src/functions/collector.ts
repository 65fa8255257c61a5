/** Where user functions put their results. */
import type { OutputTag } from './output-tag.ts';

/**
 * Takes a function's results; never blocks (what does not fit downstream waits in an overflow
 * queue).
 */
export interface Collector<T> {
  collect(record: T): void;
}

/** Takes records for side outputs. */
export interface SideOutput {
  /**
   * Sends `value` to the side output `tag`; an error if nobody asked for it is never raised, it is
   * simply unused.
   */
  output<T>(tag: OutputTag<T>, value: T): void;
}
