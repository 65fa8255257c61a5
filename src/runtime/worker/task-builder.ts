/**
 * Builds the tasks of one worker from the JobGraph: stages, chains, channels, inputs.
 *
 * Invariant: tasks are built in the graph's topological order, so that the producer of a local
 * channel exists before its consumer.
 */
import type { CheckpointBarrier } from '../../checkpoint/barrier.ts';
import type { SubtaskState } from '../../checkpoint/subtask-state.ts';
import type { KeyedStateBackend } from '../../state/keyed-state-backend.ts';
import type { OperatorStateBackend } from '../../state/operator-state-backend.ts';
import type { Environment } from '../../base/environment.ts';
import { MillraceError } from '../../base/errors.ts';
import type { SubtaskContext } from '../../functions/runtime-context.ts';
import type { SourceSplit } from '../../functions/source.ts';
import type { ChainNode, JobEdge, JobGraph, JobVertex } from '../../graph/job-graph.ts';
import type { MetricsLayout } from '../../metrics/metrics-layout.ts';
import { SubtaskMetrics } from '../../metrics/subtask-metrics.ts';
import type { ChainStage, CollectEndpoint } from '../../operators/chain-stage.ts';
import { stageFor } from '../../operators/registry.ts';
import type { FrameWriter } from '../../types/frame-writer.ts';
import type { InputChannel, OutputChannel } from '../channel/channel.ts';
import { type ChannelId, replayCapture } from '../channel/channel-capture.ts';
import { connectionsOf, targetSubtasks } from '../channel/connections.ts';
import { EdgeOutput, frameWriterSlot } from '../channel/edge-output.ts';
import { EdgeSchema } from '../channel/edge-schema.ts';
import { Chain, type ChainOptions } from '../task/chain.ts';
import type { RestoredState } from '../task/chain-state.ts';
import { GateInput, type GateInputOptions } from '../task/gate-input.ts';
import { SourceInput } from '../task/source-input.ts';
import { sourceStage } from '../task/source-stage.ts';
import { taskFailure } from '../task/task-failure.ts';
import type { TaskInput } from '../task/task-input.ts';
import type { SnapshotFiles } from '../task/task-checkpoints.ts';
import { operatorMetricGroup, TaskMetricsPublisher } from '../task/task-metrics.ts';
import { Task, type TaskCheckpointing } from '../task/task.ts';

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
  readonly state: TaskStateServices;
}

/** What tasks of a worker get of state and checkpoints. */
export interface TaskStateServices {
  readonly keyedBackend: (vertex: JobVertex, node: ChainNode, subtask: number) => KeyedStateBackend;
  readonly operatorBackend: (node: ChainNode) => OperatorStateBackend;
  /** What the job goes on from; undefined: it starts empty. */
  readonly restored: (vertex: JobVertex, subtask: number) => RestoredState | undefined;
  /**
   * Records that an operator's subtask had sent when the checkpoint was taken, and that nobody had
   * processed; in order.
   */
  readonly inFlight: (operatorId: string, subtask: number) => readonly InFlightRows[];
  /** Follows them on every channel; undefined if there are none in the whole job. */
  readonly restoredBarrier: CheckpointBarrier | undefined;
  readonly files: (vertex: JobVertex, subtask: number, checkpointId: number) => SnapshotFiles;
  readonly responder: CheckpointResponderOf;
  readonly hasFinalCheckpoint: boolean;
  readonly attempt: ChainOptions['attempt'];
  readonly endOfData: (vertex: number, subtask: number) => void;
}

/** Rows of a restored channel. */
export interface InFlightRows {
  readonly targetOperatorId: string;
  readonly targetInput: number;
  readonly tag: string | undefined;
  /** As `replayCapture` takes them. */
  readonly bytes: () => Uint8Array;
}

/** The answers of each subtask. */
export interface CheckpointResponderOf {
  acknowledge(checkpointId: number, state: SubtaskState): void;
  decline(checkpointId: number, place: SubtaskPlace, error: unknown): void;
}

/** A subtask of a vertex. */
export interface SubtaskPlace {
  readonly vertex: number;
  readonly subtask: number;
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
  const { state } = options;
  const restored = state.restored(vertex, subtask);
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
    attempt: state.attempt,
    state: {
      keyedBackend: (node) => state.keyedBackend(vertex, node, subtask),
      operatorBackend: state.operatorBackend,
      restored,
    },
  });
  let source: SourceInput | undefined;
  const openInput = (): TaskInput => {
    const fail = (error: unknown): void => options.fail(taskFailure(task, error));
    sendAgain(options, chain, subtask);
    const restoredSplits = restored?.of(vertex.nodes[0]?.operatorId ?? '')?.splits ?? [];
    source = sourceInput({ ...options, fail }, { chain, subtask, metrics, restoredSplits });
    return source ?? gateInput(options, { chain, subtask, aligned: task.aligned });
  };
  const { wake, fail } = options;
  const task = new Task({
    chain,
    openInput,
    subtask,
    environment,
    collectEndpoints,
    wake,
    fail,
    checkpointing: checkpointingOf(state, vertex, subtask),
  });
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

