/**
 * Gives its records to the program that started the job; the way there, with its credit, is the
 * chain's.
 *
 * Invariants:
 * 1. What came before a checkpoint is on its way before the checkpoint is acknowledged.
 * 2. At least once: after a failure the records since the last checkpoint come again; what the
 *    program has taken cannot be called back.
 */
import type { CollectSpec } from '../../graph/operator-spec.ts';
import type { ChainStage, CollectEndpoint } from '../chain-stage.ts';

const SNAPSHOT_VERSION = 1;

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
    snapshot: () => {
      endpoint.flush();
      return { version: SNAPSHOT_VERSION, data: null };
    },
    endInput: () => {
      endpoint.flush();
      return true;
    },
  };
}
