/** A worker thread's entry on `node:worker_threads`, and its composition root. */
import '../src/public.ts';
import { workerData } from 'node:worker_threads';
import { toPlainError } from '../src/base/errors.ts';
import { realEnvironment } from '../src/base/real-environment.ts';
import type { NodeThreadData, ThreadResult } from '../src/job/threads/node-threads.ts';
import { runWorker } from '../src/job/worker-runtime.ts';

const { deployment, port, resultPort } = workerData as NodeThreadData;
// A worker that waits for a promise alone must not end: this listener holds its event loop.
resultPort.on('message', () => undefined);
resultPort.postMessage(await result());
resultPort.close();

async function result(): Promise<ThreadResult> {
  try {
    return { outcome: await runWorker(deployment, port, realEnvironment()) };
  } catch (error) {
    return { error: toPlainError(error) };
  }
}
