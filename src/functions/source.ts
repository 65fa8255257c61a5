/**
 * The source contract: splits (pieces of input), an enumerator that hands them out (on the host),
 * readers that read them (in the subtasks).
 *
 * Invariants that an implementation keeps:
 * 1. A split is plain data (it crosses threads and is written into checkpoints) and holds its
 *    position.
 * 2. `pollNext` never blocks and never awaits; it emits a bounded number of records per call (one
 *    is fine).
 * 3. What `snapshotState` returns, given to a fresh reader by `addSplits`, continues after the last
 *    emitted record.
 * 4. Splits are of the kinds of data that snapshots hold (numbers, strings, booleans, bigints,
 *    bytes, null, undefined, arrays, plain objects), and any reader reads any split, from any
 *    position, several at once: on a restore they are dealt out anew.
 *
 * What the job keeps:
 * 1. A checkpoint holds the enumerator's `snapshotState` and each reader's, taken so that every
 *    split is in exactly one of them. A reader is not within a `pollNext` then.
 * 2. On a restore, `createEnumerator` gets what the enumerator gave (an empty list too), then
 *    `start`; each new reader gets its share of the readers' splits by `addSplits` before its
 *    `start`, then `addReader` is called for it.
 */
import type { Environment } from '../base/environment.ts';
import type { TypeInformation } from '../types/type-information.ts';
import type { SideOutput } from './collector.ts';
import type { MetricGroup } from './runtime-context.ts';

/** There may be more: call again. */
export const MORE_AVAILABLE = 0;
/** Nothing now: wait for `isAvailable`. */
export const NOTHING_AVAILABLE = 1;
/** Never again anything. */
export const END_OF_INPUT = 2;
/** What {@link SourceReader.pollNext} returns. */
export type InputStatus = typeof MORE_AVAILABLE | typeof NOTHING_AVAILABLE | typeof END_OF_INPUT;

/** Whether a source ends by itself. */
export type Boundedness = 'bounded' | 'continuous-unbounded';

/** A piece of input with its position: plain data. */
export interface SourceSplit {
  readonly splitId: string;
}

/** Where a reader puts its records. */
export interface ReaderOutput<T> extends SideOutput {
  /** Emits a record, with its timestamp in epoch milliseconds if the source knows one. */
  collect(record: T, timestamp?: number): void;
  /**
   * Declares that this reader will be silent for a while, so that watermarks do not wait for it.
   */
  markIdle(): void;
  /** Ends {@link markIdle}; `collect` does it too. */
  markActive(): void;
}

/** What a reader may know and ask. */
export interface SourceReaderContext {
  readonly indexOfSubtask: number;
  readonly parallelism: number;
  readonly environment: Environment;
  readonly metricGroup: MetricGroup;
  /** Asks the enumerator for a split ({@link SplitEnumerator.handleSplitRequest}). */
  sendSplitRequest(): void;
  /**
   * Whether the job reads the side output of that id, so that a reader can refuse what would get
   * lost.
   */
  hasSideOutput(tagId: string): boolean;
}

/** Reads splits in one subtask. */
export interface SourceReader<T, S extends SourceSplit = SourceSplit> {
  /**
   * Called once, before all else but `addSplits` of what was restored: a reader that has splits
   * then need not ask for one.
   */
  start?(): void;
  pollNext(output: ReaderOutput<T>): InputStatus;
  /** Resolves when `pollNext` is worth calling after it returned NOTHING_AVAILABLE. */
  isAvailable(): Promise<void>;
  /**
   * After NOTHING_AVAILABLE: the time (monotonic ms of the environment's clock) at which `pollNext`
   * is worth calling again, for readers that wait for a time only. It spares the promise;
   * `isAvailable` is then not called. Infinity: not known.
   */
  nextPollMs?(): number;
  addSplits(splits: readonly S[]): void;
  /** No `addSplits` will follow. */
  notifyNoMoreSplits(): void;
  /** The splits not yet finished, at their current positions. */
  snapshotState(): readonly S[];
  close(): void | Promise<void>;
}

/** What an enumerator may know and do. */
export interface SplitEnumeratorContext<S extends SourceSplit = SourceSplit> {
  readonly parallelism: number;
  readonly environment: Environment;
  assignSplit(split: S, subtask: number): void;
  signalNoMoreSplits(subtask: number): void;
}

/** Finds and hands out splits; one per source, on the host. */
export interface SplitEnumerator<S extends SourceSplit = SourceSplit> {
  /** Called once; finding splits may take time. Reader calls come after it has resolved. */
  start?(): void | Promise<void>;
  /** A reader is there. */
  addReader(subtask: number): void;
  /** A reader asks for a split. */
  handleSplitRequest(subtask: number): void;
  /** A failed reader's splits, to hand out again. */
  addSplitsBack(splits: readonly S[], subtask: number): void;
  /** The splits not handed out yet. */
  snapshotState(): readonly S[];
  close?(): void | Promise<void>;
}

/** A source of records. The same object is built in every thread; it holds configuration only. */
export interface Source<T, S extends SourceSplit = SourceSplit> {
  readonly boundedness: Boundedness;
  /** The records' type if the source knows it, else it is captured. */
  readonly producedType?: TypeInformation<T> | undefined;
  /** The largest useful parallelism, if there is one. */
  readonly parallelismMax?: number | undefined;
  /** `restored`: what the enumerator's `snapshotState` gave; then no splits are looked for. */
  createEnumerator(context: SplitEnumeratorContext<S>, restored?: readonly S[]): SplitEnumerator<S>;
  createReader(context: SourceReaderContext): SourceReader<T, S>;
}
