/**
 * @dataplane The channels that feed a task, taken in turn; watermarks and status go through the valve. Of connected streams each
 * channel belongs to one of the two logical inputs; the watermark is that of all channels.
 *
 * Invariant: a channel's next element is not touched while a watermark pass of the chain is unfinished.
 */
import type { Environment } from '../../base/environment.ts';
import type { InputChannel } from '../channel/channel.ts';
import { ACTIVE, END, FRAME, IDLE, NOTHING, ROWS, WATERMARK } from '../channel/element.ts';
import type { Chain } from './chain.ts';
import {
  INPUT_ENDED,
  INPUT_NOTHING,
  INPUT_SOME,
  type InputResult,
  type TaskInput,
} from './task-input.ts';
import { WatermarkValve } from './watermark-valve.ts';

/** See the file's head. */
export class GateInput implements TaskInput {
  readonly #channels: readonly InputChannel[];
  readonly #ended: boolean[];
  /** By channel: the logical input that it belongs to; and by logical input how many channels are open. */
  readonly #inputs: readonly number[];
  readonly #openOf: number[] = [];
  /** Logical inputs that have ended and whose end the chain has not seen. */
  readonly #endedInputs: number[] = [];
  readonly #chain: Chain;
  readonly #environment: Environment;
  readonly #valve: WatermarkValve;
  #open: number;
  #next = 0;
  #idleWanted: boolean | undefined;
  readonly needsEventLoop = false;

  /** @param inputs - by channel, the logical input that it belongs to */
  constructor(
    channels: readonly InputChannel[],
    chain: Chain,
    environment: Environment,
    inputs: readonly number[] = channels.map(() => 0),
  ) {
    this.#channels = channels;
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
    const ended = this.#endedInputs.shift();
    if (ended !== undefined) {
      this.#chain.beginEndOfInput(ended);
      return INPUT_SOME;
    }
    const count = this.#channels.length;
    const start = this.#next + this.#environment.scheduler.choose(count);
    for (let turn = 0; turn < count; turn++) {
      const index = (start + turn) % count;
      if (this.#ended[index] === true) continue;
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

  close(): void {
    // Channels belong to their producers (local) or to the worker (rings).
  }

  #handle(index: number, channel: InputChannel, kind: number): void {
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
      case END:
        this.#ended[index] = true;
        this.#open--;
        this.#inputChannelEnded(this.#inputs[index] ?? 0);
        this.#valve.inputEnd(index);
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
    this.#chain.inputStatus(idle);
  }
}
