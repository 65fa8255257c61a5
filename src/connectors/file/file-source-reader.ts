/**
 * Reads the file splits of one subtask, one after the other.
 *
 * Invariants:
 * 1. One split is read and, once what was restored is read, at most one more waits; the next is
 *    asked for when the last one that waits is begun.
 * 2. A snapshot holds the split being read at its position, then the one that waits.
 */
import { MillraceError } from '../../base/errors.ts';
import {
  END_OF_INPUT,
  type InputStatus,
  MORE_AVAILABLE,
  NOTHING_AVAILABLE,
  type ReaderOutput,
  type SourceReader,
  type SourceReaderContext,
} from '../../functions/source.ts';
import type { FileSplit } from './file-split.ts';
import { SPLIT_DONE, SPLIT_MORE, type SplitReader } from './split-reader.ts';

/** Opens a split for reading. */
export type OpenSplit<T> = (split: FileSplit) => SplitReader<T>;

/** Reads files in one subtask. */
export class FileSourceReader<T> implements SourceReader<T, FileSplit> {
  readonly #context: SourceReaderContext;
  readonly #open: OpenSplit<T>;
  readonly #waiting: FileSplit[] = [];
  #current: SplitReader<T> | undefined;
  #isRequested = false;
  #hasNoMore = false;
  #isClosed = false;
  #newSplit: PromiseWithResolvers<void> | undefined;

  constructor(context: SourceReaderContext, open: OpenSplit<T>) {
    this.#context = context;
    this.#open = open;
  }

  /** As in Flink, a reader that was restored with splits reads these first. */
  start(): void {
    if (this.#waiting.length === 0) this.#requestSplit();
  }

  pollNext(output: ReaderOutput<T>): InputStatus {
    if (this.#isClosed) throw new MillraceError('ILLEGAL_STATE', 'the file reader is closed');
    this.#current ??= this.#beginNext();
    if (this.#current === undefined) return this.#hasNoMore ? END_OF_INPUT : NOTHING_AVAILABLE;
    const status = this.#current.poll(output);
    if (status === SPLIT_MORE) return MORE_AVAILABLE;
    if (status !== SPLIT_DONE) return NOTHING_AVAILABLE;
    this.#closeCurrent();
    if (this.#waiting.length > 0) return MORE_AVAILABLE;
    return this.#hasNoMore ? END_OF_INPUT : NOTHING_AVAILABLE;
  }

  isAvailable(): Promise<void> {
    if (this.#current !== undefined) return this.#current.isAvailable();
    if (this.#waiting.length > 0 || this.#hasNoMore) return Promise.resolve();
    this.#newSplit ??= Promise.withResolvers<void>();
    return this.#newSplit.promise;
  }

  addSplits(splits: readonly FileSplit[]): void {
    this.#waiting.push(...splits);
    this.#isRequested = false;
    this.#wake();
  }

  notifyNoMoreSplits(): void {
    this.#hasNoMore = true;
    this.#wake();
  }

  snapshotState(): readonly FileSplit[] {
    const current = this.#current === undefined ? [] : [this.#current.snapshot()];
    return [...current, ...this.#waiting];
  }

  close(): void {
    this.#isClosed = true;
    this.#closeCurrent();
    this.#wake();
  }

  #beginNext(): SplitReader<T> | undefined {
    const split = this.#waiting.shift();
    if (split === undefined) return undefined;
    if (this.#waiting.length === 0) this.#requestSplit();
    return this.#open(split);
  }

  #requestSplit(): void {
    if (this.#isRequested || this.#hasNoMore) return;
    this.#isRequested = true;
    this.#context.sendSplitRequest();
  }

  #closeCurrent(): void {
    this.#current?.close();
    this.#current = undefined;
  }

  #wake(): void {
    this.#newSplit?.resolve();
    this.#newSplit = undefined;
  }
}
