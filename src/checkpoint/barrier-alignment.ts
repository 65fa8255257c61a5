/**
 * When a task has the barrier of a checkpoint from all of its channels.
 *
 * Invariants:
 * 1. Exactly-once: from its barrier until the others' a channel is blocked, so no record behind the
 *    barrier is processed before the snapshot. At-least-once: channels are never blocked.
 * 2. A channel that has ended counts as one whose barrier has come.
 * 3. A barrier of a newer checkpoint ends the alignment of an older one; barriers of older ones are
 *    ignored.
 */
import type { CheckpointBarrier } from './barrier.ts';

/** What an alignment tells. */
export interface AlignmentOutput {
  /** All barriers are there; `alignmentMs` after the first. */
  aligned(barrier: CheckpointBarrier, alignmentMs: number): void;
}

/** See the file's head. */
export class BarrierAlignment {
  readonly #isBlocking: boolean;
  readonly #output: AlignmentOutput;
  /** By channel: the newest checkpoint whose barrier has come. */
  readonly #barrierOf: Float64Array;
  readonly #ended: boolean[];
  #current: CheckpointBarrier | undefined;
  #firstMs = 0;
  #waiting = 0;
  /** The newest checkpoint that was aligned, overtaken or aborted. */
  #lastId = 0;

  constructor(channels: number, isBlocking: boolean, output: AlignmentOutput) {
    this.#isBlocking = isBlocking;
    this.#output = output;
    this.#barrierOf = new Float64Array(channels);
    this.#ended = new Array<boolean>(channels).fill(false);
  }

  /** The checkpoint that is being aligned. */
  get current(): CheckpointBarrier | undefined {
    return this.#current;
  }

  /** When the first barrier of {@link current} came, monotonic ms. */
  get firstMs(): number {
    return this.#firstMs;
  }

  /** Whether the channel must not be read now. */
  isBlocked(channel: number): boolean {
    const current = this.#current;
    return (
      this.#isBlocking && current !== undefined && this.#barrierOf[channel] === current.checkpointId
    );
  }

  /**
   * Whether the barrier of a checkpoint, or of a newer one, has come on a channel, or the channel
   * has ended.
   */
  hasBarrier(channel: number, checkpointId: number): boolean {
    return this.#ended[channel] === true || (this.#barrierOf[channel] ?? 0) >= checkpointId;
  }

  /** A barrier has come on a channel. */
  barrier(channel: number, barrier: CheckpointBarrier, nowMs: number): void {
    const { checkpointId } = barrier;
    if (checkpointId > (this.#barrierOf[channel] ?? 0)) this.#barrierOf[channel] = checkpointId;
    if (checkpointId <= this.#lastId) return;
    const current = this.#current;
    if (current !== undefined && checkpointId < current.checkpointId) return;
    if (current?.checkpointId !== checkpointId) {
      this.#current = barrier;
      this.#firstMs = nowMs;
    }
    this.#check(nowMs);
  }

  /** A channel has ended. */
  ended(channel: number, nowMs: number): void {
    this.#ended[channel] = true;
    this.#check(nowMs);
  }

  /** A barrier was found ahead of the records before it. */
  passed(channel: number, checkpointId: number): void {
    if (checkpointId > (this.#barrierOf[channel] ?? 0)) this.#barrierOf[channel] = checkpointId;
  }

  /**
   * A checkpoint was taken without waiting for the rest, or will never complete: its barriers mean
   * nothing any more.
   */
  forget(checkpointId: number): void {
    if (checkpointId > this.#lastId) this.#lastId = checkpointId;
    if (this.#current !== undefined && this.#current.checkpointId <= checkpointId) {
      this.#current = undefined;
    }
  }

  #check(nowMs: number): void {
    const current = this.#current;
    if (current === undefined) return;
    this.#waiting = 0;
    for (let channel = 0; channel < this.#ended.length; channel++) {
      if (!this.hasBarrier(channel, current.checkpointId)) this.#waiting++;
    }
    if (this.#waiting > 0) return;
    this.forget(current.checkpointId);
    this.#output.aligned(current, nowMs - this.#firstMs);
  }
}
