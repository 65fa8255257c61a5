/**
 * What an operator is, as frozen data: its kind and what the user gave. The registry in
 * `operators/` turns a spec into a running operator; the graph never runs anything.
 */
import type {
  BroadcastProcessFunction,
  CoFlatMapFunction,
  CoMapFunction,
  CoProcessFunction,
  KeyedBroadcastProcessFunction,
  KeyedCoProcessFunction,
  KeyedProcessFunction,
  ObjectOrSupplier,
  ProcessFunction,
} from '../functions/process-functions.ts';
import type {
  AggregateFunction,
  FilterFunction,
  FlatMapFunction,
  KeySelector,
  MapFunction,
  ProcessWindowFunction,
  ReduceFunction,
  RichFilterFunction,
  RichFlatMapFunction,
  RichMapFunction,
} from '../functions/functions.ts';
import type { OutputTag } from '../functions/output-tag.ts';
import type { Sink } from '../functions/sink.ts';
import type { Source } from '../functions/source.ts';
import type { MapStateDescriptor } from '../functions/state.ts';
import type { WatermarkStrategy } from '../functions/watermark-strategy.ts';
import type { ProcessJoinFunction } from '../functions/join-functions.ts';
import type { AlignedWindows } from '../functions/windowing/aligned-windows.ts';
import type { Evictor } from '../functions/windowing/evictors/evictor.ts';
import type { TimeWindow } from '../functions/windowing/time-window.ts';
import type { Trigger } from '../functions/windowing/triggers/trigger.ts';
import type { WindowAssigner } from '../functions/windowing/window-assigner.ts';

/** Records of any type: specs are checked where the fluent API builds them. */
// biome-ignore lint/suspicious/noExplicitAny: functions are contravariant, so only `any` accepts every user function
// oxlint-disable-next-line no-explicit-any
export type AnyRecord = any;

/** Reads splits and makes timestamps and watermarks. */
export interface SourceSpec {
  readonly kind: 'source';
  readonly source: Source<AnyRecord, AnyRecord>;
  readonly strategy: WatermarkStrategy<AnyRecord>;
  /**
   * What a built-in source was made from: a source's own closures cannot be compared between
   * threads.
   */
  readonly parameters?: unknown;
}

/** One to one. */
export interface MapSpec {
  readonly kind: 'map';
  readonly function: MapFunction<AnyRecord, AnyRecord> | RichMapFunction<AnyRecord, AnyRecord>;
}

/** One to none or one. */
export interface FilterSpec {
  readonly kind: 'filter';
  readonly function: FilterFunction<AnyRecord> | RichFilterFunction<AnyRecord>;
}

/** One to many. */
export interface FlatMapSpec {
  readonly kind: 'flat-map';
  readonly function:
    | FlatMapFunction<AnyRecord, AnyRecord>
    | RichFlatMapFunction<AnyRecord, AnyRecord>;
}

/** One to many, with side outputs and time. */
export interface ProcessSpec {
  readonly kind: 'process';
  readonly function: ObjectOrSupplier<ProcessFunction<AnyRecord, AnyRecord>>;
}

/**
 * Any function of a user with a life that may use keyed state, and which of its methods is called
 * per record.
 */
export type KeyedFunction =
  | {
      readonly method: 'processElement';
      readonly function: ObjectOrSupplier<KeyedProcessFunction<AnyRecord, AnyRecord, AnyRecord>>;
    }
  | { readonly method: 'map'; readonly function: RichMapFunction<AnyRecord, AnyRecord> }
  | { readonly method: 'flatMap'; readonly function: RichFlatMapFunction<AnyRecord, AnyRecord> }
  | { readonly method: 'filter'; readonly function: RichFilterFunction<AnyRecord> };

/** One to many per key, with keyed state; timers, too, with `processElement`. */
export type KeyedProcessSpec = { readonly kind: 'keyed-process' } & KeyedFunction;

/**
 * A user's function of connected streams: the method is called with `1` or `2` behind its name, as
 * Flink has it.
 */
export type CoFunction =
  | {
      readonly method: 'processElement';
      readonly function: ObjectOrSupplier<CoProcessFunction<AnyRecord, AnyRecord, AnyRecord>>;
    }
  | {
      readonly method: 'map';
      readonly function: CoMapFunction<AnyRecord, AnyRecord, AnyRecord>;
    }
  | {
      readonly method: 'flatMap';
      readonly function: CoFlatMapFunction<AnyRecord, AnyRecord, AnyRecord>;
    };

/** Two inputs that are not keyed. */
export type CoProcessSpec = { readonly kind: 'co-process' } & CoFunction;

/** Two inputs keyed alike: keyed state is shared; timers, too, with `processElement`. */
export type KeyedCoProcessSpec = { readonly kind: 'keyed-co-process' } & (
  | Exclude<CoFunction, { readonly method: 'processElement' }>
  | {
      readonly method: 'processElement';
      readonly function: ObjectOrSupplier<
        KeyedCoProcessFunction<AnyRecord, AnyRecord, AnyRecord, AnyRecord>
      >;
    }
);

