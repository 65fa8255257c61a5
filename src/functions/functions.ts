/**
 * What users implement: one type per kind of function, as a plain function or, where it has a life,
 * as an object.
 *
 * Contract for all: records are values. A function owns what it gets until it emits it; a record
 * that was emitted or put into state is not changed any more (records pass by reference inside a
 * chain, as in Flink with object reuse).
 */
import type { Collector, SideOutput } from './collector.ts';
import type { RichFunction } from './runtime-context.ts';
import type { KeyedStateStore } from './state.ts';

/** One record in, one out. */
export type MapFunction<T, R> = (value: T) => R;
/** {@link MapFunction} with `open` and `close`. */
export interface RichMapFunction<T, R> extends RichFunction {
  map(value: T): R;
}

/** Keeps the records for which it is true. */
export type FilterFunction<T> = (value: T) => boolean;
/** {@link FilterFunction} with `open` and `close`. */
export interface RichFilterFunction<T> extends RichFunction {
  filter(value: T): boolean;
}

/** One record in, any number out: through `out`, or as the iterable it returns. */
export type FlatMapFunction<T, R> = (value: T, out: Collector<R>) => Iterable<R> | void;
/** {@link FlatMapFunction} with `open` and `close`. */
export interface RichFlatMapFunction<T, R> extends RichFunction {
  flatMap(value: T, out: Collector<R>): Iterable<R> | void;
}

/** Gives a record's key: deterministic, never null or undefined. */
export type KeySelector<T, K> = (value: T) => K;

/** Combines two records of a key into one; associative. */
export type ReduceFunction<T> = (accumulated: T, value: T) => T;

/** An incremental aggregate: its accumulator is all that is kept. */
export interface AggregateFunction<T, ACC, R> {
  createAccumulator(): ACC;
  /** Adds a record; returns the accumulator to keep (the same, changed, or a new one). */
  add(value: T, accumulator: ACC): ACC;
  getResult(accumulator: ACC): R;
  /** Merges two accumulators; needed where windows merge. */
  merge?(a: ACC, b: ACC): ACC;
}

/** Chooses a channel for a key: a whole number in [0, numPartitions). */
export type Partitioner<K> = (key: K, numPartitions: number) => number;

/** What a window function sees of its window. */
export interface WindowContext<W> extends SideOutput {
  readonly window: W;
  /** The operator's current watermark. */
  currentWatermark(): number;
  currentProcessingTime(): number;
  /**
   * State of this key and window, for what one firing of a window leaves to the next. Not with
   * windows that merge. Whoever uses it clears it in {@link ProcessWindowFunction.clear}.
   */
  windowState(): KeyedStateStore;
  /** State of this key, over all its windows. */
  globalState(): KeyedStateStore;
}

/**
 * Evaluates a window's contents, or its aggregate if combined with one (then `elements` has exactly
 * one).
 */
export interface ProcessWindowFunction<IN, OUT, KEY, W> extends RichFunction {
  process(key: KEY, context: WindowContext<W>, elements: Iterable<IN>, out: Collector<OUT>): void;
  /** The window goes for good: clear what it has in {@link WindowContext.windowState}. */
  clear?(context: WindowContext<W>): void;
}

/** {@link ProcessWindowFunction} of windows that are not keyed. */
export interface ProcessAllWindowFunction<IN, OUT, W> extends RichFunction {
  process(context: WindowContext<W>, elements: Iterable<IN>, out: Collector<OUT>): void;
  /** As {@link ProcessWindowFunction.clear}. */
  clear?(context: WindowContext<W>): void;
}
