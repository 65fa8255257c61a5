/**
 * How the contents of a window grow by a record, become one where windows merge, and become
 * results.
 */
import { assert } from '../../../base/assert.ts';
import type { TimestampedValue } from '../../../functions/windowing/evictors/evictor.ts';
import type { ReduceKind, WindowContents } from '../../../graph/operator-spec.ts';
import type { StateDeclaration } from '../../../state/keyed-state-backend.ts';
import { reduceFunctionOf } from './reduce-function.ts';

/** See the file's head. Functions of users may change an accumulator in place. */
export interface ContentsFold {
  readonly kind: StateDeclaration['kind'];
  first(value: unknown, timestamp: number): unknown;
  /** The contents with one more record: the same object, changed, or another. */
  next(contents: unknown, value: unknown, timestamp: number): unknown;
  merge(contents: unknown, others: unknown): unknown;
  /** What a window function's elements are. */
  elements(contents: unknown): readonly unknown[];
}

/** The fold of a window whose contents are kept as they are told. */
export function contentsFold(contents: WindowContents, operatorName: string): ContentsFold {
  switch (contents.kind) {
    case 'reduce':
      return reduceFold(contents.reduce, operatorName);
    case 'aggregate':
      return aggregateFold(contents.function);
    case 'elements':
      return {
        kind: 'list',
        first: (value) => [value],
        next: append,
        merge: appendAll,
        elements: (list) => (list as readonly unknown[]).slice(),
      };
    default:
      return contents satisfies never;
  }
}

/** The fold of a window with an evictor: all records with their timestamps. */
export function timestampedFold(): ContentsFold {
  const timestamped = (value: unknown, timestamp: number): TimestampedValue<unknown> => {
    return { value, timestamp };
  };
  return {
    kind: 'list',
    first: (value, timestamp) => [timestamped(value, timestamp)],
    next: (list, value, timestamp) => append(list, timestamped(value, timestamp)),
    merge: appendAll,
    elements: (list) => (list as readonly unknown[]).slice(),
  };
}

/**
 * Combines records that were kept for an evictor as if they had been combined one by one; none, if
 * a reduce is left without any.
 */
export function foldElements(
  fold: ContentsFold,
  contents: WindowContents,
  values: readonly unknown[],
): readonly unknown[] {
  if (contents.kind === 'elements') return values;
  if (values.length === 0)
    return contents.kind === 'reduce'
      ? []
      : [contents.function.getResult(contents.function.createAccumulator())];
  let folded = fold.first(values[0], 0);
  for (let i = 1; i < values.length; i++) folded = fold.next(folded, values[i], 0);
  return fold.elements(folded);
}

function reduceFold(reduce: ReduceKind, operatorName: string): ContentsFold {
  const combine = reduceFunctionOf(reduce, operatorName);
  return {
    kind: 'reducing',
    first: (value) => value,
    next: (old, value) => combine(old, value),
    merge: (a, b) => combine(a, b),
    elements: (value) => [value],
  };
}

function aggregateFold({
  createAccumulator,
  add,
  getResult,
  merge,
}: Extract<WindowContents, { kind: 'aggregate' }>['function']): ContentsFold {
  return {
    kind: 'aggregating',
    first: (value) => add(value, createAccumulator()),
    next: (accumulator, value) => add(value, accumulator),
    merge: (a, b) => {
      assert(merge !== undefined, 'windows merge whose aggregate cannot');
      return merge(a, b);
    },
    elements: (accumulator) => [getResult(accumulator)],
  };
}

function append(list: unknown, value: unknown): unknown {
  (list as unknown[]).push(value);
  return list;
}

function appendAll(list: unknown, others: unknown): unknown {
  for (const each of others as readonly unknown[]) (list as unknown[]).push(each);
  return list;
}
