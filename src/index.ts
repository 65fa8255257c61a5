/** `millrace`: the public door, and the composition root of the full version. */
import { registerJobExecutor } from './graph/job-client.ts';
import { piscinaThreads } from './job/threads/piscina-threads.ts';
import { siblingModule } from './job/threads/sibling-module.ts';
import { workersExecutor } from './job/workers-executor.ts';
import { registerStateBackend } from './state/backend-registry.ts';
import { rocksdbBackends } from './state/rocksdb/rocksdb-backends.ts';
import { setGenericCodec } from './types/generic-codec.ts';
import { msgpackCodec } from './types/msgpack-codec.ts';

setGenericCodec(msgpackCodec);
registerStateBackend('rocksdb', rocksdbBackends);
registerJobExecutor(
  'workers',
  workersExecutor(piscinaThreads(siblingModule('./worker-main', import.meta.url))),
);

export * from './public.ts';
