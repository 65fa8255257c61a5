/** Worker threads on `node:worker_threads` alone, for `millrace/native-free`. */
import { MessageChannel, Worker } from 'node:worker_threads';
import { fromPlainError, MillraceError, type PlainError } from '../../base/errors.ts';
import type { WorkerOutcome } from '../messages.ts';
import type { WorkerTask, WorkerThreadsFactory } from './worker-threads.ts';

/** What a thread says at its end. */
export type ThreadResult =
  | { readonly outcome: WorkerOutcome }
  | { readonly error: PlainError };

/** Threads that run `workerMain`, a module that takes a {@link WorkerTask} from its `workerData`. */
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
  const worker = new Worker(workerMain, {
    workerData: { ...task, resultPort: port2 },
    transferList: [task.port, port2],
    name: `millrace-worker-${task.deployment.workerIndex}`,
  });
  workers.push(worker);
  return new Promise<WorkerOutcome>((resolve, reject) => {
    port1.once('message', (result: ThreadResult) => {
      if ('outcome' in result) resolve(result.outcome);
      else reject(fromPlainError(result.error));
    });
    worker.once('error', reject);
    worker.once('exit', (code) => {
      reject(new MillraceError('WORKER_LOST', `a worker thread ended with code ${code}`));
    });
  }).finally(() => port1.close());
}
