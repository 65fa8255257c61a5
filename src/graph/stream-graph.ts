/**
 * The StreamGraph: operators and edges, with virtual transformations resolved and every default
 * filled in.
 *
 * Invariants:
 * 1. Nodes are in topological order; an edge's partitioner is decided.
 * 2. It comes from a program that passed the checks here: parallelism, forward edges, a sink.
 */
import { MillraceError } from '../base/errors.ts';
import type { TypeInformation } from '../types/type-information.ts';
import type { PipelineConfiguration } from './configuration.ts';
import type { PartitionerSpec } from './job-graph.ts';
import type { AnyKeySelector, AnyRecord, OperatorSpec } from './operator-spec.ts';
import { derivedMaxParallelism, requireWithinMax } from './parallelism.ts';
import type {
  ChainingStrategy,
  OperatorTransformation,
  PhysicalTransformation,
  Transformation,
} from './transformation.ts';
import type { TransformationsBuilder } from './transformations-builder.ts';

/** An operator with all its settings decided. */
export interface StreamNode {
  /** The transformation's id. */
  readonly id: number;
  readonly name: string;
  readonly uid: string | undefined;
  readonly spec: OperatorSpec;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly slotSharingGroup: string;
  readonly chaining: ChainingStrategy;
  readonly bufferTimeoutMs: number;
  /** By input: on keyed operators what gives the key of a record. */
  readonly keySelectors: readonly (AnyKeySelector | undefined)[];
  readonly outputType: TypeInformation<AnyRecord> | undefined;
  /** In the order in which the program named them, those of the first input first. */
  readonly inputs: readonly StreamEdge[];
}

/** An edge between two operators. */
export interface StreamEdge {
  readonly source: number;
  readonly target: number;
  /** The logical input of the target: every edge of a union is of one input. */
  readonly input: number;
  /** The side output that feeds it, or undefined for the main output. */
  readonly tag: string | undefined;
  readonly partitioner: PartitionerSpec;
  readonly keySelector: AnyKeySelector | undefined;
  readonly type: TypeInformation<AnyRecord> | undefined;
}

/** A program as operators and edges. */
export interface StreamGraph {
  readonly nodes: readonly StreamNode[];
  readonly configuration: PipelineConfiguration;
}

/** Resolves what the program asked for since its last execution. */
export function buildStreamGraph(
  transformations: TransformationsBuilder,
  configuration: PipelineConfiguration,
): StreamGraph {
  const reachable = transformations.reachable();
  requireSink(reachable);
  requireDistinctCollectNames(reachable);
  const nodes = new Map<number, StreamNode>();
  for (const each of reachable) {
    if (each.kind === 'source' || each.kind === 'operator') {
      nodes.set(each.id, streamNode(each, { transformations, configuration, nodes }));
    }
  }
  return Object.freeze({ nodes: Object.freeze([...nodes.values()]), configuration });
}

interface Building {
  readonly transformations: TransformationsBuilder;
  readonly configuration: PipelineConfiguration;
  readonly nodes: ReadonlyMap<number, StreamNode>;
}

function streamNode(of: PhysicalTransformation, building: Building): StreamNode {
  const routes = of.kind === 'source' ? [] : routesOf(of, building.transformations);
  const sources = routes.map((route) => nodeOf(building, route.source));
  const parallelism = parallelismOf(of, sources, building.configuration);
  const maxParallelism = maxParallelismOf(of, parallelism, building.configuration);
  requireWithinMax(`operator '${of.name}'`, parallelism, maxParallelism);
  const inputs = routes.map((route) => streamEdge(route, of, parallelism, building));
  return Object.freeze({
    id: of.id,
    name: displayName(of),
    uid: of.uid,
    spec: of.spec,
    parallelism,
    maxParallelism,
    slotSharingGroup: of.slotSharingGroup ?? commonGroup(sources),
    chaining: of.chaining,
    bufferTimeoutMs: of.bufferTimeoutMs ?? building.configuration.bufferTimeoutMs,
    keySelectors: of.kind === 'operator' ? of.keySelectors : NO_KEYS,
    outputType: building.transformations.typeOf(of.id),
    inputs: Object.freeze(inputs),
  });
}

const NO_KEYS: readonly undefined[] = Object.freeze([undefined]);

/** Flink's names: sources and sinks say what they are. */
function displayName(of: PhysicalTransformation): string {
  if (of.kind === 'source') return `Source: ${of.name}`;
  return of.spec.kind === 'sink' ? `Sink: ${of.name}` : of.name;
}

/** A way from an operator's output to another's input, through virtual transformations. */
interface Route {
  readonly source: number;
  /** The logical input of the target. */
  readonly input: number;
  readonly tag: string | undefined;
  /** The partition nearest to the target; undefined: the default. */
  readonly partitioner: PartitionerSpec | undefined;
  readonly keySelector: AnyKeySelector | undefined;
  readonly type: TypeInformation<AnyRecord> | undefined;
}

function routesOf(
  { inputs }: OperatorTransformation,
  transformations: TransformationsBuilder,
): readonly Route[] {
  return inputs.flatMap((from, input) =>
    routesInto(from, transformations).map((route) => ({ ...route, input })),
  );
}

