import test from 'ava';
import fc from 'fast-check';
import { hasErrorCode } from '../../base/errors.ts';
import type { AnyKeySelector, ReduceKind } from '../../graph/operator-spec.ts';
import { StageDriver } from '../testing/stage-driver.ts';
import { reduceStage } from './reduce.ts';

interface Row {
  readonly key: string;
  readonly n: number;
  readonly tag: number;
}

const byKey = (row: Row): string => row.key;

function drive(reduce: ReduceKind, keySelector: AnyKeySelector = byKey): StageDriver {
  const stage = reduceStage({ kind: 'reduce', reduce });
  return new StageDriver(stage, { keySelector, operatorName: 'totals' });
}

function run(reduce: ReduceKind, ...rows: Row[]): unknown[] {
  const driver = drive(reduce);
  driver.push(rows.map((row) => [row] as const));
  return driver.values;
}

const rows: Row[] = [
  { key: 'a', n: 2, tag: 1 },
  { key: 'b', n: 7, tag: 2 },
  { key: 'a', n: 1, tag: 3 },
  { key: 'a', n: 2, tag: 4 },
  { key: 'a', n: 1, tag: 5 },
];

test('sum keeps the other fields of the first record; one output per input, in order', (t) => {
  t.deepEqual(run({ kind: 'sum', field: 'n' }, ...rows), [
    { key: 'a', n: 2, tag: 1 },
    { key: 'b', n: 7, tag: 2 },
    { key: 'a', n: 3, tag: 1 },
    { key: 'a', n: 5, tag: 1 },
    { key: 'a', n: 6, tag: 1 },
  ]);
});

test('min and max keep the other fields of the first record', (t) => {
  const n = (kind: 'min' | 'max'): unknown[] =>
    run({ kind, field: 'n' }, ...rows).map((row) => [(row as Row).n, (row as Row).tag]);
  t.deepEqual(n('min'), [
    [2, 1],
    [7, 2],
    [1, 1],
    [1, 1],
    [1, 1],
  ]);
  t.deepEqual(n('max'), [
    [2, 1],
    [7, 2],
    [2, 1],
    [2, 1],
    [2, 1],
  ]);
});

test('minBy and maxBy keep the whole winning record, the first one on a tie', (t) => {
  const tags = (kind: 'minBy' | 'maxBy'): unknown[] =>
    run({ kind, field: 'n' }, ...rows).map((row) => (row as Row).tag);
  t.deepEqual(tags('minBy'), [1, 2, 3, 3, 3]);
  t.deepEqual(tags('maxBy'), [1, 2, 1, 1, 1]);
});

test('without a field the record is the number', (t) => {
  const driver = drive({ kind: 'sum', field: undefined }, (n: number) => n % 2);
  driver.push([
    [1, 10],
    [2, 20],
    [3, 30],
    [4, 40],
  ]);
  t.deepEqual(driver.output, [
    { value: 1, timestamp: 10 },
    { value: 2, timestamp: 20 },
    { value: 4, timestamp: 30 },
    { value: 6, timestamp: 40 },
  ]);
});

test('a reduce function gets what it returned before', (t) => {
  const reduce = (a: Row, b: Row): Row => ({ ...b, n: a.n * 10 + b.n });
  const values = run({ kind: 'function', function: reduce }, ...rows);
  t.deepEqual(
    values.map((row) => [(row as Row).n, (row as Row).tag]),
    [
      [2, 1],
      [7, 2],
      [21, 3],
      [212, 4],
      [2121, 5],
    ],
  );
});

test('neither inputs nor emitted records are changed or emitted twice', (t) => {
  for (const kind of ['sum', 'min', 'max'] as const) {
    const inputs = rows.map((row) => Object.freeze({ ...row }));
    const driver = drive({ kind, field: 'n' });
    driver.push(inputs.map((row) => [row] as const));
    t.deepEqual(inputs, rows);
    t.is(new Set(driver.values).size, rows.length);
  }
});

test('records of other shapes and class instances are summed, too', (t) => {
  class Sale {
    readonly key: string;
    readonly n: number;
    constructor(key: string, n: number) {
      this.key = key;
      this.n = n;
    }
  }
  const driver = drive({ kind: 'sum', field: 'n' });
  const sales = [
    new Sale('s', 1),
    { key: 'o', n: 5, extra: true },
    new Sale('s', 2),
    { n: 1, key: 'o' },
  ];
  driver.push([...sales, { key: 's', n: 4, tag: 0 }].map((row) => [row] as const));
  t.deepEqual(driver.values.slice(2), [
    new Sale('s', 3),
    { key: 'o', n: 6, extra: true },
    new Sale('s', 7),
  ]);
  t.is(sales[0]?.n, 1);
});

