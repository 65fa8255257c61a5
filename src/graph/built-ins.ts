/**
 * Connectors and the Environment that the fluent API names but may not import: the composition
 * roots fill them in.
 */
import type { Environment } from '../base/environment.ts';
import { MillraceError } from '../base/errors.ts';
import type { Sink } from '../functions/sink.ts';
import type { Source } from '../functions/source.ts';
import type { TypeInformation } from '../types/type-information.ts';
import type { AnyRecord } from './operator-spec.ts';

/** What an entry point brings along. */
export interface BuiltIns {
  /** The world of jobs that are given no other. */
  readonly environment: () => Environment;
  /** A source of values in memory. */
  readonly collectionSource: <T>(
    values: readonly T[],
    type?: TypeInformation<T>,
  ) => Source<T, AnyRecord>;
  /** A source of the whole numbers from `from` to `to`, both included. */
  readonly sequenceSource: (from: number, to: number) => Source<number, AnyRecord>;
  /** A source that iterates, with backpressure. */
  readonly asyncIterableSource: <T>(
    factory: () => AsyncIterable<T>,
    type?: TypeInformation<T>,
  ) => Source<T, AnyRecord>;
  /** A sink that writes each record as a line to the standard output. */
  readonly printSink: (prefix?: string) => Sink<AnyRecord, AnyRecord>;
}

const registered: Partial<BuiltIns> = {};

/** Makes built-ins known; an entry point calls it once, a later call replaces what it names. */
export function registerBuiltIns(builtIns: Partial<BuiltIns>): void {
  Object.assign(registered, builtIns);
}

/**
 * The built-in of that name.
 *
 * @throws UNSUPPORTED if the entry point brings none
 */
export function builtIn<N extends keyof BuiltIns>(name: N): BuiltIns[N] {
  const found: BuiltIns[N] | undefined = registered[name];
  if (found !== undefined) return found;
  throw new MillraceError(
    'UNSUPPORTED',
    `${name} is not in this entry point: import from 'millrace', or register it with ` +
      'registerBuiltIns',
  );
}
