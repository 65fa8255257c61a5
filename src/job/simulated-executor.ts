/**
 * Runs a job in simulation: p workers on the calling thread, as the `workers` executor places them,
 * with real rings between them; the seeded scheduler chooses who takes the next turn, and time is
 * virtual.
 *
 * Invariants:
 * 1. With a simulated environment every step is a function of the program and the seed.
 * 2. Time stands still while any worker can go on; then it jumps to the next moment at which
 *    something is due.
 * 3. A job in which nothing will ever happen again fails and says what each task waits for; a lost
 *    wake-up shows so.
 */
import type { Environment } from '../base/environment.ts';
import { MillraceError } from '../base/errors.ts';
import type { SimulatedClock } from '../base/simulated-clock.ts';
import type { SimulatedEnvironment } from '../base/simulated-environment.ts';
import type { EnumeratorState } from '../checkpoint/manifest.ts';
import type { ExecutionRequest, JobExecutor } from '../graph/job-client.ts';
import { Doorbell } from '../runtime/ring/doorbell.ts';
import { allocateRing } from '../runtime/ring/index.ts';
import type { Idler } from '../runtime/worker/idler.ts';
import { localChannels } from '../runtime/worker/local-channels.ts';
import { ringChannels, type RingChannelsOptions } from '../runtime/worker/ring-channels.ts';
import type { ChannelFactory } from '../runtime/worker/task-builder.ts';
import { WorkerLoop } from '../runtime/worker/worker-loop.ts';
import { JobHandle } from './job-handle.ts';
import type { Attempt, TaskRunner } from './job-runner.ts';
import { LocalTasks, metricsPublisher } from './local-tasks.ts';
import type { TaskMessage } from './messages.ts';
import { runThenClose } from './run-then-close.ts';
import { SimulatedWorker } from './simulated-worker.ts';

/** One turn of a worker, for those who watch a simulation. */
export interface SimulatedTurn {
  readonly worker: number;
  /** Whether any of its tasks got further. */
  readonly progressed: boolean;
  /** Virtual time, epoch milliseconds. */
  readonly nowMs: number;
}

/**
 * Turns of workers between two turns of the event loop, so that promises settle and the program can
 * cancel.
 */
const TURNS_PER_EVENT_LOOP = 32;
/** Turns of the event loop that a quiet job gets for its promises to settle. */
const QUIET_TURNS = 3;
/**
 * The same while a task says that it waits for a promise: the simulated disk and network need a
 * few.
 */
const WAITING_TURNS_MAX = 2000;
const RING_BYTES = 64 * 1024;

/** The executor; `onTurn` is told of every turn. */
export function simulatedExecutor(onTurn: (turn: SimulatedTurn) => void = () => {}): JobExecutor {
  return {
    execute: (request) => {
      const environment = requireSimulated(request.environment);
      return new JobHandle(request, (job) => ({
        newAttempt: (attempt) =>
          new SimulatedRunner({ request, environment, job, attempt, onTurn }),
        sharesMemory: true,
        whileWaiting: (isOver) => advanceUntil(isOver, environment),
        close: async () => undefined,
      }));
    },
  };
}

/** Moves time on to whatever is due next, until it is over. */
async function advanceUntil(
  isOver: () => boolean,
  { clock, scheduler }: SimulatedEnvironment,
): Promise<void> {
  for (;;) {
    for (let turn = 0; turn < QUIET_TURNS; turn++) await scheduler.yield();
    if (isOver() || !clock.advanceToNextTimer()) return;
  }
}

function requireSimulated(environment: Environment): SimulatedEnvironment {
  if (environment.kind === 'simulated') return environment as SimulatedEnvironment;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    "the 'simulated' executor needs a simulated environment: give " +
      'StreamExecutionEnvironment.create an environment made by simulatedEnvironment({ seed })',
  );
}

/** The simulation itself puts workers to sleep. */
const NO_SLEEP: Idler = {
  prepare: () => undefined,
  cancel: () => undefined,
  wait: () => undefined,
  wake: () => undefined,
};

