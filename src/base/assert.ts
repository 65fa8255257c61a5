/**
 * Assertions for what must be true if the engine has no bug. They stay on in production.
 * In the data plane they stand before a loop, never inside one.
 */
import { MillraceError } from './errors.ts';

/**
 * Fails with code `BUG` unless `condition` holds, and narrows its type.
 *
 * @param message - what was expected; a function where building the text costs something
 */
export function assert(condition: unknown, message: string | (() => string)): asserts condition {
  if (condition) return;
  throw new MillraceError('BUG', typeof message === 'string' ? message : message());
}

/** Ends a `switch` over a discriminated union: unreachable unless a case was forgotten. */
export function unreachable(value: never, what: string): never {
  throw new MillraceError('BUG', `unexpected ${what}: ${JSON.stringify(value)}`);
}
