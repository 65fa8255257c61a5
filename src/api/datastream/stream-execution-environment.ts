/**
 * Where programs begin: sources, settings, and the execution of what was built.
 *
 * Invariants:
 * 1. The environment owns the jobs that it started; disposing it cancels them and leaves nothing.
 * 2. The environment of a job module only builds: the host executes (see `module-environment.ts`).
 * 3. An execution takes the operators added since the last one, with all that feeds them.
 */
import type { Environment } from '../../base/environment.ts';
import { MillraceError } from '../../base/errors.ts';
import type { Source } from '../../functions/source.ts';
import { WatermarkStrategy } from '../../functions/watermark-strategy.ts';
import { builtIn } from '../../graph/built-ins.ts';
import {
  configurationWith,
  defaultConfiguration,
  type ExecutorName,
  type PipelineConfiguration,
} from '../../graph/configuration.ts';
import { type JobClient, type JobExecutionResult, jobExecutor } from '../../graph/job-client.ts';
import { jobGraphFrom } from '../../graph/job-graph-builder.ts';
import type { AnyRecord } from '../../graph/operator-spec.ts';
import { requireParallelism } from '../../graph/parallelism.ts';
import { planJson } from '../../graph/plan-json.ts';
import { buildStreamGraph, type StreamGraph } from '../../graph/stream-graph.ts';
import { defaultSettings } from '../../graph/transformation.ts';
import { TransformationsBuilder } from '../../graph/transformations-builder.ts';
import { describeValue } from '../../types/misfit.ts';
import type { TypeInformation } from '../../types/type-information.ts';
import {
  illegalArgument,
  requireBufferTimeout,
  requireMethods,
  requireText,
  requireType,
} from './arguments.ts';
import { DataStream } from './data-stream.ts';
import { DataStreamSink } from './data-stream-sink.ts';
import { DataStreamSource } from './data-stream-source.ts';
import { KeyedStream } from './keyed-stream.ts';
import { SingleOutputStreamOperator } from './single-output-stream-operator.ts';
import { type StreamContext, type StreamFactory, StreamHandle } from './stream-context.ts';

/** The name of a job that was given none. */
export const DEFAULT_JOB_NAME = 'Millrace Streaming Job';

/** How an environment is set up; what is left out has its default. */
export interface ExecutionEnvironmentOptions {
  /** Subtasks per operator (1). */
  readonly parallelism?: number | undefined;
  readonly maxParallelism?: number | undefined;
  /**
   * Options by their keys, such as `{ 'execution.buffer-timeout.interval': '5 ms' }`; the named
   * options here win.
   */
  readonly configuration?: Readonly<Record<string, string>> | undefined;
  /** Clock, random, disk and network of the jobs; the real ones if left out. */
  readonly environment?: Environment | undefined;
  /** Who runs the jobs (`inline`). */
  readonly executor?: ExecutorName | undefined;
}

const streams: StreamFactory = Object.freeze({
  stream: <T>(handle: StreamHandle) => new DataStream<T>(handle),
  operator: <T>(handle: StreamHandle) => new SingleOutputStreamOperator<T>(handle),
  keyed: <T, K>(handle: StreamHandle) => new KeyedStream<T, K>(handle),
  sink: (handle: StreamHandle) => new DataStreamSink(handle),
});

/**
 * Builds and executes programs.
 *
 * @example
 * await using env = StreamExecutionEnvironment.getExecutionEnvironment({ parallelism: 2 });
 * env.fromSequence(1, 100).filter((n) => n % 7 === 0).print();
 * await env.execute('sevens');
 */
export class StreamExecutionEnvironment implements AsyncDisposable {
  readonly #context: StreamContext;
  readonly #environment: Environment | undefined;
  readonly #onlyBuilds: boolean;
  readonly #jobs = new Set<JobClient>();
  #configuration: PipelineConfiguration;
  #isDisposed = false;

