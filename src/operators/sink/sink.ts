/**
 * Writes records to a sink and commits in two phases: prepares at each checkpoint, commits when it
 * is complete.
 *
 * Invariants:
 * 1. Order of calls on the writer: as `functions/sink.ts` says.
 * 2. What has been prepared and not committed is part of every snapshot. So what an aborted
 *    checkpoint prepared, and what a savepoint prepared, goes with the next checkpoint: neither has
 *    to do anything for it.
 * 3. Committed is only what a completed checkpoint holds, and what a restored one held: that before
 *    the first record, by holding back the input until it is done.
 * 4. After a flush that failed nothing is acknowledged or committed any more: the task fails.
 */
import { MillraceError } from '../../base/errors.ts';
import type { SinkWriteContext, SinkWriter } from '../../functions/sink.ts';
import type { AnyRecord, SinkSpec } from '../../graph/operator-spec.ts';
import { NO_TIMESTAMP } from '../chain-stage.ts';
import type {
  ChainStage,
  FinishContext,
  LoopBuilder,
  RowNames,
  SnapshotContext,
  StageContext,
  StageSnapshot,
} from '../chain-stage.ts';
import { CommitQueue, type PendingCommittables } from './commit-queue.ts';
import { WriterTimer } from './writer-timer.ts';

const SNAPSHOT_VERSION = 1;

/** Version 1 of the snapshot. */
interface SinkSnapshot {
  readonly pending: readonly PendingCommittables[];
  readonly writerState: readonly AnyRecord[];
}

/** The stage of a sink. */
export function sinkStage(spec: SinkSpec): ChainStage {
  return new SinkStage(spec);
}

type AnyWriter = SinkWriter<AnyRecord, AnyRecord, AnyRecord>;

class SinkStage implements ChainStage {
  readonly kind = 'sink';
  readonly inputCount = 1;
  readonly keyed = false;
  readonly #sink: SinkSpec['sink'];
  #writer: AnyWriter | undefined;
  #context: StageContext | undefined;
  #element: WriteContext | undefined;
  #timer: WriterTimer | undefined;
  #commits: CommitQueue | undefined;
  /** Prepared at the end of input, for the final checkpoint. */
  #tail: readonly AnyRecord[] = [];
  #isFinished = false;
  /** Flushes under way: what the snapshots so far wait for. */
  #flushing: Promise<void> | undefined;
  /**
   * What holds back the input: restored committables being committed, or a rejection that fails the
   * task.
   */
  #hold: Promise<void> | undefined;

  constructor(spec: SinkSpec) {
    this.#sink = spec.sink;
  }

