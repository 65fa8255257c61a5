/**
 * Drops the records for which the predicate is false. Stateless.
 * Invariant: output order is input order.
 */
import type { FilterSpec } from '../graph/operator-spec.ts';
import type { ChainStage } from './chain-stage.ts';
import { userFunction } from './user-function.ts';

/** The stage of a `filter`. */
export function filterStage(spec: FilterSpec): ChainStage {
  const filter = userFunction(spec.function, 'filter');
  return {
    kind: 'filter',
    inputCount: 1,
    keyed: false,
    open: (context) => filter.open(context),
    onRow: (loop, row) => loop.when(loop.call(filter.invoke, row.value), () => loop.emit(row)),
    ...filter.life,
  };
}
