/**
 * An aggregating state whose accumulators can be merged: a value state that holds them.
 * Invariant: an accumulator is written before the user's function may change it, so that a snapshot
 * that is being taken has seen it as it was.
 */
import type { AggregateFunction } from '../../../functions/functions.ts';
import type { AggregatingState, ValueState } from '../../../functions/state.ts';

/** See the file's head. */
export class AccumulatorState<IN, ACC, OUT> implements AggregatingState<IN, OUT> {
  readonly #accumulator: ValueState<ACC>;
  readonly #function: AggregateFunction<IN, ACC, OUT>;

  constructor(accumulator: ValueState<ACC>, aggregate: AggregateFunction<IN, ACC, OUT>) {
    this.#accumulator = accumulator;
    this.#function = aggregate;
  }

  get(): OUT | undefined {
    const accumulator = this.#accumulator.value();
    return accumulator === undefined ? undefined : this.#function.getResult(accumulator);
  }

  add(value: IN): void {
    const before = this.#taken() ?? this.#function.createAccumulator();
    this.#accumulator.update(this.#function.add(value, before));
  }

  clear(): void {
    this.#accumulator.clear();
  }

  /** The accumulator of another window joins this one's. */
  addAccumulator(other: ACC): void {
    const before = this.#taken();
    const { merge } = this.#function;
    this.#accumulator.update(
      before === undefined || merge === undefined ? other : merge(before, other),
    );
  }

  /** The accumulator itself. */
  accumulator(): ACC | undefined {
    return this.#accumulator.value();
  }

  #taken(): ACC | undefined {
    const before = this.#accumulator.value();
    if (before !== undefined) this.#accumulator.update(before);
    return before;
  }
}
