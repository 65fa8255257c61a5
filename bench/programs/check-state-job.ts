/**
 * Runs a small job with state to its end and compares its results with those of a plain
 * computation. Prints `{}` if they are the same, fails if they are not.
 *
 *     node check-state-job.ts <updates|state|latency-state> <keys> <events> [job argument or option …]
 */
import { executeJobModule } from '../../src/index.ts';
import { requireTotals } from '../jobs/job-check.ts';
import { expectedOf } from '../jobs/state-totals.ts';
import { jobOptions } from '../support/program-arguments.ts';

const [name = '', keys = '0', events = '0', ...rest] = process.argv.slice(2);
const { args, configuration } = jobOptions(rest);
const expected = expectedOf(name, { keys: Number(keys), events: Number(events), args });

await using job = await executeJobModule(new URL(`../jobs/${name}.ts`, import.meta.url), {
  executor: 'workers',
  parallelism: 2,
  args: [`keys=${keys}`, `events=${events}`, 'rate=0', 'check=yes', ...args],
  configuration,
});
const { metrics } = await job.getJobExecutionResult();
requireTotals(name, metrics, expected);
console.log('{}');
