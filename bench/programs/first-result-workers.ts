/**
 * A whole program: prints the first result of a job on two workers. Its argument is the job's
 * module.
 */
import { executeJobModule } from '../../src/index.ts';

const [module = ''] = process.argv.slice(2);
await using job = await executeJobModule(module, { executor: 'workers', parallelism: 2 });
for await (const result of job.collected('counts')) {
  console.log(JSON.stringify(result));
  break;
}
