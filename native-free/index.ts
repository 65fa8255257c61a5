/**
 * `millrace/native-free`: the names of `millrace` without any package or native addon in the closure of its imports. Jobs run
 * inline, or on `node:worker_threads` with `executor: 'workers'`; values without a schema travel by the built-in codec.
 */
import { registerJobExecutor } from '../src/graph/job-client.ts';
import { nodeThreads } from '../src/job/threads/node-threads.ts';
import { siblingModule } from '../src/job/threads/sibling-module.ts';
import { workersExecutor } from '../src/job/workers-executor.ts';

registerJobExecutor(
  'workers',
  workersExecutor(nodeThreads(siblingModule('./worker-main', import.meta.url))),
);

export * from '../src/public.ts';
