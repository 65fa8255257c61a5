/**
 * The sink contract: writers (one per subtask) and, for two-phase commit, a committer.
 *
 * Order of calls on a writer: `write`*, then for each checkpoint `flush(false)`, `prepareCommit`; at the end of bounded
 * input `flush(true)`, `prepareCommit`; `close` always and last. Committables are plain data; `commit` is idempotent.
 */
import type { SubtaskContext } from './runtime-context.ts';

/** What {@link SinkWriter.write} may know of a record. */
export interface SinkWriteContext {
  /** Epoch milliseconds, or undefined. */
  timestamp(): number | undefined;
  currentWatermark(): number;
}

/** Writes records in one subtask. */
export interface SinkWriter<T, C = never> {
  write(value: T, context: SinkWriteContext): void;
  /** Writes out what is buffered. */
  flush(endOfInput: boolean): void | Promise<void>;
  /** Gives what must be committed once the checkpoint (or the job) is complete. */
  prepareCommit?(): readonly C[];
  /**
   * Undefined while the writer takes records; else a promise of when it will again. Asked before each batch: this is how a
   * slow sink holds back the whole job.
   */
  backpressure?(): Promise<void> | undefined;
  /** A time (monotonic ms of the environment's clock) at which `onTimer` is wanted, for rolling by time. */
  nextTimerMs?(): number;
  onTimer?(): void;
  close(): void | Promise<void>;
}

/** Makes committables visible. */
export interface Committer<C> {
  commit(committables: readonly C[]): void | Promise<void>;
  close?(): void | Promise<void>;
}

/** A sink. The same object is built in every thread; it holds configuration only. */
export interface Sink<T, C = unknown> {
  createWriter(context: SubtaskContext): SinkWriter<T, C>;
  createCommitter?(context: SubtaskContext): Committer<C>;
}
