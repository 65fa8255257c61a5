/**
 * A sink that drops every record and counts them: for benchmarks, and for jobs that only matter for
 * their side effects.
 *
 * Invariant: at every flush and at the end, the counter {@link RECORDS_COUNTER} equals the records
 * written.
 */
import type { Counter, SubtaskContext } from '../../functions/runtime-context.ts';
import type { Sink, SinkWriter } from '../../functions/sink.ts';

/** The counter's name; Flink's for what a sink has sent. */
export const RECORDS_COUNTER = 'numRecordsSend';

/**
 * A sink that only counts.
 *
 * @example
 * stream.sinkTo(blackholeSink())
 */
export function blackholeSink<T = unknown>(): Sink<T, never> {
  return {
    deliveryGuarantee: 'none',
    createWriter: (context) => new BlackholeWriter<T>(context),
  };
}

class BlackholeWriter<T> implements SinkWriter<T> {
  readonly #counter: Counter;
  /** Records written and not yet counted: a field is cheaper than the counter. */
  #uncounted = 0;

  constructor(context: SubtaskContext) {
    this.#counter = context.metricGroup.counter(RECORDS_COUNTER);
  }

  write(_value: T): void {
    this.#uncounted++;
  }

  flush(): void {
    this.#counter.inc(this.#uncounted);
    this.#uncounted = 0;
  }

  close(): void {
    this.flush();
  }
}
