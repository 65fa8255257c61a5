/** A stream connected with a broadcast one, before its function is given. */
import type {
  BroadcastProcessFunction,
  KeyedBroadcastProcessFunction,
  ObjectOrSupplier,
} from '../../functions/process-functions.ts';
import type { BroadcastProcessSpec, KeyedBroadcastProcessSpec } from '../../graph/operator-spec.ts';
import type { TypeInformation } from '../../types/type-information.ts';
import { requireObject, requireType } from './arguments.ts';
import type { BroadcastStream } from './broadcast-stream.ts';
import type { SingleOutputStreamOperator } from './single-output-stream-operator.ts';
import type { StreamHandle } from './stream-context.ts';

const METHODS = ['processElement', 'processBroadcastElement'];

/** What `stream.connect(broadcastStream)` gives. */
export class BroadcastConnectedStream<A, B> {
  /** @internal */
  protected readonly first: StreamHandle;
  /** @internal */
  protected readonly second: BroadcastStream<B>;
  /** Only for the compiler: whose records these are. */
  declare protected readonly recordType: A;

  /** @internal */
  constructor(first: StreamHandle, second: BroadcastStream<B>) {
    this.first = first;
    this.second = second;
  }

  /** The stream's records read broadcast state, those of the broadcast stream change it. */
  process<R>(
    processFunction: ObjectOrSupplier<BroadcastProcessFunction<A, B, R>>,
    outputType?: TypeInformation<R>,
  ): SingleOutputStreamOperator<R> {
    const name = 'Broadcast Process';
    requireObject(name, processFunction, METHODS);
    const { descriptors } = this.second;
    return this.add(
      name,
      { kind: 'broadcast-process', function: processFunction, descriptors },
      outputType,
    );
  }

  /** @internal */
  protected add<R>(
    name: string,
    spec: BroadcastProcessSpec | KeyedBroadcastProcessSpec,
    outputType: TypeInformation<R> | undefined,
  ): SingleOutputStreamOperator<R> {
    if (outputType !== undefined) requireType(name, outputType);
    const isKeyed = spec.kind === 'keyed-broadcast-process';
    const operator = { name, spec, outputType, isKeyed };
    const handle = this.first.addOperator(operator, this.second.handle);
    return handle.context.streams.operator(handle);
  }
}

/** What `keyedStream.connect(broadcastStream)` gives. */
export class KeyedBroadcastConnectedStream<A, B, K> extends BroadcastConnectedStream<A, B> {
  /** Only for the compiler: the type of the keys. */
  declare protected readonly keyType: K;

  /** {@link BroadcastConnectedStream.process} with keyed state and timers on the keyed side. */
  override process<R>(
    processFunction: ObjectOrSupplier<KeyedBroadcastProcessFunction<K, A, B, R>>,
    outputType?: TypeInformation<R>,
  ): SingleOutputStreamOperator<R> {
    const name = 'Keyed Broadcast Process';
    requireObject(name, processFunction, METHODS);
    const { descriptors } = this.second;
    return this.add(
      name,
      { kind: 'keyed-broadcast-process', function: processFunction, descriptors },
      outputType,
    );
  }
}