  private constructor(
    configuration: PipelineConfiguration,
    environment: Environment | undefined,
    onlyBuilds: boolean,
  ) {
    this.#configuration = configuration;
    this.#environment = environment;
    this.#onlyBuilds = onlyBuilds;
    this.#context = Object.freeze({
      transformations: new TransformationsBuilder(),
      streams,
      startJob: (jobName: string | undefined) => this.#startJob(jobName),
      endJob: (job: JobClient) => this.#endJob(job),
    });
  }

  /**
   * An environment that runs its jobs in this process.
   *
   * @example
   * const configuration = { 'execution.buffer-timeout.interval': '5 ms' };
   * const options = { parallelism: 4, configuration };
   * const env = StreamExecutionEnvironment.getExecutionEnvironment(options);
   */
  static getExecutionEnvironment(
    options: ExecutionEnvironmentOptions = {},
  ): StreamExecutionEnvironment {
    const { parallelism, maxParallelism, executor, environment } = options;
    let configuration = configurationWith(defaultConfiguration, options.configuration ?? {});
    if (executor !== undefined) {
      configuration = configurationWith(configuration, { 'execution.executor': executor });
    }
    const env = new StreamExecutionEnvironment(configuration, environment, false);
    if (parallelism !== undefined) env.setParallelism(parallelism);
    if (maxParallelism !== undefined) env.setMaxParallelism(maxParallelism);
    return env;
  }

  /** {@link StreamExecutionEnvironment.getExecutionEnvironment} under a shorter name. */
  static create(options: ExecutionEnvironmentOptions = {}): StreamExecutionEnvironment {
    return StreamExecutionEnvironment.getExecutionEnvironment(options);
  }

  /** @internal */
  static forModule(configuration: PipelineConfiguration): StreamExecutionEnvironment {
    return new StreamExecutionEnvironment(configuration, undefined, true);
  }

  /** The parallelism of operators that set none. */
  getParallelism(): number {
    return this.#configuration.parallelism;
  }

  /** Sets the parallelism of operators that set none. */
  setParallelism(parallelism: number): this {
    requireParallelism('the environment', 'parallelism', parallelism);
    return this.#change({ parallelism });
  }

  /** Sets the maximum parallelism of operators that set none. */
  setMaxParallelism(maxParallelism: number): this {
    requireParallelism('the environment', 'maximum parallelism', maxParallelism);
    return this.#change({ maxParallelism });
  }

  /**
   * Sets after how many ms buffers are flushed: 0 each record, -1 only full ones. The knob between
   * latency and throughput.
   */
  setBufferTimeout(bufferTimeoutMs: number): this {
    requireBufferTimeout('the environment', bufferTimeoutMs);
    return this.#change({ bufferTimeoutMs });
  }

  /** Runs every operator in a chain of its own, to find out what one costs. */
  disableOperatorChaining(): this {
    return this.#change({ operatorChaining: false });
  }

  /** The options in force. */
  getConfiguration(): PipelineConfiguration {
    return this.#configuration;
  }

  /**
   * A stream from a source, with timestamps and watermarks by a strategy.
   *
   * @example
   * const numbers = dataGeneratorSource({ generator: (index) => ({ id: index }), count: 1000 });
   * env.fromSource(numbers, WatermarkStrategy.noWatermarks(), 'numbers');
   */
  fromSource<T>(
    source: Source<T, AnyRecord>,
    strategy: WatermarkStrategy<NoInfer<T>>,
    name: string,
    type?: TypeInformation<T>,
  ): DataStreamSource<T> {
    requireText('fromSource', 'name', name);
    requireMethods(name, source, ['createEnumerator', 'createReader']);
    requireMethods(name, strategy, ['withTimestampAssigner']);
    return this.#addSource(source, { strategy, name, type });
  }

  /**
   * A stream of the given values, or of one array's elements.
   *
   * @example
   * env.fromData('to', 'be', 'or');
   * env.fromData([{ id: 1 }, { id: 2 }]);
   */
  fromData<T>(values: readonly T[]): DataStreamSource<T>;
  fromData<T>(...values: readonly T[]): DataStreamSource<T>;
  fromData(...values: readonly unknown[]): DataStreamSource<unknown> {
    const [only] = values;
    return this.fromCollection(values.length === 1 && Array.isArray(only) ? only : values);
  }

  /** A stream of an iterable's elements, which are read now; for a declared type. */
  fromCollection<T>(values: Iterable<T>, type?: TypeInformation<T>): DataStreamSource<T> {
    if (typeof values !== 'object' || values === null || !(Symbol.iterator in values)) {
      throw illegalArgument(
        `fromCollection got ${describeValue(values)}: give an array, a Set or another iterable`,
      );
    }
    const list = Object.freeze([...values]);
    const source = builtIn('collectionSource')(list, type);
    return this.#addSource(source, { name: 'Collection Source', type, parameters: list });
  }

  /** A stream of the whole numbers from `from` to `to`, both included. */
  fromSequence(from: number, to: number): DataStreamSource<number> {
    if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to)) {
      throw illegalArgument(`fromSequence got ${from} and ${to}: give two whole numbers`);
    }
    const source = builtIn('sequenceSource')(from, to);
    return this.#addSource(source, { name: 'Sequence Source', parameters: [from, to] });
  }

  /**
   * A stream of what an async iterable gives, with backpressure on it; a function makes a new one
   * for each run.
   *
   * @example
   * env.fromAsyncIterable(async function* () {
   *   for await (const line of createInterface(process.stdin)) yield line;
   * });
   */
  fromAsyncIterable<T>(
    iterable: AsyncIterable<T> | (() => AsyncIterable<T>),
    type?: TypeInformation<T>,
  ): DataStreamSource<T> {
    const isIterable =
      typeof iterable === 'object' && iterable !== null && Symbol.asyncIterator in iterable;
    if (typeof iterable !== 'function' && !isIterable) {
      throw illegalArgument(
        `fromAsyncIterable got ${describeValue(iterable)}: give an async iterable or a function ` +
          'that makes one',
      );
    }
    const factory = typeof iterable === 'function' ? iterable : () => iterable;
    const source = builtIn('asyncIterableSource')(factory, type);
    return this.#addSource(source, { name: 'Async Iterable Source', type, parameters: factory });
  }

  /** Starts the job and resolves with its result when it has finished. */
  async execute(jobName?: string): Promise<JobExecutionResult> {
    const job = this.#startJob(jobName);
    try {
      return await job.getJobExecutionResult();
    } finally {
      await this.#endJob(job);
    }
  }

  /** Starts the job and returns its client; the environment, when disposed, cancels it. */
  async executeAsync(jobName?: string): Promise<JobClient> {
    return this.#startJob(jobName);
  }

  /** The program so far as JSON, in the form that Flink's plan visualizer reads. */
  getExecutionPlan(): string {
    return planJson(this.getStreamGraph());
  }

  /** @internal */
  getStreamGraph(): StreamGraph {
    return buildStreamGraph(this.#context.transformations, this.#configuration);
  }

  /** Cancels the jobs that still run and resolves when nothing of them is left; idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    await Promise.all([...this.#jobs].map((job) => this.#endJob(job)));
  }

  #startJob(jobName: string | undefined): JobClient {
    this.#requireExecutable();
    if (jobName !== undefined) requireText('execute', 'job name', jobName);
    const graph = jobGraphFrom(this.getStreamGraph(), jobName ?? DEFAULT_JOB_NAME);
    const environment = this.#environment ?? builtIn('environment')();
    const job = jobExecutor(this.#configuration.executor).execute({
      graph,
      environment,
      module: undefined,
    });
    this.#context.transformations.clearPending();
    this.#jobs.add(job);
    return job;
  }

  async #endJob(job: JobClient): Promise<void> {
    await job[Symbol.asyncDispose]();
    this.#jobs.delete(job);
  }

  #requireExecutable(): void {
    if (this.#onlyBuilds) {
      throw new MillraceError(
        'ILLEGAL_STATE',
        'a job module only builds the graph; only the host executes: export default (env) => { ' +
          '… } without calling ' +
          'execute, and end streams that you want to read with collectAsync(name)',
      );
    }
    if (this.#isDisposed) {
      throw new MillraceError(
        'ILLEGAL_STATE',
        'the environment is disposed: make a new one to execute',
      );
    }
  }

  #change(change: Partial<PipelineConfiguration>): this {
    this.#configuration = Object.freeze({ ...this.#configuration, ...change });
    return this;
  }

  #addSource<T>(source: Source<T, AnyRecord>, given: SourceSettings): DataStreamSource<T> {
    const {
      strategy = WatermarkStrategy.noWatermarks<AnyRecord>(),
      name,
      type,
      parameters,
    } = given;
    const declaredType = type ?? source.producedType;
    if (declaredType !== undefined) requireType(name, declaredType);
    const id = this.#context.transformations.add({
      kind: 'source',
      ...defaultSettings(name),
      declaredType,
      spec: Object.freeze({ kind: 'source', source, strategy, parameters }),
    });
    return new DataStreamSource<T>(new StreamHandle(this.#context, id));
  }
}

interface SourceSettings {
  readonly name: string;
  readonly strategy?: WatermarkStrategy<AnyRecord>;
  readonly type?: TypeInformation<AnyRecord> | undefined;
  /** What the built-in source was made from, for the comparison of graphs. */
  readonly parameters?: unknown;
}
