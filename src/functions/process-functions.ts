/**
 * The process functions, Flink's general functions: one record at a time with time, side outputs
 * and, on keyed streams, state and timers. Of connected streams each input has a method of its own;
 * calls never overlap.
 */
import type { Collector, SideOutput } from './collector.ts';
import type { RichFunction } from './runtime-context.ts';
import type {
  AggregatingState,
  AggregatingStateDescriptor,
  BroadcastState,
  ListState,
  ListStateDescriptor,
  MapState,
  MapStateDescriptor,
  ReadOnlyBroadcastState,
  ReducingState,
  ReducingStateDescriptor,
  ValueState,
  ValueStateDescriptor,
} from './state.ts';

/**
 * A function's object, or a function that makes one. An object serves all subtasks that one thread
 * runs, so its fields are theirs together (handles of keyed state see to it themselves); a function
 * is called for each subtask.
 *
 * @example
 * class Origins implements ProcessFunction<Flight, string> {
 *   processElement(flight: Flight, context: ProcessContext, out: Collector<string>) {
 *     out.collect(flight.origin);
 *   }
 * }
 * flights.process(() => new Origins());
 */
export type ObjectOrSupplier<F extends object> = F | (() => F);

/** Which clock a timer waits for. */
export type TimeDomain = 'event-time' | 'processing-time';

/**
 * The timers of the current key. A timer is unique per key, domain and time: registering it again
 * changes nothing, deleting one that is not there neither. Timers are state: they are in
 * checkpoints, and those that are past due after a restore fire.
 */
export interface TimerService {
  /** The wall clock of the environment, epoch milliseconds. */
  currentProcessingTime(): number;
  /** The operator's current watermark; `-Infinity` before the first. */
  currentWatermark(): number;
  /**
   * Wants `onTimer` when the watermark passes `time` (epoch ms); if it has already, at the next
   * watermark.
   */
  registerEventTimeTimer(time: number): void;
  /** Wants `onTimer` when the wall clock reaches `time` (epoch ms). */
  registerProcessingTimeTimer(time: number): void;
  deleteEventTimeTimer(time: number): void;
  deleteProcessingTimeTimer(time: number): void;
}

/** What {@link ProcessFunction.processElement} sees besides the record. */
export interface ProcessContext extends SideOutput {
  /** The record's timestamp in epoch milliseconds, or undefined if it has none. */
  timestamp(): number | undefined;
  /** The operator's current watermark; `-Infinity` before the first. */
  currentWatermark(): number;
  /** The wall clock of the environment, epoch milliseconds. */
  currentProcessingTime(): number;
  /** Time; timers, too, on keyed streams (elsewhere asking for one fails). */
  timerService(): TimerService;
}

/** {@link ProcessContext} on a keyed stream. */
export interface KeyedProcessContext<K> extends ProcessContext {
  /** The key of the record, or of the timer. */
  getCurrentKey(): K;
}

/** What `onTimer` sees: `timestamp()` is the timer's time, in either domain. */
export interface OnTimerContext<K> extends KeyedProcessContext<K> {
  timestamp(): number;
  timeDomain(): TimeDomain;
}

/**
 * The general function on a stream that is not keyed: results, side outputs and timestamps; no
 * timers, no keyed state.
 */
export interface ProcessFunction<T, R> extends RichFunction {
  processElement(value: T, context: ProcessContext, out: Collector<R>): void;
}

/**
 * The general function on a keyed stream: state, timers, side outputs. State is asked for in `open`
 * and is that of the current key afterwards.
 *
 * @example
 * class CountPerOrigin implements KeyedProcessFunction<string, Flight, [string, number]> {
 *   #count!: ValueState<number>;
 *   open(context: RuntimeContext) {
 *     this.#count = context.getState(new ValueStateDescriptor('count', types.long));
 *   }
 *   processElement(
 *     flight: Flight,
 *     context: KeyedProcessContext<string>,
 *     out: Collector<[string, number]>,
 *   ) {
 *     const count = (this.#count.value() ?? 0) + 1;
 *     this.#count.update(count);
 *     out.collect([context.getCurrentKey(), count]);
 *   }
 * }
 * flights.keyBy('origin').process(() => new CountPerOrigin());
 */
export interface KeyedProcessFunction<K, T, R> extends RichFunction {
  processElement(value: T, context: KeyedProcessContext<K>, out: Collector<R>): void;
  /**
   * A timer has come. Results carry its time as their timestamp if it is one of event time, else
   * none.
   */
  onTimer?(timestamp: number, context: OnTimerContext<K>, out: Collector<R>): void;
}

