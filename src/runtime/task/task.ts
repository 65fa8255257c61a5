/**
 * One subtask of one vertex: takes input through its chain, step by step, and says how far it got.
 *
 * Invariants:
 * 1. `step` never blocks. It starts only if every output has room for a batch; what a step emits beyond that waits in overflow
 *    queues, and the next step starts only when they are empty.
 * 2. After the end of input: MAX watermark through the chain, then the end, then END on every output, then the stages' last
 *    asynchronous work; only then is the task finished.
 */
import type { Environment } from '../../base/environment.ts';
import { type CollectEndpoint, MAX_WATERMARK } from '../../operators/chain-stage.ts';
import type { Chain } from './chain.ts';
import {
  INPUT_ENDED,
  INPUT_NOTHING,
  INPUT_POLL_AGAIN,
  type InputResult,
  type TaskInput,
} from './task-input.ts';

/** No input, nothing to do. */
export const STEP_IDLE = 0;
/** Something was done: ask again. */
export const STEP_PROGRESS = 1;
/** An output is full, or a sink takes no rows now. */
export const STEP_BACKPRESSURED = 2;
/** Nothing will ever be done again. */
export const STEP_FINISHED = 3;

/** What {@link Task.step} returns. */
export type StepResult =
  | typeof STEP_IDLE
  | typeof STEP_PROGRESS
  | typeof STEP_BACKPRESSURED
  | typeof STEP_FINISHED;

type TaskState = 'running' | 'last-watermark' | 'ending' | 'draining' | 'finishing' | 'finished';

/** What a {@link Task} is made of. */
export interface TaskOptions {
  readonly chain: Chain;
  readonly input: TaskInput;
  readonly subtask: number;
  readonly environment: Environment;
  readonly collectEndpoints: readonly CollectEndpoint[];
  readonly wake: () => void;
  readonly fail: (error: unknown) => void;
}

/** See the file's head. */
export class Task {
  readonly chain: Chain;
  readonly subtask: number;
  readonly #options: TaskOptions;
  readonly #input: TaskInput;
  #state: TaskState = 'running';
  #waitingForStage = false;
  #waitingForFinish = false;
  #nextFlushMs = Number.POSITIVE_INFINITY;
  #lastResult: StepResult = STEP_IDLE;

  constructor(options: TaskOptions) {
    this.#options = options;
    this.chain = options.chain;
    this.subtask = options.subtask;
    this.#input = options.input;
  }

  get isFinished(): boolean {
    return this.#state === 'finished';
  }

  /** Whether something waits for a promise, so that the event loop must turn. */
  get needsEventLoop(): boolean {
    return this.#waitingForStage || this.#waitingForFinish || this.#input.needsEventLoop;
  }

  /** Whether the last step found an output full or a sink busy. */
  get isBackPressured(): boolean {
    return this.#lastResult === STEP_BACKPRESSURED;
  }

  /** Does a bounded piece of work; `nowMs` is the monotonic clock. */
  step(nowMs: number): StepResult {
    this.#lastResult = this.#step(nowMs);
    return this.#lastResult;
  }

