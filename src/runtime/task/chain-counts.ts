/**
 * The counters of a chain's operators. Per row only what does not follow from a neighbour is
 * counted; the rest is settled when somebody looks.
 */
import type { ChainStage, StageCounts } from '../../operators/chain-stage.ts';

/** What is counted of a node. */
export interface CountedNode {
  readonly stage: ChainStage;
  readonly counts: StageCounts;
  /** Whether all that comes to it is what its parent emits on the main output. */
  readonly isOnMainOutput: boolean;
  /** The parent's index. */
  readonly node: { readonly parent: number };
}

/** Counters at zero. */
export function newStageCounts(): StageCounts {
  return {
    numRecordsIn: 0,
    numRecordsOut: 0,
    numLateRecordsDropped: 0,
    numLateRecordsSideOutput: 0,
    numDeadLetters: 0,
  };
}

/** Adds what follows, parents first; a chain that failed to open has children without parents. */
export function settledCounts(nodes: readonly (CountedNode | undefined)[]): readonly StageCounts[] {
  const all: StageCounts[] = [];
  for (const each of nodes) {
    if (each === undefined) continue;
    const { stage, counts, isOnMainOutput, node } = each;
    const parent = isOnMainOutput ? nodes[node.parent] : undefined;
    if (parent !== undefined) counts.numRecordsIn = parent.counts.numRecordsOut;
    if (stage.isOneToOne === true) counts.numRecordsOut = counts.numRecordsIn;
    all.push(counts);
  }
  return all;
}
