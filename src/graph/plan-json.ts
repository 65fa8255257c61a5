/** A StreamGraph as JSON for people, in the form that Flink's plan visualizer reads. */
import type { StreamEdge, StreamGraph, StreamNode } from './stream-graph.ts';

/** The plan: one entry per operator with its predecessors and how records get from them to it. */
export function planJson(graph: StreamGraph): string {
  return JSON.stringify({ nodes: graph.nodes.map(planNode) }, undefined, 2);
}

function planNode(node: StreamNode): object {
  return {
    id: node.id,
    type: node.name,
    pact: pactOf(node),
    contents: node.name,
    parallelism: node.parallelism,
    ...(node.inputs.length === 0 ? {} : { predecessors: node.inputs.map(predecessor) }),
  };
}

function predecessor(edge: StreamEdge): object {
  const sideOutput = edge.tag === undefined ? {} : { side_output: edge.tag };
  return {
    id: edge.source,
    ship_strategy: edge.partitioner.kind.toUpperCase(),
    side: edge.input === 0 ? 'first' : 'second',
    ...sideOutput,
  };
}

function pactOf(node: StreamNode): string {
  switch (node.spec.kind) {
    case 'source':
      return 'Data Source';
    case 'sink':
    case 'collect':
      return 'Data Sink';
    default:
      return 'Operator';
  }
}