  open(context: StageContext): void {
    this.#context = context;
    this.#element = new WriteContext(context);
    this.#commits = new CommitQueue(this.#sink, context.runtimeContext, context.operatorName);
    if (this.#isWriterRestored(context)) this.#timer = this.#newTimer(context);
    else this.#begin(this.#sink.createWriter(context.runtimeContext, context.attempt));
  }

  readonly onRow = (loop: LoopBuilder, row: RowNames): void => {
    const element = loop.constant(this.#element, 'element');
    loop.line(`${element}.time = ${row.timestamp};`);
    loop.line(`${loop.call(this.#writeFunction(), row.value, element)};`);
    if (this.#timer === undefined) return;
    // A write may begin what a timer is to end, such as a file that rolls by age.
    const timer = loop.constant(this.#timer, 'timer');
    loop.line(`if (!${timer}.isSet) ${timer}.set();`);
  };

  restore(snapshots: readonly StageSnapshot[]): void {
    const context = this.#opened();
    const restored = snapshots.map((snapshot) => sinkSnapshot(snapshot, context.operatorName));
    const states = restored.flatMap(({ writerState }) => writerState);
    if (this.#writer === undefined) this.#begin(this.#restoredWriter(states));
    else if (states.length > 0) throw noRestoreWriter(context.operatorName);
    this.#commitRestored(restored.flatMap(({ pending }) => pending));
  }

  onProcessingTime(): boolean {
    this.#timer?.fire();
    return true;
  }

  backpressure(): Promise<void> | undefined {
    return this.#hold ?? this.#writerNow().backpressure?.();
  }

  snapshot({ checkpointId }: SnapshotContext): StageSnapshot {
    const writer = this.#writerNow();
    const commits = this.#commitQueue();
    if (!this.#isFinished) this.#tail = this.#flushAndPrepare(writer, false);
    commits.add(checkpointId, this.#tail);
    this.#tail = [];
    const data: SinkSnapshot = {
      pending: commits.pending,
      writerState: writer.snapshotState?.(checkpointId) ?? [],
    };
    return { version: SNAPSHOT_VERSION, data };
  }

  snapshotSettled(): Promise<void> | undefined {
    return this.#flushing;
  }

  notifyCheckpointComplete(checkpointId: number): Promise<void> | undefined {
    return this.#commitQueue().commitUpTo(checkpointId);
  }

  async finish({ hasFinalCheckpoint }: FinishContext): Promise<void> {
    await this.#hold;
    const writer = this.#writerNow();
    this.#isFinished = true;
    this.#tail = this.#flushAndPrepare(writer, true);
    await this.#flushing;
    if (hasFinalCheckpoint) return;
    const commits = this.#commitQueue();
    commits.add(Number.POSITIVE_INFINITY, this.#tail);
    this.#tail = [];
    await commits.commitUpTo(Number.POSITIVE_INFINITY);
  }

  async close(): Promise<void> {
    try {
      await this.#commits?.close();
    } finally {
      await this.#writer?.close();
    }
  }

  #begin(writer: AnyWriter): void {
    const context = this.#opened();
    this.#writer = writer;
    if (writer.nextTimerMs !== undefined) this.#timer ??= this.#newTimer(context);
    this.#timer?.set();
  }

  /** The writer that waits for `restore`; the loop's code may be written before that. */
  #isWriterRestored(context: StageContext): boolean {
    return context.isRestored && this.#sink.restoreWriter !== undefined;
  }

  #restoredWriter(states: readonly AnyRecord[]): AnyWriter {
    const { runtimeContext, attempt } = this.#opened();
    const writer = this.#sink.restoreWriter?.(runtimeContext, attempt, states);
    return writer ?? this.#sink.createWriter(runtimeContext, attempt);
  }

  #writerNow(): AnyWriter {
    // An operator that the checkpoint does not know is restored with nothing.
    if (this.#writer === undefined) this.#begin(this.#restoredWriter([]));
    return this.#writer as AnyWriter;
  }

  /** Hot: bound where the writer is known already, so that the loop calls it directly. */
  #writeFunction(): (value: AnyRecord, context: SinkWriteContext) => void {
    const writer = this.#writer;
    if (writer !== undefined) return writer.write.bind(writer);
    return (value, context) => this.#writerNow().write(value, context);
  }

  #newTimer(context: StageContext): WriterTimer {
    return new WriterTimer(() => this.#writerNow(), context);
  }

  #flushAndPrepare(writer: AnyWriter, endOfInput: boolean): readonly AnyRecord[] {
    const { environment } = this.#opened().runtimeContext;
    const flushed = writer.flush(endOfInput);
    if (flushed !== undefined) this.#waitForFlush(flushed);
    environment.faultPoint?.('sink.precommit');
    const committables = writer.prepareCommit?.() ?? [];
    environment.faultPoint?.('sink.precommitted');
    return committables;
  }

  /** A later snapshot holds what an earlier one prepared, so it waits for that, too. */
  #waitForFlush(flushed: Promise<void>): void {
    const both = Promise.all([this.#flushing, flushed]);
    const flushing: Promise<void> = both.then(() => {
      if (this.#flushing === flushing) this.#flushing = undefined;
    });
    this.#flushing = flushing;
    // The task is told of a failure wherever it asks next.
    flushing.catch(() => {
      this.#hold ??= flushing;
    });
  }

  #commitRestored(pending: readonly PendingCommittables[]): void {
    if (pending.length === 0) return;
    const { environment } = this.#opened().runtimeContext;
    const commits = this.#commitQueue();
    environment.faultPoint?.('restore.committables');
    for (const { checkpointId, committables } of pending) commits.add(checkpointId, committables);
    const committing = commits.commitUpTo(Number.POSITIVE_INFINITY, true);
    this.#hold = committing?.then(() => {
      this.#hold = undefined;
    });
    this.#hold?.catch(() => undefined);
  }

  #opened(): StageContext {
    return this.#context as StageContext;
  }

  #commitQueue(): CommitQueue {
    return this.#commits as CommitQueue;
  }
}

function sinkSnapshot({ version, data }: StageSnapshot, operatorName: string): SinkSnapshot {
  if (version === SNAPSHOT_VERSION) return data as SinkSnapshot;
  throw new MillraceError(
    'STATE_INCOMPATIBLE',
    `the state of sink '${operatorName}' has version ${version}, this release reads ` +
      `${SNAPSHOT_VERSION}: restore it with the release that wrote it`,
    { details: { operator: operatorName, version } },
  );
}

function noRestoreWriter(operatorName: string): MillraceError {
  return new MillraceError(
    'STATE_INCOMPATIBLE',
    `the checkpoint holds writer state of sink '${operatorName}', but the sink has no ` +
      'restoreWriter that would take it: give the new sink another uid',
    { details: { operator: operatorName } },
  );
}

/** One per stage: what it says is about the record being written. */
class WriteContext implements SinkWriteContext {
  time: number = NO_TIMESTAMP;
  readonly #context: StageContext;

  constructor(context: StageContext) {
    this.#context = context;
  }

  timestamp(): number | undefined {
    return this.time === NO_TIMESTAMP ? undefined : this.time;
  }

  currentWatermark(): number {
    return this.#context.currentWatermark();
  }
}
