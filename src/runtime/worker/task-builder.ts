/**
 * Builds the tasks of one worker from the JobGraph: stages, chains, channels, inputs.
 *
 * Invariant: tasks are built in the graph's topological order, so that the producer of a local channel exists before its
 * consumer.
 */
import type { Environment } from '../../base/environment.ts';
import { MillraceError } from '../../base/errors.ts';
import type { MetricGroup, SubtaskContext } from '../../functions/runtime-context.ts';
import type { ChainNode, JobEdge, JobGraph, JobVertex } from '../../graph/job-graph.ts';
import type { MetricsLayout } from '../../metrics/metrics-layout.ts';
import { SubtaskMetrics } from '../../metrics/subtask-metrics.ts';
import type { ChainStage, CollectEndpoint } from '../../operators/chain-stage.ts';
import { stageFor } from '../../operators/registry.ts';
import type { FrameWriter } from '../../types/frame-writer.ts';
import type { InputChannel, OutputChannel } from '../channel/channel.ts';
import { connectionsOf, targetSubtasks } from '../channel/connections.ts';
import { EdgeOutput, frameWriterSlot } from '../channel/edge-output.ts';
import { EdgeSchema } from '../channel/edge-schema.ts';
import { Chain } from '../task/chain.ts';
import { GateInput } from '../task/gate-input.ts';
import { SourceInput } from '../task/source-input.ts';
import { sourceStage } from '../task/source-stage.ts';
import { taskFailure } from '../task/task-failure.ts';
import type { TaskInput } from '../task/task-input.ts';
import { operatorMetricGroup, TaskMetricsPublisher } from '../task/task-metrics.ts';
import { Task } from '../task/task.ts';

/** Makes the ends of channels; how depends on where the other end is. */
export interface ChannelFactory {
  output(
    place: ChannelPlace,
    schema: EdgeSchema,
    onNewWriter: (writer: FrameWriter) => void,
  ): OutputChannel;
  input(place: ChannelPlace): InputChannel;
}

/** Which channel: of which edge, from which subtask to which. */
export interface ChannelPlace {
  readonly edge: JobEdge;
  readonly source: number;
  readonly target: number;
}

/** What a worker's tasks share. */
export interface TaskBuilderOptions {
  readonly graph: JobGraph;
  readonly environment: Environment;
  readonly metricsLayout: MetricsLayout;
  readonly metricsBuffer: ArrayBufferLike;
  readonly channels: ChannelFactory;
  readonly collectEndpoint: (name: string, subtask: number) => CollectEndpoint;
  readonly sendSplitRequest: (vertex: number, subtask: number) => void;
  readonly wake: () => void;
  readonly fail: (error: unknown) => void;
}

/** A task with what its worker needs to drive and show it. */
export interface BuiltTask {
  readonly task: Task;
  readonly vertex: JobVertex;
  readonly subtask: number;
  readonly metrics: TaskMetricsPublisher;
  /** On sources that are open. */
  readonly source: SourceInput | undefined;
}

/** Builds one task; no user code runs before its `open`. */
export function buildTask(
  options: TaskBuilderOptions,
  vertex: JobVertex,
  subtask: number,
): BuiltTask {
  const { graph, environment } = options;
  const metrics = new SubtaskMetrics(options.metricsLayout, options.metricsBuffer, {
    vertex: vertex.index,
    subtask,
  });
  const collectEndpoints: CollectEndpoint[] = [];
  const chain = new Chain({
    vertex,
    stages: vertex.nodes.map(stageOf),
    outputs: vertex.outputs.map((index) => edgeOutput(options, edgeAt(graph, index), subtask)),
    environment,
    configuration: graph.configuration,
    runtimeContext: (node) => runtimeContextOf(options, vertex, node, subtask, metrics),
    collectEndpoint: (name) => {
      const endpoint = options.collectEndpoint(name, subtask);
      collectEndpoints.push(endpoint);
      return endpoint;
    },
    dump: dumpTo(options, vertex, subtask),
  });
  let source: SourceInput | undefined;
  const openInput = (): TaskInput => {
    const fail = (error: unknown): void => options.fail(taskFailure(task, error));
    source = sourceInput({ ...options, fail }, chain, subtask, operatorMetricGroup(metrics, 0));
    return source ?? gateInput(options, chain, subtask);
  };
  const { wake, fail } = options;
  const task = new Task({ chain, openInput, subtask, environment, collectEndpoints, wake, fail });
  return {
    task,
    vertex,
    subtask,
    metrics: new TaskMetricsPublisher(metrics, chain),
    get source(): SourceInput | undefined {
      return source;
    },
  };
}

