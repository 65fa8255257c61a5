/**
 * How records get timestamps and streams get watermarks (Flink's `WatermarkStrategy`).
 *
 * A watermark `w` says: no more records with a timestamp ≤ `w`. Bounded out-of-orderness emits
 * `maxTimestamp − delay − 1` (flink-core, BoundedOutOfOrdernessWatermarks). A strategy is frozen
 * data; every `with…` makes a new one.
 */
import { MillraceError } from '../base/errors.ts';

/**
 * Extracts a record's timestamp (epoch ms); `recordTimestamp` is what the record had before, or
 * undefined.
 */
export type TimestampAssigner<T> = (value: T, recordTimestamp: number | undefined) => number;

/** Where a generator puts watermarks. */
export interface WatermarkOutput {
  /** Emits a watermark; one that does not advance is ignored. */
  emitWatermark(timestamp: number): void;
  markIdle(): void;
  markActive(): void;
}

/** Makes watermarks from records (punctuated) or from time to time (periodic). */
export interface WatermarkGenerator<T> {
  onEvent(value: T, timestamp: number, output: WatermarkOutput): void;
  onPeriodicEmit(output: WatermarkOutput): void;
}

/**
 * When a built-in strategy emits: `on-periodic` every `pipeline.auto-watermark-interval` (Flink's
 * default), or `on-event` after every record that advances it, which makes lateness a function of
 * the input's order alone.
 */
export type WatermarkEmitStrategy = 'on-periodic' | 'on-event';

/** What makes the watermarks. */
export type WatermarkGeneratorSpec<T> =
  | { readonly kind: 'none' }
  | { readonly kind: 'bounded-out-of-orderness'; readonly delayMs: number }
  | { readonly kind: 'custom'; readonly supplier: () => WatermarkGenerator<T> };

/**
 * Timestamps and watermarks of a stream.
 *
 * @example
 * WatermarkStrategy.forBoundedOutOfOrderness<Flight>(hours(24))
 *   .withTimestampAssigner((flight) => flight.time)
 *   .withIdleness(seconds(5))
 */
export class WatermarkStrategy<T> {
  readonly generator: WatermarkGeneratorSpec<T>;
  readonly timestampAssigner: TimestampAssigner<T> | undefined;
  /** Silence in ms after which the input counts as idle; undefined: never. */
  readonly idlenessMs: number | undefined;
  readonly emit: WatermarkEmitStrategy;

  private constructor(
    generator: WatermarkGeneratorSpec<T>,
    timestampAssigner: TimestampAssigner<T> | undefined,
    idlenessMs: number | undefined,
    emit: WatermarkEmitStrategy,
  ) {
    this.generator = generator;
    this.timestampAssigner = timestampAssigner;
    this.idlenessMs = idlenessMs;
    this.emit = emit;
    Object.freeze(this);
  }

  /** No watermarks: for jobs without event time. */
  static noWatermarks<T>(): WatermarkStrategy<T> {
    return new WatermarkStrategy<T>({ kind: 'none' }, undefined, undefined, 'on-periodic');
  }

  /** Timestamps never go down. */
  static forMonotonousTimestamps<T>(): WatermarkStrategy<T> {
    return WatermarkStrategy.forBoundedOutOfOrderness<T>(0);
  }

  /** Timestamps lag the largest one seen by at most `delayMs`. */
  static forBoundedOutOfOrderness<T>(delayMs: number): WatermarkStrategy<T> {
    if (!Number.isFinite(delayMs) || delayMs < 0) {
      throw new MillraceError(
        'ILLEGAL_ARGUMENT',
        `forBoundedOutOfOrderness got ${delayMs}: give a delay in milliseconds, 0 or more`,
      );
    }
    const generator = { kind: 'bounded-out-of-orderness', delayMs } as const;
    return new WatermarkStrategy<T>(generator, undefined, undefined, 'on-periodic');
  }

  /** Your own generator, made anew for each subtask. */
  static forGenerator<T>(supplier: () => WatermarkGenerator<T>): WatermarkStrategy<T> {
    return new WatermarkStrategy<T>(
      { kind: 'custom', supplier },
      undefined,
      undefined,
      'on-periodic',
    );
  }

  /**
   * Takes each record's timestamp from the record. As the last call in an argument of `fromSource`
   * or `assignTimestampsAndWatermarks` it knows the records' type by itself.
   */
  withTimestampAssigner<U extends T>(assigner: TimestampAssigner<U>): WatermarkStrategy<U> {
    return new WatermarkStrategy<U>(this.generator, assigner, this.idlenessMs, this.emit);
  }

  /** Counts the input as idle after `timeoutMs` without a record. */
  withIdleness(timeoutMs: number): WatermarkStrategy<T> {
    if (!(timeoutMs > 0)) {
      throw new MillraceError(
        'ILLEGAL_ARGUMENT',
        `withIdleness got ${timeoutMs}: give milliseconds above 0`,
      );
    }
    return new WatermarkStrategy(this.generator, this.timestampAssigner, timeoutMs, this.emit);
  }

  /** Chooses when a built-in generator emits; a custom one decides by itself. */
  withEmitStrategy(emit: WatermarkEmitStrategy): WatermarkStrategy<T> {
    return new WatermarkStrategy(this.generator, this.timestampAssigner, this.idlenessMs, emit);
  }
}
