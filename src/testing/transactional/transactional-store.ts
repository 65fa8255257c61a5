/**
 * The outside world of {@link transactionalSink}: transactions that are prepared, committed or
 * aborted, and the rules of two-phase commit about them. It outlives the job's attempts; a broken
 * rule is remembered and thrown.
 */
import type { Environment } from '../../base/environment.ts';
import { MillraceError } from '../../base/errors.ts';
import type { CommitContext } from '../../functions/sink.ts';
import {
  fileTransactionLog,
  memoryTransactionLog,
  type TransactionEvent,
  type TransactionLog,
  type TransactionOrigin,
} from './transaction-log.ts';

interface Transaction {
  readonly origin: TransactionOrigin;
  readonly values: readonly unknown[];
  /** Undefined until the writer was told. */
  checkpointId: number | undefined;
  state: 'prepared' | 'committed' | 'aborted';
}

/** What a store is asked to check besides the order of calls. */
export interface CommitRules {
  /** Whether a checkpoint (or a later one) is complete, as far as the test knows. */
  readonly isCheckpointComplete?: ((checkpointId: number) => boolean) | undefined;
}

/** See the file's head. */
export class TransactionalStore {
  readonly #log: TransactionLog;
  readonly #transactions = new Map<string, Transaction>();
  readonly #violations: string[] = [];
  /** Events of transactions whose preparation is in a log that was read too early. */
  #early: TransactionEvent[] = [];

  constructor(log: TransactionLog) {
    this.#log = log;
  }

  /**
   * What a reader of committed data sees. In the order of preparation within each subtask's
   * attempt.
   */
  committedValues(): readonly unknown[] {
    return this.#all('committed').flatMap(([, { values }]) => values);
  }

  /** Transactions that are prepared and neither committed nor aborted. */
  lingeringTransactions(): readonly string[] {
    return this.#all('prepared').map(([id]) => id);
  }

  /** Transactions that were given up after a failure. */
  abortedTransactions(): readonly string[] {
    return this.#all('aborted').map(([id]) => id);
  }

  /** Rules that were broken, by any attempt. */
  violations(): readonly string[] {
    this.#refresh();
    return this.#violations;
  }

  isCommitted(transaction: string): boolean {
    this.#refresh();
    return this.#transactions.get(transaction)?.state === 'committed';
  }

  prepare(transaction: string, origin: TransactionOrigin, values: readonly unknown[]): void {
    this.#log.append({ kind: 'precommit', transaction, origin, values });
  }

  setCheckpoint(transaction: string, checkpointId: number): void {
    this.#log.append({ kind: 'checkpoint', transaction, checkpointId });
  }

  /** Commits; checks that it may. */
  commit(id: string, context: CommitContext, rules: CommitRules): void {
    this.#refresh();
    const transaction = this.#transactions.get(id);
    if (transaction === undefined)
      this.fail(`transaction ${id} is committed but was never prepared`);
    if (transaction.state === 'aborted')
      this.fail(`transaction ${id} is committed after its abort`);
    if (transaction.state === 'committed') {
      if (context.isRestored || context.retries > 0) return;
      this.fail(`transaction ${id} is committed twice, without a restore or retry between`);
    }
    if (!context.isRestored) this.#requireComplete(id, transaction, rules);
    this.#log.append({ kind: 'commit', transaction: id });
  }

  /**
   * A writer goes on from a checkpoint: aborts what earlier attempts of its job have prepared
   * since. `owns` says for which of the subtasks this writer does it.
   */
  abortSince(
    restored: Pick<TransactionOrigin, 'jobId' | 'operatorId' | 'lastCheckpointId'>,
    owns: (subtask: number) => boolean,
    allowsRollback: boolean,
  ): void {
    this.#refresh();
    for (const [id, { origin, state }] of this.#transactions) {
      const isOurs = origin.jobId === restored.jobId && origin.operatorId === restored.operatorId;
      const isSince = origin.lastCheckpointId >= restored.lastCheckpointId;
      if (!isOurs || !isSince || !owns(origin.subtask)) continue;
      if (state === 'prepared') this.#log.append({ kind: 'abort', transaction: id });
      if (state !== 'committed' || allowsRollback) continue;
      this.fail(
        `transaction ${id} is committed, but the job goes on from checkpoint ` +
          `${restored.lastCheckpointId}, which does not hold it: its records will come again`,
      );
    }
  }

  /** Remembers a broken rule and throws it. */
  fail(rule: string): never {
    this.#log.append({ kind: 'violation', rule });
    throw new MillraceError('BUG', `the protocol of two-phase commit is broken: ${rule}`);
  }

  #requireComplete(id: string, { checkpointId, origin }: Transaction, rules: CommitRules): void {
    if (checkpointId === undefined) {
      if (origin.isAtEnd) return;
      this.fail(`transaction ${id} is committed, but belongs to no checkpoint yet`);
    }
    if (rules.isCheckpointComplete?.(checkpointId) !== false) return;
    this.fail(`transaction ${id} is committed before checkpoint ${checkpointId} is complete`);
  }

  #all(state: Transaction['state']): [string, Transaction][] {
    this.#refresh();
    return [...this.#transactions].filter(([, transaction]) => transaction.state === state);
  }

  #refresh(): void {
    const events = [...this.#early, ...this.#log.readNew()];
    this.#early = [];
    for (const event of events) if (event.kind === 'precommit') this.#apply(event);
    for (const event of events) if (event.kind !== 'precommit') this.#apply(event);
  }

  #apply(event: TransactionEvent): void {
    if (event.kind === 'violation') {
      this.#violations.push(event.rule);
      return;
    }
    if (event.kind === 'precommit') {
      const { origin, values } = event;
      const fresh = { origin, values, checkpointId: undefined, state: 'prepared' } as const;
      this.#transactions.set(event.transaction, { ...fresh });
      return;
    }
    const transaction = this.#transactions.get(event.transaction);
    if (transaction === undefined) this.#early.push(event);
    else if (event.kind === 'checkpoint') transaction.checkpointId = event.checkpointId;
    else transaction.state = event.kind === 'commit' ? 'committed' : 'aborted';
  }
}

/** A store in memory: for attempts of a job in one thread. */
export function memoryTransactionalStore(): TransactionalStore {
  return new TransactionalStore(memoryTransactionLog());
}

/**
 * A store in files below a folder of the environment's disk: for attempts in several threads and
 * processes.
 */
export function fileTransactionalStore(environment: Environment, path: string): TransactionalStore {
  return new TransactionalStore(fileTransactionLog(environment, path));
}
