/** Worker threads under piscina: each slot runs one long task, the worker's loop. */
import type { Piscina } from 'piscina';
import type { WorkerOutcome } from '../messages.ts';
import type { WorkerTask, WorkerThreadsFactory } from './worker-threads.ts';

/**
 * Threads that run `workerMain`, a module that exports the worker by that name. Piscina is loaded
 * with the first job that needs threads, since an inline job should not wait for it.
 */
export function piscinaThreads(workerMain: URL): WorkerThreadsFactory {
  return (count) => {
    const opening = openPool(workerMain, count);
    return {
      run: async (task: WorkerTask): Promise<WorkerOutcome> => {
        const pool = await opening;
        return (await pool.run(task, { transferList: [task.port] })) as WorkerOutcome;
      },
      destroy: async () => {
        const pool = await opening;
        await pool.destroy();
      },
    };
  };
}

async function openPool(workerMain: URL, count: number): Promise<Piscina> {
  const { Piscina: Pool } = await import('piscina');
  return new Pool({
    filename: workerMain.href,
    name: 'workerMain',
    minThreads: count,
    maxThreads: count,
    concurrentTasksPerWorker: 1,
    // A worker's loop never ends its task early, so piscina's own waiting between tasks is not needed.
    atomics: 'disabled',
    recordTiming: false,
  });
}
