/** A stream whose every record goes to every subtask, with the states that are made of it. */
import type { MapStateDescriptor } from '../../functions/state.ts';
import type { AnyRecord } from '../../graph/operator-spec.ts';
import { describeValue } from '../../types/misfit.ts';
import { illegalArgument } from './arguments.ts';
import type { StreamHandle } from './stream-context.ts';

/**
 * What `stream.broadcast(descriptor, …)` gives: it can be connected with, and nothing else.
 *
 * @example
 * const limits = new MapStateDescriptor('limits', types.string, types.long);
 * const rules = env.fromData({ origin: 'JFK', limit: 3 }).broadcast(limits);
 * flights.connect(rules).process<Flight>({
 *   processElement(flight, context, out) {
 *     const limit = context.getBroadcastState(limits).get(flight.origin) ?? 0;
 *     if (flight.count > limit) out.collect(flight);
 *   },
 *   processBroadcastElement({ origin, limit }, context) {
 *     context.getBroadcastState(limits).put(origin, limit);
 *   },
 * });
 */
export class BroadcastStream<T> {
  /** @internal */
  readonly handle: StreamHandle;
  /** @internal */
  readonly descriptors: readonly MapStateDescriptor<AnyRecord, AnyRecord>[];
  /** Only for the compiler: whose records these are. */
  declare protected readonly recordType: T;

  /** @internal */
  constructor(
    handle: StreamHandle,
    descriptors: readonly MapStateDescriptor<AnyRecord, AnyRecord>[],
  ) {
    requireMapDescriptors(handle, descriptors);
    this.handle = handle;
    this.descriptors = Object.freeze([...descriptors]);
  }
}

function requireMapDescriptors(handle: StreamHandle, descriptors: readonly unknown[]): void {
  const names = new Set<string>();
  for (const given of descriptors) {
    const { kind, name } = (given ?? {}) as Partial<MapStateDescriptor<unknown, unknown>>;
    if (kind !== 'map' || typeof name !== 'string') {
      throw illegalArgument(
        `broadcast behind operator '${handle.name}' got ${describeValue(given)}: give a new ` +
          "MapStateDescriptor('name'), since broadcast state is a map",
      );
    }
    if (names.has(name)) {
      throw illegalArgument(
        `broadcast behind operator '${handle.name}' got two descriptors with the name '${name}': ` +
          'give each state its own',
      );
    }
    names.add(name);
  }
}
