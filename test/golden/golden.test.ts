/** Savepoints that earlier versions have written are restored: at other parallelisms, on every backend. */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { realEnvironment } from '../../src/base/real-environment.ts';
import { fileTransactionalStore } from '../../src/testing/index.ts';
import { ALL_WELL, type Result, tally } from '../recovery/kit/exactly-once.ts';
import { startStateful } from '../recovery/kit/stateful-job.ts';
import { statefulResults } from '../recovery/kit/stateful-program.ts';
import { GOLDEN_COUNT, GOLDEN_FIRST } from './golden.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const GOLDEN = readdirSync(HERE).filter((name) => /^savepoint-\d+$/.test(name));

test('there are golden savepoints', (t) => {
  t.true(GOLDEN.length > 0);
});

for (const golden of GOLDEN) {
  for (const parallelism of [1, 2, 5]) {
    for (const backend of ['heap', 'rocksdb']) {
      test.serial(
        `${golden} is restored at parallelism ${parallelism} on ${backend}`,
        async (t) => {
          // Moved, as savepoints may be.
          const folder = mkdtempSync(join(tmpdir(), 'millrace-golden-'));
          cpSync(join(HERE, golden), folder, { recursive: true });
          const store = fileTransactionalStore(realEnvironment(), `${folder}/store`);
          const before = pathsOf(store.committedValues(), 'reduced').length;
          t.true(before >= GOLDEN_FIRST - 16 && before < GOLDEN_COUNT);
          await using running = await startStateful({
            ...{ store, parallelism, count: GOLDEN_COUNT },
            configuration: {
              'execution.state-recovery.path': `${folder}/savepoint`,
              'state.backend.type': backend,
            },
          });
          await running.job.getJobExecutionResult();
          t.deepEqual(store.violations(), []);
          const values = store.committedValues();
          const expected = statefulResults(GOLDEN_COUNT);
          for (const path of ['reduced', 'windows', 'states', 'timer', 'rules']) {
            const ofPath = pathsOf(values, path);
            t.deepEqual(tally(ofPath, pathsOf(expected, path), false), ALL_WELL, path);
          }
          const held = tally(pathsOf(values, 'buffered'), pathsOf(expected, 'buffered'), false);
          t.like(held, { duplicated: 0, wrong: [] });
          t.true(held.lost <= parallelism, `${held.lost} records stay in the buffers`);
          rmSync(folder, { recursive: true, force: true });
        },
      );
    }
  }
}

function pathsOf(values: readonly unknown[], path: string): Result[] {
  return (values as readonly Result[]).filter((value) => value.path === path);
}
