/** An operator of a chain while it runs: its stage, its counters, and where its rows go. */
import type { ChainNode, JobVertex } from '../../graph/job-graph.ts';
import type { ChainStage } from '../../operators/chain-stage.ts';
import type { EdgeOutput } from '../channel/edge-output.ts';
import { newRowBatch } from '../channel/row-batch.ts';
import { newStageCounts } from './chain-counts.ts';
import type { LoopNode, LoopProgress, SideTargets } from './loop-compiler.ts';

/** See the file's head. */
export interface RunningNode extends LoopNode {
  readonly node: ChainNode;
  readonly edges: readonly EdgeOutput[];
  /** The input watermark being or last handled, and what has been passed on. */
  watermark: number;
  passed: number;
  /** A pass has flushed this node's batch already and waits for its stage. */
  entered: boolean;
  /** When the stage wants `onProcessingTime`, epoch ms. */
  wakeAtMs: number;
}

/** The node at `index`, before its stage is open. */
export function newRunningNode(
  vertex: JobVertex,
  index: number,
  stage: ChainStage,
  outputs: readonly EdgeOutput[],
  progress: LoopProgress,
): RunningNode {
  const node = vertex.nodes[index];
  if (node === undefined) throw new RangeError(`no node ${index}`);
  const edges = outputs.filter((output) => output.edge.source.node === index);
  const main = edges.filter((edge) => edge.edge.tag === undefined);
  return {
    index,
    node,
    stage,
    counts: newStageCounts(),
    edges,
    isOnMainOutput: index > 0 && node.parentTag === undefined,
    children: childrenOf(vertex, index, undefined),
    writes: main.map((edge) => edge.write),
    sideOutputs: sideOutputsOf(vertex, index, edges),
    ...batchOf(index, stage, progress),
    watermark: Number.NEGATIVE_INFINITY,
    passed: Number.NEGATIVE_INFINITY,
    entered: false,
    wakeAtMs: Number.POSITIVE_INFINITY,
  };
}

function childrenOf(vertex: JobVertex, index: number, tag: string | undefined): number[] {
  return vertex.nodes
    .filter((node) => node.parent === index && node.parentTag === tag)
    .map((node) => node.index);
}

function sideOutputsOf(
  vertex: JobVertex,
  index: number,
  edges: readonly EdgeOutput[],
): Map<string, SideTargets> {
  const tags = new Set<string>();
  for (const node of vertex.nodes) {
    if (node.parent === index && node.parentTag !== undefined) tags.add(node.parentTag);
  }
  for (const { edge } of edges) if (edge.tag !== undefined) tags.add(edge.tag);
  const targets = new Map<string, SideTargets>();
  for (const tag of tags) {
    const writes = edges.filter((edge) => edge.edge.tag === tag).map((edge) => edge.write);
    targets.set(tag, { children: childrenOf(vertex, index, tag), writes });
  }
  return targets;
}

function batchOf(
  index: number,
  stage: ChainStage,
  progress: LoopProgress,
): Pick<RunningNode, 'batch' | 'flushBatch'> {
  if (stage.onRow !== undefined) return { batch: undefined, flushBatch: undefined };
  const batch = newRowBatch();
  const flushBatch = (input = 0): void => {
    if (batch.count === 0) return;
    progress.at = index;
    stage.onBatch?.(batch, input);
    batch.count = 0;
  };
  return { batch, flushBatch };
}