/** Maps two streams into one. */
export interface CoMapFunction<A, B, R> extends RichFunction {
  map1(value: A): R;
  map2(value: B): R;
}

/** Maps two streams into one, any number of results per record. */
export interface CoFlatMapFunction<A, B, R> extends RichFunction {
  flatMap1(value: A, out: Collector<R>): Iterable<R> | void;
  flatMap2(value: B, out: Collector<R>): Iterable<R> | void;
}

/** {@link ProcessFunction} of two streams. */
export interface CoProcessFunction<A, B, R> extends RichFunction {
  processElement1(value: A, context: ProcessContext, out: Collector<R>): void;
  processElement2(value: B, context: ProcessContext, out: Collector<R>): void;
}

/**
 * {@link KeyedProcessFunction} of two streams that are keyed alike: both see the same state of a
 * key.
 */
export interface KeyedCoProcessFunction<K, A, B, R> extends RichFunction {
  processElement1(value: A, context: KeyedProcessContext<K>, out: Collector<R>): void;
  processElement2(value: B, context: KeyedProcessContext<K>, out: Collector<R>): void;
  onTimer?(timestamp: number, context: OnTimerContext<K>, out: Collector<R>): void;
}

/** Gives broadcast state to read. */
export interface BroadcastStateReader {
  /** The state of one of the descriptors that were given to `broadcast`; not to be changed. */
  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): ReadOnlyBroadcastState<K, V>;
}

/** What the side that is not broadcast sees: it may read broadcast state. */
export type ReadOnlyBroadcastContext = ProcessContext & BroadcastStateReader;

/** {@link ReadOnlyBroadcastContext} on a keyed stream. */
export type KeyedReadOnlyBroadcastContext<K> = KeyedProcessContext<K> & BroadcastStateReader;

/** What `onTimer` sees next to a broadcast stream. */
export type BroadcastOnTimerContext<K> = OnTimerContext<K> & BroadcastStateReader;

/** What the broadcast side sees: it may change broadcast state, and sets no timers. */
export interface BroadcastContext extends SideOutput {
  /** The record's timestamp in epoch milliseconds, or undefined if it has none. */
  timestamp(): number | undefined;
  currentWatermark(): number;
  currentProcessingTime(): number;
  /** The state of one of the descriptors that were given to `broadcast`. */
  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): BroadcastState<K, V>;
}

/** {@link BroadcastContext} next to a keyed stream. */
export interface KeyedBroadcastContext<K> extends BroadcastContext {
  /**
   * Calls `visit` with every key that has this keyed state in this subtask, and its state, which it
   * may change; in no particular order.
   */
  applyToKeyedState<T>(
    descriptor: ValueStateDescriptor<T>,
    visit: (key: K, state: ValueState<T>) => void,
  ): void;
  applyToKeyedState<T>(
    descriptor: ListStateDescriptor<T>,
    visit: (key: K, state: ListState<T>) => void,
  ): void;
  applyToKeyedState<UK, UV>(
    descriptor: MapStateDescriptor<UK, UV>,
    visit: (key: K, state: MapState<UK, UV>) => void,
  ): void;
  applyToKeyedState<T>(
    descriptor: ReducingStateDescriptor<T>,
    visit: (key: K, state: ReducingState<T>) => void,
  ): void;
  applyToKeyedState<IN, ACC, OUT>(
    descriptor: AggregatingStateDescriptor<IN, ACC, OUT>,
    visit: (key: K, state: AggregatingState<IN, OUT>) => void,
  ): void;
}

/**
 * A stream with a broadcast one. Every subtask gets every broadcast record and keeps its own copy
 * of broadcast state, in an order that differs between subtasks where several subtasks write:
 * updates must not depend on it.
 */
export interface BroadcastProcessFunction<A, B, R> extends RichFunction {
  processElement(value: A, context: ReadOnlyBroadcastContext, out: Collector<R>): void;
  processBroadcastElement(value: B, context: BroadcastContext, out: Collector<R>): void;
}

/**
 * A keyed stream with a broadcast one: {@link BroadcastProcessFunction} with state and timers on
 * the keyed side.
 */
export interface KeyedBroadcastProcessFunction<K, A, B, R> extends RichFunction {
  processElement(value: A, context: KeyedReadOnlyBroadcastContext<K>, out: Collector<R>): void;
  processBroadcastElement(value: B, context: KeyedBroadcastContext<K>, out: Collector<R>): void;
  onTimer?(timestamp: number, context: BroadcastOnTimerContext<K>, out: Collector<R>): void;
}
