/**
 * The sink contract: writers (one per subtask) and, for two-phase commit, a committer.
 *
 * Order of calls on a writer (that of Flink's Sink V2), which never overlap:
 *
 *     createWriter, or restoreWriter when the job goes on from a checkpoint
 *     write*                                        nothing before what was restored is committed
 *     flush(false) prepareCommit snapshotState      at each checkpoint and savepoint, at once after each other
 *     write* …
 *     flush(true) prepareCommit                     at the end of input; no write follows
 *     snapshotState                                 at the final checkpoint
 *     close                                         always and last, also after a failure
 *
 * What a sink may rely on:
 * 1. Committables are part of the checkpoint at whose `flush` they were prepared, and of all later
 *    ones until they are committed.
 * 2. `commit` is called when that checkpoint, or a later one, is complete, never before; after a
 *    failure it is called again with those of the restored checkpoint, whether they have been
 *    committed or not. Committables of checkpoints that never completed are either handed over with
 *    a later checkpoint or, after a failure, never.
 * 3. A savepoint prepares, but does not commit: that happens with the next checkpoint, or when the
 *    job stops with the savepoint.
 * 4. A job without checkpoints commits once, at its end.
 */
import type { OperatorAttempt, SubtaskContext } from './runtime-context.ts';

/** What {@link SinkWriter.write} may know of a record. */
export interface SinkWriteContext {
  /** Epoch milliseconds, or undefined. */
  timestamp(): number | undefined;
  currentWatermark(): number;
}

/**
 * Writes records in one subtask; see the file's head for the order of calls. `C`: committables,
 * `S`: its state.
 */
export interface SinkWriter<T, C = never, S = never> {
  write(value: T, context: SinkWriteContext): void;
  /**
   * Writes out what is buffered. A promise says that this goes on while records are written; then
   * the call itself must draw the line: what was written before it, and nothing later, is what the
   * `prepareCommit` right after it hands out and what the promise waits for. The checkpoint is
   * acknowledged when the promise has resolved; a rejection fails the job.
   */
  flush(endOfInput: boolean): void | Promise<void>;
  /**
   * Gives what must be committed once the checkpoint (or the job) is complete. Called right after
   * `flush`, without waiting for its promise. Plain data, small: it lies in the checkpoint's
   * manifest.
   */
  prepareCommit?(): readonly C[];
  /**
   * The writer's own state for a checkpoint (Flink's SupportsWriterState): plain data; needs {@link
   * Sink.restoreWriter}.
   */
  snapshotState?(checkpointId: number): readonly S[];
  /**
   * Undefined while the writer takes records; else a promise of when it will again. Asked before
   * each batch: this is how a slow sink holds back the whole job.
   */
  backpressure?(): Promise<void> | undefined;
  /**
   * A time (monotonic ms of the environment's clock) at which `onTimer` is wanted, for rolling by
   * time.
   */
  nextTimerMs?(): number;
  onTimer?(): void;
  close(): void | Promise<void>;
}

/** What a {@link Committer} may know of a call. */
export interface CommitContext {
  /**
   * Whether the committables come from a restored checkpoint: an earlier attempt may have committed
   * them, perhaps all, perhaps long ago.
   */
  readonly isRestored: boolean;
  /**
   * How often this call has been made before and was rejected; the calls before may have had an
   * effect.
   */
  readonly retries: number;
}

/**
 * Makes committables visible. One per subtask, made when first needed, closed with the subtask.
 * Calls do not overlap. `commit` is idempotent; if it throws or rejects it is called again a few
 * times, then the job fails.
 */
export interface Committer<C> {
  commit(committables: readonly C[], context: CommitContext): void | Promise<void>;
  close?(): void | Promise<void>;
}

/** How often a record reaches the outside if the job fails and goes on from a checkpoint. */
export type DeliveryGuarantee =
  /** Once: visible when the checkpoint that covers it is complete. */
  | 'exactly-once'
  /** Once or more: what was written after the last checkpoint is written again. */
  | 'at-least-once'
  /** Records may be missing. */
  | 'none';

/** A sink. The same object is built in every thread; it holds configuration only. */
export interface Sink<T, C = unknown, S = unknown> {
  /**
   * What it promises when checkpoints are on; left out: exactly-once with a committer,
   * at-least-once without.
   */
  readonly deliveryGuarantee?: DeliveryGuarantee | undefined;
  createWriter(context: SubtaskContext, attempt: OperatorAttempt): SinkWriter<T, C, S>;
  /**
   * Makes the writer of a job that goes on from a checkpoint, with what `snapshotState` gave there:
   * of one, several or, after a change of parallelism, no earlier subtask. Left out on sinks whose
   * writers have no state.
   */
  restoreWriter?(
    context: SubtaskContext,
    attempt: OperatorAttempt,
    states: readonly S[],
  ): SinkWriter<T, C, S>;
  createCommitter?(context: SubtaskContext): Committer<C>;
}
