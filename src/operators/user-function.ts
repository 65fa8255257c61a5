/**
 * A user's function in either of its forms, a plain function or an object with a life, as one thing
 * to call.
 *
 * Invariant: an object's `initializeState` comes before its `open`, and its `snapshotState` before
 * the operator's state is cut.
 */
import type { RichFunction } from '../functions/runtime-context.ts';
import type { KeyedStateStore } from '../functions/state.ts';
import type { ChainStage, StageContext } from './chain-stage.ts';
import { FunctionContext } from './function-context.ts';

/** Any function, for closure constants of generated code. */
export type AnyFunction = (...args: never[]) => unknown;

/** The parts of a {@link ChainStage} by which a user's object lives; to be spread into it. */
export type FunctionLife = Pick<
  ChainStage,
  'snapshot' | 'notifyCheckpointComplete' | 'notifyCheckpointAborted' | 'close'
>;

/** An object with a life. */
export interface UserObject {
  readonly life: FunctionLife;
  /** @param keyed - on keyed operators */
  open(context: StageContext, keyed?: KeyedStateStore): void;
}

/** See the file's head. */
export interface UserFunction extends UserObject {
  /**
   * Calls the function itself: nothing in between, so that it inlines into the loop that calls it.
   */
  readonly invoke: AnyFunction;
}

/**
 * Wraps what the user gave.
 *
 * @param method - the method to call if it is an object
 */
export function userFunction<M extends string>(
  given: AnyFunction | (RichFunction & Readonly<Record<M, AnyFunction>>),
  method: M,
): UserFunction {
  if (typeof given === 'function') return { invoke: given, open: () => {}, life: {} };
  return { invoke: (given[method] as AnyFunction).bind(given), ...userObject(given) };
}

/** The life of what the user gave. */
export function userObject(given: RichFunction): UserObject {
  return {
    open: (context, keyed) => open(given, context, keyed),
    life: {
      snapshot: ({ checkpointId, timestamp }) => {
        given.snapshotState?.({ checkpointId, checkpointTimestamp: timestamp });
        return undefined;
      },
      notifyCheckpointComplete: (checkpointId) => given.notifyCheckpointComplete?.(checkpointId),
      notifyCheckpointAborted: (checkpointId) => given.notifyCheckpointAborted?.(checkpointId),
      close: () => given.close?.(),
    },
  };
}

function open(given: RichFunction, context: StageContext, keyed?: KeyedStateStore): void {
  const functionContext = new FunctionContext(context, keyed);
  given.initializeState?.({
    isRestored: () => context.isRestored,
    getOperatorStateStore: () => context.operatorState,
    getKeyedStateStore: () => functionContext.keyedStore(),
  });
  given.open?.(functionContext);
}
