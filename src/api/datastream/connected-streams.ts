/** Two streams as the inputs of one operator, before its function is chosen. */
import type { KeySelector } from '../../functions/functions.ts';
import type {
  CoFlatMapFunction,
  CoMapFunction,
  CoProcessFunction,
  KeyedCoProcessFunction,
  ObjectOrSupplier,
} from '../../functions/process-functions.ts';
import type { CoFunction, KeyedCoProcessSpec } from '../../graph/operator-spec.ts';
import type { TypeInformation } from '../../types/type-information.ts';
import { requireMethods, requireObject, requireType } from './arguments.ts';
import type { FieldOf } from './fields.ts';
import { keySelectorFor } from './key-selector.ts';
import type { SingleOutputStreamOperator } from './single-output-stream-operator.ts';
import type { StreamHandle } from './stream-context.ts';

/**
 * Two streams, whose types may differ, for one operator. Its calls never overlap, its watermark is
 * the smaller of both, and neither input goes before the other.
 *
 * @example
 * flights.connect(words).map({ map1: (flight) => flight.origin, map2: (word) => word }).print();
 */
export class ConnectedStreams<A, B> {
  /** @internal */
  protected readonly first: StreamHandle;
  /** @internal */
  protected readonly second: StreamHandle;
  /** Only for the compiler: whose records these are. */
  declare protected readonly recordTypes: [A, B];

  /** @internal */
  constructor(first: StreamHandle, second: StreamHandle) {
    this.first = first;
    this.second = second;
  }

  /**
   * Partitions both streams by keys of one type, so that records of a key meet in one subtask and
   * share its state.
   */
  keyBy<K>(first: KeySelector<A, K>, second: KeySelector<B, K>): KeyedConnectedStreams<A, B, K>;
  keyBy<F extends FieldOf<A>, G extends FieldOf<B>>(
    first: F,
    second: G,
  ): KeyedConnectedStreams<A, B, A[F] | B[G]>;
  keyBy(first: unknown, second: unknown): KeyedConnectedStreams<A, B, unknown> {
    return new KeyedConnectedStreams<A, B, unknown>(
      this.first.partition(HASH, keySelectorFor(this.first, 'keyBy', [first])),
      this.second.partition(HASH, keySelectorFor(this.second, 'keyBy', [second])),
    );
  }

  /** One record out for each that comes in, on either side. */
  map<R>(
    coMapper: CoMapFunction<A, B, R>,
    outputType?: TypeInformation<R>,
  ): SingleOutputStreamOperator<R> {
    requireMethods('Co-Map', coMapper, ['map1', 'map2']);
    return this.add('Co-Map', { method: 'map', function: coMapper }, outputType);
  }

  /** Any number of records out for each that comes in, on either side. */
  flatMap<R>(
    coFlatMapper: CoFlatMapFunction<A, B, R>,
    outputType?: TypeInformation<R>,
  ): SingleOutputStreamOperator<R> {
    requireMethods('Co-Flat Map', coFlatMapper, ['flatMap1', 'flatMap2']);
    return this.add('Co-Flat Map', { method: 'flatMap', function: coFlatMapper }, outputType);
  }

  /** The general operator of two inputs: results, side outputs and time. */
  process<R>(
    coProcessFunction: ObjectOrSupplier<CoProcessFunction<A, B, R>>,
    outputType?: TypeInformation<R>,
  ): SingleOutputStreamOperator<R> {
    requireObject('Co-Process', coProcessFunction, ['processElement1', 'processElement2']);
    return this.add(
      'Co-Process',
      { method: 'processElement', function: coProcessFunction },
      outputType,
    );
  }

  /** @internal */
  protected add<R>(
    name: string,
    call: CoFunction,
    outputType: TypeInformation<R> | undefined,
  ): SingleOutputStreamOperator<R> {
    if (outputType !== undefined) requireType(name, outputType);
    const spec = { kind: 'co-process', ...call } as const;
    const handle = this.first.addOperator({ name, spec, outputType }, this.second);
    return handle.context.streams.operator(handle);
  }
}

const HASH = Object.freeze({ kind: 'hash' } as const);

/**
 * {@link ConnectedStreams} that are keyed alike: functions may use the key's state, which both
 * inputs share, and timers.
 *
 * @example
 * flights.connect(words).keyBy((flight) => flight.origin, (word) => word).process<string>({
 *   processElement1: (flight, context, out) => out.collect(`${context.getCurrentKey()} ${flight.id}`),
 *   processElement2: (word, context, out) => context.timerService().registerEventTimeTimer(1000),
 *   onTimer: (time, context, out) => out.collect(context.getCurrentKey()),
 * });
 */
export class KeyedConnectedStreams<A, B, K> extends ConnectedStreams<A, B> {
  /** Only for the compiler: the type of the keys. */
  declare protected readonly keyType: K;

  /** The general operator of two keyed inputs: state, timers, side outputs. */
  override process<R>(
    coProcessFunction: ObjectOrSupplier<KeyedCoProcessFunction<K, A, B, R>>,
    outputType?: TypeInformation<R>,
  ): SingleOutputStreamOperator<R> {
    const name = 'Keyed Co-Process';
    requireObject(name, coProcessFunction, ['processElement1', 'processElement2']);
    return this.#addKeyed(
      name,
      { kind: 'keyed-co-process', method: 'processElement', function: coProcessFunction },
      outputType,
    );
  }

  /** @internal */
  protected override add<R>(
    name: string,
    call: CoFunction,
    outputType: TypeInformation<R> | undefined,
  ): SingleOutputStreamOperator<R> {
    // Safe: `process` is overridden, so that `call` is a map or a flatMap.
    const spec = { kind: 'keyed-co-process', ...call } as KeyedCoProcessSpec;
    return this.#addKeyed(name, spec, outputType);
  }

  #addKeyed<R>(
    name: string,
    spec: KeyedCoProcessSpec,
    outputType: TypeInformation<R> | undefined,
  ): SingleOutputStreamOperator<R> {
    if (outputType !== undefined) requireType(name, outputType);
    const operator = { name, spec, outputType, isKeyed: true };
    const handle = this.first.addOperator(operator, this.second);
    return handle.context.streams.operator(handle);
  }
}
