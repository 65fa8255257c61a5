/**
 * Two streams, joined or grouped by key and window: what Flink builds from a union of tagged
 * records and one window operator.
 */
import type { KeySelector } from '../../functions/functions.ts';
import type {
  CoGroupFunction,
  FlatJoinFunction,
  JoinFunction,
  RichJoinFunction,
} from '../../functions/join-functions.ts';
import type { Evictor } from '../../functions/windowing/evictors/evictor.ts';
import type { Trigger } from '../../functions/windowing/triggers/trigger.ts';
import type { Window } from '../../functions/windowing/window.ts';
import type { WindowAssigner } from '../../functions/windowing/window-assigner.ts';
import type { AnyKeySelector, AnyRecord } from '../../graph/operator-spec.ts';
import type { TypeInformation } from '../../types/type-information.ts';
import { types } from '../../types/types.ts';
import { requireFunction, requireMethods } from './arguments.ts';
import type { FieldOf } from './fields.ts';
import { keySelectorFor } from './key-selector.ts';
import type { SingleOutputStreamOperator } from './single-output-stream-operator.ts';
import type { StreamHandle } from './stream-context.ts';
import { CoGroupWindowFunction, crossProduct, type TaggedUnion } from './tagged-union.ts';
import { WindowedStream } from './windowed-stream.ts';

/** Which of the two is built. */
type Kind = 'join' | 'coGroup';

const NAMES: Readonly<Record<Kind, string>> = { join: 'Window Join', coGroup: 'Co-Group' };

/** The two sides, and how their keys are selected. */
interface Sides {
  readonly kind: Kind;
  readonly left: StreamHandle;
  readonly right: StreamHandle;
  readonly leftKey?: AnyKeySelector;
  readonly rightKey?: AnyKeySelector;
}

/** The names of a record's fields that can be equal to keys of type `K`. */
export type KeyFieldOf<R, K> = R extends object
  ? { [F in FieldOf<R>]-?: R[F] extends K ? F : never }[FieldOf<R>]
  : never;

/** A join or co-group before the key of its first stream is chosen. */
export class JoinedStreams<L, R, A extends Kind> {
  readonly #sides: Sides;
  /** Only for the compiler. */
  declare protected readonly recordTypes: [L, R, A];

  /** @internal */
  constructor(kind: A, left: StreamHandle, right: StreamHandle) {
    this.#sides = { kind, left, right };
  }

