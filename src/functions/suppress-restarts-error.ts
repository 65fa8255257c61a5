/** How user code says that trying again is of no use. */
import { MillraceError } from '../base/errors.ts';

/**
 * Thrown by user code whose failure no restart mends: the job fails at once, whatever its restart
 * strategy. It may be the cause of another error. Match its code `RESTARTS_SUPPRESSED`, not the
 * class: errors cross threads as data.
 *
 * @example
 * const upTo3 = <T extends { version: number }>(order: T): T => {
 *   if (order.version <= 3) return order;
 *   throw new SuppressRestartsError(`orders of version ${order.version}: update the job`);
 * };
 * const env = StreamExecutionEnvironment.create();
 * env.fromData({ item: 'tea', version: 3 }).map(upTo3).print();
 */
export class SuppressRestartsError extends MillraceError {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super('RESTARTS_SUPPRESSED', message, options);
  }
}
