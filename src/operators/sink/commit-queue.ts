/**
 * What a sink has prepared and not yet committed, and its commits.
 *
 * Invariants:
 * 1. Committables leave only after `commit` has succeeded for them: until then they are part of
 *    every snapshot, so a crash at any moment leaves them with the last completed checkpoint.
 * 2. Commits do not overlap; they run in the order in which they were asked for.
 * 3. A rejected commit is repeated {@link COMMIT_RETRIES_MAX} times, after growing pauses, then its
 *    error is let out.
 */
import { MillraceError } from '../../base/errors.ts';
import type { SubtaskContext } from '../../functions/runtime-context.ts';
import type { CommitContext, Committer } from '../../functions/sink.ts';
import type { AnyRecord, SinkSpec } from '../../graph/operator-spec.ts';

/** Committables with the checkpoint that first held them: plain data. */
export interface PendingCommittables {
  readonly checkpointId: number;
  readonly committables: readonly AnyRecord[];
}

/** How often a rejected commit is repeated. */
export const COMMIT_RETRIES_MAX = 5;
/** The pause before the first repetition; each next one is twice as long. */
export const COMMIT_RETRY_PAUSE_MS = 100;

/** Counts committables that were committed, and commits that were repeated (Flink's names). */
export const COMMITTED_COUNTER = 'numCommittablesSuccess';
export const RETRIES_COUNTER = 'numCommittablesRetry';

/** See the file's head. */
export class CommitQueue {
  readonly #sink: SinkSpec['sink'];
  readonly #context: SubtaskContext;
  readonly #operatorName: string;
  #pending: readonly PendingCommittables[] = [];
  #committer: Committer<AnyRecord> | undefined;
  #last: Promise<void> = Promise.resolve();
  #endPause: (() => void) | undefined;
  #isClosed = false;

  constructor(sink: SinkSpec['sink'], context: SubtaskContext, operatorName: string) {
    this.#sink = sink;
    this.#context = context;
    this.#operatorName = operatorName;
  }

  /** What is not committed yet, oldest first. The list is not changed any more. */
  get pending(): readonly PendingCommittables[] {
    return this.#pending;
  }

  /** Takes committables of a checkpoint; none is fine. */
  add(checkpointId: number, committables: readonly AnyRecord[]): void {
    if (committables.length === 0) return;
    if (this.#sink.createCommitter === undefined) throw noCommitter(this.#operatorName);
    this.#pending = [...this.#pending, { checkpointId, committables }];
  }

  /** Commits what checkpoints up to that one hold; undefined if that is nothing. */
  commitUpTo(checkpointId: number, isRestored = false): Promise<void> | undefined {
    if (!this.#pending.some((entry) => entry.checkpointId <= checkpointId)) return undefined;
    this.#last = this.#last.then(() => this.#commit(checkpointId, isRestored));
    // Whoever asked sees the failure; the next in the queue does, too.
    this.#last.catch(() => undefined);
    return this.#last;
  }

  /** Waits for the commit that is under way, without repeating it, and closes the committer. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#endPause?.();
    await Promise.allSettled([this.#last]);
    await this.#committer?.close?.();
  }

  async #commit(checkpointId: number, isRestored: boolean): Promise<void> {
    const entries = this.#pending.filter((entry) => entry.checkpointId <= checkpointId);
    if (entries.length === 0 || this.#isClosed) return;
    const { environment, metricGroup } = this.#context;
    const committables = entries.flatMap((entry) => entry.committables);
    environment.faultPoint?.('sink.commit');
    await this.#commitWithRetries(committables, isRestored);
    environment.faultPoint?.('sink.committed');
    this.#pending = this.#pending.filter((entry) => !entries.includes(entry));
    metricGroup.counter(COMMITTED_COUNTER).inc(committables.length);
  }

  async #commitWithRetries(committables: readonly AnyRecord[], isRestored: boolean): Promise<void> {
    this.#committer ??= this.#sink.createCommitter?.(this.#context);
    for (let retries = 0; ; retries++) {
      const context: CommitContext = { isRestored, retries };
      try {
        await this.#committer?.commit(committables, context);
        return;
      } catch (error) {
        if (retries < COMMIT_RETRIES_MAX) await this.#pauseMs(COMMIT_RETRY_PAUSE_MS * 2 ** retries);
        if (retries === COMMIT_RETRIES_MAX || this.#isClosed) throw error;
      }
      this.#context.metricGroup.counter(RETRIES_COUNTER).inc();
    }
  }

  /** Ends early when the queue is closed. */
  async #pauseMs(delayMs: number): Promise<void> {
    if (this.#isClosed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#context.environment.clock.setTimer(delayMs, resolve);
    this.#endPause = resolve;
    await promise;
    timer.cancel();
  }
}

function noCommitter(operatorName: string): MillraceError {
  return new MillraceError(
    'ILLEGAL_STATE',
    `the writer of sink '${operatorName}' hands out committables, but the sink has no ` +
      'createCommitter that would commit them: add one',
    { details: { operator: operatorName } },
  );
}
