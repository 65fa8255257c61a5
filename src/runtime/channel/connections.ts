/** Which subtasks an edge connects: all to all, or a fixed few (forward, rescale, global). */
import type { JobEdge, JobGraph } from '../../graph/job-graph.ts';

/** A pair of subtasks that an edge connects. */
export interface Connection {
  readonly source: number;
  readonly target: number;
}

/** The target subtasks that subtask `source` of an edge writes to, ascending. */
export function targetSubtasks(
  kind: JobEdge['partitioner']['kind'],
  sourceParallelism: number,
  targetParallelism: number,
  source: number,
): readonly number[] {
  switch (kind) {
    case 'forward':
      return [source];
    case 'global':
      return [0];
    case 'rescale':
      return pointwise(sourceParallelism, targetParallelism, source);
    case 'hash':
    case 'rebalance':
    case 'shuffle':
    case 'broadcast':
    case 'custom':
      return Array.from({ length: targetParallelism }, (_, target) => target);
    default:
      return kind satisfies never;
  }
}

/** All pairs of an edge. */
export function connectionsOf(graph: JobGraph, edge: JobEdge): readonly Connection[] {
  const sources = graph.vertices[edge.source.vertex]?.parallelism ?? 0;
  const targets = graph.vertices[edge.target.vertex]?.parallelism ?? 0;
  const pairs: Connection[] = [];
  for (let source = 0; source < sources; source++) {
    for (const target of targetSubtasks(edge.partitioner.kind, sources, targets, source)) {
      pairs.push({ source, target });
    }
  }
  return pairs;
}

/**
 * Flink's POINTWISE pattern: every source has neighbours of its own, every target at least one
 * source.
 */
function pointwise(sources: number, targets: number, source: number): readonly number[] {
  if (sources >= targets) return [Math.floor((source * targets) / sources)];
  const mine: number[] = [];
  for (let target = 0; target < targets; target++) {
    if (Math.floor((target * sources) / targets) === source) mine.push(target);
  }
  return mine;
}
