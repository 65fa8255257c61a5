/**
 * The child process of one start from a retained checkpoint. Prints one JSON line.
 *
 *     node run-restore.ts <module> <parallelism> <folder for notes> <shared ms of its start> [job argument or option …]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { executeJobModule } from '../../src/index.ts';
import { firstRecordsMs } from '../jobs/attempt-notes.ts';
import { residentMiB } from '../support/process-figures.ts';
import { jobOptions } from '../support/program-arguments.ts';
import { sharedNowMs } from '../support/shared-clock.ts';

const [module = '', parallelism = '2', notes = '', startMs = '0', ...rest] = process.argv.slice(2);
const { args, configuration } = jobOptions(rest);
const submittedMs = sharedNowMs();
await using job = await executeJobModule(module, {
  executor: 'workers',
  parallelism: Number(parallelism),
  args: [`notes=${notes}`, ...args],
  configuration,
});
const failed = job.getJobExecutionResult();
failed.catch(() => undefined);
let firstMs: number | undefined;
while (firstMs === undefined) {
  await Promise.race([sleep(2), failed]);
  firstMs = firstRecordsMs(notes).find((ms) => ms > Number(startMs));
}
const figures = {
  startToFirstRecordMs: firstMs - Number(startMs),
  submitToFirstRecordMs: firstMs - submittedMs,
  rssMiB: residentMiB(),
};
await job.cancel();
console.log(JSON.stringify(figures));
