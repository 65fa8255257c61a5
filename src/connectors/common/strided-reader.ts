/**
 * Reads sources whose record n is a function of n: numbers 0, 1, 2 … in blocks, dealt out to the
 * subtasks in turn.
 *
 * With p splits of blocks of b numbers, split i holds the blocks i, i + p, i + 2p …:
 *
 *     numbers   0 … b-1 | b … 2b-1 | … | (p-1)b … pb-1 | pb … (p+1)b-1 | …
 *     split         0   |     1    | … |      p-1      |       0       | …
 *
 * Invariants:
 * 1. The splits cover the numbers below the end, each exactly once, whatever their positions.
 * 2. A reader of several splits (after a rescale) always goes on where the smallest number is, so
 *    that times that grow with the numbers stay in order.
 * 3. The rate is the splits': each has its part of the job's, whichever reader has it. It starts
 *    anew after a restore; what was missed meanwhile is not made up for.
 */
import type { Clock } from '../../base/environment.ts';
import {
  END_OF_INPUT,
  type InputStatus,
  MORE_AVAILABLE,
  NOTHING_AVAILABLE,
  type ReaderOutput,
  type SourceReader,
  type SourceReaderContext,
  type SourceSplit,
} from '../../functions/source.ts';
import { Availability } from './availability.ts';
import { RateLimiter } from './rate-limiter.ts';

/** Every stride-th block of numbers, without what is already emitted. */
export interface StridedSplit extends SourceSplit {
  /** The next number. */
  readonly next: number;
  /** The first number that is none any more. */
  readonly end: number;
  /** Distance of one block of this split to the next, in blocks. */
  readonly stride: number;
}

/** What a source of numbered records gives to its readers. */
export interface StridedReaderOptions<T> {
  /** Emits the records of the numbers `from` to `to - 1`, which lie in one block. */
  readonly emit: (from: number, to: number, output: ReaderOutput<T>) => void;
  /** Numbers per block. */
  readonly blockSize: number;
  /** The whole job's rate; undefined: as fast as it goes. */
  readonly ratePerSecond?: number | undefined;
  /** Numbers per call of `pollNext`; 256 if left out. */
  readonly recordsPerPollMax?: number | undefined;
}

const RECORDS_PER_POLL_MAX = 256;

/** One split per subtask that has any number below `end`. */
export function stridedSplits(end: number, blockSize: number, parallelism: number): StridedSplit[] {
  const splits: StridedSplit[] = [];
  for (let index = 0; index < parallelism && index * blockSize < end; index++) {
    splits.push({ splitId: String(index), next: index * blockSize, end, stride: parallelism });
  }
  return splits;
}

/** A {@link StridedSplit} on its way. */
interface StridedSplitBuffer {
  readonly splitId: string;
  next: number;
  readonly end: number;
  readonly stride: number;
}

/** Reads {@link StridedSplit}s, at a rate if wanted. */
export class StridedReader<T> implements SourceReader<T, StridedSplit> {
  readonly #options: StridedReaderOptions<T>;
  readonly #recordsPerPollMax: number;
  readonly #clock: Clock;
  #limiter: RateLimiter | undefined;
  readonly #availability: Availability;
  #splits: StridedSplitBuffer[] = [];
  #noMoreSplits = false;

  constructor(options: StridedReaderOptions<T>, context: SourceReaderContext) {
    this.#clock = context.environment.clock;
    this.#options = options;
    this.#recordsPerPollMax = options.recordsPerPollMax ?? RECORDS_PER_POLL_MAX;
    this.#availability = new Availability(this.#clock);
  }

  pollNext(output: ReaderOutput<T>): InputStatus {
    if (this.#splits.length === 0) return this.#noMoreSplits ? END_OF_INPUT : NOTHING_AVAILABLE;
    let budget = this.#recordsPerPollMax;
    if (this.#limiter !== undefined) {
      budget = Math.min(budget, this.#limiter.permits());
      if (budget === 0) return NOTHING_AVAILABLE;
    }
    const wanted = budget;
    while (budget > 0 && this.#splits.length > 0)
      budget -= this.#emitFrom(this.#first(), budget, output);
    this.#limiter?.take(wanted - budget);
    return MORE_AVAILABLE;
  }

  isAvailable(): Promise<void> {
    if (this.#splits.length > 0) {
      const limiter = this.#limiter;
      const waits = limiter !== undefined && limiter.permits() === 0;
      return waits ? this.#availability.wait(limiter.waitMs()) : Promise.resolve();
    }
    return this.#noMoreSplits ? Promise.resolve() : this.#availability.wait();
  }

  addSplits(splits: readonly StridedSplit[]): void {
    for (const { splitId, next, end, stride } of splits) {
      if (next < end) this.#splits.push({ splitId, next, end, stride });
    }
    this.#setRate();
    this.#availability.wake();
  }

  notifyNoMoreSplits(): void {
    this.#noMoreSplits = true;
    this.#availability.wake();
  }

  snapshotState(): readonly StridedSplit[] {
    return this.#splits.map(({ splitId, next, end, stride }) => ({ splitId, next, end, stride }));
  }

  close(): void {
    this.#availability.close();
  }

  #setRate(): void {
    const { ratePerSecond } = this.#options;
    if (ratePerSecond === undefined || this.#splits.length === 0) return;
    const share = this.#splits.reduce((sum, { stride }) => sum + 1 / stride, 0);
    this.#limiter = new RateLimiter(this.#clock, ratePerSecond * share);
  }

  /** The split with the smallest number; there is one. */
  #first(): StridedSplitBuffer {
    const splits = this.#splits;
    let first = splits[0] as StridedSplitBuffer;
    for (let index = 1; index < splits.length; index++) {
      const split = splits[index] as StridedSplitBuffer;
      if (split.next < first.next) first = split;
    }
    return first;
  }

  /** Emits at most `budget` records of the split's current block; returns how many. */
  #emitFrom(split: StridedSplitBuffer, budget: number, output: ReaderOutput<T>): number {
    const blockSize = this.#options.blockSize;
    const from = split.next;
    const blockEnd = from - (from % blockSize) + blockSize;
    const to = Math.min(blockEnd, split.end, from + budget);
    this.#options.emit(from, to, output);
    split.next = to === blockEnd ? to + (split.stride - 1) * blockSize : to;
    if (split.next >= split.end) this.#splits = this.#splits.filter((each) => each !== split);
    return to - from;
  }
}
