/**
 * A source of numbered records, the twin of the Flink harness's `Gen.java`: one record per
 * `pollNext`, made when asked for.
 *
 * Invariants:
 * 1. Subtask i of p takes the blocks of 50 numbers whose block number is i modulo p.
 * 2. Without a rate it emits at full speed; with one, paced record k of a subtask is due k × p /
 *    rate seconds after the first of them, and its maker gets that time, so that latency counts
 *    from when it ought to have left.
 * 3. It uses the public source contract only.
 */
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
  type SplitEnumerator,
  type SplitEnumeratorContext,
  type TypeInformation,
} from '../../src/index.ts';
import { sharedNowNanos, threadTimeMs } from '../support/shared-clock.ts';

const BLOCK = 50;

/**
 * Start of the names of counters, one per subtask, that hold the shared time (whole microseconds)
 * of its first record.
 */
export const FIRST_RECORD_MICROS = 'firstRecordMicros';

/** Makes record n; `dueNanos` is 0 without a rate. */
export type Maker<T> = (n: number, dueNanos: number) => T;

/** What a {@link numberedSource} makes. */
export interface NumberedSourceOptions<T> {
  readonly maker: Maker<T>;
  readonly type: TypeInformation<T>;
  readonly total: number;
  /** Records per second of the whole job; 0: as many as go through. */
  readonly perSecond: number;
  /** The records before this one go at full speed, whatever the rate, and have no due time (0). */
  readonly fill?: number | undefined;
}

interface NumberedSplit extends SourceSplit {
  readonly index: number;
  readonly of: number;
  /** The number of the next record. */
  readonly next: number;
}

/** See the file's head. */
export function numberedSource<T>(options: NumberedSourceOptions<T>): Source<T, NumberedSplit> {
  return {
    boundedness: Number.isFinite(options.total) ? 'bounded' : 'continuous-unbounded',
    producedType: options.type,
    createEnumerator: (context, restored) => new NumberedEnumerator(context, restored),
    createReader: (context) => new NumberedReader(options, context),
  };
}

class NumberedEnumerator implements SplitEnumerator<NumberedSplit> {
  readonly #context: SplitEnumeratorContext<NumberedSplit>;
  #left: readonly NumberedSplit[];

  constructor(
    context: SplitEnumeratorContext<NumberedSplit>,
    restored: readonly NumberedSplit[] | undefined,
  ) {
    this.#context = context;
    const of = context.parallelism;
    this.#left =
      restored ??
      Array.from({ length: of }, (_, index) => ({
        splitId: `${index}/${of}`,
        index,
        of,
        next: index * BLOCK,
      }));
  }

  addReader(subtask: number): void {
    for (const split of this.#left) {
      if (split.index === subtask) this.#context.assignSplit(split, subtask);
    }
    this.#left = this.#left.filter((split) => split.index !== subtask);
    this.#context.signalNoMoreSplits(subtask);
  }

  handleSplitRequest(subtask: number): void {
    this.addReader(subtask);
  }

  addSplitsBack(splits: readonly NumberedSplit[]): void {
    this.#left = [...this.#left, ...splits];
  }

  snapshotState(): readonly NumberedSplit[] {
    return this.#left;
  }
}

class NumberedReader<T> implements SourceReader<T, NumberedSplit> {
  readonly #maker: Maker<T>;
  readonly #total: number;
  readonly #perSecond: number;
  readonly #fill: number;
  readonly #context: SourceReaderContext;
  #split: NumberedSplit | undefined;
  /** The next record's number, and how many are left of its block. */
  #next = 0;
  #left = BLOCK;
  #hasStarted = false;
  #pacedFromNanos = 0;
  #paced = 0;
  #dueNanos = 0;
  #available: () => void = () => undefined;
  readonly #assigned: Promise<void>;

  constructor(options: NumberedSourceOptions<T>, context: SourceReaderContext) {
    this.#maker = options.maker;
    this.#total = options.total;
    this.#perSecond = options.perSecond;
    this.#fill = options.fill ?? 0;
    this.#context = context;
    this.#assigned = new Promise((resolve) => {
      this.#available = resolve;
    });
  }

  pollNext(output: ReaderOutput<T>): InputStatus {
    const split = this.#split;
    if (split === undefined) return NOTHING_AVAILABLE;
    const n = this.#next;
    if (n >= this.#total) return END_OF_INPUT;
    if (!this.#hasStarted) this.#start();
    let dueNanos = 0;
    if (this.#perSecond > 0 && n >= this.#fill) {
      const nowNanos = sharedNowNanos();
      if (this.#paced === 0) this.#pacedFromNanos = this.#dueNanos = nowNanos;
      dueNanos = this.#dueNanos;
      if (dueNanos > nowNanos) return NOTHING_AVAILABLE;
      this.#paced++;
      const behindNanos = Math.floor((this.#paced * 1e9 * split.of) / this.#perSecond);
      this.#dueNanos = this.#pacedFromNanos + behindNanos;
    }
    output.collect(this.#maker(n, dueNanos));
    this.#next = n + 1;
    if (--this.#left === 0) {
      this.#next += BLOCK * (split.of - 1);
      this.#left = BLOCK;
    }
    return MORE_AVAILABLE;
  }

  isAvailable(): Promise<void> {
    return this.#assigned;
  }

  /**
   * Flink's reader parks here for at most 50 µs; this one lets the worker sleep until the record is
   * due.
   */
  nextPollMs(): number {
    return this.#split === undefined ? Number.POSITIVE_INFINITY : threadTimeMs(this.#dueNanos);
  }

  addSplits(splits: readonly NumberedSplit[]): void {
    const split = splits[0];
    if (split === undefined) return;
    this.#split = split;
    this.#next = split.next;
    this.#left = BLOCK - (split.next % BLOCK);
    this.#available();
  }

  notifyNoMoreSplits(): void {}

  snapshotState(): readonly NumberedSplit[] {
    return this.#split === undefined ? [] : [{ ...this.#split, next: this.#next }];
  }

  close(): void {}

  #start(): void {
    this.#hasStarted = true;
    const name = `${FIRST_RECORD_MICROS}${this.#context.indexOfSubtask}`;
    this.#context.metricGroup.counter(name).inc(Math.round(sharedNowNanos() / 1000));
  }
}