  #step(nowMs: number): StepResult {
    switch (this.#state) {
      case 'running':
        return this.#run(nowMs);
      case 'last-watermark':
      case 'ending':
        return this.#end();
      case 'draining':
        return this.#drain();
      case 'finishing':
        return STEP_IDLE;
      case 'finished':
        return STEP_FINISHED;
      default:
        return this.#state satisfies never;
    }
  }

  /** When `step` is worth calling without a wake-up, as a delay in ms from now; Infinity if never. */
  nextDelayMs(nowMs: number): number {
    let next = Math.min(this.#nextFlushMs, this.#input.nextPollMs()) - nowMs;
    const wakeAtMs = this.chain.nextWakeMs();
    if (wakeAtMs < Number.POSITIVE_INFINITY) {
      next = Math.min(next, wakeAtMs - this.#options.environment.clock.now());
    }
    return next;
  }

  async close(): Promise<void> {
    try {
      await this.#input.close();
    } finally {
      await this.chain.close();
    }
  }

  #run(nowMs: number): StepResult {
    const { chain } = this;
    if (!this.#hasCredit()) return STEP_BACKPRESSURED;
    if (chain.inPass) {
      chain.continuePass();
      return STEP_PROGRESS;
    }
    if (this.#waitingForStage || this.#mustWaitForStage()) return STEP_BACKPRESSURED;
    if (this.#timersDue()) return STEP_PROGRESS;
    const result = this.#input.step();
    if (result === INPUT_ENDED) {
      this.#state = 'last-watermark';
      chain.beginWatermark(MAX_WATERMARK);
      return STEP_PROGRESS;
    }
    return this.#afterInput(result, nowMs);
  }

  #afterInput(result: InputResult, nowMs: number): StepResult {
    const dry = result === INPUT_NOTHING || result === INPUT_POLL_AGAIN;
    this.#nextFlushMs = Number.POSITIVE_INFINITY;
    let flushed = false;
    for (const output of this.chain.outputs) {
      const timeoutMs = output.edge.bufferTimeoutMs;
      if (timeoutMs === 0 || (dry && timeoutMs > 0)) {
        if (output.stagedRows() > 0) flushed = true;
        output.flush();
      } else {
        this.#nextFlushMs = Math.min(this.#nextFlushMs, output.flushIfDue(nowMs));
      }
    }
    for (const endpoint of this.#options.collectEndpoints) endpoint.flush();
    return flushed || result !== INPUT_NOTHING ? STEP_PROGRESS : STEP_IDLE;
  }

  #end(): StepResult {
    const { chain } = this;
    if (!this.#hasCredit()) return STEP_BACKPRESSURED;
    if (chain.inPass && !chain.continuePass()) return STEP_PROGRESS;
    if (this.#state === 'last-watermark') {
      this.#state = 'ending';
      chain.beginEnd();
      return STEP_PROGRESS;
    }
    for (const output of chain.outputs) output.writeEnd();
    for (const endpoint of this.#options.collectEndpoints) endpoint.flush();
    this.#state = 'draining';
    return STEP_PROGRESS;
  }

  #drain(): StepResult {
    for (const output of this.chain.outputs) if (!output.isDrained()) return STEP_BACKPRESSURED;
    for (const endpoint of this.#options.collectEndpoints) {
      endpoint.flush();
      if (!endpoint.hasCredit()) return STEP_BACKPRESSURED;
    }
    const finishing = this.chain.finish();
    if (finishing === undefined) {
      this.#state = 'finished';
      return STEP_PROGRESS;
    }
    this.#state = 'finishing';
    this.#waitingForFinish = true;
    finishing.then(() => {
      this.#waitingForFinish = false;
      this.#state = 'finished';
      this.#options.wake();
    }, this.#options.fail);
    return STEP_PROGRESS;
  }

  #hasCredit(): boolean {
    const { outputs } = this.chain;
    for (let index = 0; index < outputs.length; index++) {
      if (outputs[index]?.hasCredit() === false) return false;
    }
    const { collectEndpoints } = this.#options;
    for (let index = 0; index < collectEndpoints.length; index++) {
      if (collectEndpoints[index]?.hasCredit() === false) return false;
    }
    return true;
  }

  #mustWaitForStage(): boolean {
    const waiting = this.chain.backpressure();
    if (waiting === undefined) return false;
    this.#waitingForStage = true;
    waiting.then(() => {
      this.#waitingForStage = false;
      this.#options.wake();
    }, this.#options.fail);
    return true;
  }

  #timersDue(): boolean {
    const wakeAtMs = this.chain.nextWakeMs();
    if (wakeAtMs === Number.POSITIVE_INFINITY) return false;
    const nowMs = this.#options.environment.clock.now();
    if (wakeAtMs > nowMs) return false;
    this.chain.beginTimers(nowMs);
    return true;
  }
}
