/** What `kill-job.ts` reads and must write, and how what it wrote differs from that. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A record of the job. */
export interface KillRecord {
  readonly key: string;
  readonly count: number;
  readonly sum: number;
  readonly time: number;
}

/** Size of the job's windows. */
export const WINDOW_MS = 100;

/**
 * Record `index` of a job with so many keys (a power of two has all of them in turn). Its time is
 * its index, so it belongs to window `index / WINDOW_MS`.
 */
export function recordOf(index: number, keys: number): KillRecord {
  return { key: `key-${(index * 31) % keys}`, count: 1, sum: index % 1009, time: index };
}

/** Differences between what was written and what must be; all 0 if nothing is wrong. */
export interface Differences {
  readonly lost: number;
  readonly duplicated: number;
  /** Keys whose counts do not rise within a file, or whose files interleave. */
  readonly disordered: number;
  /** Rows that no run could have written. */
  readonly wrong: number;
  readonly lostWindows: number;
  readonly duplicatedWindows: number;
  readonly wrongWindows: number;
}

/** All is as it must be. */
export const NO_DIFFERENCES: Differences = {
  lost: 0,
  duplicated: 0,
  wrong: 0,
  disordered: 0,
  lostWindows: 0,
  duplicatedWindows: 0,
  wrongWindows: 0,
};

/** Compares all committed files below `out` with a plain computation. */
export function differences(out: string, records: number, keys: number): Differences {
  const running = readFiles<KillRecord>(join(out, 'running'));
  const windows = readFiles<KillRecord>(join(out, 'windows'));
  const expected = new Map<string, number[]>();
  const sums = new Map<string, number>();
  for (let index = 0; index < records; index++) {
    const { key, sum, time } = recordOf(index, keys);
    const ofKey = expected.get(key) ?? [];
    expected.set(key, ofKey);
    ofKey.push((ofKey.at(-1) ?? 0) + sum);
    const window = `${key} ${Math.floor(time / WINDOW_MS)}`;
    sums.set(window, (sums.get(window) ?? 0) + sum);
  }
  return { ...compareRunning(running, expected), ...compareWindows(windows.flat(), sums) };
}

function compareRunning(
  files: readonly (readonly KillRecord[])[],
  expected: ReadonlyMap<string, readonly number[]>,
): Pick<Differences, 'lost' | 'duplicated' | 'disordered' | 'wrong'> {
  const seen = new Map<string, Set<number>>([...expected.keys()].map((key) => [key, new Set()]));
  let [duplicated, wrong] = [0, 0];
  for (const { key, count, sum } of files.flat()) {
    if (expected.get(key)?.[count - 1] !== sum) wrong++;
    else if (seen.get(key)?.has(count) === true) duplicated++;
    else seen.get(key)?.add(count);
  }
  let lost = 0;
  for (const [key, sums] of expected) lost += sums.length - (seen.get(key)?.size ?? 0);
  return { lost, duplicated, wrong, disordered: countDisordered(files) };
}

/** Within a file a key's counts rise by one; so files of a key that do not overlap are in order. */
function countDisordered(files: readonly (readonly KillRecord[])[]): number {
  let disordered = 0;
  for (const file of files) {
    const last = new Map<string, number>();
    for (const { key, count } of file) {
      const before = last.get(key);
      if (before !== undefined && count !== before + 1) disordered++;
      last.set(key, count);
    }
  }
  return disordered;
}

function compareWindows(
  rows: readonly KillRecord[],
  expected: ReadonlyMap<string, number>,
): Pick<Differences, 'lostWindows' | 'duplicatedWindows' | 'wrongWindows'> {
  const seen = new Set<string>();
  let [duplicatedWindows, wrongWindows] = [0, 0];
  for (const { key, sum, time } of rows) {
    const window = `${key} ${Math.floor(time / WINDOW_MS)}`;
    if (seen.has(window)) duplicatedWindows++;
    seen.add(window);
    if (expected.get(window) !== sum) wrongWindows++;
  }
  return { lostWindows: expected.size - seen.size, duplicatedWindows, wrongWindows };
}

/** The rows of each file that a reader would see. */
function readFiles<T>(folder: string): T[][] {
  const names = readdirSync(folder).filter((name) => !name.startsWith('.'));
  return names.map((name) =>
    readFileSync(join(folder, name), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T),
  );
}
