/**
 * Writes a golden savepoint: a canonical one of the program with every kind of state, stopped in the middle of its input, with the
 * log of its sink's transactions. Run once per version of the format; what it wrote stays as it is, and must be restored for ever.
 *
 *     node test/golden/write.ts <number>
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { realEnvironment } from '../../src/base/real-environment.ts';
import { fileTransactionalStore } from '../../src/testing/index.ts';
import { startStateful } from '../recovery/kit/stateful-job.ts';
import { GOLDEN_COUNT, GOLDEN_FIRST } from './golden.ts';

const [number = ''] = process.argv.slice(2);
const folder = fileURLToPath(new URL(`savepoint-${number}`, import.meta.url));
if (!/^\d+$/.test(number) || existsSync(folder)) {
  throw new Error(`'${number}': give the number of a golden savepoint that does not exist yet`);
}
mkdirSync(folder);
const running = await startStateful({
  store: fileTransactionalStore(realEnvironment(), `${folder}/store`),
  count: GOLDEN_COUNT,
  parallelism: 2,
  heldFrom: GOLDEN_FIRST,
  configuration: { 'execution.checkpointing.savepoint-dir': folder },
});
await running.settled();
await running.job.stopWithSavepoint({ format: 'canonical' });
await running.job.getJobExecutionResult();
await running[Symbol.asyncDispose]();
for (const name of readdirSync(folder)) {
  if (name.startsWith('savepoint-')) renameSync(`${folder}/${name}`, `${folder}/savepoint`);
}
for (const name of readdirSync(`${folder}/store`)) {
  if (!name.endsWith('.log')) rmSync(`${folder}/store/${name}`);
}
