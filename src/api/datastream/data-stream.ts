/** A stream of records, and what can be done with it. */
import { MillraceError } from '../../base/errors.ts';
import type {
  FilterFunction,
  FlatMapFunction,
  KeySelector,
  MapFunction,
  Partitioner,
  RichFilterFunction,
  RichFlatMapFunction,
  RichMapFunction,
} from '../../functions/functions.ts';
import type { ObjectOrSupplier, ProcessFunction } from '../../functions/process-functions.ts';
import type { Sink } from '../../functions/sink.ts';
import type { MapStateDescriptor } from '../../functions/state.ts';
import type { WatermarkStrategy } from '../../functions/watermark-strategy.ts';
import type { GlobalWindow, Window } from '../../functions/windowing/window.ts';
import type { WindowAssigner } from '../../functions/windowing/window-assigner.ts';
import { builtIn } from '../../graph/built-ins.ts';
import type { PartitionerSpec } from '../../graph/job-graph.ts';
import type { AnyRecord } from '../../graph/operator-spec.ts';
import type { TypeInformation } from '../../types/type-information.ts';
import { typesEqual, typeToString } from '../../types/type-text.ts';
import { AllWindowedStream } from './all-windowed-stream.ts';
import {
  requireFunction,
  requireMethods,
  requireObject,
  requireText,
  requireType,
} from './arguments.ts';
import { BroadcastConnectedStream } from './broadcast-connected-stream.ts';
import { BroadcastStream } from './broadcast-stream.ts';
import {
  type CloseableIterator,
  CollectIterator,
  firstOf,
  requireLimit,
} from './collect-iterator.ts';
import { ConnectedStreams } from './connected-streams.ts';
import { countWindow } from './count-window.ts';
import type { DataStreamSink } from './data-stream-sink.ts';
import type { FieldOf } from './fields.ts';
import { JoinedStreams } from './joined-streams.ts';
import { keySelectorFor } from './key-selector.ts';
import { requireStream } from './stream-argument.ts';
import type { KeyedStream } from './keyed-stream.ts';
import type { SingleOutputStreamOperator } from './single-output-stream-operator.ts';
import type { NewOperator, StreamHandle } from './stream-context.ts';
import { WindowedStream } from './windowed-stream.ts';

/**
 * A stream of records of type `T`. Its methods add operators to the program; nothing runs before
 * `execute`.
 *
 * @example
 * env.fromData('to be', 'or not').flatMap((line) => line.split(' ')).print();
 */
export class DataStream<T> {
  /** @internal */
  readonly handle: StreamHandle;

  /** @internal */
  constructor(handle: StreamHandle) {
    this.handle = handle;
  }

  /**
   * The records' type, if it is declared or follows from the input; else it is captured at run
   * time.
   */
  getType(): TypeInformation<T> | undefined {
    return this.handle.type;
  }

  /** One record in, one out. */
  map<R>(
    mapper: MapFunction<T, R> | RichMapFunction<T, R>,
    outputType?: TypeInformation<R>,
  ): SingleOutputStreamOperator<R> {
    requireFunction('Map', mapper, 'map');
    const spec: NewOperator['spec'] =
      typeof mapper === 'object' && this.#isKeyed
        ? { kind: 'keyed-process', method: 'map', function: mapper }
        : { kind: 'map', function: mapper };
    return this.#add({ name: 'Map', spec, outputType, isKeyed: spec.kind === 'keyed-process' });
  }