/** The edge of that index. */
export function edgeAt(graph: JobGraph, index: number): JobEdge {
  const edge = graph.edges[index];
  if (edge === undefined) throw new MillraceError('BUG', `the graph has no edge ${index}`);
  return edge;
}

/** The vertex of that index. */
export function vertexAt(graph: JobGraph, index: number): JobVertex {
  const vertex = graph.vertices[index];
  if (vertex === undefined) throw new MillraceError('BUG', `the graph has no vertex ${index}`);
  return vertex;
}

function stageOf({ spec }: ChainNode): ChainStage {
  return spec.kind === 'source' ? sourceStage(spec) : stageFor(spec);
}

function edgeOutput(options: TaskBuilderOptions, edge: JobEdge, source: number): EdgeOutput {
  const { graph, environment, channels } = options;
  const producer = vertexAt(graph, edge.source.vertex);
  const consumer = vertexAt(graph, edge.target.vertex);
  const operatorName = producer.nodes[edge.source.node]?.name ?? producer.name;
  const schema = new EdgeSchema(edge.type, edge.partitioner.kind === 'hash', operatorName);
  const frameWriters: FrameWriter[] = [];
  const targets = targetSubtasks(
    edge.partitioner.kind,
    producer.parallelism,
    consumer.parallelism,
    source,
  );
  return new EdgeOutput({
    edge,
    schema,
    channels: targets.map((target, index) =>
      channels.output({ edge, source, target }, schema, frameWriterSlot(frameWriters, index)),
    ),
    frameWriters,
    targetMaxParallelism: consumer.maxParallelism,
    environment,
  });
}

function sourceInput(
  options: TaskBuilderOptions,
  chain: Chain,
  subtask: number,
  metricGroup: MetricGroup,
): SourceInput | undefined {
  const { vertex } = chain;
  const spec = vertex.nodes[0]?.spec;
  if (spec?.kind !== 'source') return undefined;
  return new SourceInput({
    source: spec.source,
    chain,
    subtask,
    parallelism: vertex.parallelism,
    environment: options.environment,
    metricGroup,
    sendSplitRequest: () => options.sendSplitRequest(vertex.index, subtask),
    wake: options.wake,
    fail: options.fail,
  });
}

function gateInput(options: TaskBuilderOptions, chain: Chain, subtask: number): GateInput {
  const { graph, channels } = options;
  const inputs: InputChannel[] = [];
  const logicalInputs: number[] = [];
  for (const index of chain.vertex.inputs) {
    const edge = edgeAt(graph, index);
    for (const { source, target } of connectionsOf(graph, edge)) {
      if (target !== subtask) continue;
      inputs.push(channels.input({ edge, source, target }));
      logicalInputs.push(edge.target.input);
    }
  }
  return new GateInput(inputs, chain, options.environment, logicalInputs);
}

function runtimeContextOf(
  options: TaskBuilderOptions,
  vertex: JobVertex,
  node: ChainNode,
  subtask: number,
  metrics: SubtaskMetrics,
): SubtaskContext {
  return {
    jobName: options.graph.jobName,
    taskName: node.name,
    indexOfThisSubtask: subtask,
    numberOfParallelSubtasks: vertex.parallelism,
    maxNumberOfParallelSubtasks: vertex.maxParallelism,
    environment: options.environment,
    metricGroup: operatorMetricGroup(metrics, node.index),
  };
}

function dumpTo(
  options: TaskBuilderOptions,
  vertex: JobVertex,
  subtask: number,
): ((name: string, source: string) => void) | undefined {
  const folder = options.graph.configuration.dumpChains;
  if (folder === undefined) return undefined;
  const { fileSystem } = options.environment;
  return (name, source) => {
    fileSystem.makeDirectory(folder);
    const file = `${folder}/vertex-${vertex.index}-subtask-${subtask}-${name}.js`;
    const head = `// ${vertex.name.replaceAll(/[\r\n]/g, ' ')}\n`;
    using handle = fileSystem.open(file, 'write');
    handle.append(Buffer.from(`${head}${source}\n`, 'utf8'));
  };
}
