/**
 * A sink with transactions for tests of checkpoints and recovery: it checks that the engine keeps
 * the protocol of two-phase commit, and its store shows what a reader of committed data would see.
 *
 * Rules (a broken one is thrown as `BUG` and stays in {@link TransactionalStore.violations}):
 * 1. write* → flush → prepareCommit → snapshotState, these three without a write between; after
 *    flush(true) no write.
 * 2. Checkpoint ids rise.
 * 3. A commit is of a prepared transaction, once, after its checkpoint is complete; again only on a
 *    retry or after a restore.
 * 4. After a restore nothing is written before all transactions of the restored state are
 *    committed.
 * 5. The restored checkpoint holds every transaction that has been committed.
 * 6. A writer is closed once, and does nothing afterwards.
 */
import type { Environment } from '../../base/environment.ts';
import type { OperatorAttempt, SubtaskContext } from '../../functions/runtime-context.ts';
import type { CommitContext, Committer, Sink, SinkWriter } from '../../functions/sink.ts';
import type { CommitRules, TransactionalStore } from './transactional-store.ts';

/** Options of {@link transactionalSink}. */
export interface TransactionalSinkOptions extends CommitRules {
  /** The outside world, or how a thread reaches it. */
  readonly store: TransactionalStore | ((environment: Environment) => TransactionalStore);
  /**
   * Whether the job may be set back to before what it has committed (an old savepoint): rule 5 is
   * then not checked.
   */
  readonly allowsRollback?: boolean | undefined;
  /** Called before and after each commit takes effect; what it throws is the commit's failure. */
  readonly fault?: ((step: 'commit' | 'committed', transaction: string) => void) | undefined;
}

/** A prepared transaction. */
export interface TransactionCommittable {
  readonly transaction: string;
}

/** What a writer goes on from. */
export interface TransactionalWriterState {
  readonly uncommitted: readonly string[];
}

/**
 * A sink that commits each checkpoint's records as one transaction per subtask.
 *
 * @example
 * const store = memoryTransactionalStore();
 * results.sinkTo(transactionalSink({ store }));
 * // after the run
 * store.committedValues();
 */
export function transactionalSink<T>(
  options: TransactionalSinkOptions,
): Sink<T, TransactionCommittable, TransactionalWriterState> {
  return {
    deliveryGuarantee: 'exactly-once',
    createWriter: (context, attempt) => new TransactionalWriter<T>(options, context, attempt, []),
    restoreWriter: (context, attempt, states) =>
      new TransactionalWriter<T>(options, context, attempt, states),
    createCommitter: ({ environment }) => new TransactionalCommitter(options, environment),
  };
}

type Phase = 'writing' | 'flushed' | 'prepared' | 'closed';