  /** The key of this stream's records: a function, or a field. */
  where<K>(selector: KeySelector<L, K>): JoinedWhere<L, R, K, A>;
  where<F extends FieldOf<L>>(field: F): JoinedWhere<L, R, L[F], A>;
  where(by: unknown): JoinedWhere<L, R, AnyRecord, A> {
    const { kind, left } = this.#sides;
    const leftKey = keySelectorFor(left, `${kind}.where`, [by]);
    return new JoinedWhere<L, R, AnyRecord, A>({ ...this.#sides, leftKey });
  }
}

/** A join or co-group before the key of its second stream is chosen. */
export class JoinedWhere<L, R, K, A extends Kind> {
  readonly #sides: Sides;
  /** Only for the compiler. */
  declare protected readonly recordTypes: [L, R, K, A];

  /** @internal */
  constructor(sides: Sides) {
    this.#sides = sides;
  }

  /** The key of the other stream's records: records with the same key meet. */
  equalTo(selector: KeySelector<R, K>): JoinedEqualTo<L, R, K, A>;
  equalTo(field: KeyFieldOf<R, K>): JoinedEqualTo<L, R, K, A>;
  equalTo(by: unknown): JoinedEqualTo<L, R, K, A> {
    const { kind, right } = this.#sides;
    const rightKey = keySelectorFor(right, `${kind}.equalTo`, [by]);
    return new JoinedEqualTo<L, R, K, A>({ ...this.#sides, rightKey });
  }
}

/** What `window` gives, by whether it is a join or a co-group. */
export interface WindowedSides<L, R, K, W extends Window> {
  readonly join: WindowJoin<L, R, K, W>;
  readonly coGroup: WindowCoGroup<L, R, K, W>;
}

/** A join or co-group before its windows are chosen. */
export class JoinedEqualTo<L, R, K, A extends Kind> {
  readonly #sides: Sides;
  /** Only for the compiler. */
  declare protected readonly recordTypes: [L, R, K, A];

  /** @internal */
  constructor(sides: Sides) {
    this.#sides = sides;
  }

  /** Records of both streams meet in the same windows. */
  window<W extends Window>(
    assigner: WindowAssigner<TaggedUnion<L, R>, W>,
  ): WindowedSides<L, R, K, W>[A] {
    const windowed = new WindowedStream<TaggedUnion<L, R>, K, W>(
      taggedUnion(this.#sides),
      assigner,
      {
        name: NAMES[this.#sides.kind],
      },
    );
    const made =
      this.#sides.kind === 'join'
        ? new WindowJoin<L, R, K, W>(windowed)
        : new WindowCoGroup<L, R, K, W>(windowed);
    // Safe: the kind is that of the type parameter.
    return made as WindowedSides<L, R, K, W>[A];
  }
}

/** The windows of two streams, before the function is chosen. */
class WindowOfTwo<L, R, K, W extends Window> {
  /** @internal */
  protected readonly windowed: WindowedStream<TaggedUnion<L, R>, K, W>;

  /** @internal */
  constructor(windowed: WindowedStream<TaggedUnion<L, R>, K, W>) {
    this.windowed = windowed;
  }

  /** See {@link WindowedStream.trigger}. */
  trigger(trigger: Trigger<TaggedUnion<L, R>, W>): this {
    this.windowed.trigger(trigger);
    return this;
  }

  /** See {@link WindowedStream.evictor}. */
  evictor(evictor: Evictor<TaggedUnion<L, R>, W>): this {
    this.windowed.evictor(evictor);
    return this;
  }

  /** See {@link WindowedStream.allowedLateness}. */
  allowedLateness(latenessMs: number): this {
    this.windowed.allowedLateness(latenessMs);
    return this;
  }
}

/**
 * A window join: each pair of records with one key and window, an inner join. Results have the
 * window's `maxTimestamp`.
 *
 * @example
 * flights
 *   .join(stream)
 *   .where('destination')
 *   .equalTo('origin')
 *   .window(TumblingEventTimeWindows.of(hours(1)))
 *   .trigger(PurgingTrigger.of(EventTimeTrigger.create()))
 *   .apply((arrival, departure) => ({ from: arrival.origin, to: departure.destination }));
 */
export class WindowJoin<L, R, K, W extends Window> extends WindowOfTwo<L, R, K, W> {
  /** Calls the function for each pair. */
  apply<OUT>(
    joinFunction:
      | JoinFunction<L, R, OUT>
      | RichJoinFunction<L, R, OUT>
      | FlatJoinFunction<L, R, OUT>,
    outputType?: TypeInformation<OUT>,
  ): SingleOutputStreamOperator<OUT> {
    if (typeof joinFunction !== 'object' || !('flatJoin' in joinFunction))
      requireFunction(NAMES.join, joinFunction, 'join');
    return this.windowed.process<OUT>(
      new CoGroupWindowFunction<L, R, OUT>(joinFunction, crossProduct(joinFunction)),
      outputType,
    );
  }
}

/** A window co-group: all records of both streams with one key and window, at once. */
export class WindowCoGroup<L, R, K, W extends Window> extends WindowOfTwo<L, R, K, W> {
  /** Calls the function for each key and window. */
  apply<OUT>(
    coGroupFunction: CoGroupFunction<L, R, OUT>,
    outputType?: TypeInformation<OUT>,
  ): SingleOutputStreamOperator<OUT> {
    requireMethods(NAMES.coGroup, coGroupFunction, ['coGroup']);
    return this.windowed.process<OUT>(
      new CoGroupWindowFunction<L, R, OUT>(coGroupFunction, (left, right, out) =>
        coGroupFunction.coGroup(left, right, out),
      ),
      outputType,
    );
  }
}

/** Both streams as one of tagged records, by their keys. */
function taggedUnion({ left, right, leftKey, rightKey }: Sides): StreamHandle {
  const type =
    left.type === undefined || right.type === undefined
      ? undefined
      : types.row({
          tag: types.int,
          one: types.optional(left.type),
          two: types.optional(right.type),
        });
  const tagged = [
    left.addOperator({
      name: 'Input 1',
      spec: { kind: 'map', function: (one: unknown) => ({ tag: 1, one }) },
      outputType: type,
    }),
    right.addOperator({
      name: 'Input 2',
      spec: { kind: 'map', function: (two: unknown) => ({ tag: 2, two }) },
      outputType: type,
    }),
  ];
  const inputs = Object.freeze(tagged.map(({ id }) => id));
  const keyOf = (record: TaggedUnion<unknown, unknown>): unknown =>
    record.tag === 1 ? leftKey?.(record.one) : rightKey?.(record.two);
  return left.add({ kind: 'union', inputs }).partition({ kind: 'hash' }, keyOf);
}
