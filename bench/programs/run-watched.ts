/**
 * Runs a job for a while and tells what it took of the machine. Prints one JSON line.
 *
 *     node run-watched.ts <module> <parallelism> <settle seconds> <watched seconds> [job argument …]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { executeJobModule } from '../../src/index.ts';
import { cpuSeconds, residentMiB } from '../support/process-figures.ts';

const [module = '', parallelism = '2', settle = '5', watched = '60', ...args] =
  process.argv.slice(2);
await using job = await executeJobModule(module, {
  executor: 'workers',
  parallelism: Number(parallelism),
  args,
});
const failed = job.getJobExecutionResult();
failed.catch(() => undefined);
await Promise.race([sleep(Number(settle) * 1000), failed]);
const before = {
  cpu: cpuSeconds(),
  records: job.metrics().numRecordsInTotal,
  at: performance.now(),
};
await Promise.race([sleep(Number(watched) * 1000), failed]);
const seconds = (performance.now() - before.at) / 1000;
const figures = {
  coreShare: (cpuSeconds() - before.cpu) / seconds,
  rssMiB: residentMiB(),
  perSecond: (job.metrics().numRecordsInTotal - before.records) / seconds,
};
await job.cancel();
console.log(JSON.stringify(figures));
