/** Counts what was written against what must be: lost, duplicated, out of order, wrong. */

/** A result: one for each `n` of each path of each key. */
export interface Result {
  readonly key: number;
  /** Which way it came: order is kept within one. */
  readonly path: string;
  readonly n: number;
  /** What the key’s state has counted on this path; 0 where nothing is counted. */
  readonly count: number;
}

/** All 0 and nothing wrong, if all is well. */
export interface Tally {
  readonly lost: number;
  readonly duplicated: number;
  readonly disordered: number;
  readonly wrong: readonly Result[];
}

/** The tally of a run in which all is well. */
export const ALL_WELL: Tally = { lost: 0, duplicated: 0, disordered: 0, wrong: [] };

/** `expected`: by path, how many numbers each key has on it and which of them come there. */
export function tally(
  values: readonly unknown[],
  expected: readonly Result[],
  isOrdered = true,
): Tally {
  const wanted = new Map(expected.map((each) => [nameOf(each), each]));
  const seen = new Set<string>();
  const last = new Map<string, number>();
  const wrong: Result[] = [];
  let [duplicated, disordered] = [0, 0];
  for (const result of values as readonly Result[]) {
    const name = nameOf(result);
    const want = wanted.get(name);
    if (want === undefined || want.count !== result.count) wrong.push(result);
    if (seen.has(name)) duplicated++;
    seen.add(name);
    const way = `${result.path} ${result.key}`;
    if (isOrdered && result.n <= (last.get(way) ?? -1)) disordered++;
    last.set(way, result.n);
  }
  const lost = expected.filter((each) => !seen.has(nameOf(each))).length;
  return { lost, duplicated, disordered, wrong: wrong.slice(0, 3) };
}

function nameOf({ key, path, n }: Result): string {
  return `${path} ${key} ${n}`;
}
