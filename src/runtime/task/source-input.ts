/**
 * @dataplane Drives a source's reader: polls it record by record up to a batch, lends it the
 * chain's generated `collect`.
 *
 * Invariants:
 * 1. The reader is never polled while it waits for `isAvailable` or before its first split or the
 *    end of splits is known to it.
 * 2. A step emits about a batch: it stops after the poll that reaches {@link BATCH_ROWS}.
 */
import type { Environment } from '../../base/environment.ts';
import type { OutputTag } from '../../functions/output-tag.ts';
import type { MetricGroup } from '../../functions/runtime-context.ts';
import {
  END_OF_INPUT,
  NOTHING_AVAILABLE,
  type ReaderOutput,
  type Source,
  type SourceReader,
  type SourceSplit,
} from '../../functions/source.ts';
import { BATCH_ROWS, type Emit, NO_TIMESTAMP } from '../../operators/chain-stage.ts';
import type { Chain } from './chain.ts';
import { attempt } from './task-failure.ts';
import {
  INPUT_ENDED,
  INPUT_NOTHING,
  INPUT_POLL_AGAIN,
  INPUT_SOME,
  type InputResult,
  type TaskInput,
} from './task-input.ts';

/** What a {@link SourceInput} is made of. */
export interface SourceInputOptions {
  readonly source: Source<unknown>;
  readonly chain: Chain;
  readonly subtask: number;
  readonly parallelism: number;
  readonly environment: Environment;
  readonly metricGroup: MetricGroup;
  readonly sendSplitRequest: () => void;
  /** Splits at the positions of the checkpoint that the job goes on from. */
  readonly restoredSplits: readonly SourceSplit[];
  /** Wakes the worker when the reader has become available. */
  readonly wake: () => void;
  /** Takes an error of the reader's promise. */
  readonly fail: (error: unknown) => void;
}

/** See the file's head. */
export class SourceInput implements TaskInput {
  readonly #reader: SourceReader<unknown>;
  readonly #output: ReaderOutput<unknown>;
  readonly #options: SourceInputOptions;
  #waiting = false;
  #nextPollMs = Number.POSITIVE_INFINITY;
  #closed = false;
  #isSuspended = false;
  #isEnded = false;

  constructor(options: SourceInputOptions) {
    const { source, chain, subtask, parallelism, environment } = options;
    this.#options = options;
    this.#output = readerOutput(chain);
    this.#reader = source.createReader({
      indexOfSubtask: subtask,
      parallelism,
      environment,
      metricGroup: options.metricGroup,
      sendSplitRequest: options.sendSplitRequest,
      hasSideOutput: (tagId) => chain.sideEmitter(0, tagId) !== undefined,
    });
  }

  get needsEventLoop(): boolean {
    return this.#waiting;
  }

  start(): void {
    const { restoredSplits } = this.#options;
    if (restoredSplits.length > 0) this.#call(() => this.#reader.addSplits(restoredSplits));
    this.#call(() => this.#reader.start?.());
  }

  addSplits(splits: readonly SourceSplit[]): void {
    this.#call(() => this.#reader.addSplits(splits));
  }

  notifyNoMoreSplits(): void {
    this.#call(() => this.#reader.notifyNoMoreSplits());
  }

  step(): InputResult {
    if (this.#isEnded) return INPUT_ENDED;
    if (this.#waiting || this.#isSuspended) return INPUT_NOTHING;
    const { chain } = this.#options;
    const { progress } = chain;
    const reader = this.#reader;
    const output = this.#output;
    chain.countSourceRecords();
    progress.at = 0;
    let result: InputResult = INPUT_SOME;
    this.#nextPollMs = Number.POSITIVE_INFINITY;
    for (let before = 0; before < BATCH_ROWS; before = progress.emitted) {
      const status = reader.pollNext(output);
      if (status === END_OF_INPUT) {
        result = INPUT_ENDED;
        break;
      }
      if (status === NOTHING_AVAILABLE) {
        this.#wait();
        result = progress.emitted > 0 ? INPUT_SOME : INPUT_NOTHING;
        break;
      }
      if (progress.emitted === before) {
        result = before > 0 ? INPUT_SOME : INPUT_POLL_AGAIN;
        break;
      }
    }
    if (progress.emitted > 0) output.markActive();
    chain.flushBatches();
    return result;
  }

  pollBarriers(): boolean {
    return false;
  }

  readonly isTriggered = true;
  readonly isRestoring = false;

  overtake(): undefined {
    // Nothing comes before a source.
  }

  forgetCheckpoint(): void {
    // A source has no barriers to wait for.
  }

  snapshotSplits(): readonly unknown[] {
    return this.#reader.snapshotState();
  }

  /** Stops reading (a stop with savepoint), or goes on. */
  setSuspended(isSuspended: boolean): void {
    this.#isSuspended = isSuspended;
    this.#options.wake();
  }

  /** Counts as ended from now on, whatever there may still be to read. */
  endInput(): void {
    this.#isEnded = true;
    this.#options.wake();
  }

  nextPollMs(): number {
    return this.#nextPollMs;
  }

  close(): void | Promise<void> {
    this.#closed = true;
    return this.#reader.close();
  }

  #wait(): void {
    const reader = this.#reader;
    if (reader.nextPollMs !== undefined) {
      this.#nextPollMs = reader.nextPollMs();
      if (this.#nextPollMs < Number.POSITIVE_INFINITY) return;
    }
    this.#waiting = true;
    reader.isAvailable().then(
      () => this.#available(),
      (error: unknown) => {
        if (!this.#closed) this.#fail(error);
      },
    );
  }

  /** Calls the reader from outside of a step. */
  #call(act: () => void): void {
    attempt(act, (error) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.#options.chain.progress.at = 0;
    this.#options.fail(error);
  }

  #available(): void {
    this.#waiting = false;
    if (!this.#closed) this.#options.wake();
  }
}

function readerOutput(chain: Chain): ReaderOutput<unknown> {
  const sideOutputs = new Map<string, Emit | undefined>();
  let idle = false;
  const markActive = (): void => {
    if (!idle) return;
    idle = false;
    chain.passes.sourceStatus(false);
  };
  return {
    collect: chain.collect(),
    output: <T>(tag: OutputTag<T>, value: T): void => {
      if (!sideOutputs.has(tag.id)) sideOutputs.set(tag.id, chain.sideEmitter(0, tag.id));
      sideOutputs.get(tag.id)?.(value, NO_TIMESTAMP);
    },
    markIdle: () => {
      if (idle) return;
      idle = true;
      chain.passes.sourceStatus(true);
    },
    markActive,
  };
}
