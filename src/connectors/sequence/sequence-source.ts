/**
 * A bounded source of the whole numbers of a range, spread over the readers (Flink's
 * NumberSequenceSource).
 *
 * Invariants:
 * 1. The splits are contiguous, do not overlap, and cover the range; their sizes differ by one at
 *    most.
 * 2. A reader emits a split's numbers in ascending order, one split after the other.
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
import { types } from '../../types/types.ts';
import { Availability } from '../common/availability.ts';
import { StaticSplitEnumerator } from '../common/static-split-enumerator.ts';

/** A part of the range, without what is already emitted. */
export interface SequenceSplit extends SourceSplit {
  /** The next number. */
  readonly next: number;
  /** The last number. */
  readonly to: number;
}

/** Records emitted per call of `pollNext`, so that the task's loop gets its turn. */
const RECORDS_PER_POLL_MAX = 256;

/**
 * A source of the numbers `from` to `to`, both included. In order at parallelism 1; above it, each
 * subtask has a contiguous part.
 *
 * @param type - `types.int` or `types.double` where the numbers shall travel as such
 * @example
 * env.fromSource(sequenceSource(1, 1000), WatermarkStrategy.noWatermarks(), 'numbers')
 */
export function sequenceSource(
  from: number,
  to: number,
  type: TypeInformation<number> = types.long,
): Source<number, SequenceSplit> {
  requireRange(from, to);
  return {
    boundedness: 'bounded',
    producedType: type,
    createEnumerator: (context, restored) =>
      new StaticSplitEnumerator(context, restored ?? splitRange(from, to, context.parallelism)),
    createReader: (context) => new SequenceReader(context),
  };
}

function requireRange(from: number, to: number): void {
  const whole = Number.isSafeInteger(from) && Number.isSafeInteger(to);
  if (whole && from <= to && Number.isSafeInteger(to - from + 1)) return;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `sequenceSource got the range ${from} to ${to}: ` +
      'give safe integers, the first not above the last',
  );
}

/** At most `count` splits; fewer where there are fewer numbers. */
function splitRange(from: number, to: number, count: number): SequenceSplit[] {
  const total = to - from + 1;
  const size = Math.floor(total / count);
  const larger = total % count;
  const splits: SequenceSplit[] = [];
  for (let index = 0, next = from; index < count && next <= to; index++) {
    const last = next + size - (index < larger ? 0 : 1);
    splits.push({ splitId: String(index), next, to: last });
    next = last + 1;
  }
  return splits;
}

class SequenceReader implements SourceReader<number, SequenceSplit> {
  readonly #availability: Availability;
  /** The split being read, from {@link #next} on, and those to come. */
  readonly #splits: SequenceSplit[] = [];
  #next = 0;
  #noMoreSplits = false;

  constructor(context: SourceReaderContext) {
    this.#availability = new Availability(context.environment.clock);
  }

  pollNext(output: ReaderOutput<number>): InputStatus {
    const split = this.#splits[0];
    if (split === undefined) return this.#noMoreSplits ? END_OF_INPUT : NOTHING_AVAILABLE;
    const end = Math.min(this.#next + RECORDS_PER_POLL_MAX - 1, split.to);
    for (let value = this.#next; value <= end; value++) output.collect(value);
    this.#next = end + 1;
    if (end === split.to) this.#turnToNextSplit();
    return MORE_AVAILABLE;
  }

  isAvailable(): Promise<void> {
    const canPoll = this.#splits.length > 0 || this.#noMoreSplits;
    return canPoll ? Promise.resolve() : this.#availability.wait();
  }

  addSplits(splits: readonly SequenceSplit[]): void {
    const wasEmpty = this.#splits.length === 0;
    this.#splits.push(...splits);
    if (wasEmpty) this.#next = this.#splits[0]?.next ?? 0;
    this.#availability.wake();
  }

  notifyNoMoreSplits(): void {
    this.#noMoreSplits = true;
    this.#availability.wake();
  }

  snapshotState(): readonly SequenceSplit[] {
    return this.#splits.map((split, index) =>
      index === 0 ? { ...split, next: this.#next } : split,
    );
  }

  close(): void {
    this.#availability.close();
  }

  #turnToNextSplit(): void {
    this.#splits.shift();
    this.#next = this.#splits[0]?.next ?? 0;
  }
}
