/** Threads that run workers: started, named, stopped and replaced by whoever implements this. */
import type { MessagePort } from 'node:worker_threads';
import type { WorkerDeployment, WorkerOutcome } from '../messages.ts';

/** What a worker thread is handed. */
export interface WorkerTask {
  readonly deployment: WorkerDeployment;
  readonly port: MessagePort;
}

/** The threads of one job. */
export interface WorkerThreads {
  /** Runs a worker on a thread of its own; rejects if the thread dies. */
  run(task: WorkerTask): Promise<WorkerOutcome>;
  /** Ends all threads, also those that do not answer; resolves when they are gone. */
  destroy(): Promise<void>;
}

/** Makes the threads of one job. */
export type WorkerThreadsFactory = (count: number) => WorkerThreads;
