/**
 * The graph around an operator under test: sources that nobody reads, the operator, sinks that
 * nobody runs. The operator's task is then built as in a job.
 */
import { buildJobGraph, createModuleEnvironment } from '../../api/datastream/module-environment.ts';
import type { DataStream } from '../../api/datastream/data-stream.ts';
import type { DataStreamSink } from '../../api/datastream/data-stream-sink.ts';
import { SingleOutputStreamOperator } from '../../api/datastream/single-output-stream-operator.ts';
import type { StreamExecutionEnvironment } from '../../api/datastream/stream-execution-environment.ts';
import { MillraceError } from '../../base/errors.ts';
import type { OutputTag } from '../../functions/output-tag.ts';
import { END_OF_INPUT, type Source } from '../../functions/source.ts';
import { WatermarkStrategy } from '../../functions/watermark-strategy.ts';
import { configurationWith, defaultConfiguration } from '../../graph/configuration.ts';
import type { ChainNode, JobEdge, JobGraph, JobVertex } from '../../graph/job-graph.ts';
import type { AnyRecord } from '../../graph/operator-spec.ts';

/** What a test builds behind its stream: one operator, or one sink. */
export type HarnessResult<OUT> = DataStream<OUT> | DataStreamSink;

/** Adds the operator under test to an environment, and returns what comes out of it. */
export type HarnessBuild<OUT> = (env: StreamExecutionEnvironment) => HarnessResult<OUT>;

/** How the graph is made. */
export interface HarnessProgramOptions {
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly configuration: Readonly<Record<string, string>>;
  readonly sideOutputs: readonly OutputTag<AnyRecord>[];
}

/** The operator under test in its graph. */
export interface HarnessProgram {
  readonly graph: JobGraph;
  readonly vertex: JobVertex;
  readonly node: ChainNode;
  /** The edge of each logical input, by its number; undefined for a source. */
  readonly inputs: readonly JobEdge[];
  /** The tag of the window's late records, if it has one. */
  readonly lateDataTag: OutputTag<AnyRecord> | undefined;
}

const OUTPUT = 'harness output';
const JOB_NAME = 'harness';

/** Builds the graph; refuses what is not exactly one operator. */
export function harnessProgram<OUT>(
  build: HarnessBuild<OUT>,
  options: HarnessProgramOptions,
): HarnessProgram {
  const { parallelism, maxParallelism, configuration } = options;
  const env = createModuleEnvironment(
    configurationWith(defaultConfiguration, {
      ...configuration,
      'pipeline.operator-chaining.enabled': 'false',
      'parallelism.default': String(parallelism),
      'pipeline.max-parallelism': String(maxParallelism),
    }),
  );
  const result = build(env);
  if (!isSink(result)) result.collectAsync(OUTPUT);
  const vertex = vertexUnderTest(buildJobGraph(env, JOB_NAME));
  const lateDataTag = lateDataTagOf(vertex);
  readSideOutputs(result, [...options.sideOutputs, ...(lateDataTag ? [lateDataTag] : [])]);
  const graph = buildJobGraph(env, JOB_NAME);
  return { graph, lateDataTag, ...placeIn(graph, vertexUnderTest(graph)) };
}

/** The stream that an operator under test reads. */
export function harnessStream<T>(env: StreamExecutionEnvironment, name: string): DataStream<T> {
  const strategy = WatermarkStrategy.forMonotonousTimestamps<AnyRecord>();
  return env.fromSource<T>(NEVER_READ as Source<T>, strategy, name).setParallelism(1);
}

/** Its tasks are never built. */
const NEVER_READ: Source<AnyRecord> = {
  boundedness: 'bounded',
  createEnumerator: () => ({
    addReader: () => undefined,
    handleSplitRequest: () => undefined,
    addSplitsBack: () => undefined,
    snapshotState: () => [],
  }),
  createReader: () => ({
    pollNext: () => END_OF_INPUT,
    isAvailable: () => Promise.resolve(),
    addSplits: () => undefined,
    notifyNoMoreSplits: () => undefined,
    snapshotState: () => [],
    close: () => undefined,
  }),
};

function isSink<OUT>(result: HarnessResult<OUT>): result is DataStreamSink {
  return !('collectAsync' in result);
}

function vertexUnderTest(graph: JobGraph): JobVertex {
  const candidates = graph.vertices.filter(({ nodes }) => !nodes.some(isOfHarness));
  const [vertex] = candidates;
  if (vertex !== undefined && candidates.length === 1) return vertex;
  const names = candidates.map(({ name }) => `'${name}'`).join(', ');
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `a harness runs one operator, but ${candidates.length} were built${names && `: ${names}`}; ` +
      'return the stream or sink that the one operator under test gives, and use simulate() for ' +
      'whole programs',
  );
}

function isOfHarness({ spec }: ChainNode): boolean {
  if (spec.kind === 'source') return spec.source === NEVER_READ;
  return spec.kind === 'collect' && spec.collectName.startsWith(OUTPUT);
}

function lateDataTagOf({ nodes }: JobVertex): OutputTag<AnyRecord> | undefined {
  const spec = nodes[0]?.spec;
  return spec !== undefined && 'lateDataTag' in spec ? spec.lateDataTag : undefined;
}

function readSideOutputs<OUT>(
  result: HarnessResult<OUT>,
  tags: readonly OutputTag<AnyRecord>[],
): void {
  for (const { id } of new Map(tags.map((tag) => [tag.id, tag])).values()) {
    const tag = tags.find((each) => each.id === id);
    if (tag === undefined) continue;
    if (result instanceof SingleOutputStreamOperator) {
      result.getSideOutput(tag).collectAsync(`${OUTPUT} ${id}`);
      continue;
    }
    throw new MillraceError(
      'ILLEGAL_ARGUMENT',
      `the harness was given side output '${id}', but what was built has no side outputs`,
    );
  }
}

function placeIn(
  graph: JobGraph,
  vertex: JobVertex,
): Pick<HarnessProgram, 'vertex' | 'node' | 'inputs'> {
  const [node] = vertex.nodes;
  if (node === undefined) throw new MillraceError('BUG', `vertex '${vertex.name}' is empty`);
  const inputs: JobEdge[] = [];
  for (const index of vertex.inputs) {
    const edge = graph.edges[index];
    if (edge !== undefined) inputs[edge.target.input] ??= edge;
  }
  return { vertex, node, inputs };
}
