/**
 * The long tests: tests of the suite with more of what they repeat, one file at a time.
 *
 *     npm run test:soak                        all, with their usual counts
 *     npm run test:soak -- kills 2000          processes killed at random moments
 *     npm run test:soak -- fault-points 100    crashes at each fault point
 *     npm run test:soak -- simulation 20000    seeds of simulated programs with crashes and failing disks
 *     npm run test:soak -- executors 20        random programs in every executor, times the suite's count
 *     npm run test:soak -- threads 20          frames between real threads, times the suite's count
 *     npm run test:soak -- failures 2          user code that throws: every combination (from 2)
 *     npm run test:soak -- unaligned 20        unaligned checkpoints in simulation, times the suite's
 *     npm run test:soak -- savepoints 2        every pair of parallelisms (from 2)
 *     npm run test:soak -- cancel 20           jobs canceled at random moments, times the suite's
 *
 * Invariant: the last line is `N passed, N failed`, and the exit code is 0 only if nothing failed.
 */
import { countTests, run } from './run.ts';

/** Tests that are repeated. */
interface Soak {
  readonly file: string;
  /** How often, unless the caller says. */
  readonly count: number;
  /** What tells the tests of a count. */
  readonly variables: (count: number) => Readonly<Record<string, string>>;
}

/** What `MILLRACE_SOAK_FACTOR` 1 stands for in `simulation/recovery.test.ts`. */
const SEEDS_PER_FACTOR = 200;
/** Between two results; each test has a limit of its own. */
const IDLE_TIMEOUT = '24h';

/** Times the suite's count. */
function factor(count: number): Readonly<Record<string, string>> {
  return { MILLRACE_SOAK_FACTOR: String(count) };
}

const SOAKS: Readonly<Record<string, Soak>> = {
  kills: {
    file: 'test/recovery/kills.test.ts',
    count: 2000,
    variables: (count) => ({ MILLRACE_KILLS: String(count) }),
  },
  'fault-points': {
    file: 'test/recovery/fault-points.test.ts',
    count: 100,
    variables: (count) => ({ MILLRACE_FAULT_POINT_TIMES: String(count) }),
  },
  simulation: {
    file: 'test/simulation/recovery.test.ts',
    count: 20_000,
    variables: (count) => ({ MILLRACE_SOAK_FACTOR: String(count / SEEDS_PER_FACTOR) }),
  },
  executors: {
    file: 'test/simulation/executors.test.ts',
    count: 20,
    variables: factor,
  },
  threads: {
    file: 'src/runtime/ring/ring-threads.test.ts',
    count: 20,
    variables: factor,
  },
  failures: { file: 'test/recovery/failure-matrix.test.ts', count: 2, variables: factor },
  unaligned: { file: 'test/recovery/unaligned.test.ts', count: 20, variables: factor },
  savepoints: { file: 'test/recovery/savepoints.test.ts', count: 2, variables: factor },
  cancel: { file: 'test/recovery/cancel.test.ts', count: 20, variables: factor },
};

const [name, count] = process.argv.slice(2);
process.exitCode = await main(name, count);

async function main(only: string | undefined, countText: string | undefined): Promise<number> {
  const chosen = Object.entries(SOAKS).filter(([each]) => only === undefined || each === only);
  if (chosen.length === 0) {
    return complain(`there is no long test '${only}'; there are ${Object.keys(SOAKS).join(', ')}`);
  }
  const given = countText === undefined ? undefined : Number(countText);
  if (given !== undefined && !(Number.isInteger(given) && given > 0)) {
    return complain(`the count is '${countText}': give a whole number from 1`);
  }
  const total = { passed: 0, failed: 0 };
  for (const [each, { file, count: usual, variables }] of chosen) {
    const times = given ?? usual;
    const args = [
      'node_modules/ava/entrypoints/cli.js',
      '--timeout',
      IDLE_TIMEOUT,
      '-c',
      '1',
      file,
    ];
    const step = { name: `${each}, ${times}`, args, variables: variables(times) };
    const { passed, failed } = countTests(await run(step));
    total.passed += passed;
    total.failed += failed;
  }
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
}

function complain(message: string): number {
  console.error(message);
  return 2;
}
