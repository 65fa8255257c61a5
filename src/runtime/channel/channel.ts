/**
 * The two ends of a channel: from one subtask of the upstream vertex to one of the downstream
 * vertex.
 *
 * Invariants:
 * 1. Order is kept: what is written first is read first, across rows, watermarks, status and end.
 * 2. Writing never blocks and never fails for want of room: what does not fit waits in an overflow
 *    queue.
 * 3. `hasCredit()` false tells the producer to stop before its next batch; that bounds the overflow
 *    to what one batch emits.
 */
import type { CheckpointBarrier } from '../../checkpoint/barrier.ts';
import type { RowBatch } from '../../operators/chain-stage.ts';
import type { FrameMemory } from '../../types/frame-memory.ts';
import type { TypeInformation } from '../../types/type-information.ts';
import type { ChannelCapture } from './channel-capture.ts';
import type { ElementKind } from './element.ts';

/** The producer's end. */
export interface OutputChannel {
  /** Adds a row to the staged batch. */
  append(value: unknown, timestamp: number, hash: number): void;
  /** Rows staged and not yet visible to the consumer. */
  stagedRows(): number;
  /** Makes staged rows visible (or queues them behind the overflow). */
  flush(): void;
  /** Makes all that was flushed visible, at the latest; called at the end of each step. */
  publish(): void;
  /** Flushes, then writes a control element. */
  writeWatermark(watermark: number): void;
  writeStatus(idle: boolean): void;
  writeEnd(): void;
  /**
   * Writes a barrier behind all rows so far. With `overtakes` it takes effect before what still
   * waits on this side, which is returned as records that belong to the checkpoint; undefined if
   * nothing was overtaken.
   */
  writeBarrier(barrier: CheckpointBarrier, overtakes: boolean): ChannelCapture | undefined;
  /** Moves overflow on as far as there is room; whether there is room for another batch. */
  hasCredit(): boolean;
  /** Whether anything written is still on this side. */
  isDrained(): boolean;
  /** Bytes (or row estimates) held back in overflow, for metrics and tests. */
  overflowBytes(): number;
  close(): void;
}

/** The consumer's end. `poll` gives the same element until `release`. */
export interface InputChannel {
  poll(): ElementKind;
  /** With ROWS: the rows. */
  readonly batch: RowBatch;
  /** With FRAME: where it lies, and its type and whether it carries hashes. */
  readonly memory: FrameMemory;
  readonly offset: number;
  readonly schema: ChannelSchema;
  /** With WATERMARK: the watermark. */
  readonly watermark: number;
  /** With BARRIER: the barrier. */
  readonly barrier: CheckpointBarrier;
  release(): void;
  /** Adds the rows of the current element (ROWS or FRAME). */
  captureCurrent(capture: ChannelCapture): void;
  /**
   * Looks for the barrier of a checkpoint, or the end, among the elements that were not read yet.
   * If it is there, adds the rows before it; the barrier then never comes up any more. Asking again
   * costs what has come since.
   */
  captureUnread(checkpointId: number, capture: ChannelCapture): boolean;
}

/** A frame's schema as the consumer knows it: equal types share one object per thread. */
export interface ChannelSchema {
  readonly id: number;
  readonly type: TypeInformation<unknown>;
  readonly keyed: boolean;
  /** Canonical JSON of the type: the identity of the schema. */
  readonly json: string;
}
