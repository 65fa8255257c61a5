/** A worker thread's entry under piscina, and its composition root. */
import './public.ts';
import { realEnvironment } from './base/real-environment.ts';
import type { WorkerOutcome } from './job/messages.ts';
import type { WorkerTask } from './job/threads/worker-threads.ts';
import { runWorker } from './job/worker-runtime.ts';
import { registerStateBackend } from './state/backend-registry.ts';
import { rocksdbBackends } from './state/rocksdb/rocksdb-backends.ts';
import { setGenericCodec } from './types/generic-codec.ts';
import { msgpackCodec } from './types/msgpack-codec.ts';

setGenericCodec(msgpackCodec);
registerStateBackend('rocksdb', rocksdbBackends);

/** Runs one worker; piscina calls it. */
export function workerMain({ deployment, port }: WorkerTask): Promise<WorkerOutcome> {
  return runWorker(deployment, port, realEnvironment());
}