for (const [found, text] of [
  ['7', 'the string "7"'],
  [undefined, 'missing'],
  [null, 'null'],
  [10n, '10 \\(bigint\\)'],
] as const) {
  test(`a field that is ${text} is refused with operator, field and remedy`, (t) => {
    const driver = drive({ kind: 'max', field: 'n' });
    const error = t.throws(() => driver.push([[{ key: 'a', n: found }]]));
    t.true(hasErrorCode(error, 'RECORD_TYPE_MISMATCH'));
    t.regex(
      error?.message ?? '',
      new RegExp(`max of 'totals' needs a number, but field 'n' is ${text}`),
    );
  });
}

test('a null key is refused with the operator and the remedy', (t) => {
  const driver = drive({ kind: 'sum', field: 'n' });
  const error = t.throws(() => driver.push([[{ n: 1 }]]));
  t.true(hasErrorCode(error, 'KEY_INVALID'));
  t.regex(error?.message ?? '', /'totals' returned undefined/);
});

type Step = (old: Row | undefined, row: Row) => Row;

const NAIVE: Readonly<Record<'sum' | 'min' | 'max' | 'minBy' | 'maxBy', Step>> = {
  sum: (old, row) => (old === undefined ? row : { ...old, n: old.n + row.n }),
  min: (old, row) => (old === undefined ? row : { ...old, n: Math.min(old.n, row.n) }),
  max: (old, row) => (old === undefined ? row : { ...old, n: Math.max(old.n, row.n) }),
  minBy: (old, row) => (old === undefined || row.n < old.n ? row : old),
  maxBy: (old, row) => (old === undefined || row.n > old.n ? row : old),
};

function naive(step: Step, input: readonly Row[], keyOf = byKey): Row[] {
  const state = new Map<string, Row>();
  return input.map((row) => {
    const next = step(state.get(keyOf(row)), row);
    state.set(keyOf(row), next);
    return next;
  });
}

const anyRow = fc.record({
  key: fc.constantFrom('', 'a', 'b', 'é', 'long key beyond the usual'),
  // No −0: which of two zeros is the least is not what this is about.
  n: fc
    .oneof(fc.integer({ min: -9, max: 9 }), fc.double({ noNaN: true, min: -5, max: 5 }))
    .map((n) => n + 0),
  tag: fc.nat(),
});

for (const kind of ['sum', 'min', 'max', 'minBy', 'maxBy'] as const) {
  test(`${kind} equals the naive computation, also across a snapshot`, (t) => {
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 60 }), fc.nat(60), (input, cut) => {
        const expected = naive(NAIVE[kind], input);
        const before = drive({ kind, field: 'n' });
        before.push(input.slice(0, cut).map((row) => [row] as const));
        const snapshot = before.snapshot();
        const stage = reduceStage({ kind: 'reduce', reduce: { kind, field: 'n' } });
        const after = new StageDriver(stage, { keySelector: byKey }, [snapshot]);
        after.push(input.slice(cut).map((row) => [row] as const));
        t.deepEqual([...before.values, ...after.values], plain(expected));
      }),
      { numRuns: 200 },
    );
  });
}

const anyWord = fc.record({
  key: fc.constantFrom('a', 'A', 'b', 'long key beyond the usual', 'Long key beyond the usual'),
  n: fc.integer({ min: -9, max: 9 }),
  tag: fc.nat(),
});
const byLowerCase = (row: Row): string => row.key.toLowerCase();

for (const kind of ['sum', 'max', 'maxBy'] as const) {
  test(`${kind} is right where a field is the key in some records only, across a snapshot`, (t) => {
    fc.assert(
      fc.property(fc.array(anyWord, { maxLength: 40 }), fc.nat(40), (input, cut) => {
        const before = drive({ kind, field: 'n' }, byLowerCase);
        before.push(input.slice(0, cut).map((row) => [plainRow(row)] as const));
        const snapshot = before.snapshot();
        const stage = reduceStage({ kind: 'reduce', reduce: { kind, field: 'n' } });
        const after = new StageDriver(stage, { keySelector: byLowerCase }, [snapshot]);
        after.push(input.slice(cut).map((row) => [plainRow(row)] as const));
        const expected = naive(NAIVE[kind], input, byLowerCase);
        t.deepEqual([...before.values, ...after.values], plain(expected));
      }),
      { numRuns: 200 },
    );
  });
}

/** The rows of fast-check have no prototype. */
function plain(expected: readonly Row[]): unknown[] {
  return expected.map(plainRow);
}

function plainRow(row: Row): Row {
  return { ...row };
}
