/**
 * Gives its records to the program that started the job; the way there, with its credit, is the
 * chain's.
 */
import type { CollectSpec } from '../../graph/operator-spec.ts';
import type { ChainStage, CollectEndpoint } from '../chain-stage.ts';

/** The stage of a `collect` sink. */
export function collectStage(spec: CollectSpec): ChainStage {
  let endpoint: CollectEndpoint;
  return {
    kind: 'collect',
    inputCount: 1,
    keyed: false,
    open: (context) => {
      endpoint = context.collectEndpoint(spec.collectName);
    },
    onRow: (loop, row) => {
      loop.line(`${loop.constant(endpoint, 'endpoint')}.append(${row.value}, ${row.timestamp});`);
    },
    endInput: () => {
      endpoint.flush();
      return true;
    },
  };
}
