/**
 * The state backends by name. `heap` is always there; others are made known by the composition
 * roots.
 */
import type { Environment } from '../base/environment.ts';
import { MillraceError } from '../base/errors.ts';
import type { KeyedStateBackend } from './keyed-state-backend.ts';
import type { IndexRange } from './key-groups.ts';
import { heapBackend } from './heap/heap-backend.ts';

/** What the backends of one worker share. */
export interface WorkerBackendOptions {
  readonly environment: Environment;
  /** For all keyed state of the worker. */
  readonly memoryBytes: number;
  /** A folder for databases; undefined: a temporary one. */
  readonly localDirectory: string | undefined;
  readonly workerIndex: number;
  /** How many workers with such options the process has (1). */
  readonly workers?: number | undefined;
}

/** What one operator's subtask wants. */
export interface OperatorBackendOptions {
  readonly operatorId: string;
  readonly operatorName: string;
  readonly subtask: number;
  readonly maxParallelism: number;
  readonly keyGroups: IndexRange;
  /** Of the worker's memory, 0 to 1. */
  readonly shareOfMemory: number;
  /** Whether changes are tracked for checkpoints. */
  readonly isTracking: boolean;
}

/** Makes the keyed state of a worker's operators. */
export interface KeyedStateBackends extends Disposable {
  backend(options: OperatorBackendOptions): KeyedStateBackend;
}

/** Makes {@link KeyedStateBackends} for one worker. */
export type KeyedStateBackendsFactory = (options: WorkerBackendOptions) => KeyedStateBackends;

const heap: KeyedStateBackendsFactory = ({ environment, memoryBytes }) => ({
  backend: ({ operatorName, maxParallelism, keyGroups, shareOfMemory, isTracking }) =>
    heapBackend({
      operatorName,
      maxParallelism,
      keyGroups,
      environment,
      memoryBytes: memoryBytes * shareOfMemory,
      isTracking,
    }),
  [Symbol.dispose]: () => undefined,
});

const factories = new Map<string, KeyedStateBackendsFactory>([['heap', heap]]);

/** Makes a backend known. */
export function registerStateBackend(name: string, factory: KeyedStateBackendsFactory): void {
  factories.set(name, factory);
}

/**
 * The backends of a worker.
 *
 * @throws STATE_BACKEND_UNAVAILABLE if the entry point does not bring it, or its binding cannot be
 * loaded
 */
export function keyedStateBackends(
  name: string,
  options: WorkerBackendOptions,
): KeyedStateBackends {
  const factory = factories.get(name);
  if (factory !== undefined) return factory(options);
  throw new MillraceError(
    'STATE_BACKEND_UNAVAILABLE',
    `there is no state backend '${name}' in this entry point; it has ${[...factories.keys()].join(', ')}`,
  );
}
