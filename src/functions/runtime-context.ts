/** What a user function may know of the place it runs in. */
import type { Environment } from '../base/environment.ts';
import type { CheckpointedFunction, CheckpointListener, KeyedStateStore } from './state.ts';

/** A count that the dashboard and the job's result show. */
export interface Counter {
  inc(by?: number): void;
  readonly count: number;
}

/** Named counters of one operator's subtask. */
export interface MetricGroup {
  /** The counter of that name; made at the first call. */
  counter(name: string): Counter;
}

/** The subtask that something runs in. */
export interface SubtaskContext {
  readonly jobName: string;
  /** The operator's name. */
  readonly taskName: string;
  readonly indexOfThisSubtask: number;
  readonly numberOfParallelSubtasks: number;
  readonly maxNumberOfParallelSubtasks: number;
  /** Clock, random, disk and network: use these, and your job can be simulated and replayed. */
  readonly environment: Environment;
  readonly metricGroup: MetricGroup;
}

/**
 * Handed to `open` of every rich function. On keyed streams it gives keyed state, by Flink's names
 * (`getState`, …); elsewhere these calls fail.
 */
export interface RuntimeContext extends SubtaskContext, KeyedStateStore {}

/**
 * A function with a life: opened before the first record, closed after the last, also after a
 * failure. It may take part in checkpoints: {@link CheckpointedFunction} and {@link
 * CheckpointListener} say how.
 */
export interface RichFunction extends Partial<CheckpointedFunction>, Partial<CheckpointListener> {
  open?(context: RuntimeContext): void;
  close?(): void;
}

/** Which run of an operator a subtask belongs to. */
export interface OperatorAttempt {
  /** The run of the job; undefined where an operator runs outside of any job. */
  readonly jobId: string | undefined;
  /** Stable across runs, and with a `uid` across versions of the program. */
  readonly operatorId: string;
  /** 0 at first, then one more for each restart of the same job. */
  readonly attemptNumber: number;
  /**
   * The checkpoint or savepoint that this attempt goes on from; undefined if it begins at the
   * beginning.
   */
  readonly restoredCheckpointId: number | undefined;
}
