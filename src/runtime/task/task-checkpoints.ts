/**
 * A subtask's part in checkpoints: takes the cut, goes on writing it in slices between steps,
 * acknowledges.
 *
 * Invariants:
 * 1. The cut and the barrier on every output happen in one call, with no record between them.
 * 2. One snapshot is under way at a time; a newer one gives the older up.
 * 3. It is acknowledged when all rows are written and everything asynchronous of it has settled, or
 *    declined with the reason.
 */
import type { Environment } from '../../base/environment.ts';
import type { CheckpointBarrier } from '../../checkpoint/barrier.ts';
import type {
  ChannelStateHandle,
  OperatorSubtaskState,
  SubtaskState,
} from '../../checkpoint/subtask-state.ts';
import type { FileRef, SnapshotOutput } from '../../state/snapshot.ts';
import type { CapturedChannel } from '../channel/channel-capture.ts';
import type { Chain } from './chain.ts';
import { type OperatorSnapshotWork, settle } from './chain-state.ts';

/**
 * What a step may spend on a snapshot that is being written, in ms: a record that comes meanwhile
 * waits for as long.
 */
export const SNAPSHOT_SLICE_MS = 1;

/** The files that one snapshot writes. */
export interface SnapshotFiles extends SnapshotOutput {
  /** What was written so far. */
  readonly newFiles: readonly FileRef[];
  /** Removes everything that was written. */
  discard(): void;
}

/** Where a subtask's acknowledgements go. */
export interface CheckpointResponder {
  acknowledge(checkpointId: number, state: SubtaskState): void;
  decline(checkpointId: number, error: unknown): void;
}

/** What {@link TaskCheckpoints} is made of. */
export interface TaskCheckpointsOptions {
  readonly chain: Chain;
  readonly vertex: number;
  readonly subtask: number;
  readonly environment: Environment;
  readonly responder: CheckpointResponder;
  readonly files: (checkpointId: number) => SnapshotFiles;
  /** Asked at the cut: the positions of a source. */
  readonly splits: () => readonly unknown[] | undefined;
  readonly wake: () => void;
}

/** Records in flight on their way into a snapshot. */
export interface InFlightRecords {
  /** All of them, or undefined while barriers are still missing. */
  collect(): readonly CapturedChannel[] | undefined;
}

interface Snapshot {
  readonly barrier: CheckpointBarrier;
  readonly files: SnapshotFiles;
  readonly works: readonly OperatorSnapshotWork[];
  readonly splits: readonly unknown[] | undefined;
  readonly isFinished: boolean;
  readonly alignmentMs: number;
  readonly syncMs: number;
  readonly cutMs: number;
  readonly inFlight: InFlightRecords | undefined;
  /** What the barrier has overtaken on the outputs. */
  readonly overtaken: readonly CapturedChannel[];
  channels: readonly ChannelStateHandle[] | undefined;
  inFlightBytes: number;
  /** Everything is written but what has not yet come by the channels. */
  waitsForChannels: boolean;
  next: number;
  isWritten: boolean;
  longestSliceMs: number;
  slicesMs: number;
}

/** See the file's head. */
export class TaskCheckpoints {
  readonly #options: TaskCheckpointsOptions;
  #snapshot: Snapshot | undefined;
  #settling = 0;
  /** The newest checkpoint that was begun. */
  lastId = 0;

  constructor(options: TaskCheckpointsOptions) {
    this.#options = options;
  }

  /** Whether rows are still to be written. */
  get isWriting(): boolean {
    const snapshot = this.#snapshot;
    return snapshot !== undefined && !snapshot.isWritten && !snapshot.waitsForChannels;
  }

  /** Whether the event loop must turn for a snapshot to settle. */
  get needsEventLoop(): boolean {
    return this.#settling > 0;
  }

