/**
 * A stream that comes out of one operator, which can be named, spread and chained otherwise, and
 * has side outputs.
 */
import { MillraceError } from '../../base/errors.ts';
import type { OutputTag } from '../../functions/output-tag.ts';
import type { PhysicalTransformation } from '../../graph/transformation.ts';
import type { TypeInformation } from '../../types/type-information.ts';
import { typesEqual, typeToString } from '../../types/type-text.ts';
import { requireTag, requireType } from './arguments.ts';
import { DataStream } from './data-stream.ts';
import {
  setBufferTimeout,
  setMaxParallelism,
  setName,
  setParallelism,
  setSlotSharingGroup,
  setUid,
} from './operator-settings.ts';
import type { StreamHandle } from './stream-context.ts';

/**
 * Nothing if records of `T` fit the type of `R` or the other way round, else an argument that
 * cannot be given.
 */
export type TypeFits<T, R> = [T] extends [R]
  ? []
  : [R] extends [T]
    ? []
    : [error: 'the declared type does not fit the records of this stream' & never];

/** The output of an operator. */
export class SingleOutputStreamOperator<T> extends DataStream<T> {
  /** Names the operator, for people. */
  name(name: string): this {
    setName(this.handle, name);
    return this;
  }

  /** Gives the operator an id that outlives changes of the program. */
  uid(uid: string): this {
    setUid(this.handle, uid);
    return this;
  }

  /** Sets how many subtasks run the operator. */
  setParallelism(parallelism: number): this {
    setParallelism(this.handle, parallelism);
    return this;
  }

  /**
   * Sets the bound of the parallelism and the number of key groups; fixed once state is written.
   */
  setMaxParallelism(maxParallelism: number): this {
    setMaxParallelism(this.handle, maxParallelism);
    return this;
  }

  /** Runs the operator in one subtask, for good. */
  forceNonParallel(): this {
    this.handle.change({ nonParallel: true, parallelism: 1, maxParallelism: 1 });
    return this;
  }

  /** Sets the slot sharing group; operators of different groups never share a chain. */
  slotSharingGroup(slotSharingGroup: string): this {
    setSlotSharingGroup(this.handle, slotSharingGroup);
    return this;
  }

  /** Runs the operator in a chain of its own. */
  disableChaining(): this {
    this.handle.change({ chaining: 'never' });
    return this;
  }

  /** Starts a chain with this operator; what follows may still join it. */
  startNewChain(): this {
    this.handle.change({ chaining: 'head' });
    return this;
  }

  /**
   * Sets after how many ms this operator's outputs are flushed: 0 each record, -1 only full
   * buffers.
   */
  setBufferTimeout(bufferTimeoutMs: number): this {
    setBufferTimeout(this.handle, bufferTimeoutMs);
    return this;
  }

  /**
   * Declares the records' type, instead of having it captured from the first records.
   *
   * @example
   * stream.map((flight) => ({ id: flight.id })).returns(types.row({ id: types.int }));
   */
  returns<R>(
    type: TypeInformation<R>,
    ..._fits: TypeFits<T, R>
  ): SingleOutputStreamOperator<[T] extends [R] ? T : R> {
    requireType(this.handle.name, type);
    this.handle.change({ declaredType: type });
    return this as unknown as SingleOutputStreamOperator<[T] extends [R] ? T : R>;
  }

  /**
   * The records that this operator sent to a tag.
   *
   * @example
   * const lateFlights = results.getSideOutput(late);
   */
  getSideOutput<S>(tag: OutputTag<S>): DataStream<S> {
    const { handle } = this;
    requireTag(`getSideOutput of operator '${handle.name}'`, tag);
    requireSideOutput(handle.context.transformations.physical(handle.id), tag);
    if (tag.type !== undefined) requireType(handle.name, tag.type);
    requireSameTagType(handle, tag);
    return handle.context.streams.stream(
      handle.add({ kind: 'side-output', input: handle.id, tag }),
    );
  }
}

const USE_PROCESS = 'use process(…) and context.output(tag, value)';

/** Refuses a tag that the operator cannot ever write to. */
function requireSideOutput(operator: PhysicalTransformation, tag: OutputTag<unknown>): void {
  const { spec, name } = operator;
  switch (spec.kind) {
    case 'source':
    case 'process':
    case 'broadcast-process':
    case 'keyed-broadcast-process':
      return;
    case 'keyed-process':
    case 'co-process':
    case 'keyed-co-process':
      if (spec.method === 'processElement') return;
      throw noSideOutput(name, tag, `a ${spec.method} operator has none; ${USE_PROCESS}`);
    case 'interval-join':
      return;
    case 'window':
    case 'generic-window':
      if (spec.windowFunction !== undefined || spec.lateDataTag?.id === tag.id) return;
      throw noSideOutput(
        name,
        tag,
        `the window's late data goes to ` +
          `${spec.lateDataTag === undefined ? 'no tag' : `'${spec.lateDataTag.id}'`}; ` +
          'give sideOutputLateData the same tag',
      );
    default:
      throw noSideOutput(name, tag, `a ${spec.kind} operator has none; ${USE_PROCESS}`);
  }
}

/** Two tags with one id are one output, so they cannot have two types. */
function requireSameTagType(handle: StreamHandle, tag: OutputTag<unknown>): void {
  const { type } = tag;
  const earlier = handle.context.transformations.sideOutput(handle.id, tag.id)?.type;
  if (type === undefined || earlier === undefined || typesEqual(type, earlier)) return;
  throw new MillraceError(
    'JOB_GRAPH_INVALID',
    `side output '${tag.id}' of operator '${handle.name}' is read as ${typeToString(earlier)} ` +
      'and as ' +
      `${typeToString(type)}: use one OutputTag for both`,
  );
}

function noSideOutput(name: string, tag: OutputTag<unknown>, why: string): MillraceError {
  return new MillraceError(
    'JOB_GRAPH_INVALID',
    `operator '${name}' never writes to side output '${tag.id}': ${why}`,
    { details: { operator: name, tag: tag.id } },
  );
}
