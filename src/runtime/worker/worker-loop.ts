/**
 * The cooperative loop of one worker: runs its tasks in turn, sleeps when none can go on.
 *
 * Invariants:
 * 1. One turn gives every unfinished task one step; a step is bounded, so no task starves.
 * 2. Before the loop sleeps it has seen every task idle after `prepare`; whoever makes work
 *    afterwards rings.
 * 3. The event loop turns at least every {@link EVENT_LOOP_TURN_MS} while a task waits for a
 *    promise or `alwaysTurn` is set, and every {@link BACKGROUND_TURN_MS} in any case.
 * 4. After a failure or cancel every task is closed exactly once.
 */
import type { HeartbeatWriter } from '../../metrics/heartbeats.ts';
import type { Environment } from '../../base/environment.ts';
import { taskFailure } from '../task/task-failure.ts';
import { STEP_BACKPRESSURED, STEP_FINISHED, STEP_PROGRESS, type Task } from '../task/task.ts';
import type { Idler } from './idler.ts';

/** The event loop is given a turn at least this often while something needs it. */
export const EVENT_LOOP_TURN_MS = 1;

/**
 * And this often in any case: timers and promises of user code that the engine knows nothing of.
 */
export const BACKGROUND_TURN_MS = 100;

/** Times that a task spent, in ms; written by the loop, published with the metrics. */
export interface TaskTimes {
  busyMs: number;
  backPressuredMs: number;
  idleMs: number;
  /** The longest time between the ends of two steps in which this task could go on. */
  longestGapMs: number;
}

/** What a {@link WorkerLoop} is made of. */
export interface WorkerLoopOptions {
  readonly tasks: readonly Task[];
  readonly environment: Environment;
  readonly idler: Idler;
  /** Called once per turn: control messages, publishing of metrics. */
  readonly onTurn: (nowMs: number) => void;
  /** Whether the loop runs on a thread that has other things to do (the inline executor). */
  readonly alwaysTurn: boolean;
  /** Shows other threads what the worker is in. */
  readonly heartbeat?: HeartbeatWriter | undefined;
}

/** See the file's head. */
export class WorkerLoop {
  readonly #options: WorkerLoopOptions;
  readonly #tasks: readonly Task[];
  readonly #times: TaskTimes[];
  #canceled = false;
  #failure: { readonly error: unknown } | undefined;
  #lastTurnMs = 0;
  #lastStepEndMs = 0;

