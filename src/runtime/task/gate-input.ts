/**
 * @dataplane The channels that feed a task, taken in turn; watermarks and status go through the valve.
 *
 * Invariant: a channel's next element is not touched while a watermark pass of the chain is unfinished.
 */
import type { Environment } from '../../base/environment.ts';
import { BarrierAlignment } from '../../checkpoint/barrier-alignment.ts';
import type { CheckpointBarrier } from '../../checkpoint/barrier.ts';
import type { InputChannel } from '../channel/channel.ts';
import { ACTIVE, BARRIER, END, FRAME, IDLE, NOTHING, ROWS, WATERMARK } from '../channel/element.ts';
import type { Chain } from './chain.ts';
import {
  INPUT_ENDED,
  INPUT_NOTHING,
  INPUT_SOME,
  type InputResult,
  type TaskInput,
} from './task-input.ts';
import { WatermarkValve } from './watermark-valve.ts';

/** What a {@link GateInput} is made of besides its channels. */
export interface GateInputOptions {
  readonly chain: Chain;
  readonly environment: Environment;
  /** Whether channels whose barrier has come wait for the others. */
  readonly isExactlyOnce: boolean;
  /** All barriers of a checkpoint are there. */
  readonly aligned: (barrier: CheckpointBarrier, alignmentMs: number) => void;
}

/** See the file's head. */
export class GateInput implements TaskInput {
  readonly #channels: readonly InputChannel[];
  readonly #ended: boolean[];
  readonly #chain: Chain;
  readonly #environment: Environment;
  readonly #valve: WatermarkValve;
  readonly #alignment: BarrierAlignment;
  #open: number;
  #next = 0;
  #idleWanted: boolean | undefined;
  readonly needsEventLoop = false;

  constructor(
    channels: readonly InputChannel[],
    { chain, environment, isExactlyOnce, aligned }: GateInputOptions,
  ) {
    this.#channels = channels;
    this.#alignment = new BarrierAlignment(channels.length, isExactlyOnce, { aligned });
    this.#ended = channels.map(() => false);
    this.#open = channels.length;
    this.#chain = chain;
    this.#environment = environment;
    this.#valve = new WatermarkValve(channels.length, {
      watermark: (watermark) => {
        this.#chain.beginWatermark(watermark);
      },
      status: (idle) => {
        this.#idleWanted = idle;
      },
    });
  }

  /** The watermark of the whole input. */
  get watermark(): number {
    return this.#valve.current;
  }

  step(): InputResult {
    if (this.#idleWanted !== undefined) this.#passStatusOn(this.#idleWanted);
    // Behind `global` all subtasks but the first have no channel at all.
    if (this.#open === 0) return INPUT_ENDED;
    const count = this.#channels.length;
    const start = this.#next + this.#environment.scheduler.choose(count);
    for (let turn = 0; turn < count; turn++) {
      const index = (start + turn) % count;
      if (this.#ended[index] === true || this.#alignment.isBlocked(index)) continue;
      const channel = this.#channels[index];
      if (channel === undefined) continue;
      const kind = channel.poll();
      if (kind === NOTHING) continue;
      this.#next = (index + 1) % count;
      this.#handle(index, channel, kind);
      if (this.#open > 0 || this.#chain.inPass) return INPUT_SOME;
      return INPUT_ENDED;
    }
    return INPUT_NOTHING;
  }

  nextPollMs(): number {
    return Number.POSITIVE_INFINITY;
  }

  pollBarriers(): boolean {
    let found = false;
    for (let index = 0; index < this.#channels.length; index++) {
      const channel = this.#channels[index];
      if (channel === undefined || this.#ended[index] === true) continue;
      if (this.#alignment.isBlocked(index) || channel.poll() !== BARRIER) continue;
      this.#handle(index, channel, BARRIER);
      found = true;
    }
    return found;
  }

  get isTriggered(): boolean {
    return this.#open === 0;
  }

  forgetCheckpoint(checkpointId: number): void {
    this.#alignment.forget(checkpointId);
  }

  snapshotSplits(): undefined {
    return undefined;
  }

  close(): void {
    // Channels belong to their producers (local) or to the worker (rings).
  }

  #handle(index: number, channel: InputChannel, kind: number): void {
    switch (kind) {
      case ROWS:
        this.#chain.runRows(channel.batch);
        break;
      case FRAME:
        this.#chain.runFrame(channel.memory, channel.offset, channel.schema);
        break;
      case WATERMARK:
        this.#valve.inputWatermark(index, channel.watermark);
        break;
      case IDLE:
        this.#valve.inputStatus(index, true);
        break;
      case ACTIVE:
        this.#valve.inputStatus(index, false);
        break;
      case BARRIER:
        this.#alignment.barrier(index, channel.barrier, this.#environment.clock.monotonicMs());
        break;
      case END:
        this.#ended[index] = true;
        this.#open--;
        this.#valve.inputEnd(index);
        this.#alignment.ended(index, this.#environment.clock.monotonicMs());
        break;
      default:
        throw new RangeError(`a channel gave an element of unknown kind ${kind}`);
    }
    channel.release();
  }

  /** After the watermark that came with it has passed. */
  #passStatusOn(idle: boolean): void {
    this.#idleWanted = undefined;
    this.#chain.inputStatus(idle);
  }
}
