/** What a benchmark is, and how its results are written. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The repository's root, ending in a slash. */
export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));

/** How benches are run. */
export interface BenchOptions {
  /** Few and short runs, to see that everything works: the figures mean little. */
  readonly quick: boolean;
}

/** Figures by name; the unit ends the name. */
export type Figures = Readonly<Record<string, number>>;

/** One line of output. */
export interface BenchResult {
  readonly bench: string;
  /** Everything that was chosen: sizes, parallelism, time-outs. */
  readonly config: Readonly<Record<string, string | number | boolean>>;
  /** How many runs the medians are of. */
  readonly runs: number;
  readonly medians: Figures;
  /** Of every run, for those who want the spread. */
  readonly each?: readonly Figures[] | undefined;
}

/** A benchmark: gives its results one by one. */
export interface Bench {
  readonly name: string;
  run(options: BenchOptions): AsyncIterable<BenchResult>;
}

/** The medians of figures of the same names. */
export function mediansOf(runs: readonly Figures[]): Figures {
  const names = Object.keys(runs[0] ?? {});
  return Object.fromEntries(
    names.map((name) => [name, median(runs.map((figures) => figures[name] ?? Number.NaN))]),
  );
}

/** The middle value; the mean of the two middle ones of an even number. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Writes one JSON line with the machine, the versions and the date. */
export function printResult(result: BenchResult): void {
  const line = {
    ...result,
    medians: rounded(result.medians),
    each: result.each?.map(rounded),
    machine: machine(),
    versions: versions(),
    date: new Date().toISOString(),
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function rounded(figures: Figures): Figures {
  return Object.fromEntries(
    // What is no number has come from a child's JSON as null.
    Object.entries(figures).map(([name, value]) => [
      name,
      Number((value ?? Number.NaN).toPrecision(4)),
    ]),
  );
}

function machine(): Readonly<Record<string, string | number>> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    load1min: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}

function versions(): Readonly<Record<string, string>> {
  const manifest = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { version: string };
  const sha = gitSha();
  return {
    node: process.versions.node,
    v8: process.versions.v8,
    millrace: manifest.version,
    ...(sha === undefined ? {} : { sha }),
  };
}

/** The commit, with a + if files differ from it; undefined outside of a clone. */
function gitSha(): string | undefined {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `${git('rev-parse', '--short=12', 'HEAD').trim()}${changed ? '+' : ''}`;
  } catch {
    return undefined;
  }
}