/** The second input reaches every subtask and may change broadcast state. */
export interface BroadcastProcessSpec {
  readonly kind: 'broadcast-process';
  readonly function: ObjectOrSupplier<BroadcastProcessFunction<AnyRecord, AnyRecord, AnyRecord>>;
  /** The broadcast states. */
  readonly descriptors: readonly MapStateDescriptor<AnyRecord, AnyRecord>[];
}

/** {@link BroadcastProcessSpec} with a keyed first input: keyed state and timers. */
export interface KeyedBroadcastProcessSpec {
  readonly kind: 'keyed-broadcast-process';
  readonly function: ObjectOrSupplier<
    KeyedBroadcastProcessFunction<AnyRecord, AnyRecord, AnyRecord, AnyRecord>
  >;
  readonly descriptors: readonly MapStateDescriptor<AnyRecord, AnyRecord>[];
}

/** New timestamps and watermarks; upstream watermarks end here. */
export interface TimestampsAndWatermarksSpec {
  readonly kind: 'timestamps-and-watermarks';
  readonly strategy: WatermarkStrategy<AnyRecord>;
}

/** A rolling reduce per key: one updated value per record. */
export interface ReduceSpec {
  readonly kind: 'reduce';
  readonly reduce: ReduceKind;
}

/**
 * How two records of a key become one: the user's function, or a built-in over a field
 * (`undefined`: the record itself is the number). `min`/`max`/`sum` keep the other fields of the
 * first record; `minBy`/`maxBy` keep the whole winning record, the first one on a tie.
 */
export type ReduceKind =
  | { readonly kind: 'function'; readonly function: ReduceFunction<AnyRecord> }
  | {
      readonly kind: 'sum' | 'min' | 'max' | 'minBy' | 'maxBy';
      readonly field: string | undefined;
    };

/** What is kept per key and window. */
export type WindowContents =
  | { readonly kind: 'reduce'; readonly reduce: ReduceKind }
  | {
      readonly kind: 'aggregate';
      readonly function: AggregateFunction<AnyRecord, AnyRecord, AnyRecord>;
    }
  | { readonly kind: 'elements' };

/**
 * Keyed windows of the commonest form, which have an operator of their own: aligned, fired by
 * watermark or clock, cleaned up after the allowed lateness.
 */
export interface WindowSpec {
  readonly kind: 'window';
  readonly assigner: AlignedWindows;
  readonly contents: WindowContents;
  /** Evaluates the fired contents; undefined: they are the result. Needed for `elements`. */
  readonly windowFunction:
    | ProcessWindowFunction<AnyRecord, AnyRecord, AnyRecord, TimeWindow>
    | undefined;
  readonly allowedLatenessMs: number;
  readonly lateDataTag: OutputTag<AnyRecord> | undefined;
}

/** Keyed windows of any form: sessions, global windows, triggers, evictors. */
export interface GenericWindowSpec {
  readonly kind: 'generic-window';
  readonly assigner: WindowAssigner<AnyRecord, AnyRecord>;
  readonly trigger: Trigger<AnyRecord, AnyRecord>;
  readonly evictor: Evictor<AnyRecord, AnyRecord> | undefined;
  readonly contents: WindowContents;
  /** As in {@link WindowSpec}. */
  readonly windowFunction:
    | ProcessWindowFunction<AnyRecord, AnyRecord, AnyRecord, AnyRecord>
    | undefined;
  readonly allowedLatenessMs: number;
  readonly lateDataTag: OutputTag<AnyRecord> | undefined;
}

/** Joins two keyed streams by event time: `left.ts + lower ≤ right.ts ≤ left.ts + upper`. */
export interface IntervalJoinSpec {
  readonly kind: 'interval-join';
  /** Both included. */
  readonly lowerBoundMs: number;
  readonly upperBoundMs: number;
  readonly leftLateDataTag: OutputTag<AnyRecord> | undefined;
  readonly rightLateDataTag: OutputTag<AnyRecord> | undefined;
  readonly function: ProcessJoinFunction<AnyRecord, AnyRecord, AnyRecord>;
}

/** Writes to a sink. */
export interface SinkSpec {
  readonly kind: 'sink';
  readonly sink: Sink<AnyRecord, AnyRecord>;
}

/** Gives its records to the program that started the job, under a name. */
export interface CollectSpec {
  readonly kind: 'collect';
  readonly collectName: string;
}

/** Every operator. */
export type OperatorSpec =
  | SourceSpec
  | MapSpec
  | FilterSpec
  | FlatMapSpec
  | ProcessSpec
  | KeyedProcessSpec
  | CoProcessSpec
  | KeyedCoProcessSpec
  | BroadcastProcessSpec
  | KeyedBroadcastProcessSpec
  | TimestampsAndWatermarksSpec
  | ReduceSpec
  | WindowSpec
  | GenericWindowSpec
  | IntervalJoinSpec
  | SinkSpec
  | CollectSpec;

/** Any key selector. */
export type AnyKeySelector = KeySelector<AnyRecord, unknown>;
