/** Whether something is a trigger. */
import { MillraceError } from '../../../base/errors.ts';

const METHODS = ['onElement', 'onEventTime', 'onProcessingTime', 'clear'] as const;

/** @throws ILLEGAL_ARGUMENT unless `given` has all methods of a trigger */
export function requireTrigger(owner: string, given: unknown): void {
  const methods = (given ?? {}) as Readonly<Record<string, unknown>>;
  const missing = METHODS.find((name) => typeof methods[name] !== 'function');
  if (missing === undefined) return;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `${owner} got ${given === null ? 'null' : typeof given} without ${missing}(…): give a trigger ` +
      `such as CountTrigger.of(100), or an object with ${METHODS.join(', ')}`,
  );
}
