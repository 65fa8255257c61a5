/**
 * One record in, one out. Stateless; the record keeps its timestamp.
 * Invariant: output order is input order.
 */
import type { MapSpec } from '../graph/operator-spec.ts';
import type { ChainStage } from './chain-stage.ts';
import { userFunction } from './user-function.ts';

/** The stage of a `map`. */
export function mapStage(spec: MapSpec): ChainStage {
  const map = userFunction(spec.function, 'map');
  return {
    kind: 'map',
    inputCount: 1,
    keyed: false,
    isOneToOne: true,
    open: (context) => map.open(context),
    onRow: (loop, row) => {
      const value = loop.local(loop.call(map.invoke, row.value), 'mapped');
      loop.emit({ value, timestamp: row.timestamp });
    },
    ...map.life,
  };
}
