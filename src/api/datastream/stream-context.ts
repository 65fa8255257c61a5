/**
 * What the streams of one program share, and a stream's place in it.
 *
 * The fluent classes know each other only as types; the environment, which knows them all, hands
 * out this factory. So no module is loaded before the class that it extends.
 */
import { MillraceError } from '../../base/errors.ts';
import type { JobClient } from '../../graph/job-client.ts';
import type { PartitionerSpec } from '../../graph/job-graph.ts';
import type {
  AnyKeySelector,
  AnyRecord,
  OperatorSpec,
  SourceSpec,
} from '../../graph/operator-spec.ts';
import { defaultSettings, type OperatorSettings } from '../../graph/transformation.ts';
import type {
  NewTransformation,
  TransformationsBuilder,
} from '../../graph/transformations-builder.ts';
import type { TypeInformation } from '../../types/type-information.ts';
import type { DataStream } from './data-stream.ts';
import type { DataStreamSink } from './data-stream-sink.ts';
import type { KeyedStream } from './keyed-stream.ts';
import type { SingleOutputStreamOperator } from './single-output-stream-operator.ts';

/** Makes the stream classes. */
export interface StreamFactory {
  stream<T>(handle: StreamHandle): DataStream<T>;
  operator<T>(handle: StreamHandle): SingleOutputStreamOperator<T>;
  keyed<T, K>(handle: StreamHandle): KeyedStream<T, K>;
  sink(handle: StreamHandle): DataStreamSink;
}

/** Shared by the streams of one environment. */
export interface StreamContext {
  readonly transformations: TransformationsBuilder;
  readonly streams: StreamFactory;
  /** Starts what was built; refuses where only the host may. */
  startJob(jobName: string | undefined): JobClient;
  /** Disposes a job that {@link StreamContext.startJob} started. */
  endJob(job: JobClient): Promise<void>;
}

/** An operator to add behind a stream. */
export interface NewOperator {
  readonly name: string;
  readonly spec: Exclude<OperatorSpec, SourceSpec>;
  /** Whether records keep their type. */
  readonly keepsType?: boolean;
  readonly outputType?: TypeInformation<AnyRecord> | undefined;
  /** Whether the operator is keyed as its inputs are partitioned. */
  readonly isKeyed?: boolean;
}

/** A stream's transformation, and what can be built behind it. */
export class StreamHandle {
  readonly context: StreamContext;
  readonly id: number;

  constructor(context: StreamContext, id: number) {
    this.context = context;
    this.id = id;
  }

  /** The name for messages. */
  get name(): string {
    return this.context.transformations.nameOf(this.id);
  }

  /** The records' type, if it is declared or follows from the input. */
  get type(): TypeInformation<AnyRecord> | undefined {
    return this.context.transformations.typeOf(this.id);
  }

  /** Changes the operator's settings. */
  change(settings: Partial<OperatorSettings>): void {
    this.context.transformations.change(this.id, settings);
  }

  /** Adds a transformation and returns its handle. */
  add(transformation: NewTransformation): StreamHandle {
    return new StreamHandle(this.context, this.context.transformations.add(transformation));
  }

  /** What gives the key, if the stream is partitioned by one. */
  get keySelector(): AnyKeySelector | undefined {
    const here = this.context.transformations.get(this.id);
    return here.kind === 'partition' && here.partitioner.kind === 'hash'
      ? here.keySelector
      : undefined;
  }

  /** Adds an operator behind this stream, or behind this and another as its second input. */
  addOperator(operator: NewOperator, second?: StreamHandle): StreamHandle {
    const { name, spec, keepsType = false, outputType, isKeyed = false } = operator;
    const inputs = second === undefined ? [this] : [this, second];
    return this.add({
      kind: 'operator',
      ...defaultSettings(name),
      declaredType: outputType,
      inputs: Object.freeze(inputs.map(({ id }) => id)),
      spec: Object.freeze(spec),
      keySelectors: Object.freeze(
        inputs.map(({ keySelector }) => (isKeyed ? keySelector : undefined)),
      ),
      keepsType,
    });
  }

  /** Adds a partition behind this stream. */
  partition(partitioner: PartitionerSpec, keySelector?: AnyKeySelector): StreamHandle {
    const input = this.id;
    return this.add({
      kind: 'partition',
      input,
      partitioner: Object.freeze(partitioner),
      keySelector,
    });
  }

  /** Fails unless `other` belongs to the same program. */
  requireSameProgram(other: StreamHandle, call: string): void {
    if (other.context === this.context) return;
    throw new MillraceError(
      'ILLEGAL_ARGUMENT',
      `${call} on '${this.name}' got the stream '${other.name}' of another environment: build ` +
        'both from one',
    );
  }
}
