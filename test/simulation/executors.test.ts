/**
 * One program, one multiset of results: in the inline, simulated and workers executors, at every
 * parallelism, equal to plain loops over arrays. fast-check prints seed and path of a failure; the
 * simulation's seed is part of the counterexample.
 */
import test from 'ava';
import fc from 'fast-check';
import { executeJobModule, type JobClient } from '../../src/index.ts';
import { runSimulated } from '../../src/testing/index.ts';
import { soakFactor } from '../soak-factor.ts';
import { programArbitrary } from './program-arbitraries.ts';
import { interpret, multiset, type Program } from './random-program.ts';
import { main } from './random-program.test-job.ts';

const JOB = new URL('./random-program.test-job.ts', import.meta.url);
const RINGS = { 'taskmanager.memory.ring-size': '4096' };

for (const parallelism of [1, 2, 3, 4, 5, 6, 7, 8]) {
  test(`results are those of plain loops at parallelism ${parallelism}: inline, simulated`, async (t) => {
    const property = fc.asyncProperty(
      programArbitrary(parallelism),
      fc.nat(),
      async (program, seed) => {
        const expected = multiset(interpret(program));
        const args = [JSON.stringify(program)];
        const inline = await results('inline', parallelism, args);
        const run = await runSimulated(main, { seed, parallelism, args, configuration: RINGS });
        same(inline, expected, 'inline');
        same(multiset(run.collected('results')), expected, 'simulated');
      },
    );
    await fc.assert(property, { numRuns: 15 * soakFactor, includeErrorInReport: true });
    t.pass();
  });
}

test('results are those of plain loops on worker threads', async (t) => {
  t.timeout(120_000 * soakFactor);
  const property = fc.asyncProperty(
    programArbitrary(3).filter(({ rows, steps }) => rows.length > 10 && steps.length > 2),
    fc.constantFrom(3, 4),
    async (program, parallelism) => {
      const args = [JSON.stringify(program)];
      const found = await results('workers', parallelism, args);
      same(found, multiset(interpret(program)), 'workers');
    },
  );
  await fc.assert(property, {
    numRuns: 4 * soakFactor,
    endOnFailure: true,
    includeErrorInReport: true,
  });
  t.pass();
});

for (const executor of ['inline', 'simulated'] as const) {
  test(`on-time and late records together are the input where disorder exceeds the bound: ${executor}`, async (t) => {
    const property = fc.asyncProperty(
      programArbitrary(4, true),
      fc.integer({ min: 1, max: 4 }),
      fc.nat(),
      async (program, parallelism, seed) => {
        const found =
          executor === 'inline'
            ? await inlineLate(program, parallelism)
            : await simulatedLate(program, parallelism, seed);
        same(sums(found), sums(program.rows), executor);
      },
    );
    await fc.assert(property, { numRuns: 15 * soakFactor, includeErrorInReport: true });
    t.pass();
  });
}

async function results(
  executor: 'inline' | 'workers',
  parallelism: number,
  args: readonly string[],
): Promise<string[]> {
  await using job = await executeJobModule(JOB, {
    executor,
    parallelism,
    args,
    configuration: RINGS,
  });
  const rows = await read(job, 'results');
  await job.getJobExecutionResult();
  return multiset(rows);
}

interface Valued {
  readonly k: number;
  readonly v: number;
}

async function inlineLate(program: Program, parallelism: number): Promise<Valued[]> {
  const args = [JSON.stringify(program), 'late'];
  await using job = await executeJobModule(JOB, { executor: 'inline', parallelism, args });
  const [onTime, late] = await Promise.all([read(job, 'results'), read(job, 'late')]);
  return [...onTime, ...late] as Valued[];
}

async function simulatedLate(
  program: Program,
  parallelism: number,
  seed: number,
): Promise<Valued[]> {
  const args = [JSON.stringify(program), 'late'];
  const run = await runSimulated(main, { seed, parallelism, args });
  return [...run.collected('results'), ...run.collected('late')] as Valued[];
}

/** The sum per key: windows hold the sums of what was on time. */
function sums(rows: readonly Valued[]): string[] {
  const byKey = new Map<number, number>();
  for (const { k, v } of rows) byKey.set(k, (byKey.get(k) ?? 0) + v);
  return multiset([...byKey]);
}

async function read(job: JobClient, name: string): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const row of job.collected(name)) rows.push(row);
  return rows;
}

function same(found: readonly string[], expected: readonly string[], who: string): void {
  if (found.join('\n') === expected.join('\n')) return;
  const missing = expected.filter((row) => !found.includes(row));
  const surplus = found.filter((row) => !expected.includes(row));
  throw new Error(
    `${who} gave ${found.length} records, expected ${expected.length}; ` +
      `missing ${missing.slice(0, 3).join()}; surplus ${surplus.slice(0, 3).join()}`,
  );
}