  constructor(options: WorkerLoopOptions) {
    this.#options = options;
    this.#tasks = options.tasks;
    this.#times = options.tasks.map(() => ({
      busyMs: 0,
      backPressuredMs: 0,
      idleMs: 0,
      longestGapMs: 0,
    }));
  }

  /** The times of the tasks, in their order. */
  get times(): readonly TaskTimes[] {
    return this.#times;
  }

  /** Whether all tasks have finished. */
  get isFinished(): boolean {
    return this.#tasks.every((task) => task.isFinished);
  }

  /** Stops the loop at the end of the current step. */
  cancel(): void {
    this.#canceled = true;
    this.#options.idler.wake();
  }

  /** Makes the loop fail, for errors that come from outside a step. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#options.idler.wake();
  }

  /** Opens the tasks, in order. */
  open(): void {
    for (const task of this.#tasks) task.open();
  }

  /**
   * Opens the tasks, calls `start`, and runs until all tasks are finished (true) or the loop was
   * canceled (false); throws the first failure. Closes the tasks, also those that failed to open.
   */
  async run(start: () => void): Promise<boolean> {
    try {
      this.#start(start);
      await this.#loop();
      return !this.#canceled || this.isFinished;
    } finally {
      await this.closeTasks();
    }
  }

  /** One step of every unfinished task; whether any got further. */
  turn(): boolean {
    const { environment, onTurn, heartbeat } = this.#options;
    let progressed = false;
    let startMs = environment.clock.monotonicMs();
    onTurn(startMs);
    const count = this.#tasks.length;
    const first = count > 1 ? environment.scheduler.choose(count) : 0;
    for (let turn = 0; turn < count; turn++) {
      const index = (first + turn) % count;
      const task = this.#tasks[index];
      const times = this.#times[index];
      if (task === undefined || times === undefined || task.isFinished) continue;
      heartbeat?.enter(task.chain.vertex.index, task.subtask);
      const result = this.#step(task, startMs);
      const endMs = environment.clock.monotonicMs();
      const spentMs = endMs - startMs;
      if (result === STEP_PROGRESS) {
        times.busyMs += spentMs;
        if (spentMs > times.longestGapMs) times.longestGapMs = spentMs;
        progressed = true;
      } else if (result === STEP_BACKPRESSURED) {
        times.backPressuredMs += spentMs;
      } else if (result === STEP_FINISHED) {
        progressed = true;
      } else {
        times.idleMs += spentMs;
      }
      startMs = endMs;
      if (this.#failure !== undefined || this.#canceled) break;
    }
    heartbeat?.leave();
    this.#lastStepEndMs = startMs;
    if (this.#failure !== undefined) throw this.#failure.error;
    return progressed;
  }

  /** How long nothing will happen by itself, in ms; 0 or less: something is due. */
  nextDelayMs(): number {
    const nowMs = this.#options.environment.clock.monotonicMs();
    let delayMs = Number.POSITIVE_INFINITY;
    for (const task of this.#tasks) {
      if (!task.isFinished) delayMs = Math.min(delayMs, task.nextDelayMs(nowMs));
    }
    return delayMs;
  }

  /** Whether a task waits for a promise. */
  needsEventLoop(): boolean {
    return this.#tasks.some((task) => !task.isFinished && task.needsEventLoop);
  }

  /** Closes every task; the first error is thrown when all are closed. */
  async closeTasks(): Promise<void> {
    const errors: unknown[] = [];
    for (const task of this.#tasks) {
      try {
        await task.close();
      } catch (error) {
        errors.push(error);
      }
      for (const output of task.chain.outputs) output.close();
    }
    if (errors.length > 0 && this.#failure === undefined && !this.#canceled) throw errors[0];
  }

  #start(start: () => void): void {
    try {
      this.open();
      start();
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  async #loop(): Promise<void> {
    const { environment, idler } = this.#options;
    this.#lastTurnMs = environment.clock.monotonicMs();
    while (!this.#canceled && !this.isFinished) {
      if (this.#failure !== undefined) break;
      if (this.turn()) {
        if (this.#eventLoopIsDue()) await this.#turnEventLoop();
        continue;
      }
      idler.prepare();
      if (this.#canceled || this.isFinished || this.turn()) {
        idler.cancel();
        continue;
      }
      const delayMs = this.nextDelayMs();
      if (delayMs <= 0) {
        idler.cancel();
        if (this.#eventLoopIsDue()) await this.#turnEventLoop();
        continue;
      }
      await this.#sleep(delayMs);
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #sleep(delayMs: number): Promise<void> {
    const { environment, idler, alwaysTurn } = this.#options;
    const turnEventLoop = alwaysTurn || this.needsEventLoop();
    const waiting = turnEventLoop
      ? idler.wait(delayMs, true)
      : idler.wait(Math.min(delayMs, BACKGROUND_TURN_MS), false);
    if (waiting !== undefined) await waiting;
    const nowMs = environment.clock.monotonicMs();
    this.#addWaiting(nowMs - this.#lastStepEndMs);
    const hasTurned = turnEventLoop && nowMs - this.#lastStepEndMs >= EVENT_LOOP_TURN_MS;
    if (hasTurned) this.#lastTurnMs = nowMs;
    else if (nowMs - this.#lastTurnMs >= BACKGROUND_TURN_MS) await this.#turnEventLoop();
  }

  #addWaiting(spentMs: number): void {
    for (let index = 0; index < this.#tasks.length; index++) {
      const times = this.#times[index];
      const task = this.#tasks[index];
      if (times === undefined || task === undefined || task.isFinished) continue;
      if (task.isBackPressured) times.backPressuredMs += spentMs;
      else times.idleMs += spentMs;
    }
  }

  #eventLoopIsDue(): boolean {
    const turnMs =
      this.#options.alwaysTurn || this.needsEventLoop() ? EVENT_LOOP_TURN_MS : BACKGROUND_TURN_MS;
    return this.#lastStepEndMs - this.#lastTurnMs >= turnMs;
  }

  async #turnEventLoop(): Promise<void> {
    const { environment } = this.#options;
    await environment.scheduler.yield();
    this.#lastTurnMs = environment.clock.monotonicMs();
  }

  #step(task: Task, nowMs: number): ReturnType<Task['step']> {
    try {
      return task.step(nowMs);
    } catch (error) {
      this.#failure ??= { error: taskFailure(task, error) };
      return STEP_FINISHED;
    }
  }
}