  /** One record in, any number out: returned as an iterable, or given to the collector. */
  flatMap<R>(
    flatMapper: FlatMapFunction<T, R> | RichFlatMapFunction<T, R>,
    outputType?: TypeInformation<R>,
  ): SingleOutputStreamOperator<R> {
    requireFunction('Flat Map', flatMapper, 'flatMap');
    const spec: NewOperator['spec'] =
      typeof flatMapper === 'object' && this.#isKeyed
        ? { kind: 'keyed-process', method: 'flatMap', function: flatMapper }
        : { kind: 'flat-map', function: flatMapper };
    return this.#add({
      name: 'Flat Map',
      spec,
      outputType,
      isKeyed: spec.kind === 'keyed-process',
    });
  }

  /** Keeps the records for which the function is true. */
  filter<S extends T>(filter: (value: T) => value is S): SingleOutputStreamOperator<S>;
  filter(filter: FilterFunction<T> | RichFilterFunction<T>): SingleOutputStreamOperator<T>;
  filter(filter: FilterFunction<T> | RichFilterFunction<T>): SingleOutputStreamOperator<T> {
    requireFunction('Filter', filter, 'filter');
    const spec: NewOperator['spec'] =
      typeof filter === 'object' && this.#isKeyed
        ? { kind: 'keyed-process', method: 'filter', function: filter }
        : { kind: 'filter', function: filter };
    return this.#add({
      name: 'Filter',
      spec,
      keepsType: true,
      isKeyed: spec.kind === 'keyed-process',
    });
  }

  /** The general operator: results, side outputs and timestamps. */
  process<R>(
    processFunction: ObjectOrSupplier<ProcessFunction<T, R>>,
    outputType?: TypeInformation<R>,
  ): SingleOutputStreamOperator<R> {
    requireObject('Process', processFunction, ['processElement']);
    return this.#add({
      name: 'Process',
      spec: { kind: 'process', function: processFunction },
      outputType,
    });
  }

  /** Gives records new timestamps and the stream new watermarks; those from before end here. */
  assignTimestampsAndWatermarks(strategy: WatermarkStrategy<T>): SingleOutputStreamOperator<T> {
    const name = 'Timestamps/Watermarks';
    requireMethods(name, strategy, ['withTimestampAssigner']);
    return this.#add({
      name,
      spec: { kind: 'timestamps-and-watermarks', strategy },
      keepsType: true,
    });
  }

  /**
   * Partitions by key: all records of a key go to the same subtask, in their order.
   *
   * @example
   * flights.keyBy('origin'); // key: string
   * flights.keyBy((flight) => flight.origin);
   * flights.keyBy('origin', 'destination'); // key: [string, string]
   */
  keyBy<K>(selector: KeySelector<T, K>): KeyedStream<T, K>;
  keyBy<F extends FieldOf<T>>(field: F): KeyedStream<T, T[F]>;
  keyBy<const F extends readonly [FieldOf<T>, ...FieldOf<T>[]]>(
    ...fields: F
  ): KeyedStream<T, { -readonly [I in keyof F]: T[F[I]] }>;
  keyBy(...by: readonly unknown[]): KeyedStream<T, unknown> {
    const keySelector = keySelectorFor(this.handle, 'keyBy', by);
    return this.handle.context.streams.keyed(this.handle.partition(HASH, keySelector));
  }

  /** This stream and others of the same type as one, in no particular order. */
  union(...others: readonly DataStream<T>[]): DataStream<T> {
    for (const other of others) {
      this.handle.requireSameProgram(other.handle, 'union');
      requireEqualTypes(this.handle, other.handle);
    }
    const inputs = Object.freeze([this, ...others].map((each) => each.handle.id));
    return this.handle.context.streams.stream(this.handle.add({ kind: 'union', inputs }));
  }

  /**
   * This stream and another as the two inputs of one operator, which may share state; their types
   * may differ. With a broadcast stream: see {@link DataStream.broadcast}.
   *
   * @example
   * flights.connect(words).map({ map1: (flight) => flight.id, map2: (word) => word.length });
   */
  connect<B>(other: BroadcastStream<B>): BroadcastConnectedStream<T, B>;
  connect<B>(other: DataStream<B>): ConnectedStreams<T, B>;
  connect<B>(
    other: DataStream<B> | BroadcastStream<B>,
  ): ConnectedStreams<T, B> | BroadcastConnectedStream<T, B> {
    requireStream(this.handle, other);
    return other instanceof BroadcastStream
      ? new BroadcastConnectedStream<T, B>(this.handle, other)
      : new ConnectedStreams<T, B>(this.handle, other.handle);
  }

  /**
   * Pairs this stream's records with those of another that have the same key and fall into the same
   * window.
   *
   * @example
   * flights
   *   .join(stream)
   *   .where('destination')
   *   .equalTo('origin')
   *   .window(TumblingEventTimeWindows.of(hours(1)))
   *   .apply((arrival, departure) => [arrival.id, departure.id]);
   */
  join<B>(other: DataStream<B>): JoinedStreams<T, B, 'join'> {
    requireStream(this.handle, other, 'join');
    return new JoinedStreams<T, B, 'join'>('join', this.handle, other.handle);
  }

  /**
   * As {@link DataStream.join}, but the function gets all records of a key and window of both
   * streams at once.
   */
  coGroup<B>(other: DataStream<B>): JoinedStreams<T, B, 'coGroup'> {
    requireStream(this.handle, other, 'coGroup');
    return new JoinedStreams<T, B, 'coGroup'>('coGroup', this.handle, other.handle);
  }

  /**
   * Groups all records into windows, in one subtask: nothing runs in parallel there.
   *
   * @example
   * flights.windowAll(TumblingEventTimeWindows.of(hours(1))).sum('count');
   */
  windowAll<W extends Window>(assigner: WindowAssigner<T, W>): AllWindowedStream<T, W> {
    return new AllWindowedStream<T, W>(
      new WindowedStream<T, number, W>(this.#asOneKey(), assigner, { isNonParallel: true }),
    );
  }

  /** {@link KeyedStream.countWindow} over all records, in one subtask. */
  countWindowAll(size: number, slide?: number): AllWindowedStream<T, GlobalWindow> {
    const settings = { isNonParallel: true };
    return new AllWindowedStream<T, GlobalWindow>(
      countWindow<T, number>(this.#asOneKey(), size, slide, settings),
    );
  }

  /** Spreads records round-robin over all subtasks. */
  rebalance(): DataStream<T> {
    return this.#partition({ kind: 'rebalance' });
  }

  /** Spreads records round-robin over the subtasks that are this one's share. */
  rescale(): DataStream<T> {
    return this.#partition({ kind: 'rescale' });
  }

  /** Spreads records at random. */
  shuffle(): DataStream<T> {
    return this.#partition({ kind: 'shuffle' });
  }

  /**
   * Sends every record to every subtask. With descriptors: as a stream of rules or the like that
   * another stream can be connected with; its function keeps the rules in broadcast state of these
   * descriptors.
   *
   * @example
   * const known = new MapStateDescriptor('known', types.string, types.boolean);
   * flights.keyBy('origin').connect(words.broadcast(known)).process<Flight>({
   *   processElement(flight, context, out) {
   *     if (context.getBroadcastState(known).contains(flight.origin)) out.collect(flight);
   *   },
   *   processBroadcastElement(word, context) {
   *     context.getBroadcastState(known).put(word, true);
   *   },
   * });
   */
  broadcast(): DataStream<T>;
  broadcast(
    ...descriptors: readonly [
      MapStateDescriptor<AnyRecord, AnyRecord>,
      ...MapStateDescriptor<AnyRecord, AnyRecord>[],
    ]
  ): BroadcastStream<T>;
  broadcast(
    ...descriptors: readonly MapStateDescriptor<AnyRecord, AnyRecord>[]
  ): DataStream<T> | BroadcastStream<T> {
    if (descriptors.length === 0) return this.#partition({ kind: 'broadcast' });
    return new BroadcastStream<T>(this.handle.partition({ kind: 'broadcast' }), descriptors);
  }

  /** Sends every record to subtask 0. */
  global(): DataStream<T> {
    return this.#partition({ kind: 'global' });
  }

  /** Keeps records in their subtask; the next operator must have the same parallelism. */
  forward(): DataStream<T> {
    return this.#partition({ kind: 'forward' });
  }

  /** Sends each record to the subtask that the partitioner chooses for its key. */
  partitionCustom<F extends FieldOf<T>>(partitioner: Partitioner<T[F]>, field: F): DataStream<T>;
  partitionCustom<K>(partitioner: Partitioner<K>, selector: KeySelector<T, K>): DataStream<T>;
  partitionCustom(partitioner: Partitioner<AnyRecord>, by: unknown): DataStream<T> {
    requireFunction(`partitionCustom behind ${this.handle.name}`, partitioner);
    const keySelector = keySelectorFor(this.handle, 'partitionCustom', [by]);
    return this.#partition({ kind: 'custom', partitioner, keySelector });
  }

  /** Ends the stream in a sink. */
  sinkTo<C>(sink: Sink<T, C>): DataStreamSink {
    requireMethods('Writer', sink, ['createWriter']);
    return this.#sink({ name: 'Writer', spec: { kind: 'sink', sink } });
  }

  /** Writes each record as a line to the standard output, after `prefix` if there is one. */
  print(prefix?: string): DataStreamSink {
    const sink = builtIn('printSink')(prefix);
    return this.#sink({ name: 'Print to Std. Out', spec: { kind: 'sink', sink } });
  }

  /**
   * Gives the records to the program that starts the job, which reads them by
   * `JobClient.collected(name)`.
   */
  collectAsync(name: string): DataStreamSink {
    requireText(`collectAsync behind operator '${this.handle.name}'`, 'name', name);
    return this.#sink({ name: `Collect ${name}`, spec: { kind: 'collect', collectName: name } });
  }

  /**
   * Starts the job and gives this stream's records as they come. Leaving the loop, or disposing the
   * iterator, cancels the job; a job that fails makes the loop throw. With a limit: resolves with
   * the first records, as an array.
   *
   * @example
   * for await (const word of words.executeAndCollect()) console.log(word);
   */
  executeAndCollect(jobName?: string): CloseableIterator<T>;
  executeAndCollect(limit: number): Promise<T[]>;
  executeAndCollect(jobNameOrLimit?: string | number): CloseableIterator<T> | Promise<T[]> {
    if (typeof jobNameOrLimit !== 'number') return this.#startCollecting(jobNameOrLimit);
    requireLimit(jobNameOrLimit);
    return firstOf(this.#startCollecting(undefined), jobNameOrLimit);
  }

  #startCollecting(jobName: string | undefined): CollectIterator<T> {
    const { context, id } = this.handle;
    const collectName = `executeAndCollect ${id}`;
    const sink = this.collectAsync(collectName);
    try {
      return new CollectIterator<T>(context, context.startJob(jobName), collectName);
    } catch (error) {
      // The program can be mended and tried again without a sink that nobody reads.
      context.transformations.withdraw(sink.handle.id);
      throw error;
    }
  }

  /** Then an object with a life may ask for keyed state; a plain function has no way to. */
  get #isKeyed(): boolean {
    return this.handle.keySelector !== undefined;
  }

  #add<R>(operator: NewOperator): SingleOutputStreamOperator<R> {
    if (operator.outputType !== undefined) requireType(operator.name, operator.outputType);
    return this.handle.context.streams.operator(this.handle.addOperator(operator));
  }

  #sink(operator: NewOperator): DataStreamSink {
    return this.handle.context.streams.sink(this.handle.addOperator(operator));
  }

  #asOneKey(): StreamHandle {
    return this.handle.partition(HASH, () => 0);
  }

  #partition(partitioner: PartitionerSpec): DataStream<T> {
    return this.handle.context.streams.stream(this.handle.partition(partitioner));
  }
}

const HASH: PartitionerSpec = Object.freeze({ kind: 'hash' });

function requireEqualTypes(a: StreamHandle, b: StreamHandle): void {
  const left = a.type;
  const right = b.type;
  if (left === undefined || right === undefined || typesEqual(left, right)) return;
  throw new MillraceError(
    'JOB_GRAPH_INVALID',
    `union of operators '${a.name}' and '${b.name}': their records are ${typeToString(left)} and ` +
      `${typeToString(right)}; map one of them to the type of the other first`,
  );
}
