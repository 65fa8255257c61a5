/** Records of two streams in one, and the window function that takes them apart again. */
import type { Collector } from '../../functions/collector.ts';
import type { ProcessWindowFunction, WindowContext } from '../../functions/functions.ts';
import type {
  FlatJoinFunction,
  JoinFunction,
  RichJoinFunction,
} from '../../functions/join-functions.ts';
import type { RichFunction, RuntimeContext } from '../../functions/runtime-context.ts';
import type {
  FunctionInitializationContext,
  FunctionSnapshotContext,
} from '../../functions/state.ts';
import type { Window } from '../../functions/windowing/window.ts';

/** A record of either stream: of the first in `one`, of the second in `two`. */
export interface TaggedUnion<L, R> {
  readonly tag: 1 | 2;
  readonly one?: L | null;
  readonly two?: R | null;
}

/** What a function makes of the two sides of a window. */
export type Evaluate<L, R, OUT> = (
  left: readonly L[],
  right: readonly R[],
  out: Collector<OUT>,
) => void;

/**
 * Gives both sides of a window to a function of the user's, which lives as if it were the
 * operator's.
 */
export class CoGroupWindowFunction<L, R, OUT>
  implements ProcessWindowFunction<TaggedUnion<L, R>, OUT, unknown, Window>
{
  /** What the user gave; part of the job's fingerprint. */
  readonly function: unknown;
  readonly #evaluate: Evaluate<L, R, OUT>;

  constructor(given: unknown, evaluate: Evaluate<L, R, OUT>) {
    this.function = given;
    this.#evaluate = evaluate;
  }

  get #rich(): RichFunction {
    return typeof this.function === 'object' && this.function !== null ? this.function : {};
  }

  open(context: RuntimeContext): void {
    this.#rich.open?.(context);
  }

  close(): void {
    this.#rich.close?.();
  }

  initializeState(context: FunctionInitializationContext): void {
    this.#rich.initializeState?.(context);
  }

  snapshotState(context: FunctionSnapshotContext): void {
    this.#rich.snapshotState?.(context);
  }

  notifyCheckpointComplete(checkpointId: number): void {
    this.#rich.notifyCheckpointComplete?.(checkpointId);
  }

  notifyCheckpointAborted(checkpointId: number): void {
    this.#rich.notifyCheckpointAborted?.(checkpointId);
  }

  process(
    _key: unknown,
    _context: WindowContext<Window>,
    elements: Iterable<TaggedUnion<L, R>>,
    out: Collector<OUT>,
  ): void {
    const left: L[] = [];
    const right: R[] = [];
    for (const { tag, one, two } of elements) {
      if (tag === 1) left.push(one as L);
      else right.push(two as R);
    }
    this.#evaluate(left, right, out);
  }
}

/** Each record of the left side with each of the right. */
export function crossProduct<L, R, OUT>(
  joinFunction: JoinFunction<L, R, OUT> | RichJoinFunction<L, R, OUT> | FlatJoinFunction<L, R, OUT>,
): Evaluate<L, R, OUT> {
  const emitPair = pairEmitter(joinFunction);
  return (left, right, out) => {
    for (const one of left) for (const two of right) emitPair(one, two, out);
  };
}

function pairEmitter<L, R, OUT>(
  given: JoinFunction<L, R, OUT> | RichJoinFunction<L, R, OUT> | FlatJoinFunction<L, R, OUT>,
): (left: L, right: R, out: Collector<OUT>) => void {
  if (typeof given === 'function') return (left, right, out) => out.collect(given(left, right));
  if ('flatJoin' in given) return (left, right, out) => given.flatJoin(left, right, out);
  return (left, right, out) => out.collect(given.join(left, right));
}