function checkpointingOf(
  { responder, files, hasFinalCheckpoint, endOfData }: TaskStateServices,
  vertex: JobVertex,
  subtask: number,
): TaskCheckpointing {
  const place = { vertex: vertex.index, subtask };
  return {
    responder: {
      acknowledge: (checkpointId, state) => responder.acknowledge(checkpointId, state),
      decline: (checkpointId, error) => responder.decline(checkpointId, place, error),
    },
    files: (checkpointId) => files(vertex, subtask, checkpointId),
    hasFinalCheckpoint,
    endOfData: () => endOfData(vertex.index, subtask),
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
    channelIds: targets.map((target) => channelIdOf(graph, { edge, source, target })),
    frameWriters,
    targetMaxParallelism: consumer.maxParallelism,
    environment,
  });
}

/** A channel in words that outlive a change of parallelism. */
export function channelIdOf(graph: JobGraph, { edge, source, target }: ChannelPlace): ChannelId {
  const producer = vertexAt(graph, edge.source.vertex);
  const consumer = vertexAt(graph, edge.target.vertex);
  return {
    sourceOperatorId: producer.nodes[edge.source.node]?.operatorId ?? '',
    targetOperatorId: consumer.nodes[0]?.operatorId ?? '',
    tag: edge.tag,
    sourceSubtask: source,
    targetSubtask: target,
    targetInput: edge.target.input,
  };
}

/** Sends the rows that were in flight, before all new ones. */
function sendAgain({ graph, state }: TaskBuilderOptions, chain: Chain, subtask: number): void {
  for (const node of chain.vertex.nodes) {
    for (const rows of state.inFlight(node.operatorId, subtask)) {
      const { targetOperatorId, targetInput, tag, bytes } = rows;
      const output = chain.outputs.find(
        ({ edge }) =>
          edge.source.node === node.index &&
          edge.tag === tag &&
          edge.target.input === targetInput &&
          vertexAt(graph, edge.target.vertex).nodes[0]?.operatorId === targetOperatorId,
      );
      if (output !== undefined) replayCapture(bytes(), output.write);
    }
  }
  const { restoredBarrier } = state;
  if (restoredBarrier === undefined) return;
  for (const output of chain.outputs) output.writeBarrier(restoredBarrier);
}

interface SourceParts {
  readonly chain: Chain;
  readonly subtask: number;
  readonly metrics: SubtaskMetrics;
  readonly restoredSplits: readonly unknown[];
}

function sourceInput(
  options: TaskBuilderOptions,
  { chain, subtask, metrics, restoredSplits }: SourceParts,
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
    metricGroup: operatorMetricGroup(metrics, 0),
    // Safe: they are what this source's own readers gave.
    restoredSplits: restoredSplits as readonly SourceSplit[],
    sendSplitRequest: () => options.sendSplitRequest(vertex.index, subtask),
    wake: options.wake,
    fail: options.fail,
  });
}

function gateInput(
  options: TaskBuilderOptions,
  { chain, subtask, aligned }: Pick<GateInputOptions, 'chain' | 'aligned'> & { subtask: number },
): GateInput {
  const { graph, channels, environment } = options;
  const isExactlyOnce = graph.configuration.checkpointing.mode === 'exactly-once';
  const inputs: InputChannel[] = [];
  const channelIds: ChannelId[] = [];
  let canOvertake = true;
  const logicalInputs: number[] = [];
  for (const index of chain.vertex.inputs) {
    const edge = edgeAt(graph, index);
    for (const { source, target } of connectionsOf(graph, edge)) {
      if (target !== subtask) continue;
      inputs.push(channels.input({ edge, source, target }));
      channelIds.push(channelIdOf(graph, { edge, source, target }));
      logicalInputs.push(edge.target.input);
    }
    // As in Flink: what was sent to every channel cannot be sent again to one of them.
    if (edge.partitioner.kind === 'broadcast') canOvertake = false;
  }
  return new GateInput(inputs, {
    chain,
    environment,
    isExactlyOnce,
    aligned,
    restoring: isExactlyOnce ? options.state.restoredBarrier?.checkpointId : undefined,
    inputs: logicalInputs,
    channelIds: canOvertake ? channelIds : undefined,
  });
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
