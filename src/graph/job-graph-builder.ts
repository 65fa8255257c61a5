/**
 * StreamGraph → JobGraph: chains operators into vertices.
 *
 * Invariants:
 * 1. An operator runs in the chain of its input if chaining is on, it has that one input edge, the
 *    edge is forward, both have the same parallelism, maximum parallelism and slot sharing group,
 *    and neither refuses (Flink: isChainable).
 * 2. A side-output edge chains like any other.
 * 3. A vertex's nodes are in the StreamGraph's order, so parents come first, and vertices in the
 *    order of their heads.
 */
import { assert } from '../base/assert.ts';
import type { TypeInformation } from '../types/type-information.ts';
import { typesEqual } from '../types/type-text.ts';
import { graphHash } from './graph-hash.ts';
import type { ChainNode, JobEdge, JobGraph, JobVertex } from './job-graph.ts';
import { operatorIds } from './operator-id.ts';
import type { AnyRecord } from './operator-spec.ts';
import type { StreamEdge, StreamGraph, StreamNode } from './stream-graph.ts';
import { requireWatermarks } from './watermark-check.ts';

/** Builds what the runtime runs. */
export function jobGraphFrom(graph: StreamGraph, jobName: string): JobGraph {
  requireWatermarks(graph);
  const chains = chainsOf(graph);
  const ids = operatorIds(graph.nodes);
  const places = placesOf(chains);
  const edges = jobEdges(chains, places);
  const vertices = chains.map((chain, index) => jobVertex(chain, index, { ids, places, edges }));
  const { configuration } = graph;
  const parts = {
    jobName,
    vertices: Object.freeze(vertices),
    edges: Object.freeze(edges),
    configuration,
  };
  return Object.freeze({ ...parts, hash: graphHash(parts) });
}

/** The operators of one vertex, head first. */
type Chain = readonly StreamNode[];

/** Where a StreamNode went. */
interface Place {
  readonly vertex: number;
  readonly node: number;
}

function chainsOf(graph: StreamGraph): readonly Chain[] {
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  const chainOf = new Map<number, StreamNode[]>();
  const chains: StreamNode[][] = [];
  for (const node of graph.nodes) {
    const [edge] = node.inputs;
    const input = edge === undefined ? undefined : nodes.get(edge.source);
    const chain =
      edge !== undefined && input !== undefined && isChainable(edge, input, node, graph)
        ? chainOf.get(input.id)
        : undefined;
    if (chain === undefined) chains.push([node]);
    else chain.push(node);
    chainOf.set(node.id, chain ?? (chains.at(-1) as StreamNode[]));
  }
  return chains;
}

function isChainable(
  edge: StreamEdge,
  input: StreamNode,
  node: StreamNode,
  graph: StreamGraph,
): boolean {
  return (
    graph.configuration.operatorChaining &&
    node.inputs.length === 1 &&
    edge.partitioner.kind === 'forward' &&
    node.chaining === 'always' &&
    input.chaining !== 'never' &&
    input.parallelism === node.parallelism &&
    input.maxParallelism === node.maxParallelism &&
    input.slotSharingGroup === node.slotSharingGroup
  );
}

function placesOf(chains: readonly Chain[]): ReadonlyMap<number, Place> {
  const places = new Map<number, Place>();
  chains.forEach((chain, vertex) => {
    chain.forEach((streamNode, node) => places.set(streamNode.id, { vertex, node }));
  });
  return places;
}

function placeOf(places: ReadonlyMap<number, Place>, id: number): Place {
  const place = places.get(id);
  assert(place !== undefined, () => `operator ${id} is in no chain`);
  return place;
}

function jobEdges(
  chains: readonly Chain[],
  places: ReadonlyMap<number, Place>,
): readonly JobEdge[] {
  const timeouts = new Map(chains.flat().map((node) => [node.id, node.bufferTimeoutMs]));
  const edges: JobEdge[] = [];
  chains.forEach(([head], vertex) => {
    for (const edge of head?.inputs ?? []) {
      edges.push(
        Object.freeze({
          index: edges.length,
          source: Object.freeze({ ...placeOf(places, edge.source) }),
          tag: edge.tag,
          target: Object.freeze({ vertex, input: edge.input }),
          partitioner: edge.partitioner,
          keySelector: edge.keySelector,
          type: edge.type,
          exchange: 'pipelined',
          bufferTimeoutMs: timeouts.get(edge.source) ?? -1,
        }),
      );
    }
  });
  return edges;
}

interface Building {
  readonly ids: ReadonlyMap<number, string>;
  readonly places: ReadonlyMap<number, Place>;
  readonly edges: readonly JobEdge[];
}

function jobVertex(chain: Chain, index: number, building: Building): JobVertex {
  const [head] = chain;
  assert(head !== undefined, 'a chain has a head');
  const { edges } = building;
  return Object.freeze({
    index,
    id: idOf(head, building),
    name: chainName(head, chain),
    parallelism: head.parallelism,
    maxParallelism: head.maxParallelism,
    slotSharingGroup: head.slotSharingGroup,
    nodes: Object.freeze(chain.map((node, at) => chainNode(node, at, building))),
    inputs: indicesOf(edges, (edge) => edge.target.vertex === index),
    outputs: indicesOf(edges, (edge) => edge.source.vertex === index),
  });
}

function chainNode(node: StreamNode, index: number, building: Building): ChainNode {
  const [edge] = node.inputs;
  const isHead = index === 0 || edge === undefined;
  return Object.freeze({
    index,
    operatorId: idOf(node, building),
    name: node.name,
    uid: node.uid,
    spec: node.spec,
    parent: isHead ? -1 : placeOf(building.places, edge.source).node,
    parentTag: isHead ? undefined : edge.tag,
    keySelectors: node.keySelectors,
    inputTypes: Object.freeze(node.keySelectors.map((_, input) => inputTypeOf(node, input))),
    outputType: node.outputType,
  });
}

function idOf(node: StreamNode, building: Building): string {
  const id = building.ids.get(node.id);
  assert(id !== undefined, () => `operator '${node.name}' has no id`);
  return id;
}

function indicesOf(
  edges: readonly JobEdge[],
  wanted: (edge: JobEdge) => boolean,
): readonly number[] {
  return Object.freeze(edges.filter(wanted).map((edge) => edge.index));
}

function inputTypeOf(node: StreamNode, input: number): TypeInformation<AnyRecord> | undefined {
  const edges = node.inputs.filter((edge) => edge.input === input);
  const first = edges[0]?.type;
  if (first === undefined) return undefined;
  const isCommon = edges.every(({ type }) => type !== undefined && typesEqual(type, first));
  return isCommon ? first : undefined;
}

/** `A -> B -> (C -> D, E)`. */
function chainName(node: StreamNode, chain: Chain): string {
  const children = chain.filter((each) => each !== node && each.inputs[0]?.source === node.id);
  const names = children.map((child) => chainName(child, chain));
  if (names.length === 0) return node.name;
  return `${node.name} -> ${names.length === 1 ? names[0] : `(${names.join(', ')})`}`;
}