  /** Takes the cut and passes the barrier on. What fails here declines the checkpoint. */
  begin(
    barrier: CheckpointBarrier,
    how: {
      readonly alignmentMs: number;
      readonly isFinished: boolean;
      readonly inFlight?: InFlightRecords | undefined;
    },
  ): void {
    this.#giveUp();
    this.lastId = barrier.checkpointId;
    const { chain, environment, responder, files } = this.#options;
    const startMs = environment.clock.monotonicMs();
    const target = files(barrier.checkpointId);
    try {
      const works = chain.snapshot(barrier, target);
      const splits = this.#options.splits();
      const overtaken = chain.outputs.flatMap((output) => output.writeBarrier(barrier));
      environment.faultPoint?.('state.cut');
      const cutMs = environment.clock.monotonicMs();
      this.#snapshot = {
        barrier,
        files: target,
        works,
        splits,
        isFinished: how.isFinished,
        alignmentMs: how.alignmentMs,
        syncMs: cutMs - startMs,
        cutMs,
        inFlight: how.inFlight,
        overtaken,
        channels: undefined,
        inFlightBytes: 0,
        waitsForChannels: false,
        next: 0,
        isWritten: false,
        longestSliceMs: 0,
        slicesMs: 0,
      };
    } catch (error) {
      // Those behind this task shall not wait for a barrier that never comes.
      for (const output of chain.outputs) output.writeBarrier(barrier);
      target.discard();
      responder.decline(barrier.checkpointId, error);
    }
  }

  /** Writes for up to `budgetMs`; true if something was done. */
  step(budgetMs: number = SNAPSHOT_SLICE_MS): boolean {
    const snapshot = this.#snapshot;
    if (snapshot === undefined || snapshot.isWritten) return false;
    const { clock } = this.#options.environment;
    const startMs = clock.monotonicMs();
    try {
      this.#write(snapshot, startMs + budgetMs);
    } catch (error) {
      this.#fail(snapshot, error);
      return true;
    }
    // Waiting is no progress: time goes on, and the barriers that are missing wake the task.
    if (snapshot.waitsForChannels) return false;
    const spentMs = clock.monotonicMs() - startMs;
    snapshot.slicesMs += spentMs;
    if (spentMs > snapshot.longestSliceMs) snapshot.longestSliceMs = spentMs;
    return true;
  }

  /** A checkpoint will never complete. */
  aborted(checkpointId: number): void {
    const snapshot = this.#snapshot;
    if (snapshot !== undefined && snapshot.barrier.checkpointId <= checkpointId) this.#giveUp();
  }

  /** Removes the files of a snapshot that is under way. */
  close(): void {
    this.#giveUp();
  }

  #write(snapshot: Snapshot, deadlineMs: number): void {
    const { clock } = this.#options.environment;
    while (snapshot.next < snapshot.works.length) {
      const work = snapshot.works[snapshot.next]?.keyed;
      const leftMs = deadlineMs - clock.monotonicMs();
      if (work !== undefined && !work.step(Math.max(leftMs, 0.05))) return;
      snapshot.next++;
      if (clock.monotonicMs() >= deadlineMs) break;
    }
    if (snapshot.next < snapshot.works.length) return;
    if (!this.#writeChannels(snapshot) || snapshot.channels === undefined) return;
    snapshot.isWritten = true;
    this.#settling++;
    this.#settle(snapshot, snapshot.channels).then(
      (state) => this.#acknowledge(snapshot, state),
      (error: unknown) => {
        this.#settling--;
        this.#fail(snapshot, error);
        this.#options.wake();
      },
    );
  }

  /** Writes what was in flight, as soon as all of it is known. */
  #writeChannels(snapshot: Snapshot): boolean {
    if (snapshot.channels !== undefined) return true;
    const captured = snapshot.inFlight === undefined ? [] : snapshot.inFlight.collect();
    snapshot.waitsForChannels = captured === undefined;
    if (captured === undefined) return false;
    const all = [...captured, ...snapshot.overtaken].filter(({ capture }) => capture.rows > 0);
    snapshot.channels = all.map(({ id, side, capture }) => {
      const writer = snapshot.files.create('in-flight');
      for (const part of capture.parts) writer.write(part);
      snapshot.inFlightBytes += capture.byteLength;
      return { ...id, side, file: writer.close(), rows: capture.rows };
    });
    return true;
  }

  async #settle(
    snapshot: Snapshot,
    channels: readonly ChannelStateHandle[],
  ): Promise<SubtaskState> {
    const operators: OperatorSubtaskState[] = [];
    for (const [index, work] of snapshot.works.entries()) {
      operators.push(await settle(work, index === 0 ? snapshot.splits : undefined));
    }
    const { vertex, subtask, environment } = this.#options;
    const { newFiles } = snapshot.files;
    environment.faultPoint?.('snapshot.uploaded');
    return {
      vertex,
      subtask,
      operators,
      channels,
      isFinished: snapshot.isFinished,
      newFiles,
      stats: {
        alignmentMs: snapshot.alignmentMs,
        syncMs: snapshot.syncMs,
        asyncMs: environment.clock.monotonicMs() - snapshot.cutMs,
        longestSliceMs: snapshot.longestSliceMs,
        slicesMs: snapshot.slicesMs,
        bytes: newFiles.reduce((bytes, file) => bytes + file.bytes, 0),
        inFlightBytes: snapshot.inFlightBytes,
      },
    };
  }

  #acknowledge(snapshot: Snapshot, state: SubtaskState): void {
    this.#settling--;
    if (this.#snapshot !== snapshot) {
      snapshot.files.discard();
      return;
    }
    this.#snapshot = undefined;
    const { environment, responder } = this.#options;
    try {
      responder.acknowledge(snapshot.barrier.checkpointId, state);
      environment.faultPoint?.('snapshot.acknowledged');
    } finally {
      this.#options.wake();
    }
  }

  #fail(snapshot: Snapshot, error: unknown): void {
    if (this.#snapshot !== snapshot) return;
    this.#giveUp();
    this.#options.responder.decline(snapshot.barrier.checkpointId, error);
  }

  #giveUp(): void {
    const snapshot = this.#snapshot;
    if (snapshot === undefined) return;
    this.#snapshot = undefined;
    // What has been handed over to `finish` is discarded when it comes back.
    if (snapshot.isWritten) return;
    for (const { keyed } of snapshot.works) keyed?.abort();
    snapshot.files.discard();
  }
}
