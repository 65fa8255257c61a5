/**
 * @dataplane The channels that feed a task, taken in turn; watermarks and status go through the
 * valve. Of connected streams each channel belongs to one of the two logical inputs; the watermark
 * is that of all channels.
 *
 * Invariant: a channel's next element is not touched while a watermark pass of the chain is
 * unfinished.
 */
import type { Environment } from '../../base/environment.ts';
import { BarrierAlignment } from '../../checkpoint/barrier-alignment.ts';
import type { CheckpointBarrier } from '../../checkpoint/barrier.ts';
import type { InputChannel } from '../channel/channel.ts';
import {
  type CapturedChannel,
  ChannelCapture,
  type ChannelId,
} from '../channel/channel-capture.ts';
import { ACTIVE, BARRIER, END, FRAME, IDLE, NOTHING, ROWS, WATERMARK } from '../channel/element.ts';
import type { Chain } from './chain.ts';
import {
  INPUT_ENDED,
  INPUT_NOTHING,
  INPUT_SOME,
  type InputResult,
  type TaskInput,
} from './task-input.ts';
import type { InFlightRecords } from './task-checkpoints.ts';
import { WatermarkValve } from './watermark-valve.ts';

/** Records being kept for an unaligned checkpoint. */
interface Capturing {
  readonly checkpointId: number;
  /** By channel; undefined where the barrier has come. */
  readonly captures: (ChannelCapture | undefined)[];
  readonly done: CapturedChannel[];
}

/** What a {@link GateInput} is made of besides its channels. */
export interface GateInputOptions {
  readonly chain: Chain;
  readonly environment: Environment;
  /** Whether channels whose barrier has come wait for the others. */
  readonly isExactlyOnce: boolean;
  /** By channel, the logical input that it belongs to. */
  readonly inputs: readonly number[];
  /**
   * The channels' names, in their order; undefined if barriers of this input must not be overtaken.
   */
  readonly channelIds: readonly ChannelId[] | undefined;
  /**
   * The checkpoint that the job goes on from, if records were in flight: its barrier comes again on
   * every channel, behind them. No new record is taken before all of them have come, so that none
   * of its key overtakes them on another way.
   */
  readonly restoring: number | undefined;
  /** All barriers of a checkpoint are there. */
  readonly aligned: (barrier: CheckpointBarrier, alignmentMs: number) => void;
}

/** See the file's head. */
export class GateInput implements TaskInput {
  readonly #channels: readonly InputChannel[];
  readonly #ended: boolean[];
  /**
   * By channel: the logical input that it belongs to; and by logical input how many channels are
   * open.
   */
  readonly #inputs: readonly number[];
  readonly #openOf: number[] = [];
  /** Logical inputs that have ended and whose end the chain has not seen. */
  readonly #endedInputs: number[] = [];
  readonly #chain: Chain;
  readonly #environment: Environment;
  readonly #valve: WatermarkValve;
  readonly #alignment: BarrierAlignment;
  readonly #channelIds: readonly ChannelId[] | undefined;
  #capturing: Capturing | undefined;
  #restoring: number | undefined;
  #open: number;
  #next = 0;
  #idleWanted: boolean | undefined;
  readonly needsEventLoop = false;

