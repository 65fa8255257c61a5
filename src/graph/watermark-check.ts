/** An event-time window whose watermark would never move is refused while the graph is built. */
import { assert } from '../base/assert.ts';
import { MillraceError } from '../base/errors.ts';
import type { OperatorSpec } from './operator-spec.ts';
import type { StreamGraph, StreamNode } from './stream-graph.ts';

/**
 * Follows every path from each event-time window up to where watermarks are made.
 *
 * @throws WATERMARK_MISSING, naming the window and the source without a strategy
 */
export function requireWatermarks(graph: StreamGraph): void {
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  for (const node of graph.nodes) {
    if (!waitsForWatermarks(node.spec)) continue;
    const silent = silentSource(node, nodes, new Set());
    if (silent !== undefined) throw missing(node, silent);
  }
}

function waitsForWatermarks(spec: OperatorSpec): boolean {
  switch (spec.kind) {
    case 'window':
    case 'generic-window':
      return spec.assigner.isEventTime();
    case 'interval-join':
      return true;
    default:
      return false;
  }
}

/** The first operator up the stream that ends a path without watermarks. */
function silentSource(
  node: StreamNode,
  nodes: ReadonlyMap<number, StreamNode>,
  seen: Set<number>,
): StreamNode | undefined {
  for (const edge of node.inputs) {
    if (seen.has(edge.source)) continue;
    seen.add(edge.source);
    const input = nodes.get(edge.source);
    assert(input !== undefined, () => `operator ${edge.source} is not in the graph`);
    const { spec } = input;
    const makesWatermarks = spec.kind === 'source' || spec.kind === 'timestamps-and-watermarks';
    if (makesWatermarks && spec.strategy.generator.kind === 'none') {
      if (isSideInputThatEnds(node, spec)) continue;
      return input;
    }
    const silent = makesWatermarks ? undefined : silentSource(input, nodes, seen);
    if (silent !== undefined) return silent;
  }
  return undefined;
}

/** Rules and other side input of connected streams: its end is as good as a watermark. */
function isSideInputThatEnds(target: StreamNode, spec: OperatorSpec): boolean {
  const isConnected = target.keySelectors.length > 1;
  return isConnected && spec.kind === 'source' && spec.source.boundedness === 'bounded';
}

function missing(window: StreamNode, silent: StreamNode): MillraceError {
  return new MillraceError(
    'WATERMARK_MISSING',
    `operator '${window.name}' is an event-time window, but its input from '${silent.name}' has ` +
      'no watermarks, so it ' +
      'would never fire: give the source a WatermarkStrategy, or call ' +
      'assignTimestampsAndWatermarks(…) before keyBy',
    { details: { operator: window.name, input: silent.name } },
  );
}
