/** Keyed windows before their function is chosen. */
import type {
  AggregateFunction,
  ProcessWindowFunction,
  ReduceFunction,
} from '../../functions/functions.ts';
import type { OutputTag } from '../../functions/output-tag.ts';
import type { Evictor } from '../../functions/windowing/evictors/evictor.ts';
import { requireTrigger } from '../../functions/windowing/triggers/require-trigger.ts';
import type { Trigger } from '../../functions/windowing/triggers/trigger.ts';
import type { Window } from '../../functions/windowing/window.ts';
import { isMerging, type WindowAssigner } from '../../functions/windowing/window-assigner.ts';
import type { AnyRecord, ReduceKind, WindowContents } from '../../graph/operator-spec.ts';
import type { TypeInformation } from '../../types/type-information.ts';
import {
  illegalArgument,
  requireFunction,
  requireMethods,
  requireTag,
  requireType,
} from './arguments.ts';
import { type NumericFieldArguments, requireNumericField } from './fields.ts';
import type { SingleOutputStreamOperator } from './single-output-stream-operator.ts';
import type { StreamHandle } from './stream-context.ts';
import {
  requireAssigner,
  requireMerge,
  requireMergingTrigger,
  windowOperatorName,
  windowSpec,
} from './window-specs.ts';

/** How an operator of windows is set up besides. */
export interface WindowSettings {
  readonly name?: string | undefined;
  /** Runs in one subtask, for good. */
  readonly isNonParallel?: boolean | undefined;
}

/** What evaluates the fired contents, and what leaves. */
interface Evaluation {
  readonly windowFunction?:
    | ProcessWindowFunction<AnyRecord, AnyRecord, AnyRecord, AnyRecord>
    | undefined;
  readonly outputType?: TypeInformation<AnyRecord> | undefined;
  readonly keepsType?: boolean;
}

/**
 * The windows of a keyed stream. Settings first (`allowedLateness`, `sideOutputLateData`), then the
 * function; the result's records have the timestamp `window.maxTimestamp`.
 *
 * @example
 * const late = new OutputTag<Flight>('late');
 * const counts = flights
 *   .keyBy('origin')
 *   .window(TumblingEventTimeWindows.of(hours(1)))
 *   .sideOutputLateData(late)
 *   .aggregate(countFlights);
 * counts.getSideOutput(late).print('late');
 */
export class WindowedStream<T, K, W extends Window> {
  readonly #handle: StreamHandle;
  readonly #assigner: WindowAssigner<AnyRecord, W>;
  readonly #settings: WindowSettings;
  readonly #name: string;
  #trigger: Trigger<AnyRecord, W> | undefined;
  #evictor: Evictor<AnyRecord, W> | undefined;
  #allowedLatenessMs = 0;
  #lateDataTag: OutputTag<AnyRecord> | undefined;

  /** @internal */
  constructor(
    handle: StreamHandle,
    assigner: WindowAssigner<AnyRecord, W>,
    settings: WindowSettings = {},
  ) {
    requireAssigner(handle.name, assigner);
    this.#handle = handle;
    this.#assigner = assigner;
    this.#settings = settings;
    this.#name = settings.name ?? windowOperatorName(assigner);
  }

