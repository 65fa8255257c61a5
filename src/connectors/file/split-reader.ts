/** What the file source's reader asks of the thing that reads one split. */
import type { ReaderOutput } from '../../functions/source.ts';
import type { FileSplit } from './file-split.ts';

/** Call again. */
export const SPLIT_MORE = 0;
/** Wait for `isAvailable`. */
export const SPLIT_WAITING = 1;
/** Nothing is left in this split. */
export const SPLIT_DONE = 2;
/** What {@link SplitReader.poll} returns. */
export type SplitStatus = typeof SPLIT_MORE | typeof SPLIT_WAITING | typeof SPLIT_DONE;

/** Reads one split. */
export interface SplitReader<T> {
  /** Emits a bounded number of records. */
  poll(output: ReaderOutput<T>): SplitStatus;
  /** Resolves when `poll` is worth calling after it returned {@link SPLIT_WAITING}. */
  isAvailable(): Promise<void>;
  /** The split at its current position. */
  snapshot(): FileSplit;
  close(): void;
}
