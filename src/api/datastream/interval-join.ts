/** Two keyed streams, joined by how far their records are apart in event time. */
import type { ProcessJoinFunction } from '../../functions/join-functions.ts';
import type { OutputTag } from '../../functions/output-tag.ts';
import type { AnyRecord } from '../../graph/operator-spec.ts';
import type { TypeInformation } from '../../types/type-information.ts';
import { illegalArgument, requireMethods, requireTag, requireType } from './arguments.ts';
import type { SingleOutputStreamOperator } from './single-output-stream-operator.ts';
import type { StreamHandle } from './stream-context.ts';

const NAME = 'Interval Join';

/** An interval join before its bounds are chosen. */
export class IntervalJoin<L, R, K> {
  readonly #left: StreamHandle;
  readonly #right: StreamHandle;
  /** Only for the compiler: the type of the keys. */
  declare protected readonly keyType: K;

  /** @internal */
  constructor(left: StreamHandle, right: StreamHandle) {
    this.#left = left;
    this.#right = right;
  }

  /**
   * Pairs a record of the left stream with those of the right whose timestamps are in
   * `[left + lowerBoundMs, left + upperBoundMs]`. The bounds may be negative.
   */
  between(lowerBoundMs: number, upperBoundMs: number): IntervalJoined<L, R> {
    requireBound('lower', lowerBoundMs);
    requireBound('upper', upperBoundMs);
    if (lowerBoundMs > upperBoundMs) {
      throw illegalArgument(
        `operator '${NAME}' got a lower bound of ${lowerBoundMs} ms above the upper one of ` +
          `${upperBoundMs}: give between(lowerBoundMs, upperBoundMs) in this order`,
      );
    }
    return new IntervalJoined<L, R>(this.#left, this.#right, {
      lower: lowerBoundMs,
      upper: upperBoundMs,
    });
  }
}

/**
 * An interval join before its function is chosen. Pairs come out as soon as their second record has
 * come, with the greater timestamp. A record below the watermark is late: it joins nothing.
 */
export class IntervalJoined<L, R> {
  readonly #left: StreamHandle;
  readonly #right: StreamHandle;
  readonly #bounds: { readonly lower: number; readonly upper: number };
  #lowerExclusive = 0;
  #upperExclusive = 0;
  #leftLateDataTag: OutputTag<AnyRecord> | undefined;
  #rightLateDataTag: OutputTag<AnyRecord> | undefined;

  /** @internal */
  constructor(
    left: StreamHandle,
    right: StreamHandle,
    bounds: { readonly lower: number; readonly upper: number },
  ) {
    this.#left = left;
    this.#right = right;
    this.#bounds = bounds;
  }

  /** Leaves out pairs that are exactly the lower bound apart. */
  lowerBoundExclusive(): this {
    this.#lowerExclusive = 1;
    return this;
  }

  /** Leaves out pairs that are exactly the upper bound apart. */
  upperBoundExclusive(): this {
    this.#upperExclusive = 1;
    return this;
  }

  /** Sends late records of the left stream to a side output, instead of dropping them. */
  sideOutputLeftLateData(tag: OutputTag<L>): this {
    requireTag(`sideOutputLeftLateData of operator '${NAME}'`, tag);
    this.#leftLateDataTag = tag;
    return this;
  }

  /** Sends late records of the right stream to a side output, instead of dropping them. */
  sideOutputRightLateData(tag: OutputTag<R>): this {
    requireTag(`sideOutputRightLateData of operator '${NAME}'`, tag);
    this.#rightLateDataTag = tag;
    return this;
  }

  /** Calls the function for each pair. */
  process<OUT>(
    joinFunction: ProcessJoinFunction<L, R, OUT>,
    outputType?: TypeInformation<OUT>,
  ): SingleOutputStreamOperator<OUT> {
    requireMethods(NAME, joinFunction, ['processElement']);
    if (outputType !== undefined) requireType(NAME, outputType);
    const lowerBoundMs = this.#bounds.lower + this.#lowerExclusive;
    const upperBoundMs = this.#bounds.upper - this.#upperExclusive;
    if (lowerBoundMs > upperBoundMs) {
      throw illegalArgument(
        `operator '${NAME}' can never join anything between ${this.#bounds.lower} and ` +
          `${this.#bounds.upper} ms with these bounds excluded: include one, or move them apart`,
      );
    }
    const spec = {
      kind: 'interval-join',
      lowerBoundMs,
      upperBoundMs,
      leftLateDataTag: this.#leftLateDataTag,
      rightLateDataTag: this.#rightLateDataTag,
      function: joinFunction,
    } as const;
    const operator = { name: NAME, spec, outputType, isKeyed: true };
    const handle = this.#left.addOperator(operator, this.#right);
    return handle.context.streams.operator(handle);
  }
}

function requireBound(which: string, ms: number): void {
  if (Number.isSafeInteger(ms)) return;
  throw illegalArgument(
    `operator '${NAME}' got ${String(ms)} as ${which} bound: give whole milliseconds, for ` +
      'example minutes(5), negative ones for what came before',
  );
}
