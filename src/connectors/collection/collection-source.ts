/**
 * A bounded source of given values, in their order (Flink's `fromData`).
 *
 * Invariants:
 * 1. There is one split; its position is the index of the next value.
 * 2. The values are the list's as it was when the source was made.
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

/** The values not yet emitted. */
export interface CollectionSplit extends SourceSplit {
  /** Index of the next value. */
  readonly next: number;
}

/** Records emitted per call of `pollNext`, so that the task's loop gets its turn. */
const RECORDS_PER_POLL_MAX = 256;

/**
 * A source of `values`, read by one subtask in their order.
 *
 * @param type - the values' type; captured from the first records if left out
 * @example
 * env.fromSource(collectionSource(['to', 'be']), WatermarkStrategy.noWatermarks(), 'words')
 */
export function collectionSource<T>(
  values: readonly T[],
  type?: TypeInformation<T>,
): Source<T, CollectionSplit> {
  const kept = values.slice();
  requireValues(kept);
  return {
    boundedness: 'bounded',
    producedType: type,
    parallelismMax: 1,
    createEnumerator: (context, restored = [{ splitId: 'collection', next: 0 }]) =>
      new StaticSplitEnumerator(context, restored),
    createReader: (context) => new CollectionReader(kept, context),
  };
}

function requireValues(values: readonly unknown[]): void {
  const hole = values.findIndex((value) => value === undefined);
  if (hole < 0) return;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `value ${hole} of collectionSource is undefined: a record needs a value (null is one)`,
  );
}

class CollectionReader<T> implements SourceReader<T, CollectionSplit> {
  readonly #values: readonly T[];
  readonly #availability: Availability;
  #split: CollectionSplit | undefined;
  #next = 0;
  #noMoreSplits = false;

  constructor(values: readonly T[], context: SourceReaderContext) {
    this.#values = values;
    this.#availability = new Availability(context.environment.clock);
  }

  pollNext(output: ReaderOutput<T>): InputStatus {
    if (this.#split === undefined) return this.#noMoreSplits ? END_OF_INPUT : NOTHING_AVAILABLE;
    const values = this.#values;
    const end = Math.min(this.#next + RECORDS_PER_POLL_MAX, values.length);
    // The index is below the list's length, and the list has no holes.
    for (let index = this.#next; index < end; index++) output.collect(values[index] as T);
    this.#next = end;
    if (end < values.length) return MORE_AVAILABLE;
    this.#split = undefined;
    return this.#noMoreSplits ? END_OF_INPUT : NOTHING_AVAILABLE;
  }

  isAvailable(): Promise<void> {
    const canPoll = this.#split !== undefined || this.#noMoreSplits;
    return canPoll ? Promise.resolve() : this.#availability.wait();
  }

  addSplits(splits: readonly CollectionSplit[]): void {
    for (const split of splits) {
      this.#split = split;
      this.#next = split.next;
    }
    this.#availability.wake();
  }

  notifyNoMoreSplits(): void {
    this.#noMoreSplits = true;
    this.#availability.wake();
  }

  snapshotState(): readonly CollectionSplit[] {
    const split = this.#split;
    return split === undefined ? [] : [{ splitId: split.splitId, next: this.#next }];
  }

  close(): void {
    this.#availability.close();
  }
}
