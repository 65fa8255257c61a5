/**
 * One subtask of one vertex: takes input through its chain, step by step, and says how far it got.
 *
 * Invariants:
 * 1. `step` never blocks. It starts only if every output has room for a batch; what a step emits
 *    beyond that waits in overflow queues, and the next step starts only when they are empty.
 * 2. After the end of input: MAX watermark through the chain, then the end, then END on every
 *    output, then the stages' last asynchronous work; only then is the task finished.
 * 3. With checkpoints a task does not finish before the job's last one is complete, and takes part
 *    in all until then: those behind it know by END that no barrier comes from it any more.
 * 4. A barrier waits for nothing but the records before it: it is taken also within a pass and
 *    while outputs are full.
 */
import type { Environment } from '../../base/environment.ts';
import { type CollectEndpoint, MAX_WATERMARK } from '../../operators/chain-stage.ts';
import type { Chain } from './chain.ts';
import type { CheckpointBarrier } from '../../checkpoint/barrier.ts';
import { attempt, taskFailure } from './task-failure.ts';
import {
  INPUT_ENDED,
  INPUT_NOTHING,
  INPUT_POLL_AGAIN,
  type InputResult,
  type TaskInput,
} from './task-input.ts';
import {
  type CheckpointResponder,
  type SnapshotFiles,
  TaskCheckpoints,
} from './task-checkpoints.ts';

/** No input, nothing to do. */
export const STEP_IDLE = 0;
/** Something was done: ask again. */
export const STEP_PROGRESS = 1;
/** An output is full, or a sink takes no rows now. */
export const STEP_BACKPRESSURED = 2;
/** Nothing will ever be done again. */
export const STEP_FINISHED = 3;

/** Time per step for keyed state's own work. */
const MAINTAIN_SLICE_MS = 0.5;

/** What {@link Task.step} returns. */
export type StepResult =
  | typeof STEP_IDLE
  | typeof STEP_PROGRESS
  | typeof STEP_BACKPRESSURED
  | typeof STEP_FINISHED;

type TaskState =
  | 'running'
  | 'last-watermark'
  | 'ending'
  | 'draining'
  | 'finishing'
  /** Waits for the last checkpoint. */
  | 'at-end-of-data'
  | 'finished';

/** How a task takes part in checkpoints. */
export interface TaskCheckpointing {
  readonly responder: CheckpointResponder;
  readonly files: (checkpointId: number) => SnapshotFiles;
  /** Whether the job takes checkpoints, so that a last one follows the end of the data. */
  readonly hasFinalCheckpoint: boolean;
  /** All input has been processed and sent on. */
  readonly endOfData: () => void;
}

/** What a {@link Task} is made of. */
export interface TaskOptions {
  readonly chain: Chain;
  /** Makes the input, once the chain is open. */
  readonly openInput: () => TaskInput;
  readonly checkpointing: TaskCheckpointing;
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
  #input: TaskInput | undefined;
  #state: TaskState = 'running';
  #waitingForStage = false;
  #waitingForFinish = false;
  #nextFlushMs = Number.POSITIVE_INFINITY;
  #lastResult: StepResult = STEP_IDLE;
  readonly #checkpoints: TaskCheckpoints;
  /** The newest checkpoint that the coordinator has asked this task for. */
  #overtaking: { readonly barrier: CheckpointBarrier; readonly atMs: number } | undefined;
  #triggered: { readonly barrier: CheckpointBarrier; readonly atEnd: boolean } | undefined;
  #hasWritten = false;
  #committing = 0;
  #isLastComplete = false;

