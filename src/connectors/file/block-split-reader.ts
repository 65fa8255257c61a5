/**
 * Reads the rows of one block (a Parquet row group) from the split's position on.
 *
 * Invariants:
 * 1. Opening the block is asynchronous, reading from it is not: `poll` waits for nothing.
 * 2. The position is the number in the file of the next row not yet emitted, after every row.
 */
import type { FileSystem } from '../../base/environment.ts';
import type {
  BlockReader,
  BlockReaderFormat,
  MalformedRow,
  RandomAccessFile,
} from '../../functions/format.ts';
import type { ReaderOutput } from '../../functions/source.ts';
import type { DeadLetterReporter } from './dead-letter-reporter.ts';
import type { FileSplit } from './file-split.ts';
import { openRandomAccess } from './random-access.ts';
import {
  SPLIT_DONE,
  SPLIT_MORE,
  SPLIT_WAITING,
  type SplitReader,
  type SplitStatus,
} from './split-reader.ts';

/** What a reader of blocks needs besides its split. */
export interface BlockSplitReaderOptions<T> {
  readonly fileSystem: FileSystem;
  readonly format: BlockReaderFormat<T>;
  readonly deadLetters: DeadLetterReporter;
}

const ROWS_PER_POLL_MAX = 1024;

/** Reads one block. */
export class BlockSplitReader<T> implements SplitReader<T> {
  readonly #options: BlockSplitReaderOptions<T>;
  readonly #split: FileSplit;
  readonly #file: RandomAccessFile & Disposable;
  readonly #opening: Promise<void>;
  #block: BlockReader<T> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #isClosed = false;
  #position: number;

  constructor(split: FileSplit, options: BlockSplitReaderOptions<T>) {
    this.#split = split;
    this.#options = options;
    this.#position = split.position;
    this.#file = openRandomAccess(options.fileSystem, split.path);
    this.#opening = this.#open();
  }

  poll(output: ReaderOutput<T>): SplitStatus {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#block === undefined) return SPLIT_WAITING;
    const { rows, malformed } = this.#block.read(ROWS_PER_POLL_MAX);
    if (rows.length === 0) return SPLIT_DONE;
    if (malformed === undefined) this.#emitAll(output, rows);
    else this.#emitChecked(output, rows, malformed);
    return SPLIT_MORE;
  }

  isAvailable(): Promise<void> {
    return this.#opening;
  }

  snapshot(): FileSplit {
    return { ...this.#split, position: this.#position };
  }

  close(): void {
    this.#isClosed = true;
    this.#block?.close();
    this.#block = undefined;
    this.#file[Symbol.dispose]();
  }

  #emitAll(output: ReaderOutput<T>, rows: readonly T[]): void {
    for (let i = 0; i < rows.length; i++) {
      this.#position++;
      output.collect(rows[i] as T);
    }
  }

  #emitChecked(
    output: ReaderOutput<T>,
    rows: readonly T[],
    malformed: ReadonlyMap<number, MalformedRow>,
  ): void {
    for (let i = 0; i < rows.length; i++) {
      const offset = this.#position++;
      const refused = malformed.get(i);
      if (refused === undefined) output.collect(rows[i] as T);
      else
        this.#options.deadLetters.report(output, { origin: this.#split.path, offset, ...refused });
    }
  }

  /** Never rejects: a failure is thrown by the next poll, where the job expects it. */
  async #open(): Promise<void> {
    const { block, start } = this.#split;
    try {
      const opened = await this.#options.format.openBlock(
        this.#file,
        block,
        this.#position - start,
      );
      if (this.#isClosed) opened.close();
      else this.#block = opened;
    } catch (error) {
      this.#failure = { error };
    }
  }
}
