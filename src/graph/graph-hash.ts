/**
 * Fingerprints of job graphs: plain data to post between threads, its hash, and what differs
 * between two.
 *
 * A job module is run by the host and by every worker; they must have built the same graph.
 * Compared are structure, names, uids, kinds, parallelism, partitioners, types, parameters, the
 * source text of user functions and the options that change what a graph does. Not compared: the
 * job's name, the executor, where dumps go, and what a closure has captured.
 */
import { digest } from '../base/digest.ts';
import type { TypeInformation } from '../types/type-information.ts';
import { typeToString } from '../types/type-text.ts';
import type { PipelineConfiguration } from './configuration.ts';
import type { ChainNode, JobEdge, JobGraph, JobVertex, PartitionerSpec } from './job-graph.ts';
import { keyFieldsOf } from './key-fields.ts';
import type { AnyKeySelector, AnyRecord } from './operator-spec.ts';
import { valueText } from './value-text.ts';

/** What is compared of one operator: texts by aspect, such as `parallelism` or `function`. */
export interface OperatorFingerprint {
  readonly name: string;
  readonly aspects: Readonly<Record<string, string>>;
}

/** What is compared of a graph. */
export interface GraphFingerprint {
  readonly configuration: Readonly<Record<string, string>>;
  readonly operators: readonly OperatorFingerprint[];
}

/** A graph whose hash is still to be computed. */
export type UnhashedJobGraph = Omit<JobGraph, 'hash'>;

/** The hash of a graph's fingerprint. */
export function graphHash(graph: UnhashedJobGraph): string {
  return digest(JSON.stringify(graphFingerprint(graph)));
}

/** What is compared of a graph, as plain data. */
export function graphFingerprint(graph: UnhashedJobGraph): GraphFingerprint {
  return {
    configuration: configurationTexts(graph.configuration),
    operators: graph.vertices.flatMap((vertex) =>
      vertex.nodes.map((node) => ({ name: node.name, aspects: aspectsOf(graph, vertex, node) })),
    ),
  };
}

/**
 * Says in one sentence where two graphs differ first, naming the operator; undefined if they are
 * equal.
 *
 * @example
 * describeGraphDifference(ofHost, ofWorker);
 * // "operator 2 'Map': function is '(v) => v + 1' and '(v) => v + 2'"
 */
export function describeGraphDifference(
  a: GraphFingerprint,
  b: GraphFingerprint,
): string | undefined {
  const option = firstDifference(a.configuration, b.configuration);
  if (option !== undefined) return `option ${option}`;
  const count = Math.max(a.operators.length, b.operators.length);
  for (let index = 0; index < count; index++) {
    const difference = operatorDifference(a.operators[index], b.operators[index]);
    if (difference !== undefined) return `operator ${index + 1} ${difference}`;
  }
  return undefined;
}

function operatorDifference(
  a: OperatorFingerprint | undefined,
  b: OperatorFingerprint | undefined,
): string | undefined {
  const known = a ?? b;
  if (known === undefined) return undefined;
  if (a === undefined) return `'${known.name}' is only in the second graph`;
  if (b === undefined) return `'${known.name}' is only in the first graph`;
  if (a.name !== b.name) return `is '${a.name}' and '${b.name}'`;
  const difference = firstDifference(a.aspects, b.aspects);
  return difference === undefined ? undefined : `'${a.name}': ${difference}`;
}

function firstDifference(
  a: Readonly<Record<string, string>>,
  b: Readonly<Record<string, string>>,
): string | undefined {
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const left = a[name] ?? 'absent';
    const right = b[name] ?? 'absent';
    if (left !== right) return `${name} is '${excerpt(left, right)}' and '${excerpt(right, left)}'`;
  }
  return undefined;
}

const EXCERPT_MAX = 120;
const EXCERPT_BEFORE = 30;

/** A text, or if it is long the part around where it leaves the other. */
function excerpt(text: string, other: string): string {
  if (text.length <= EXCERPT_MAX) return text;
  let start = 0;
  while (start < other.length && text[start] === other[start]) start++;
  const from = Math.max(0, start - EXCERPT_BEFORE);
  const part = text.slice(from, from + EXCERPT_MAX);
  return `${from > 0 ? '…' : ''}${part}${from + EXCERPT_MAX < text.length ? '…' : ''}`;
}

function aspectsOf(
  graph: UnhashedJobGraph,
  vertex: JobVertex,
  node: ChainNode,
): Record<string, string> {
  const { kind, ...parameters } = node.spec;
  const aspects: Record<string, string> = {
    kind,
    uid: node.uid ?? 'none',
    'operator id': node.operatorId,
    chain: `${vertex.index}.${node.index} in ${node.parent}${tagText(node.parentTag)}`,
    parallelism: String(vertex.parallelism),
    'maximum parallelism': String(vertex.maxParallelism),
    'slot sharing group': vertex.slotSharingGroup,
    'input type': node.inputTypes.map(typeText).join(' and '),
    'output type': typeText(node.outputType),
    key: node.keySelectors.map(keyText).join(' and '),
  };
  for (const [name, value] of Object.entries(parameters)) aspects[name] = valueText(value);
  const inputs = node.index === 0 ? vertex.inputs : [];
  inputs.forEach((edge, at) => {
    aspects[`input ${at + 1}`] = edgeText(graph.edges[edge] as JobEdge);
  });
  return aspects;
}

function edgeText(edge: JobEdge): string {
  const from = `${edge.source.vertex}.${edge.source.node}`;
  const key = edge.keySelector === undefined ? '' : ` by key ${keyText(edge.keySelector)}`;
  const type = typeText(edge.type);
  const how = `${edge.exchange}, flushed after ${edge.bufferTimeoutMs} ms`;
  const input = edge.target.input === 0 ? '' : `into input ${edge.target.input + 1} `;
  return `${input}from ${from}${tagText(edge.tag)}, ${partitionerText(edge.partitioner)}${key}, of ${type}, ${how}`;
}

function tagText(tag: string | undefined): string {
  return tag === undefined ? '' : ` by ${tag}`;
}

function partitionerText(partitioner: PartitionerSpec): string {
  if (partitioner.kind !== 'custom') return partitioner.kind;
  return `custom ${valueText(partitioner.partitioner)} of ${keyText(partitioner.keySelector)}`;
}

function keyText(selector: AnyKeySelector | undefined): string {
  if (selector === undefined) return 'none';
  const fields = keyFieldsOf(selector);
  return fields === undefined ? valueText(selector) : `field ${fields.join(', ')}`;
}

function typeText(type: TypeInformation<AnyRecord> | undefined): string {
  return type === undefined ? 'captured' : typeToString(type);
}

function configurationTexts(configuration: PipelineConfiguration): Record<string, string> {
  const { executor: _executor, dumpChains: _dumpChains, ...compared } = configuration;
  return Object.fromEntries(
    Object.entries(compared).map(([name, value]) => [
      name,
      typeof value === 'object' ? valueText(value) : String(value),
    ]),
  );
}
