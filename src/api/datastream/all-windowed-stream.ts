/** Windows over all records of a stream, in one subtask: windows of a stream with a single key. */
import type { Collector } from '../../functions/collector.ts';
import type {
  AggregateFunction,
  ProcessAllWindowFunction,
  ProcessWindowFunction,
  ReduceFunction,
  WindowContext,
} from '../../functions/functions.ts';
import type { OutputTag } from '../../functions/output-tag.ts';
import type { RuntimeContext } from '../../functions/runtime-context.ts';
import type { Evictor } from '../../functions/windowing/evictors/evictor.ts';
import type { Trigger } from '../../functions/windowing/triggers/trigger.ts';
import type { Window } from '../../functions/windowing/window.ts';
import type { TypeInformation } from '../../types/type-information.ts';
import { requireMethods } from './arguments.ts';
import type { NumericFieldArguments } from './fields.ts';
import type { SingleOutputStreamOperator } from './single-output-stream-operator.ts';
import type { WindowedStream } from './windowed-stream.ts';

const NAME = 'All Window';

/**
 * The windows of a stream that is not keyed; their operator has parallelism 1. Methods are those of
 * {@link WindowedStream}.
 *
 * @example
 * flights.windowAll(TumblingEventTimeWindows.of(hours(1))).sum('count');
 */
export class AllWindowedStream<T, W extends Window> {
  readonly #windowed: WindowedStream<T, number, W>;

  /** @internal */
  constructor(windowed: WindowedStream<T, number, W>) {
    this.#windowed = windowed;
  }

  /** See {@link WindowedStream.trigger}. */
  trigger(trigger: Trigger<T, W>): this {
    this.#windowed.trigger(trigger);
    return this;
  }

  /** See {@link WindowedStream.evictor}. */
  evictor(evictor: Evictor<T, W>): this {
    this.#windowed.evictor(evictor);
    return this;
  }

  /** See {@link WindowedStream.allowedLateness}. */
  allowedLateness(latenessMs: number): this {
    this.#windowed.allowedLateness(latenessMs);
    return this;
  }

  /** See {@link WindowedStream.sideOutputLateData}. */
  sideOutputLateData(tag: OutputTag<T>): this {
    this.#windowed.sideOutputLateData(tag);
    return this;
  }

  /** Combines each window's records. */
  reduce(reducer: ReduceFunction<T>): SingleOutputStreamOperator<T>;
  reduce<R>(
    reducer: ReduceFunction<T>,
    windowFunction: ProcessAllWindowFunction<T, R, W>,
    outputType?: TypeInformation<R>,
  ): SingleOutputStreamOperator<R>;
  reduce<R>(
    reducer: ReduceFunction<T>,
    windowFunction?: ProcessAllWindowFunction<T, R, W>,
    outputType?: TypeInformation<R>,
  ): SingleOutputStreamOperator<R> | SingleOutputStreamOperator<T> {
    if (windowFunction === undefined) return this.#windowed.reduce(reducer);
    return this.#windowed.reduce(reducer, keyed(windowFunction), outputType);
  }

  /** Aggregates each window's records. */
  aggregate<A, R>(aggregator: AggregateFunction<T, A, R>): SingleOutputStreamOperator<R>;
  aggregate<A, V, R>(
    aggregator: AggregateFunction<T, A, V>,
    windowFunction: ProcessAllWindowFunction<V, R, W>,
    outputType?: TypeInformation<R>,
  ): SingleOutputStreamOperator<R>;
  aggregate<A, V, R>(
    aggregator: AggregateFunction<T, A, V>,
    windowFunction?: ProcessAllWindowFunction<V, R, W>,
    outputType?: TypeInformation<R>,
  ): SingleOutputStreamOperator<R> | SingleOutputStreamOperator<V> {
    if (windowFunction === undefined) return this.#windowed.aggregate(aggregator);
    return this.#windowed.aggregate(aggregator, keyed(windowFunction), outputType);
  }

  /** Gives each window's records to a function; keeps them all until then. */
  process<R>(
    windowFunction: ProcessAllWindowFunction<T, R, W>,
    outputType?: TypeInformation<R>,
  ): SingleOutputStreamOperator<R> {
    return this.#windowed.process(keyed(windowFunction), outputType);
  }

  /** See {@link WindowedStream.sum}. */
  sum(...field: NumericFieldArguments<T>): SingleOutputStreamOperator<T> {
    return this.#windowed.sum(...field);
  }

  /** See {@link WindowedStream.min}. */
  min(...field: NumericFieldArguments<T>): SingleOutputStreamOperator<T> {
    return this.#windowed.min(...field);
  }

  /** See {@link WindowedStream.max}. */
  max(...field: NumericFieldArguments<T>): SingleOutputStreamOperator<T> {
    return this.#windowed.max(...field);
  }

  /** See {@link WindowedStream.minBy}. */
  minBy(...field: NumericFieldArguments<T>): SingleOutputStreamOperator<T> {
    return this.#windowed.minBy(...field);
  }

  /** See {@link WindowedStream.maxBy}. */
  maxBy(...field: NumericFieldArguments<T>): SingleOutputStreamOperator<T> {
    return this.#windowed.maxBy(...field);
  }
}

/** The function as one of a keyed window; it has `clear` only if the user's has. */
function keyed<IN, OUT, W extends Window>(
  given: ProcessAllWindowFunction<IN, OUT, W>,
): ProcessWindowFunction<IN, OUT, number, W> {
  requireMethods(NAME, given, ['process']);
  return given.clear === undefined ? new OfAll(given) : new ClearingOfAll(given);
}

class OfAll<IN, OUT, W extends Window> implements ProcessWindowFunction<IN, OUT, number, W> {
  /** What the user gave; part of the job's fingerprint. */
  readonly function: ProcessAllWindowFunction<IN, OUT, W>;

  constructor(given: ProcessAllWindowFunction<IN, OUT, W>) {
    this.function = given;
  }

  open(context: RuntimeContext): void {
    this.function.open?.(context);
  }

  close(): void {
    this.function.close?.();
  }

  process(
    _key: number,
    context: WindowContext<W>,
    elements: Iterable<IN>,
    out: Collector<OUT>,
  ): void {
    this.function.process(context, elements, out);
  }
}

class ClearingOfAll<IN, OUT, W extends Window> extends OfAll<IN, OUT, W> {
  clear(context: WindowContext<W>): void {
    this.function.clear?.(context);
  }
}
