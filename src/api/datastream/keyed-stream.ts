/** A stream partitioned by key, and what is computed per key. */
import type { ReduceFunction } from '../../functions/functions.ts';
import type { KeyedProcessFunction, ObjectOrSupplier } from '../../functions/process-functions.ts';
import type { GlobalWindow, Window } from '../../functions/windowing/window.ts';
import type { WindowAssigner } from '../../functions/windowing/window-assigner.ts';
import type { ReduceKind } from '../../graph/operator-spec.ts';
import type { TypeInformation } from '../../types/type-information.ts';
import { requireFunction, requireObject, requireType } from './arguments.ts';
import {
  type BroadcastConnectedStream,
  KeyedBroadcastConnectedStream,
} from './broadcast-connected-stream.ts';
import { BroadcastStream } from './broadcast-stream.ts';
import { ConnectedStreams, KeyedConnectedStreams } from './connected-streams.ts';
import { countWindow } from './count-window.ts';
import { DataStream } from './data-stream.ts';
import { type NumericFieldArguments, requireNumericField } from './fields.ts';
import { IntervalJoin } from './interval-join.ts';
import type { SingleOutputStreamOperator } from './single-output-stream-operator.ts';
import { requireKeyedStream, requireStream } from './stream-argument.ts';
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
  /** The general operator per key: state, timers, side outputs. */
  override process<R>(
    processFunction: ObjectOrSupplier<KeyedProcessFunction<K, T, R>>,
    outputType?: TypeInformation<R>,
  ): SingleOutputStreamOperator<R> {
    const name = 'Keyed Process';
    requireObject(name, processFunction, ['processElement']);
    if (outputType !== undefined) requireType(name, outputType);
    const handle = this.handle.addOperator({
      name,
      spec: { kind: 'keyed-process', method: 'processElement', function: processFunction },
      outputType,
      isKeyed: true,
    });
    return this.handle.context.streams.operator(handle);
  }

  /**
   * This stream and another, keyed alike, as the two inputs of one operator, which share the state
   * of a key. With a broadcast stream: see {@link DataStream.broadcast}.
   */
  override connect<B>(other: BroadcastStream<B>): KeyedBroadcastConnectedStream<T, B, K>;
  override connect<B>(other: KeyedStream<B, K>): KeyedConnectedStreams<T, B, K>;
  override connect<B>(other: DataStream<B>): ConnectedStreams<T, B>;
  override connect<B>(
    other: DataStream<B> | BroadcastStream<B>,
  ): ConnectedStreams<T, B> | BroadcastConnectedStream<T, B> {
    requireStream(this.handle, other);
    if (other instanceof BroadcastStream)
      return new KeyedBroadcastConnectedStream<T, B, K>(this.handle, other);
    return other instanceof KeyedStream
      ? new KeyedConnectedStreams<T, B, K>(this.handle, other.handle)
      : new ConnectedStreams<T, B>(this.handle, other.handle);
  }

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
  window<W extends Window>(assigner: WindowAssigner<T, W>): WindowedStream<T, K, W> {
    return new WindowedStream<T, K, W>(this.handle, assigner);
  }

  /**
   * Windows of `size` records of a key each. With a slide: the last `size` records, at every
   * `slide` records. What is left over at the end never fires.
   *
   * @example
   * flights.keyBy('origin').countWindow(100).sum('count');
   */
  countWindow(size: number, slide?: number): WindowedStream<T, K, GlobalWindow> {
    return countWindow<T, K>(this.handle, size, slide);
  }

  /**
   * Pairs this stream's records with those of another of the same key whose timestamps are near
   * enough: see {@link IntervalJoin.between}.
   *
   * @example
   * flights
   *   .keyBy('destination')
   *   .intervalJoin(stream.keyBy('origin'))
   *   .between(minutes(30), hours(3))
   *   .process<string>({
   *     processElement: (arrival, departure, _context, out) =>
   *       out.collect(`${arrival.id} connects to ${departure.id}`),
   *   });
   */
  intervalJoin<R>(other: KeyedStream<R, K>): IntervalJoin<T, R, K> {
    requireKeyedStream(this.handle, other, 'intervalJoin');
    return new IntervalJoin<T, R, K>(this.handle, other.handle);
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
