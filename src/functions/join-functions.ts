/** What users implement to join two streams. */
import type { Collector, SideOutput } from './collector.ts';
import type { RichFunction } from './runtime-context.ts';

/** What an interval join's function sees of a pair. */
export interface ProcessJoinContext extends SideOutput {
  /** Epoch ms; also of the results: the greater one. */
  getLeftTimestamp(): number;
  getRightTimestamp(): number;
  getTimestamp(): number;
}

/** Gets each pair of an interval join, as soon as its second record has come. */
export interface ProcessJoinFunction<L, R, OUT> extends RichFunction {
  processElement(left: L, right: R, context: ProcessJoinContext, out: Collector<OUT>): void;
}

/** One result for each pair of a window join. */
export type JoinFunction<L, R, OUT> = (left: L, right: R) => OUT;

/** {@link JoinFunction} with `open` and `close`. */
export interface RichJoinFunction<L, R, OUT> extends RichFunction {
  join(left: L, right: R): OUT;
}

/** Any number of results for each pair of a window join. */
export interface FlatJoinFunction<L, R, OUT> extends RichFunction {
  flatJoin(left: L, right: R, out: Collector<OUT>): void;
}

/** Gets the records of both sides of a window; where one side has none, it is empty. */
export interface CoGroupFunction<L, R, OUT> extends RichFunction {
  coGroup(left: Iterable<L>, right: Iterable<R>, out: Collector<OUT>): void;
}
