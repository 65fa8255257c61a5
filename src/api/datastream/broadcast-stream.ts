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
 * const rules = new MapStateDescriptor('rules', types.string, types.double);
 * payments.connect(limits.broadcast(rules)).process(checkLimits);
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
