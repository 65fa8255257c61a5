/**
 * @dataplane The built-in reduces and the user's, as {@link KeyedFold}s over a table.
 *
 * Invariants:
 * 1. `sum`, `min` and `max` keep the other fields of the key's first record; `minBy` and `maxBy`
 *    keep the whole winning record, the first one on a tie.
 * 2. Numbers compare as in Java: NaN is the greatest.
 * 3. No record that came in or went out is changed: numbers change in their column, and a row is
 *    read as a fresh object.
 */
import { MillraceError } from '../../base/errors.ts';
import type { ReduceKind } from '../../graph/operator-spec.ts';
import type { KeyedTable } from '../../state/table/keyed-table.ts';
import { CURRENT, generateFold, rewrite } from './keyed-fold.ts';
import type { FoldCode, KeyedFold } from './keyed-fold.ts';

type BuiltIn = Exclude<ReduceKind, { readonly kind: 'function' }>;
type Combine = (current: number, value: number) => number;

const LESS = '(value < current || (current !== current && value === value))';
const GREATER = '(value > current || (value !== value && current === current))';

/** The fold of a reduce. */
export function reduceFold(reduce: ReduceKind, operatorName: string): KeyedFold {
  if (reduce.kind === 'function') {
    return generateFold((record) => functionCode(reduce.function, record), undefined);
  }
  const refuse = refusal(reduce, operatorName);
  return generateFold((record) => builtInCode(reduce, refuse, record), undefined);
}

function functionCode(reduce: unknown, record: string): FoldCode {
  return {
    constants: { reduce },
    first: rewrite(record),
    next: rewrite(`reduce(${CURRENT}, ${record})`),
  };
}

/** @controlplane Once per operator. */
function builtInCode(reduce: BuiltIn, refuse: (found: unknown) => never, record: string): FoldCode {
  const { field } = reduce;
  const current = field === undefined ? 'old' : `old[${JSON.stringify(field)}]`;
  const common = {
    value: field === undefined ? record : `${record}?.[${JSON.stringify(field)}]`,
    check: `if (typeof value !== 'number') refuse(value);`,
    inPlace: { field },
    first: rewrite(record),
  };
  const update = updateText(reduce.kind);
  if (update === undefined) {
    const wins = reduce.kind === 'minBy' ? LESS : GREATER;
    const replace = `if (${wins}) { ${rewrite(record)} }`;
    return {
      ...common,
      constants: { refuse },
      nextInPlace: `const current = chunk[at]; ${replace}`,
      next: `const old = ${CURRENT}; const current = ${current}; ${replace}`,
    };
  }
  const combine = new Function('current', 'value', `return ${update};`) as Combine;
  const combineWhole = (table: KeyedTable, entry: number, value: number, key: unknown): void =>
    table.write(entry, combined(table.read(entry), field, value, combine), key);
  return {
    ...common,
    constants: { refuse, combineWhole },
    nextInPlace: `const current = chunk[at]; chunk[at] = ${update};`,
    next: 'combineWhole(table, entry, value, keys[row]);',
  };
}

/** The new number, as an expression; undefined for the kinds that keep whole records. */
function updateText(kind: BuiltIn['kind']): string | undefined {
  switch (kind) {
    case 'sum':
      return 'current + value';
    case 'min':
      return `${LESS} ? value : current`;
    case 'max':
      return `${GREATER} ? value : current`;
    case 'minBy':
    case 'maxBy':
      return undefined;
    default:
      return kind satisfies never;
  }
}

/** The value for records that are no rows of the table's layout: a copy with the field replaced. */
function combined(
  old: unknown,
  field: string | undefined,
  value: number,
  combine: Combine,
): unknown {
  if (field === undefined) return combine(old as number, value);
  const row = old as Readonly<Record<string, unknown>>;
  const copy: unknown = Object.assign(Object.create(Object.getPrototypeOf(row)), row);
  return Object.assign(copy as object, { [field]: combine(row[field] as number, value) });
}

function refusal(reduce: BuiltIn, operatorName: string): (found: unknown) => never {
  const { kind, field } = reduce;
  const what = field === undefined ? 'the record' : `field '${field}'`;
  return (found) => {
    throw new MillraceError(
      'RECORD_TYPE_MISMATCH',
      `${kind} of '${operatorName}' needs a number, but ${what} is ${describe(found)}; ` +
        `filter such records out before it, or use reduce with a function of your own`,
      { details: { operator: operatorName, field } },
    );
  };
}

function describe(found: unknown): string {
  if (typeof found === 'string') return `the string ${JSON.stringify(found)}`;
  if (typeof found === 'object' && found !== null) return 'an object';
  return found === undefined ? 'missing' : `${String(found)} (${typeof found})`;
}