  constructor(channels: readonly InputChannel[], options: GateInputOptions) {
    const { chain, environment, isExactlyOnce, channelIds, inputs } = options;
    this.#restoring = options.restoring;
    this.#channelIds = channelIds;
    this.#channels = channels;
    this.#alignment = new BarrierAlignment(channels.length, isExactlyOnce, {
      aligned: (barrier, alignmentMs) => {
        if (barrier.checkpointId === this.#restoring) this.#restoring = undefined;
        else options.aligned(barrier, alignmentMs);
      },
    });
    this.#inputs = inputs;
    for (let input = 0; input < chain.inputCount; input++) {
      this.#openOf.push(inputs.filter((each) => each === input).length);
      if (this.#openOf[input] === 0) this.#endedInputs.push(input);
    }
    this.#ended = channels.map(() => false);
    this.#open = channels.length;
    this.#chain = chain;
    this.#environment = environment;
    this.#valve = new WatermarkValve(channels.length, {
      watermark: (watermark) => {
        this.#chain.passes.beginWatermark(watermark);
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
    const ended = this.#endedInputs.shift();
    if (ended !== undefined) {
      this.#chain.passes.beginEndOfInput(ended);
      return INPUT_SOME;
    }
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
      if (this.#open > 0 || this.#chain.passes.inPass) return INPUT_SOME;
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

  get isRestoring(): boolean {
    return this.#restoring !== undefined && this.#open > 0;
  }

  forgetCheckpoint(checkpointId: number): void {
    // Its barriers, if they come, are those of a checkpoint that nobody waits for.
    if (this.isRestoring) return;
    this.#alignment.forget(checkpointId);
    if ((this.#capturing?.checkpointId ?? checkpointId) <= checkpointId)
      this.#capturing = undefined;
  }

  /** @controlplane Once per checkpoint. */
  overtake({ checkpointId }: CheckpointBarrier): InFlightRecords | undefined {
    if (this.#channelIds === undefined || this.#open === 0) return undefined;
    const captures = this.#channels.map((_, index) =>
      this.#alignment.hasBarrier(index, checkpointId) ? undefined : new ChannelCapture(),
    );
    this.#alignment.forget(checkpointId);
    const capturing: Capturing = { checkpointId, captures, done: [] };
    this.#capturing = capturing;
    return { collect: () => this.#collect(capturing) };
  }

  /** What is processed before the barrier comes belongs to the snapshot, too. */
  #capture(index: number, channel: InputChannel, kind: number, capture: ChannelCapture): void {
    const capturing = this.#capturing;
    if (capturing === undefined) return;
    if (kind === ROWS || kind === FRAME) channel.captureCurrent(capture);
    const isBarrier = kind === BARRIER && channel.barrier.checkpointId >= capturing.checkpointId;
    if (isBarrier || kind === END) this.#captured(capturing, index);
  }

  #captured(capturing: Capturing, index: number): void {
    const capture = capturing.captures[index];
    const id = this.#channelIds?.[index];
    capturing.captures[index] = undefined;
    if (capture !== undefined && id !== undefined)
      capturing.done.push({ id, side: 'input', capture });
  }

  /** @controlplane A few times per checkpoint. */
  #collect(capturing: Capturing): readonly CapturedChannel[] | undefined {
    const { checkpointId, captures } = capturing;
    let isWaiting = false;
    for (const [index, capture] of captures.entries()) {
      if (capture === undefined) continue;
      if (this.#channels[index]?.captureUnread(checkpointId, capture) === true) {
        this.#alignment.passed(index, checkpointId);
        this.#captured(capturing, index);
      } else isWaiting = true;
    }
    if (isWaiting) return undefined;
    if (this.#capturing === capturing) this.#capturing = undefined;
    return capturing.done;
  }

  snapshotSplits(): undefined {
    return undefined;
  }

  close(): void {
    // Channels belong to their producers (local) or to the worker (rings).
  }

  #handle(index: number, channel: InputChannel, kind: number): void {
    const capture = this.#capturing?.captures[index];
    if (capture !== undefined) this.#capture(index, channel, kind, capture);
    switch (kind) {
      case ROWS:
        this.#chain.runRows(channel.batch, this.#inputs[index]);
        break;
      case FRAME:
        this.#chain.runFrame(channel.memory, channel.offset, channel.schema, this.#inputs[index]);
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
        this.#inputChannelEnded(this.#inputs[index] ?? 0);
        this.#valve.inputEnd(index);
        this.#alignment.ended(index, this.#environment.clock.monotonicMs());
        break;
      default:
        throw new RangeError(`a channel gave an element of unknown kind ${kind}`);
    }
    channel.release();
  }

  #inputChannelEnded(input: number): void {
    const open = (this.#openOf[input] ?? 0) - 1;
    this.#openOf[input] = open;
    if (open === 0) this.#endedInputs.push(input);
  }

  /** After the watermark that came with it has passed. */
  #passStatusOn(idle: boolean): void {
    this.#idleWanted = undefined;
    this.#chain.passes.inputStatus(idle);
  }
}