class TransactionalWriter<T>
  implements SinkWriter<T, TransactionCommittable, TransactionalWriterState>
{
  readonly #store: TransactionalStore;
  readonly #attempt: OperatorAttempt;
  readonly #subtask: number;
  readonly #name: string;
  /** Restored, to be committed before the first record. */
  #restored: readonly string[];
  #values: T[] = [];
  /** Prepared by this writer or restored, as far as not known to be committed. */
  #uncommitted: readonly string[];
  /** Prepared and in no checkpoint yet. */
  #unnamed: readonly string[] = [];
  #phase: Phase = 'writing';
  #hasEnded = false;
  #lastCheckpointId: number;
  #count = 0;

  constructor(
    options: TransactionalSinkOptions,
    context: SubtaskContext,
    attempt: OperatorAttempt,
    states: readonly TransactionalWriterState[],
  ) {
    const { environment, indexOfThisSubtask, numberOfParallelSubtasks } = context;
    this.#store = storeOf(options, environment);
    this.#attempt = attempt;
    this.#subtask = indexOfThisSubtask;
    this.#lastCheckpointId = attempt.restoredCheckpointId ?? 0;
    const run = environment.random.below(2 ** 32).toString(16);
    this.#name = `${attempt.operatorId}-${this.#subtask}-${attempt.attemptNumber}-${run}`;
    this.#restored = states.flatMap(({ uncommitted }) => uncommitted);
    this.#uncommitted = this.#restored;
    if (attempt.attemptNumber === 0 && attempt.restoredCheckpointId === undefined) return;
    this.#store.abortSince(
      { ...attempt, lastCheckpointId: this.#lastCheckpointId },
      (subtask) => subtask % numberOfParallelSubtasks === this.#subtask,
      options.allowsRollback === true,
    );
  }

  write(value: T): void {
    if (this.#phase !== 'writing')
      this.#fail(`a record is written when the writer is ${this.#phase}`);
    if (this.#hasEnded) this.#fail('a record is written after flush(true)');
    if (this.#restored.length > 0) this.#requireRestoredCommitted();
    this.#values.push(value);
  }

  flush(endOfInput: boolean): void {
    if (this.#phase !== 'writing') this.#fail(`flush is called when the writer is ${this.#phase}`);
    if (this.#hasEnded) this.#fail('flush is called after flush(true)');
    this.#hasEnded = endOfInput;
    this.#phase = 'flushed';
  }

  prepareCommit(): readonly TransactionCommittable[] {
    if (this.#phase !== 'flushed') {
      this.#fail(
        `prepareCommit is called when the writer is ${this.#phase}, not right after flush`,
      );
    }
    // At the end of input there may be no snapshot.
    this.#phase = this.#hasEnded ? 'writing' : 'prepared';
    if (this.#values.length === 0) return [];
    const transaction = `${this.#name}-${this.#count++}`;
    const { jobId, operatorId } = this.#attempt;
    const origin = {
      jobId,
      operatorId,
      subtask: this.#subtask,
      lastCheckpointId: this.#lastCheckpointId,
      isAtEnd: this.#hasEnded,
    };
    this.#store.prepare(transaction, origin, this.#values);
    this.#values = [];
    this.#unnamed = [...this.#unnamed, transaction];
    this.#uncommitted = [...this.#uncommitted, transaction];
    return [{ transaction }];
  }

  snapshotState(checkpointId: number): readonly TransactionalWriterState[] {
    const isExpected = this.#phase === 'prepared' || (this.#hasEnded && this.#phase === 'writing');
    if (!isExpected) {
      this.#fail(
        `snapshotState is called when the writer is ${this.#phase}, not after prepareCommit`,
      );
    }
    if (checkpointId <= this.#lastCheckpointId) {
      this.#fail(`checkpoint ${checkpointId} comes after ${this.#lastCheckpointId}`);
    }
    for (const transaction of this.#unnamed) this.#store.setCheckpoint(transaction, checkpointId);
    this.#unnamed = [];
    this.#lastCheckpointId = checkpointId;
    this.#phase = 'writing';
    this.#uncommitted = this.#uncommitted.filter((id) => !this.#store.isCommitted(id));
    return [{ uncommitted: this.#uncommitted }];
  }

  close(): void {
    if (this.#phase === 'closed') this.#fail('close is called twice');
    this.#phase = 'closed';
  }

  #requireRestoredCommitted(): void {
    const open = this.#restored.filter((id) => !this.#store.isCommitted(id));
    if (open.length > 0) {
      this.#fail(
        `a record is written before the restored transactions ${open.join()} are committed`,
      );
    }
    this.#restored = [];
  }

  #fail(rule: string): never {
    return this.#store.fail(`${this.#name}: ${rule}`);
  }
}

class TransactionalCommitter implements Committer<TransactionCommittable> {
  readonly #options: TransactionalSinkOptions;
  readonly #store: TransactionalStore;

  constructor(options: TransactionalSinkOptions, environment: Environment) {
    this.#options = options;
    this.#store = storeOf(options, environment);
  }

  commit(committables: readonly TransactionCommittable[], context: CommitContext): void {
    for (const { transaction } of committables) {
      this.#options.fault?.('commit', transaction);
      this.#store.commit(transaction, context, this.#options);
      this.#options.fault?.('committed', transaction);
    }
  }
}

function storeOf(
  { store }: TransactionalSinkOptions,
  environment: Environment,
): TransactionalStore {
  return typeof store === 'function' ? store(environment) : store;
}