function routesInto(
  input: number,
  transformations: TransformationsBuilder,
): readonly Omit<Route, 'input'>[] {
  const from = transformations.get(input);
  switch (from.kind) {
    case 'source':
    case 'operator':
      return [
        { source: from.id, tag: undefined, ...NO_PARTITION, type: transformations.typeOf(from.id) },
      ];
    case 'side-output':
      return [
        {
          source: from.input,
          tag: from.tag.id,
          ...NO_PARTITION,
          type: transformations.typeOf(from.id),
        },
      ];
    case 'union':
      return from.inputs.flatMap((each) => routesInto(each, transformations));
    case 'partition': {
      const { partitioner, keySelector } = from;
      return routesInto(from.input, transformations).map((route) => ({
        ...route,
        partitioner,
        keySelector,
      }));
    }
    default:
      return from satisfies never;
  }
}

const NO_PARTITION = { partitioner: undefined, keySelector: undefined } as const;

function streamEdge(
  route: Route,
  target: PhysicalTransformation,
  parallelism: number,
  building: Building,
): StreamEdge {
  const source = nodeOf(building, route.source);
  const isEqual = source.parallelism === parallelism;
  const partitioner = route.partitioner ?? (isEqual ? FORWARD : REBALANCE);
  if (partitioner.kind === 'forward' && !isEqual) {
    throw new MillraceError(
      'JOB_GRAPH_INVALID',
      `forward from operator '${source.name}' (parallelism ${source.parallelism}) to ` +
        `'${target.name}' ` +
        `(parallelism ${parallelism}) needs equal parallelism: set it on one of them, or use ` +
        'rebalance()',
    );
  }
  return Object.freeze({
    source: source.id,
    target: target.id,
    input: route.input,
    tag: route.tag,
    partitioner,
    keySelector: route.keySelector,
    type: route.type,
  });
}

const FORWARD: PartitionerSpec = Object.freeze({ kind: 'forward' });
const REBALANCE: PartitionerSpec = Object.freeze({ kind: 'rebalance' });

function nodeOf(building: Building, id: number): StreamNode {
  const node = building.nodes.get(id);
  // Inputs come before what they feed, so this is a bug if ever.
  if (node === undefined)
    throw new MillraceError('BUG', `operator ${id} is used before it was built`);
  return node;
}

function parallelismOf(
  of: PhysicalTransformation,
  inputs: readonly StreamNode[],
  configuration: PipelineConfiguration,
): number {
  if (of.nonParallel) return 1;
  if (of.spec.kind === 'source')
    return sourceParallelism(of, of.spec.source.parallelismMax, configuration);
  if (of.parallelism !== undefined) return of.parallelism;
  // A collect operator stays in its input's chain, so that the order of one subtask's records is
  // kept.
  const [first] = inputs;
  return of.spec.kind === 'collect' && first !== undefined
    ? first.parallelism
    : configuration.parallelism;
}

function sourceParallelism(
  of: PhysicalTransformation,
  max: number | undefined,
  configuration: PipelineConfiguration,
): number {
  if (max === undefined) return of.parallelism ?? configuration.parallelism;
  if (of.parallelism === undefined) return Math.min(configuration.parallelism, max);
  if (of.parallelism <= max) return of.parallelism;
  throw new MillraceError(
    'PARALLELISM_INVALID',
    `operator '${of.name}' has parallelism ${of.parallelism}, but its source can use ${max} at ` +
      'most: ' +
      'leave setParallelism out and call rebalance() behind it',
    { details: { value: of.parallelism, max } },
  );
}

function maxParallelismOf(
  of: PhysicalTransformation,
  parallelism: number,
  configuration: PipelineConfiguration,
): number {
  return of.maxParallelism ?? configuration.maxParallelism ?? derivedMaxParallelism(parallelism);
}

function commonGroup(inputs: readonly StreamNode[]): string {
  const [first] = inputs;
  const group = first?.slotSharingGroup ?? DEFAULT_GROUP;
  return inputs.every((input) => input.slotSharingGroup === group) ? group : DEFAULT_GROUP;
}

const DEFAULT_GROUP = 'default';

function requireSink(reachable: readonly Transformation[]): void {
  if (reachable.some((each) => each.kind === 'operator' && isSink(each.spec))) return;
  const last = reachable.findLast((each) => each.kind === 'operator');
  const where = last === undefined ? 'no stream is read' : `operator '${last.name}' leads nowhere`;
  throw new MillraceError(
    'JOB_GRAPH_INVALID',
    `the program has no sink (${where}): end a stream with sinkTo(…), print() or ` +
      'executeAndCollect()',
  );
}

function isSink(spec: OperatorSpec): boolean {
  return spec.kind === 'sink' || spec.kind === 'collect';
}

function requireDistinctCollectNames(reachable: readonly Transformation[]): void {
  const seen = new Set<string>();
  for (const each of reachable) {
    if (each.kind !== 'operator' || each.spec.kind !== 'collect') continue;
    const { collectName } = each.spec;
    if (seen.has(collectName)) {
      throw new MillraceError(
        'JOB_GRAPH_INVALID',
        `operator '${each.name}' collects under the name '${collectName}', which is taken: give ` +
          'each collectAsync its own',
      );
    }
    seen.add(collectName);
  }
}
