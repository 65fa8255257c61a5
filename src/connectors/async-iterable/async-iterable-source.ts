/**
 * A source of whatever an async iterable gives: a socket's lines, a queue, a generator of the
 * user's.
 *
 * Invariants:
 * 1. There is one split; its position counts the values emitted. A restored reader makes the
 *    iterable anew and, with `onRestore: 'replay'`, drops that many.
 * 2. At most {@link READ_AHEAD_MAX} values are pulled and not yet emitted.
 * 3. The iterator's error fails the job after the values before it; `close` always ends the
 *    iterator.
 */
import { MillraceError } from '../../base/errors.ts';
import {
  END_OF_INPUT,
  type InputStatus,
  MORE_AVAILABLE,
  NOTHING_AVAILABLE,
  type ReaderOutput,
  type Source,
  type SourceReader,
  type SourceReaderContext,
  type SourceSplit,
} from '../../functions/source.ts';
import type { TypeInformation } from '../../types/type-information.ts';
import { Availability } from '../common/availability.ts';
import { StaticSplitEnumerator } from '../common/static-split-enumerator.ts';
import { ReadAhead } from './read-ahead.ts';

/** How far the iterable is read. */
export interface AsyncIterableSplit extends SourceSplit {
  /** Values already emitted. */
  readonly emitted: number;
}

/** Options of {@link asyncIterableSource}. */
export interface AsyncIterableOptions {
  /**
   * What the factory gives when the job goes on from a checkpoint:
   * - `replay` (default): the same values again, from the first. Those that were emitted before the
   *   checkpoint are dropped. Exactly once if they are the same; if they are not, values get lost.
   * - `continue`: what comes next, as from a socket. Nothing is dropped; what was pulled since the
   *   checkpoint is lost: at most once.
   */
  readonly onRestore?: 'replay' | 'continue' | undefined;
}

/** Values pulled from the iterator and not yet emitted. */
export const READ_AHEAD_MAX = 1024;
/** Records emitted per call of `pollNext`, so that the task's loop gets its turn. */
const RECORDS_PER_POLL_MAX = 256;

/**
 * A source of the values of an async iterable, read by one subtask in their order; it ends when the
 * iterable does. An iterable cannot be rewound, so after a failure it depends on the factory what
 * is read again: see {@link AsyncIterableOptions.onRestore}.
 *
 * @param factory - makes the iterable; called in the thread that reads it, once per start of the
 *   job
 * @param type - the values' type; captured from the first records if left out
 * @example
 * asyncIterableSource(async function* () { yield 'to'; yield 'be'; })
 */
export function asyncIterableSource<T>(
  factory: () => AsyncIterable<T>,
  type?: TypeInformation<T>,
  options: AsyncIterableOptions = {},
): Source<T, AsyncIterableSplit> {
  const { onRestore = 'replay' } = options;
  if (onRestore !== 'replay' && onRestore !== 'continue') {
    throw new MillraceError(
      'ILLEGAL_ARGUMENT',
      `onRestore of asyncIterableSource is 'replay' or 'continue', got '${String(onRestore)}'`,
    );
  }
  const isReplayed = onRestore === 'replay';
  return {
    boundedness: 'continuous-unbounded',
    producedType: type,
    parallelismMax: 1,
    createEnumerator: (context, restored = [{ splitId: 'async-iterable', emitted: 0 }]) =>
      new StaticSplitEnumerator(context, restored),
    createReader: (context) => new AsyncIterableReader(factory, isReplayed, context),
  };
}

class AsyncIterableReader<T> implements SourceReader<T, AsyncIterableSplit> {
  readonly #factory: () => AsyncIterable<T>;
  readonly #isReplayed: boolean;
  readonly #context: SourceReaderContext;
  readonly #availability: Availability;
  #split: AsyncIterableSplit | undefined;
  #readAhead: ReadAhead<T> | undefined;
  #emitted = 0;
  #noMoreSplits = false;

  constructor(factory: () => AsyncIterable<T>, isReplayed: boolean, context: SourceReaderContext) {
    this.#factory = factory;
    this.#isReplayed = isReplayed;
    this.#context = context;
    this.#availability = new Availability(context.environment.clock);
  }

  pollNext(output: ReaderOutput<T>): InputStatus {
    const readAhead = this.#readAhead;
    if (readAhead === undefined) return this.#noMoreSplits ? END_OF_INPUT : NOTHING_AVAILABLE;
    const count = Math.min(readAhead.available, RECORDS_PER_POLL_MAX);
    for (let index = 0; index < count; index++) output.collect(readAhead.take());
    this.#emitted += count;
    if (readAhead.available > 0) return MORE_AVAILABLE;
    if (!readAhead.finished()) return NOTHING_AVAILABLE;
    this.#split = undefined;
    this.#readAhead = undefined;
    return this.#noMoreSplits ? END_OF_INPUT : NOTHING_AVAILABLE;
  }

  isAvailable(): Promise<void> {
    const readAhead = this.#readAhead;
    const canPoll = readAhead === undefined ? this.#noMoreSplits : readAhead.isReady();
    return canPoll ? Promise.resolve() : this.#availability.wait();
  }

  addSplits(splits: readonly AsyncIterableSplit[]): void {
    for (const split of splits) {
      this.#split = split;
      this.#emitted = split.emitted;
      this.#readAhead = new ReadAhead(this.#factory, {
        skip: this.#isReplayed ? split.emitted : 0,
        valuesMax: READ_AHEAD_MAX,
        clock: this.#context.environment.clock,
        onChange: () => this.#availability.wake(),
      });
    }
    this.#availability.wake();
  }

  notifyNoMoreSplits(): void {
    this.#noMoreSplits = true;
    this.#availability.wake();
  }

  snapshotState(): readonly AsyncIterableSplit[] {
    const split = this.#split;
    return split === undefined ? [] : [{ splitId: split.splitId, emitted: this.#emitted }];
  }

  async close(): Promise<void> {
    const readAhead = this.#readAhead;
    this.#readAhead = undefined;
    this.#availability.close();
    await readAhead?.close();
  }
}