  constructor(options: TaskOptions) {
    this.#options = options;
    this.chain = options.chain;
    this.subtask = options.subtask;
    const { chain, subtask, environment, checkpointing, wake } = options;
    this.#checkpoints = new TaskCheckpoints({
      chain,
      vertex: chain.vertex.index,
      subtask,
      environment,
      responder: checkpointing.responder,
      files: checkpointing.files,
      splits: () => this.#input?.snapshotSplits(),
      wake,
    });
  }

  /**
   * Opens the chain and its input: the first user code that runs. What it throws names the
   * operator.
   */
  open(): void {
    try {
      this.chain.open();
      this.#options.environment.faultPoint?.('restore.state');
      this.chain.restore();
      this.#input = this.#options.openInput();
    } catch (error) {
      throw taskFailure(this, error);
    }
  }

  get isFinished(): boolean {
    return this.#state === 'finished';
  }

  /** Whether something waits for a promise, so that the event loop must turn. */
  get needsEventLoop(): boolean {
    if (this.#waitingForStage || this.#waitingForFinish || this.#committing > 0) return true;
    if (this.#checkpoints.needsEventLoop) return true;
    return this.#input?.needsEventLoop === true;
  }

  /** Whether the last step found an output full or a sink busy. */
  get isBackPressured(): boolean {
    return this.#lastResult === STEP_BACKPRESSURED;
  }

  /** What the task is doing, for people. */
  describe(): string {
    const held = this.isBackPressured ? ', backpressured' : '';
    const waiting = this.needsEventLoop ? ', waiting for a promise' : '';
    return `'${this.chain.vertex.name}' (subtask ${this.subtask}): ${this.#state}${held}${waiting}`;
  }

  /** Does a bounded piece of work; `nowMs` is the monotonic clock. */
  step(nowMs: number): StepResult {
    this.#takeTriggered();
    this.#overtakeIfDue(nowMs);
    this.#lastResult = this.#step(nowMs);
    if (this.#checkpoints.step()) this.#hasWritten = true;
    this.#maintain();
    const { outputs } = this.chain;
    for (let index = 0; index < outputs.length; index++) outputs[index]?.publish();
    const hasWritten = this.#hasWritten && this.#lastResult !== STEP_FINISHED;
    this.#hasWritten = false;
    return hasWritten ? STEP_PROGRESS : this.#lastResult;
  }

  /**
   * The coordinator asks for a checkpoint: of a source, or of a task whose input has ended. With
   * `atEnd` it is taken when all data has been processed.
   */
  triggerCheckpoint(barrier: CheckpointBarrier, atEnd: boolean): void {
    this.#triggered = { barrier, atEnd };
    this.#takeTriggered();
  }

  /** An unaligned checkpoint has begun: it does not wait for barriers after `timeoutMs`. */
  mayOvertake(barrier: CheckpointBarrier, timeoutMs: number): void {
    if (barrier.checkpointId <= this.#checkpoints.lastId) return;
    const atMs = this.#options.environment.clock.monotonicMs() + timeoutMs;
    this.#overtaking = { barrier, atMs };
    this.#options.wake();
  }

  /** A checkpoint is complete; `commits`: what sinks prepared for it becomes visible. */
  notifyCheckpointComplete(checkpointId: number, commits: boolean): void {
    const committing = this.#attempt(() =>
      this.chain.notifyCheckpointComplete(checkpointId, commits),
    );
    if (committing === undefined) return;
    this.#committing++;
    committing.then(() => {
      this.#committing--;
      this.#options.wake();
    }, this.#failLater);
  }

  /** A checkpoint will never complete. */
  notifyCheckpointAborted(checkpointId: number): void {
    this.#input?.forgetCheckpoint(checkpointId);
    this.#checkpoints.aborted(checkpointId);
    this.#attempt(() => this.chain.notifyCheckpointAborted(checkpointId));
  }

  /**
   * The last checkpoint is complete (or the job ends without one): nothing keeps this task any
   * more.
   */
  endAfterLastCheckpoint(): void {
    this.#isLastComplete = true;
    this.#options.wake();
  }

  /** All barriers of a checkpoint have come. */
  readonly aligned = (barrier: CheckpointBarrier, alignmentMs: number): void => {
    if (barrier.checkpointId <= this.#checkpoints.lastId) return;
    this.#options.environment.faultPoint?.('barrier.aligned');
    this.#checkpoints.begin(barrier, { alignmentMs, isFinished: this.#isAtEnd });
  };

  get #isAtEnd(): boolean {
    return this.#state === 'at-end-of-data' || this.#state === 'finished';
  }

  /** Barriers do not wait for room or for the end of a pass. */
  #pollBarriers(input: TaskInput): void {
    if (input.pollBarriers()) this.#hasWritten = true;
  }

  /** A task that no barrier reaches takes its part when it is asked. */
  #takeTriggered(): void {
    const triggered = this.#triggered;
    if (triggered === undefined || this.#input?.isTriggered !== true) return;
    // The last work of the stages is a unit: what it makes belongs to this checkpoint, too.
    if (this.#state === 'finishing' || (triggered.atEnd && !this.#isAtEnd)) return;
    this.#triggered = undefined;
    const { barrier } = triggered;
    if (barrier.checkpointId <= this.#checkpoints.lastId) return;
    const { environment } = this.#options;
    this.#checkpoints.begin(barrier, { alignmentMs: 0, isFinished: this.#isAtEnd });
    environment.faultPoint?.('barrier.injected');
    this.#hasWritten = true;
    this.#options.wake();
  }

  #overtakeIfDue(nowMs: number): void {
    const overtaking = this.#overtaking;
    if (overtaking === undefined || nowMs < overtaking.atMs) return;
    if (this.#input?.isRestoring === true) return;
    this.#overtaking = undefined;
    const { barrier } = overtaking;
    if (barrier.checkpointId <= this.#checkpoints.lastId) return;
    const inFlight = this.#input?.overtake(barrier);
    if (inFlight === undefined) return;
    this.#checkpoints.begin(barrier, { alignmentMs: 0, isFinished: this.#isAtEnd, inFlight });
    this.#hasWritten = true;
  }

  #maintain(): void {
    // Within a pass operators may hold entries of their tables.
    if (this.chain.passes.inPass) return;
    try {
      this.chain.maintain(MAINTAIN_SLICE_MS);
    } catch (error) {
      throw taskFailure(this, error);
    }
  }

  #attempt<T>(act: () => T): T | undefined {
    let result: T | undefined;
    attempt(
      () => {
        result = act();
      },
      (error) => this.#failLater(error),
    );
    return result;
  }

  #step(nowMs: number): StepResult {
    if (this.#isLastComplete && this.#state !== 'finished') return this.#endAfterCommits();
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
      case 'at-end-of-data':
        return STEP_IDLE;
      case 'finished':
        return STEP_FINISHED;
      default:
        return this.#state satisfies never;
    }
  }

  /**
   * When `step` is worth calling without a wake-up, as a delay in ms from now; Infinity if never.
   */
  nextDelayMs(nowMs: number): number {
    if (this.#checkpoints.isWriting) return 0;
    const overtaking = this.#input?.isRestoring === true ? undefined : this.#overtaking;
    const overtakeMs = (overtaking?.atMs ?? Number.POSITIVE_INFINITY) - nowMs;
    return Math.min(overtakeMs, this.#nextDelayMs(nowMs));
  }

  #nextDelayMs(nowMs: number): number {
    if (this.#state !== 'running') return Number.POSITIVE_INFINITY;
    // Only room, or the stage that takes no rows, lets a task that is held back go on: both wake the worker.
    if (this.isBackPressured) return this.#nextFlushMs - nowMs;
    let next = Math.min(this.#nextFlushMs, this.#input?.nextPollMs() ?? 0) - nowMs;
    const wakeAtMs = this.chain.nextWakeMs();
    if (wakeAtMs < Number.POSITIVE_INFINITY) {
      next = Math.min(next, wakeAtMs - this.#options.environment.clock.now());
    }
    return next;
  }

  /** Closes the input and all operators; the first error names its operator. */
  async close(): Promise<void> {
    try {
      this.#checkpoints.close();
      await this.#closeInput();
    } finally {
      await this.chain.close().catch(this.#rethrow);
    }
  }

  async #closeInput(): Promise<void> {
    try {
      await this.#input?.close();
    } catch (error) {
      this.chain.progress.at = 0;
      this.#rethrow(error);
    }
  }

  readonly #rethrow = (error: unknown): never => {
    throw taskFailure(this, error);
  };

  #run(nowMs: number): StepResult {
    const { chain } = this;
    const input = this.#input;
    if (input === undefined) return STEP_IDLE;
    if (!this.#hasCredit() || this.#mustWaitForStage()) {
      this.#pollBarriers(input);
      return this.#heldBack(nowMs);
    }
    if (chain.passes.inPass) {
      this.#pollBarriers(input);
      chain.passes.continuePass();
      return STEP_PROGRESS;
    }
    if (this.#timersDue()) return STEP_PROGRESS;
    const result = input.step();
    if (result === INPUT_ENDED) {
      this.#state = 'last-watermark';
      chain.passes.beginWatermark(MAX_WATERMARK);
      return STEP_PROGRESS;
    }
    return this.#afterInput(result, nowMs);
  }

  /** Rows for outputs that do have room do not wait for those that have none. */
  #heldBack(nowMs: number): StepResult {
    this.#nextFlushMs = Number.POSITIVE_INFINITY;
    for (const output of this.chain.outputs) {
      this.#nextFlushMs = Math.min(this.#nextFlushMs, output.flushIfDue(nowMs));
    }
    return STEP_BACKPRESSURED;
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
    if (!this.#hasCredit() || this.#mustWaitForStage()) return STEP_BACKPRESSURED;
    if (chain.passes.inPass && !chain.passes.continuePass()) return STEP_PROGRESS;
    if (this.#state === 'last-watermark') {
      this.#state = 'ending';
      chain.passes.beginEnd();
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
    const { hasFinalCheckpoint } = this.#options.checkpointing;
    const finishing = this.chain.finish({ hasFinalCheckpoint });
    if (finishing === undefined) {
      this.#reachEndOfData();
      return STEP_PROGRESS;
    }
    this.#state = 'finishing';
    this.#waitingForFinish = true;
    finishing.then(() => {
      this.#waitingForFinish = false;
      this.#reachEndOfData();
      this.#options.wake();
    }, this.#failLater);
    return STEP_PROGRESS;
  }

  #reachEndOfData(): void {
    const { hasFinalCheckpoint, endOfData } = this.#options.checkpointing;
    this.#state = hasFinalCheckpoint ? 'at-end-of-data' : 'finished';
    if (hasFinalCheckpoint) endOfData();
  }

  #endAfterCommits(): StepResult {
    if (this.#committing > 0) return STEP_IDLE;
    this.#state = 'finished';
    return STEP_FINISHED;
  }

  /** A promise of a stage was rejected. */
  readonly #failLater = (error: unknown): void => {
    this.#options.fail(taskFailure(this, error));
  };

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
    if (this.#waitingForStage) return true;
    const waiting = this.chain.backpressure();
    if (waiting === undefined) return false;
    this.#waitingForStage = true;
    waiting.then(() => {
      this.#waitingForStage = false;
      this.#options.wake();
    }, this.#failLater);
    return true;
  }

  #timersDue(): boolean {
    const wakeAtMs = this.chain.nextWakeMs();
    if (wakeAtMs === Number.POSITIVE_INFINITY) return false;
    const nowMs = this.#options.environment.clock.now();
    if (wakeAtMs > nowMs) return false;
    this.chain.passes.beginTimers(nowMs);
    return true;
  }
}