interface SimulatedRunnerOptions {
  readonly request: ExecutionRequest;
  readonly environment: SimulatedEnvironment;
  readonly job: JobHandle;
  readonly attempt: Attempt;
  readonly onTurn: (turn: SimulatedTurn) => void;
}

class SimulatedRunner implements TaskRunner {
  readonly #options: SimulatedRunnerOptions;
  readonly #clock: SimulatedClock;
  readonly #local: LocalTasks;
  readonly #workers: readonly SimulatedWorker[];
  readonly #publish: (force?: boolean) => void;
  readonly #waitingForReader: PromiseWithResolvers<void>[] = [];
  #turns = 0;
  #canceled = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: SimulatedRunnerOptions) {
    this.#options = options;
    const { request, environment, job, attempt } = options;
    this.#clock = environment.clock;
    const workers = Math.max(1, ...request.graph.vertices.map(({ parallelism }) => parallelism));
    const doorbells = Doorbell.allocate(workers);
    const channels = channelsOf(request, {
      workers,
      doorbells,
      barrierOf: (checkpointId) => this.#local.barrierOf(checkpointId),
    });
    this.#local = new LocalTasks({
      request,
      job,
      attempt,
      workers,
      channels: (subtask) => channels[subtask] as ChannelFactory,
      wake: (subtask) => this.#workers[subtask]?.wake(),
      fail: (error) => this.fail(error),
    });
    this.#workers = channels.map(
      (_, worker) => new SimulatedWorker(this.#loopOf(worker), new Doorbell(doorbells, worker)),
    );
    const times = new Map(
      this.#workers.flatMap(({ loop }, worker) =>
        this.#tasksOf(worker).map((built, index) => [built, loop.times[index]] as const),
      ),
    );
    this.#publish = metricsPublisher(environment, this.#local.tasks, () =>
      this.#local.tasks.flatMap((built) => times.get(built) ?? []),
    );
  }

  run(): Promise<boolean> {
    return runThenClose(
      () => this.#run(),
      () => this.#close(),
    );
  }

  cancel(): void {
    this.#canceled = true;
    this.wake();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.wake();
  }

  send(message: TaskMessage): void {
    this.#local.send(message);
  }

  enumeratorsStarted(): Promise<void> {
    return this.#local.enumeratorsStarted();
  }

  snapshotEnumerators(): readonly EnumeratorState[] | undefined {
    return this.#local.snapshotEnumerators();
  }

  wake(): void {
    for (const worker of this.#workers) worker.wake();
    for (const { resolve } of this.#waitingForReader.splice(0)) resolve();
  }

  async #run(): Promise<boolean> {
    for (const { loop } of this.#workers) loop.open();
    this.#local.start();
    this.#options.attempt.running();
    for (;;) {
      this.#throwFailure();
      await this.#runUntilQuiet();
      if (this.#canceled) return false;
      if (this.#unfinished().length === 0) return true;
      if (await this.#promisesSettle()) continue;
      if (this.#advanceTime()) continue;
      if (await this.#readerReads()) continue;
      throw this.#stuck();
    }
  }

  /** Gives turns to workers that are awake, chosen by the scheduler, until all sleep. */
  async #runUntilQuiet(): Promise<void> {
    const { environment, onTurn } = this.#options;
    while (!this.#canceled) {
      const runnable = this.#workers.filter((worker) => worker.isRunnable);
      if (runnable.length === 0) return;
      const chosen = runnable[environment.scheduler.choose(runnable.length)] as SimulatedWorker;
      const progressed = chosen.turn();
      this.#publish();
      onTurn({ worker: this.#workers.indexOf(chosen), progressed, nowMs: this.#clock.now() });
      this.#turns++;
      if (this.#turns % TURNS_PER_EVENT_LOOP === 0) await environment.scheduler.yield();
      this.#throwFailure();
    }
  }

  /** Turns the event loop until a worker is woken; false if none is. */
  async #promisesSettle(): Promise<boolean> {
    const unfinished = this.#unfinished().length;
    for (let turn = 0; turn < WAITING_TURNS_MAX; turn++) {
      const waits = this.#unfinished().some(({ loop }) => loop.needsEventLoop());
      const hasTimers = this.#nextDueMs() < Number.POSITIVE_INFINITY;
      if (turn >= QUIET_TURNS && (!waits || hasTimers)) return false;
      await this.#options.environment.scheduler.yield();
      if (this.#canceled || this.#failure !== undefined) return true;
      if (this.#unfinished().length < unfinished) return true;
      if (this.#workers.some((worker) => worker.isRunnable)) return true;
    }
    return false;
  }

  /** Jumps to the next moment at which something is due; false if there is none. */
  #advanceTime(): boolean {
    const dueMs = this.#nextDueMs();
    if (dueMs === Number.POSITIVE_INFINITY) return false;
    this.#clock.advanceTo(Math.max(this.#clock.now() + 1, dueMs));
    for (const worker of this.#unfinished()) if (worker.loop.nextDelayMs() <= 0) worker.wake();
    return true;
  }

  /** When the next timer or task is due, epoch milliseconds; Infinity if never. */
  #nextDueMs(): number {
    let dueMs = this.#clock.nextTimerMs() ?? Number.POSITIVE_INFINITY;
    for (const { loop } of this.#unfinished()) {
      dueMs = Math.min(dueMs, this.#clock.now() + Math.ceil(loop.nextDelayMs()));
    }
    return dueMs;
  }

  /**
   * Waits for the program if it has not read what it collects; false if that is not why the job
   * stands.
   */
  async #readerReads(): Promise<boolean> {
    if (this.#options.job.isReaderAwaited() === false) return false;
    const waiting = Promise.withResolvers<void>();
    this.#waitingForReader.push(waiting);
    await waiting.promise;
    return true;
  }

  #stuck(): MillraceError {
    const tasks = this.#local.tasks.map(({ task }) => task.describe()).join('; ');
    return new MillraceError(
      'BUG',
      `the job is stuck: nothing can go on and no time will change it (seed ${this.#options.environment.seed}): ${tasks}`,
    );
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #unfinished(): SimulatedWorker[] {
    return this.#workers.filter(({ loop }) => !loop.isFinished);
  }

  #tasksOf(worker: number): LocalTasks['tasks'][number][] {
    return this.#local.tasks.filter(({ subtask }) => subtask === worker);
  }

  #loopOf(worker: number): WorkerLoop {
    return new WorkerLoop({
      tasks: this.#tasksOf(worker).map(({ task }) => task),
      environment: this.#options.environment,
      idler: NO_SLEEP,
      onTurn: () => undefined,
      alwaysTurn: true,
    });
  }

  async #close(): Promise<void> {
    // A dead process closes nothing: neither users' functions nor files.
    if (this.#options.environment.hasCrashed?.() === true) return new Promise(() => undefined);
    this.#publish(true);
    const closing = this.#workers.map(({ loop }) => loop.closeTasks());
    let closed = false;
    const settling = Promise.allSettled([...closing, this.#local.close()]).finally(() => {
      closed = true;
    });
    while (!closed) {
      for (let turn = 0; turn < QUIET_TURNS && !closed; turn++) {
        await this.#options.environment.scheduler.yield();
      }
      // What is closed may wait for a time limit of its own.
      if (!closed && !this.#clock.advanceToNextTimer()) break;
    }
    const results = await settling;
    if (this.#canceled) return;
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }
}

/** Each worker's view of the channels: local ones of its own, rings to and from the others. */
function channelsOf(
  { graph, environment }: ExecutionRequest,
  {
    workers,
    doorbells,
    barrierOf,
  }: Pick<RingChannelsOptions, 'doorbells' | 'barrierOf'> & { workers: number },
): ChannelFactory[] {
  const { ringBytes = RING_BYTES, overflowBytesMax } = graph.configuration;
  const { fileSystem } = environment;
  const rings = new Map<string, SharedArrayBuffer>();
  const ring = (key: string): SharedArrayBuffer => {
    const shared = rings.get(key) ?? allocateRing(ringBytes);
    rings.set(key, shared);
    return shared;
  };
  return Array.from({ length: workers }, () =>
    localChannels({
      fileSystem,
      overflowBytesMax,
      isLocal: ({ source, target }) => source === target,
      remote: ringChannels({ ring, doorbells, fileSystem, overflowBytesMax, barrierOf }),
    }),
  );
}
