/**
 * The seam between a job's master and whoever runs the tasks of one attempt: threads, this thread,
 * a simulation.
 */
import type { EnumeratorState } from '../checkpoint/manifest.ts';
import type { StateDeployment, TaskMessage, TaskReport } from './messages.ts';

/** What one attempt to run a job starts with. */
export interface Attempt {
  readonly state: StateDeployment;
  /** What an enumerator goes on from, by the operator's id; undefined: it starts anew. */
  readonly enumeratorSplits: (operatorId: string) => readonly unknown[] | undefined;
  /** Every task is open and about to run. */
  readonly running: () => void;
  readonly report: (report: TaskReport) => void;
  /** What ends nothing, but should be known. */
  readonly warn: (warning: Error) => void;
}

/** Runs the tasks of one attempt. */
export interface TaskRunner {
  /**
   * Runs to the end; resolves true if all finished, false if canceled; rejects with the first
   * failure. Everything is let go then.
   */
  run(): Promise<boolean>;
  /** Asks for a stop; `run` settles soon. */
  cancel(): void;
  /** Makes the attempt fail. */
  fail(error: unknown): void;
  /** There is room again for collected records. */
  wake(): void;
  /** Tells all tasks. */
  send(message: TaskMessage): void;
  /** Resolves when all enumerators have found their splits. */
  enumeratorsStarted(): Promise<void>;
  /**
   * The enumerators' states, with all splits that were handed out before on their way; undefined
   * while one has not started.
   */
  snapshotEnumerators(): readonly EnumeratorState[] | undefined;
}

/** Runs the attempts of one job, one after the other. */
export interface JobExecution {
  newAttempt(attempt: Attempt): TaskRunner;
  /** Whether tasks see the memory of the master's thread, so that checkpoints may lie there. */
  readonly sharesMemory: boolean;
  /**
   * Called while no attempt runs and the job waits for a time: where time is virtual, nobody else
   * would move it.
   */
  whileWaiting?(isOver: () => boolean): Promise<void>;
  /** Lets go of what attempts share: threads. */
  close(): Promise<void>;
}
