/**
 * A reduce as a function of two records. Invariants: those of the rolling reduces
 * (`reduce-kinds.ts`): `sum`, `min` and `max` keep the other fields of the first record, `minBy`
 * and `maxBy` the whole winner, the first on a tie; NaN is the greatest number.
 */
import { MillraceError } from '../../../base/errors.ts';
import type { ReduceFunction } from '../../../functions/functions.ts';
import type { ReduceKind } from '../../../graph/operator-spec.ts';

type BuiltIn = Exclude<ReduceKind, { readonly kind: 'function' }>;
type Row = Readonly<Record<string, unknown>>;

/** The function of a reduce. */
export function reduceFunctionOf(
  reduce: ReduceKind,
  operatorName: string,
): ReduceFunction<unknown> {
  if (reduce.kind === 'function') return reduce.function;
  const numberOf = numberReader(reduce, operatorName);
  const { field } = reduce;
  const combine = combinationOf(reduce.kind);
  if (combine === undefined) {
    const wins = reduce.kind === 'minBy' ? isLess : isGreater;
    return (old, record) => (wins(numberOf(record), numberOf(old)) ? record : old);
  }
  return (old, record) => {
    const value = combine(numberOf(old), numberOf(record));
    return field === undefined ? value : withField(old as Row, field, value);
  };
}

function combinationOf(kind: BuiltIn['kind']): ((a: number, b: number) => number) | undefined {
  switch (kind) {
    case 'sum':
      return (a, b) => a + b;
    case 'min':
      return (a, b) => (isLess(b, a) ? b : a);
    case 'max':
      return (a, b) => (isGreater(b, a) ? b : a);
    case 'minBy':
    case 'maxBy':
      return undefined;
    default:
      return kind satisfies never;
  }
}

function isLess(a: number, b: number): boolean {
  return a < b || (Number.isNaN(b) && !Number.isNaN(a));
}

function isGreater(a: number, b: number): boolean {
  return isLess(b, a);
}

function withField(row: Row, field: string, value: number): Row {
  const copy = Object.assign(Object.create(Object.getPrototypeOf(row) as object), row) as object;
  return Object.assign(copy, { [field]: value });
}

function numberReader({ kind, field }: BuiltIn, operatorName: string): (record: unknown) => number {
  const what = field === undefined ? 'the record' : `field '${field}'`;
  return (record) => {
    const value = field === undefined ? record : (record as Row | null | undefined)?.[field];
    if (typeof value === 'number') return value;
    throw new MillraceError(
      'RECORD_TYPE_MISMATCH',
      `${kind} of '${operatorName}' needs a number, but ${what} is ` +
        `${value === undefined ? 'missing' : `${String(value)} (${typeof value})`}; filter such ` +
        'records out before it, or use reduce with a function of your own',
      { details: { operator: operatorName, field } },
    );
  };
}
