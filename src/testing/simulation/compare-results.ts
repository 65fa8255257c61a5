/** Compares what a run with faults gave with what a run without gives. */

/** How many records differ, and some of them as text. */
export interface ResultDifferences {
  readonly lost: number;
  readonly duplicated: number;
  /** Records that the run without faults does not give at all. */
  readonly wrong: number;
  /** Keys whose records came in another order. */
  readonly outOfOrder: number;
  readonly examples: readonly string[];
}

/** Records by output. */
export type Results = ReadonlyMap<string, readonly unknown[]>;

const EXAMPLES_MAX = 5;

/** Whether nothing differs. */
export function isSame({ lost, duplicated, wrong, outOfOrder }: ResultDifferences): boolean {
  return lost + duplicated + wrong + outOfOrder === 0;
}

/** With `keyOf` the order of the records of each key counts, too. */
export function compareResults(
  expected: Results,
  found: Results,
  keyOf: ((record: unknown) => unknown) | undefined,
): ResultDifferences {
  const total = { lost: 0, duplicated: 0, wrong: 0, outOfOrder: 0 };
  const examples: string[] = [];
  for (const name of new Set([...expected.keys(), ...found.keys()])) {
    const differences = compareOutput(
      (expected.get(name) ?? []).map(textOf),
      (found.get(name) ?? []).map(textOf),
    );
    total.lost += differences.lost;
    total.duplicated += differences.duplicated;
    total.wrong += differences.wrong;
    examples.push(...differences.examples.map((example) => `${name}: ${example}`));
    if (keyOf === undefined || !isSame({ ...differences, outOfOrder: 0 })) continue;
    for (const key of keysOutOfOrder(expected.get(name), found.get(name), keyOf)) {
      total.outOfOrder++;
      examples.push(`${name}: key ${key} in another order`);
    }
  }
  return { ...total, examples: examples.slice(0, EXAMPLES_MAX) };
}

/** Lines for people. */
export function describeDifferences(differences: ResultDifferences): string {
  const { lost, duplicated, wrong, outOfOrder, examples } = differences;
  const counts = `${lost} lost, ${duplicated} duplicated, ${wrong} wrong, ${outOfOrder} out of order`;
  return [counts, ...examples.map((example) => `  ${example}`)].join('\n');
}

function compareOutput(
  expected: readonly string[],
  found: readonly string[],
): Omit<ResultDifferences, 'outOfOrder'> {
  const wanted = countsOf(expected);
  const got = countsOf(found);
  const examples: string[] = [];
  let lost = 0;
  let duplicated = 0;
  let wrong = 0;
  for (const [text, count] of wanted) {
    const missing = count - (got.get(text) ?? 0);
    if (missing > 0) examples.push(`lost ${text}`);
    if (missing < 0) examples.push(`duplicated ${text}`);
    lost += Math.max(0, missing);
    duplicated += Math.max(0, -missing);
  }
  for (const [text, count] of got) {
    if (wanted.has(text)) continue;
    wrong += count;
    examples.push(`wrong ${text}`);
  }
  return { lost, duplicated, wrong, examples };
}

function countsOf(texts: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

function keysOutOfOrder(
  expected: readonly unknown[] = [],
  found: readonly unknown[] = [],
  keyOf: (record: unknown) => unknown,
): readonly string[] {
  const wanted = byKey(expected, keyOf);
  const got = byKey(found, keyOf);
  return [...wanted.keys()].filter((key) => wanted.get(key) !== got.get(key));
}

function byKey(
  records: readonly unknown[],
  keyOf: (record: unknown) => unknown,
): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const record of records) {
    const key = textOf(keyOf(record));
    texts.set(key, `${texts.get(key) ?? ''}${textOf(record)}\n`);
  }
  return texts;
}

/** Equal for equal values, whatever the order of their fields. */
function textOf(record: unknown): string {
  return JSON.stringify(record, (_key, value: unknown) => plainOf(value)) ?? String(record);
}

function plainOf(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (value instanceof Map || value instanceof Set) return [...value];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
