/** How user code says that trying again is of no use. */
import { MillraceError } from '../base/errors.ts';

/**
 * Thrown by user code whose failure no restart mends: the job fails at once, whatever its restart strategy. It may be the cause of
 * another error. Match its code `RESTARTS_SUPPRESSED`, not the class: errors cross threads as data.
 *
 * @example
 * stream.map((order) => {
 *   if (order.version > 3) throw new SuppressRestartsError(`orders of version ${order.version} are unknown: update the job`)
 *   return order
 * })
 */
export class SuppressRestartsError extends MillraceError {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super('RESTARTS_SUPPRESSED', message, options);
  }
}