  /**
   * Fires the windows otherwise than their assigner's default trigger does, which is replaced.
   *
   * @example
   * flights
   *   .keyBy('origin')
   *   .window(GlobalWindows.create())
   *   .trigger(PurgingTrigger.of(CountTrigger.of(100)))
   *   .sum('count'); // of each hundred flights from an airport
   */
  trigger(trigger: Trigger<T, W>): this {
    requireTrigger(`trigger of operator '${this.#name}'`, trigger);
    if (isMerging(this.#assigner)) requireMergingTrigger(this.#name, trigger);
    this.#trigger = trigger;
    return this;
  }

  /**
   * Takes records out of windows before or after their function. A window then keeps all its
   * records until it fires: nothing is aggregated in advance.
   */
  evictor(evictor: Evictor<T, W>): this {
    requireMethods(this.#name, evictor, ['evictBefore', 'evictAfter']);
    this.#evictor = evictor;
    return this;
  }

  /** Keeps windows for `latenessMs` after their end; a late record fires its window again. */
  allowedLateness(latenessMs: number): this {
    if (!Number.isSafeInteger(latenessMs) || latenessMs < 0) {
      throw illegalArgument(
        `operator '${this.#name}' got an allowed lateness of ${latenessMs}: give whole ` +
          'milliseconds from 0',
      );
    }
    this.#allowedLatenessMs = latenessMs;
    return this;
  }

  /**
   * Sends records that are too late for all their windows to a side output of the result, instead
   * of dropping them.
   */
  sideOutputLateData(tag: OutputTag<T>): this {
    requireTag(`sideOutputLateData of operator '${this.#name}'`, tag);
    this.#lateDataTag = tag;
    return this;
  }

  /**
   * Combines each window's records; with a window function, which then gets the one combined value.
   */
  reduce(reducer: ReduceFunction<T>): SingleOutputStreamOperator<T>;
  reduce<R>(
    reducer: ReduceFunction<T>,
    windowFunction: ProcessWindowFunction<T, R, K, W>,
    outputType?: TypeInformation<R>,
  ): SingleOutputStreamOperator<R>;
  reduce<R>(
    reducer: ReduceFunction<T>,
    windowFunction?: ProcessWindowFunction<T, R, K, W>,
    outputType?: TypeInformation<R>,
  ): SingleOutputStreamOperator<R> {
    requireFunction(this.#name, reducer);
    const contents = reduceContents({ kind: 'function', function: reducer });
    return this.#add(contents, {
      windowFunction,
      outputType,
      keepsType: windowFunction === undefined,
    });
  }

  /** Aggregates each window's records; with a window function, which then gets the one result. */
  aggregate<A, R>(aggregator: AggregateFunction<T, A, R>): SingleOutputStreamOperator<R>;
  aggregate<A, V, R>(
    aggregator: AggregateFunction<T, A, V>,
    windowFunction: ProcessWindowFunction<V, R, K, W>,
    outputType?: TypeInformation<R>,
  ): SingleOutputStreamOperator<R>;
  aggregate<A, V, R>(
    aggregator: AggregateFunction<T, A, V>,
    windowFunction?: ProcessWindowFunction<V, R, K, W>,
    outputType?: TypeInformation<R>,
  ): SingleOutputStreamOperator<R> {
    requireMethods(this.#name, aggregator, ['createAccumulator', 'add', 'getResult']);
    const contents: WindowContents = Object.freeze({ kind: 'aggregate', function: aggregator });
    return this.#add(contents, { windowFunction, outputType });
  }

  /** Gives each window's records to a function; keeps them all until then. */
  process<R>(
    windowFunction: ProcessWindowFunction<T, R, K, W>,
    outputType?: TypeInformation<R>,
  ): SingleOutputStreamOperator<R> {
    requireMethods(this.#name, windowFunction, ['process']);
    return this.#add(Object.freeze({ kind: 'elements' }), { windowFunction, outputType });
  }

  /** The sum of each window; other fields are those of its first record. */
  sum(...field: NumericFieldArguments<T>): SingleOutputStreamOperator<T> {
    return this.#aggregate('sum', field);
  }

  /** The minimum of each window; other fields are those of its first record. */
  min(...field: NumericFieldArguments<T>): SingleOutputStreamOperator<T> {
    return this.#aggregate('min', field);
  }

  /** The maximum of each window; other fields are those of its first record. */
  max(...field: NumericFieldArguments<T>): SingleOutputStreamOperator<T> {
    return this.#aggregate('max', field);
  }

  /** The record with the smallest value of each window; the first one on a tie. */
  minBy(...field: NumericFieldArguments<T>): SingleOutputStreamOperator<T> {
    return this.#aggregate('minBy', field);
  }

  /** The record with the largest value of each window; the first one on a tie. */
  maxBy(...field: NumericFieldArguments<T>): SingleOutputStreamOperator<T> {
    return this.#aggregate('maxBy', field);
  }

  #aggregate(
    kind: Exclude<ReduceKind['kind'], 'function'>,
    [field]: readonly [field?: string],
  ): SingleOutputStreamOperator<T> {
    requireNumericField(this.#name, kind, this.#handle.type, field);
    return this.#add(reduceContents({ kind, field }), { keepsType: true });
  }

  #add<R>(contents: WindowContents, evaluation: Evaluation): SingleOutputStreamOperator<R> {
    const { windowFunction, outputType, keepsType = false } = evaluation;
    if (windowFunction !== undefined) requireMethods(this.#name, windowFunction, ['process']);
    if (outputType !== undefined) requireType(this.#name, outputType);
    if (isMerging(this.#assigner)) requireMerge(this.#name, contents);
    const spec = windowSpec({
      assigner: this.#assigner,
      trigger: this.#trigger,
      evictor: this.#evictor,
      contents,
      windowFunction,
      allowedLatenessMs: this.#allowedLatenessMs,
      lateDataTag: this.#lateDataTag,
    });
    const name = this.#name;
    const handle = this.#handle.addOperator({ name, spec, keepsType, outputType, isKeyed: true });
    const operator = handle.context.streams.operator<R>(handle);
    return this.#settings.isNonParallel === true ? operator.forceNonParallel() : operator;
  }
}

function reduceContents(reduce: ReduceKind): WindowContents {
  return Object.freeze({ kind: 'reduce', reduce: Object.freeze(reduce) });
}
