/**
 * A worker thread dies, or never comes back: it is replaced, and the job goes on from its last
 * checkpoint.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { realEnvironment } from '../../src/base/real-environment.ts';
import { executeJobModule, MillraceError } from '../../src/index.ts';
import { fileTransactionalStore } from '../../src/testing/index.ts';
import { COUNT } from './dying.test-job.ts';
import { ALL_WELL, tally } from './kit/exactly-once.ts';
import { expectedResults, type Point, type Shape, SHAPES } from './kit/failing-program.ts';

const JOB = new URL('dying.test-job.ts', import.meta.url);

/** Shape by shape in turn, so that every way and point meets some. */
const CASES: (readonly [way: string, point: Point, shape: Shape])[] = [];
for (const way of ['exit', 'uncaught', 'rejection']) {
  for (const point of ['map', 'process', 'timer', 'snapshot', 'flush', 'precommit'] as const) {
    CASES.push([way, point, SHAPES[1 + (CASES.length % 5)] ?? 'union']);
  }
}
CASES.push(['endless loop', 'process', 'keyed exchange'], ['endless loop', 'map', 'pipeline']);

for (const [way, point, shape] of CASES) {
  test.serial(`${way} in ${point}, ${shape}`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-dying-'));
    const warnings: Error[] = [];
    await using job = await executeJobModule(JOB, {
      parallelism: 2,
      args: [`${folder}/store`, folder, shape, point, way],
      onWarning: (warning) => warnings.push(warning),
      configuration: {
        'execution.checkpointing.dir': `${folder}/checkpoints`,
        'execution.checkpointing.interval': '20 ms',
        'pipeline.auto-watermark-interval': '5 ms',
        'task.watchdog.timeout': '300 ms',
        'restart-strategy.type': 'fixed-delay',
        'restart-strategy.fixed-delay.attempts': '1',
        'restart-strategy.fixed-delay.delay': '1 ms',
      },
    });
    const result = job.getJobExecutionResult();
    while (job.checkpoints().numCompleted < 2 && job.status() !== 'failed') {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    writeFileSync(`${folder}/armed`, '');
    await result;
    const [restart] = job.restarts();
    t.is(job.restarts().length, 1);
    t.true(restart?.error instanceof MillraceError, String(restart?.error));
    t.log(restart?.error.message);
    t.true((job.checkpoints().restored?.checkpointId ?? 0) >= 2);
    if (way === 'endless loop') {
      t.regex(restart?.error.message ?? '', /Process|Map/);
      t.true(warnings.length > 0, 'nobody was warned');
    }
    const store = fileTransactionalStore(realEnvironment(), `${folder}/store`);
    t.deepEqual(store.violations(), []);
    t.deepEqual(tally(store.committedValues(), expectedResults(shape, COUNT), false), ALL_WELL);
    rmSync(folder, { recursive: true, force: true });
  });
}
