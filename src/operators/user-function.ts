/**
 * A user's function in either of its forms, a plain function or an object with a life, as one thing
 * to call.
 *
 * Invariant: an object's `initializeState` comes before its `open`, and its `snapshotState` before
 * the operator's state is cut.
 */
import { MillraceError } from '../base/errors.ts';
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

/** An object of the user's, and whether it is this subtask's own. */
export interface UserInstance<F> {
  readonly instance: F;
  readonly isOwn: boolean;
}

/**
 * What the user gave: an object that serves all subtasks of a thread, or what makes one for each.
 */
export function instanceOf<F extends object>(given: F | (() => F)): UserInstance<F> {
  return typeof given === 'function'
    ? { instance: given(), isOwn: true }
    : { instance: given, isOwn: false };
}

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
  let isOpen = false;
  return {
    open: (context, keyed) => {
      requireOne(given, context);
      openCounts.set(given, openCountOf(given) + 1);
      isOpen = true;
      open(given, context, keyed);
    },
    life: {
      snapshot: ({ checkpointId, timestamp }) => {
        given.snapshotState?.({ checkpointId, checkpointTimestamp: timestamp });
        return undefined;
      },
      notifyCheckpointComplete: (checkpointId) => given.notifyCheckpointComplete?.(checkpointId),
      notifyCheckpointAborted: (checkpointId) => given.notifyCheckpointAborted?.(checkpointId),
      close: () => {
        if (isOpen) openCounts.set(given, openCountOf(given) - 1);
        isOpen = false;
        return given.close?.();
      },
    },
  };
}

/** How many subtasks of this thread have an object open. */
const openCounts = new WeakMap<object, number>();

function openCountOf(given: object): number {
  return openCounts.get(given) ?? 0;
}

/**
 * What a function keeps for `snapshotState` is one subtask's; as fields of an object that serves
 * several it would be written and restored several times.
 */
function requireOne(given: RichFunction, { operatorName }: StageContext): void {
  if (given.initializeState === undefined || openCountOf(given) === 0) return;
  throw new MillraceError(
    'ILLEGAL_STATE',
    `the function of '${operatorName}' has initializeState, but one object serves several ` +
      'subtasks of this thread: give process(…) a function that makes one, such as ' +
      '() => new MyFunction(), set parallelism 1, or use the workers executor',
    { details: { operator: operatorName } },
  );
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
