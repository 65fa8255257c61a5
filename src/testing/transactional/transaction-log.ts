/**
 * What the outside world of {@link transactionalSink} remembers: a log of events that survives the
 * job.
 *
 * Invariants:
 * 1. Events are only added. An event that `append` has returned for survives a crash.
 * 2. What the events say does not depend on the order of logs that several threads write, only on
 *    that within each.
 */
import type { Environment, FileSystem } from '../../base/environment.ts';

/** Who prepared a transaction. */
export interface TransactionOrigin {
  /** Undefined (left out) outside of any job. */
  readonly jobId?: string | undefined;
  readonly operatorId: string;
  readonly subtask: number;
  /**
   * The last checkpoint that the writer had prepared, or was restored from, when the transaction
   * began.
   */
  readonly lastCheckpointId: number;
  /** Whether it was prepared at the end of input. */
  readonly isAtEnd: boolean;
}

/** One thing that happened: plain data, as JSON can hold it. */
export type TransactionEvent =
  | {
      readonly kind: 'precommit';
      readonly transaction: string;
      readonly origin: TransactionOrigin;
      readonly values: readonly unknown[];
    }
  /** The checkpoint that first holds the transaction. */
  | { readonly kind: 'checkpoint'; readonly transaction: string; readonly checkpointId: number }
  | { readonly kind: 'commit'; readonly transaction: string }
  | { readonly kind: 'abort'; readonly transaction: string }
  | { readonly kind: 'violation'; readonly rule: string };

/** See the file's head. One per thread that writes. */
export interface TransactionLog {
  append(event: TransactionEvent): void;
  /** The events since the last call, of all writers. */
  readNew(): readonly TransactionEvent[];
}

/** A log in memory: for attempts of a job in one thread. */
export function memoryTransactionLog(): TransactionLog {
  const events: TransactionEvent[] = [];
  let read = 0;
  return {
    append: (event) => void events.push(structuredClone(event)),
    readNew: () => {
      const from = read;
      read = events.length;
      return events.slice(from);
    },
  };
}

/**
 * A log in files below a folder: for attempts in several threads and processes. Values must be such
 * as JSON keeps.
 */
export function fileTransactionLog(environment: Environment, path: string): TransactionLog {
  return new FileLog(environment, path);
}

class FileLog implements TransactionLog {
  readonly #fileSystem: FileSystem;
  readonly #path: string;
  readonly #ownName: string;
  readonly #positions = new Map<string, number>();
  #isMade = false;

  constructor({ fileSystem, random }: Environment, path: string) {
    this.#fileSystem = fileSystem;
    this.#path = path;
    const digits = (): string => random.below(2 ** 32).toString(16);
    this.#ownName = `${digits()}-${digits()}.log`;
  }

  append(event: TransactionEvent): void {
    const own = `${this.#path}/${this.#ownName}`;
    this.#fileSystem.makeDirectory(this.#path);
    {
      using file = this.#fileSystem.open(own, 'append');
      file.append(Buffer.from(`${JSON.stringify(event)}\n`, 'utf8'));
      file.sync();
    }
    if (this.#isMade) return;
    this.#fileSystem.syncDirectory(this.#path);
    this.#fileSystem.syncDirectory(`${this.#path}/..`);
    this.#isMade = true;
  }

  readNew(): readonly TransactionEvent[] {
    if (this.#fileSystem.stat(this.#path) === undefined) return [];
    return this.#fileSystem.list(this.#path).flatMap((name) => this.#readFile(name));
  }

  #readFile(name: string): TransactionEvent[] {
    const position = this.#positions.get(name) ?? 0;
    using file = this.#fileSystem.open(`${this.#path}/${name}`, 'read');
    const bytes = Buffer.alloc(Math.max(0, file.size() - position));
    file.read(bytes, 0, bytes.length, position);
    // A line without its end was cut off by a crash, or is being written.
    const end = bytes.lastIndexOf('\n') + 1;
    this.#positions.set(name, position + end);
    const lines = bytes.toString('utf8', 0, end).split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as TransactionEvent);
  }
}
