/**
 * A user's function in either of its forms, a plain function or an object with a life, as one thing
 * to call.
 */
import type { RichFunction, RuntimeContext } from '../functions/runtime-context.ts';

/** Any function, for closure constants of generated code. */
export type AnyFunction = (...args: never[]) => unknown;

/** See the file's head. */
export interface UserFunction {
  /**
   * Calls the function itself: nothing in between, so that it inlines into the loop that calls it.
   */
  readonly invoke: AnyFunction;
  open(context: RuntimeContext): void;
  close(): void;
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
  if (typeof given === 'function') return { invoke: given, open: () => {}, close: () => {} };
  return {
    invoke: (given[method] as AnyFunction).bind(given),
    open: (context) => given.open?.(context),
    close: () => given.close?.(),
  };
}
