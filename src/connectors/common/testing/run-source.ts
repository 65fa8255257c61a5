/**
 * Drives a source as the runtime would, in one thread: for the tests of connectors.
 *
 * Invariant: a reader that says NOTHING_AVAILABLE is polled again only after its `isAvailable` has
 * resolved.
 */
import { assert } from '../../../base/assert.ts';
import {
  type SimulatedEnvironment,
  simulatedEnvironment,
} from '../../../base/simulated-environment.ts';
import {
  END_OF_INPUT,
  NOTHING_AVAILABLE,
  type Source,
  type SourceReader,
  type SourceReaderContext,
  type SourceSplit,
} from '../../../functions/source.ts';

/** A record as a reader emitted it. */
export interface Emitted<T> {
  readonly record: T;
  readonly timestamp: number | undefined;
}

/** How a source is driven. */
export interface RunOptions<S extends SourceSplit> {
  readonly parallelism?: number;
  readonly environment?: SimulatedEnvironment;
  /** Splits of an earlier run, to go on from. */
  readonly restored?: readonly S[];
}

/** A source's readers with their splits assigned. */
export class SourceRun<T, S extends SourceSplit> {
  readonly environment: SimulatedEnvironment;
  readonly readers: readonly SourceReader<T, S>[];
  /** What each subtask has emitted. */
  readonly emitted: readonly Emitted<T>[][];

  constructor(source: Source<T, S>, options: RunOptions<S> = {}) {
    const { parallelism = 1, environment = simulatedEnvironment({ seed: 1 }) } = options;
    const subtasks = Array.from({ length: parallelism }, (_, index) => index);
    this.environment = environment;
    this.emitted = subtasks.map(() => []);
    this.readers = subtasks.map((indexOfSubtask) =>
      source.createReader({ ...readerContext(environment), indexOfSubtask, parallelism }),
    );
    const enumerator = source.createEnumerator(
      {
        parallelism,
        environment,
        assignSplit: (split, subtask) => this.reader(subtask).addSplits([split]),
        signalNoMoreSplits: (subtask) => this.reader(subtask).notifyNoMoreSplits(),
      },
      options.restored,
    );
    for (const subtask of subtasks) enumerator.addReader(subtask);
  }

  reader(subtask: number): SourceReader<T, S> {
    const reader = this.readers[subtask];
    assert(reader !== undefined, () => `there is no subtask ${subtask}`);
    return reader;
  }

  /** Calls `pollNext` of a subtask's reader once. */
  poll(subtask: number): number {
    const emitted = this.emitted[subtask] as Emitted<T>[];
    return this.reader(subtask).pollNext({
      collect: (record, timestamp) => emitted.push({ record, timestamp }),
      markIdle: () => {},
      markActive: () => {},
      output: () => {},
    });
  }

  /** Polls all readers in turn to their ends; lets virtual time pass when all wait. */
  async toEnd(): Promise<this> {
    await Promise.all(this.readers.map((_, subtask) => this.#readerToEnd(subtask)));
    return this;
  }

  /** The records of all subtasks, one after the other. */
  records(): T[] {
    return this.emitted.flat().map(({ record }) => record);
  }

  /** The positions of all subtasks. */
  snapshot(): S[] {
    return this.readers.flatMap((reader) => [...reader.snapshotState()]);
  }

  async #readerToEnd(subtask: number): Promise<void> {
    const reader = this.reader(subtask);
    for (let status = this.poll(subtask); status !== END_OF_INPUT; status = this.poll(subtask)) {
      if (status !== NOTHING_AVAILABLE) continue;
      const available = reader.isAvailable();
      this.environment.clock.advanceToNextTimer();
      await available;
    }
    await reader.close();
  }
}

function readerContext(
  environment: SimulatedEnvironment,
): Omit<SourceReaderContext, 'indexOfSubtask' | 'parallelism'> {
  return {
    environment,
    metricGroup: { counter: () => ({ inc: () => {}, count: 0 }) },
    sendSplitRequest: () => {},
    hasSideOutput: () => false,
  };
}
