/** A stream partitioned by key, and what is computed per key. */
import type { ReduceFunction } from '../../functions/functions.ts';
import type { TimeWindow } from '../../functions/windowing/time-window.ts';
import type { WindowAssigner } from '../../functions/windowing/window-assigner.ts';
import type { ReduceKind } from '../../graph/operator-spec.ts';
import { requireFunction } from './arguments.ts';
import { DataStream } from './data-stream.ts';
import { type NumericFieldArguments, requireNumericField } from './fields.ts';
import type { SingleOutputStreamOperator } from './single-output-stream-operator.ts';
import { WindowedStream } from './windowed-stream.ts';

const AGGREGATION = 'Keyed Aggregation';

/**
 * A stream of `T` partitioned by keys of type `K`. What `DataStream` offers is here, too, on the
 * partitioned stream; it has no key any more afterwards.
 *
 * @example
 * env.fromData({ word: 'to', count: 1 }).keyBy('word').sum('count').print();
 */
export class KeyedStream<T, K> extends DataStream<T> {
  /** Combines all records of a key so far; emits the new value for each record. */
  reduce(reducer: ReduceFunction<T>): SingleOutputStreamOperator<T> {
    requireFunction('Keyed Reduce', reducer);
    return this.#reduce('Keyed Reduce', { kind: 'function', function: reducer });
  }

  /** The running sum per key; other fields are those of the key's first record. */
  sum(...field: NumericFieldArguments<T>): SingleOutputStreamOperator<T> {
    return this.#aggregate('sum', field);
  }

  /** The running minimum per key; other fields are those of the key's first record. */
  min(...field: NumericFieldArguments<T>): SingleOutputStreamOperator<T> {
    return this.#aggregate('min', field);
  }

  /** The running maximum per key; other fields are those of the key's first record. */
  max(...field: NumericFieldArguments<T>): SingleOutputStreamOperator<T> {
    return this.#aggregate('max', field);
  }

  /** The record with the smallest value per key so far; the first one on a tie. */
  minBy(...field: NumericFieldArguments<T>): SingleOutputStreamOperator<T> {
    return this.#aggregate('minBy', field);
  }

  /** The record with the largest value per key so far; the first one on a tie. */
  maxBy(...field: NumericFieldArguments<T>): SingleOutputStreamOperator<T> {
    return this.#aggregate('maxBy', field);
  }

  /**
   * Groups each key's records into windows.
   *
   * @example
   * flights.keyBy('origin').window(TumblingEventTimeWindows.of(hours(1))).sum('count');
   */
  window(assigner: WindowAssigner): WindowedStream<T, K, TimeWindow> {
    return new WindowedStream<T, K, TimeWindow>(this.handle, assigner);
  }

  #aggregate(
    kind: Exclude<ReduceKind['kind'], 'function'>,
    [field]: readonly [field?: string],
  ): SingleOutputStreamOperator<T> {
    requireNumericField(AGGREGATION, kind, this.handle.type, field);
    return this.#reduce(AGGREGATION, { kind, field });
  }

  #reduce(name: string, reduce: ReduceKind): SingleOutputStreamOperator<T> {
    const spec = { kind: 'reduce', reduce: Object.freeze(reduce) } as const;
    const handle = this.handle.addOperator({ name, spec, keepsType: true, isKeyed: true });
    return this.handle.context.streams.operator(handle);
  }
}
