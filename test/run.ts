/**
 * The whole test suite: types, lint and format, then every test. `npm test` runs it.
 *
 * Invariants:
 * 1. Every step runs, whatever failed before it.
 * 2. The last line is `N passed, N failed`. It counts ava's tests, and each failed step or crash as
 *    one failure more.
 * 3. The exit code is 0 only if nothing failed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A program to run under this Node. */
export interface Step {
  readonly name: string;
  readonly args: readonly string[];
  /** Variables of its environment besides this process's. */
  readonly variables?: Readonly<Record<string, string>> | undefined;
}

const CHECKS: readonly Step[] = [
  { name: 'types', args: ['node_modules/typescript-7/bin/tsc', '-p', '.'] },
  { name: 'lint', args: ['node_modules/oxlint/bin/oxlint', '--type-aware'] },
  { name: 'format', args: ['node_modules/@biomejs/biome/bin/biome', 'format'] },
];

const TESTS: Step = { name: 'tests', args: ['node_modules/ava/entrypoints/cli.js'] };

/** What counts as a failure in ava's summary. */
const FAILURE_KINDS = [
  'tests? failed',
  'hooks? failed',
  'uncaught exceptions?',
  'unhandled rejections?',
  'tests? remained pending',
];

const FAILURES = new RegExp(`^ {2}(\\d+) (?:${FAILURE_KINDS.join('|')})`, 'gm');

/** How a step ended. */
export interface Outcome {
  readonly exitCode: number;
  readonly output: string;
}

/** How many tests passed and failed by ava's own summary. */
export function countTests(outcome: Outcome): { passed: number; failed: number } {
  const text = stripVTControlCharacters(outcome.output);
  // Ava counts the passed tests only if none failed; else there is a tick before each.
  const passed = sum(text, /^ {2}(\d+) tests? passed/gm) || (text.match(/^ {2}✔ /gm)?.length ?? 0);
  const failed = sum(text, FAILURES);
  const isSilentFailure = failed === 0 && (outcome.exitCode !== 0 || passed === 0);
  return { passed, failed: isSilentFailure ? 1 : failed };
}

function sum(text: string, pattern: RegExp): number {
  let total = 0;
  for (const match of text.matchAll(pattern)) total += Number(match[1]);
  return total;
}

/** Runs a step and shows what it prints. */
export async function run(step: Step, extra: readonly string[] = []): Promise<Outcome> {
  console.log(`\n── ${step.name}`);
  const child = spawn(process.execPath, [...step.args, ...extra], {
    cwd: ROOT,
    env: { ...process.env, ...step.variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const [stream, target] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      target.write(chunk);
    });
  }
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode: exitCode ?? 1, output };
}

async function main(): Promise<void> {
  let failedChecks = 0;
  for (const check of CHECKS) {
    const { exitCode } = await run(check);
    if (exitCode !== 0) failedChecks++;
  }
  const { passed, failed } = countTests(await run(TESTS, process.argv.slice(2)));
  if (failedChecks > 0) console.log(`\n${failedChecks} of ${CHECKS.length} checks failed`);
  console.log(`\n${passed} passed, ${failed + failedChecks} failed`);
  process.exitCode = failed + failedChecks === 0 ? 0 : 1;
}

if (import.meta.main) await main();
