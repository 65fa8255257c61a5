/** Worker threads on `node:worker_threads` alone, for `millrace/native-free`. */
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
} from 'node:worker_threads';
import { fromPlainError, MillraceError, type PlainError } from '../../base/errors.ts';
import type { WorkerOutcome } from '../messages.ts';
import type { WorkerTask, WorkerThreadsFactory } from './worker-threads.ts';

/** What a thread says at its end. */
export type ThreadResult = { readonly outcome: WorkerOutcome } | { readonly error: PlainError };

/** What a thread gets as its `workerData`. */
export interface NodeThreadData extends WorkerTask {
  /** Where its {@link ThreadResult} goes. */
  readonly resultPort: MessagePort;
}

/** Threads that run `workerMain`, a module that takes {@link NodeThreadData}. */
export function nodeThreads(workerMain: URL): WorkerThreadsFactory {
  return () => {
    const workers: Worker[] = [];
    return {
      run: (task) => runOn(workers, workerMain, task),
      destroy: async () => {
        await Promise.all(workers.map((worker) => worker.terminate()));
      },
    };
  };
}

function runOn(workers: Worker[], workerMain: URL, task: WorkerTask): Promise<WorkerOutcome> {
  const { port1, port2 } = new MessageChannel();
  const workerData: NodeThreadData = { ...task, resultPort: port2 };
  const worker = new Worker(workerMain, {
    workerData,
    transferList: [task.port, port2],
    name: `millrace-worker-${task.deployment.workerIndex}`,
  });
  workers.push(worker);
  return new Promise<WorkerOutcome>((resolve, reject) => {
    const settle = (result: ThreadResult): void => {
      if ('outcome' in result) resolve(result.outcome);
      else reject(fromPlainError(result.error));
    };
    port1.once('message', settle);
    worker.once('error', reject);
    worker.once('exit', (code) => {
      // The thread's last message may still be in the port.
      const last = receiveMessageOnPort(port1);
      if (last !== undefined) settle(last.message as ThreadResult);
      reject(new MillraceError('WORKER_LOST', `a worker thread ended with code ${code}`));
    });
  }).finally(() => port1.close());
}
