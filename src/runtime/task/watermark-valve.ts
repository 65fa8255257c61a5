/**
 * The watermark of a task's input: the minimum over its aligned, active channels (Flink:
 * StatusWatermarkValve).
 *
 * Invariants:
 * 1. The output watermark never goes down.
 * 2. An idle channel does not hold the watermark back. A channel that becomes active again counts
 *    only once its watermark has caught up with the output.
 * 3. When all channels are idle, first the largest of their watermarks goes out, then the idle
 *    status.
 * 4. A channel that has ended counts with MAX_WATERMARK, and is idle for the status: it neither
 *    holds back nor wakes.
 */
import { MAX_WATERMARK } from '../../operators/chain-stage.ts';

interface ChannelState {
  watermark: number;
  idle: boolean;
  aligned: boolean;
  ended: boolean;
}

/** Where a valve's results go. */
export interface ValveOutput {
  watermark(watermark: number): void;
  status(idle: boolean): void;
}

/** See the file's head. */
export class WatermarkValve {
  readonly #channels: ChannelState[];
  readonly #output: ValveOutput;
  #watermark: number = Number.NEGATIVE_INFINITY;
  #idle = false;

  constructor(channels: number, output: ValveOutput) {
    this.#output = output;
    this.#channels = Array.from({ length: channels }, () => ({
      watermark: Number.NEGATIVE_INFINITY,
      idle: false,
      aligned: true,
      ended: false,
    }));
  }

  /** The last watermark that went out. */
  get current(): number {
    return this.#watermark;
  }

  /** A watermark has come on a channel. */
  inputWatermark(index: number, watermark: number): void {
    const channel = this.#channel(index);
    if (channel.ended || watermark <= channel.watermark) return;
    if (watermark === MAX_WATERMARK) {
      this.inputEnd(index);
      return;
    }
    channel.watermark = watermark;
    if (channel.idle) return;
    if (!channel.aligned && watermark >= this.#watermark) channel.aligned = true;
    if (channel.aligned) this.#advance();
  }

  /** A channel has become idle or active. */
  inputStatus(index: number, idle: boolean): void {
    const channel = this.#channel(index);
    if (channel.ended || channel.idle === idle) return;
    channel.idle = idle;
    if (idle) this.#becameIdle(channel);
    else this.#becameActive(channel);
  }

  /** A channel has ended: it will never hold anything back. */
  inputEnd(index: number): void {
    const channel = this.#channel(index);
    if (channel.ended) return;
    channel.ended = true;
    channel.watermark = MAX_WATERMARK;
    channel.aligned = true;
    if (this.#channels.every((each) => each.ended)) {
      this.#emit(MAX_WATERMARK);
      return;
    }
    if (this.#channels.every((each) => each.ended || each.idle)) this.#allIdle();
    else this.#advance();
  }

  #channel(index: number): ChannelState {
    const channel = this.#channels[index];
    if (channel === undefined) throw new RangeError(`a valve has no channel ${index}`);
    return channel;
  }

  #becameIdle(channel: ChannelState): void {
    channel.aligned = false;
    if (this.#channels.every((each) => each.idle || each.ended)) this.#allIdle();
    else this.#advance();
  }

  #becameActive(channel: ChannelState): void {
    if (channel.watermark >= this.#watermark) channel.aligned = true;
    if (this.#idle) {
      this.#idle = false;
      this.#output.status(false);
    }
    // A watermark that came while the channel was idle counts from now on.
    if (channel.aligned) this.#advance();
  }

  /** Invariant 3; ended channels have nothing more to say and do not count. */
  #allIdle(): void {
    if (this.#idle) return;
    let largest = Number.NEGATIVE_INFINITY;
    for (const channel of this.#channels) {
      if (!channel.ended && channel.watermark > largest) largest = channel.watermark;
    }
    this.#emit(largest);
    this.#idle = true;
    this.#output.status(true);
  }

  #advance(): void {
    let least = MAX_WATERMARK;
    let counted = 0;
    for (const channel of this.#channels) {
      if (channel.ended || channel.idle || !channel.aligned) continue;
      counted++;
      if (channel.watermark < least) least = channel.watermark;
    }
    if (counted > 0) this.#emit(least);
  }

  #emit(watermark: number): void {
    if (watermark <= this.#watermark) return;
    this.#watermark = watermark;
    this.#output.watermark(watermark);
  }
}
