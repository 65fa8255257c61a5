/**
 * One job's whole life on a machine whose processes die: each process goes on from the checkpoints
 * that the one before left on the disk, until one of them brings the job to its end.
 *
 * Invariants:
 * 1. A process that has died is dropped as it is: nothing of it is closed, and nothing of it acts
 *    any more.
 * 2. Time goes on while nobody takes a turn, so that delays between attempts pass.
 */
import { hasErrorCode, MillraceError } from '../../base/errors.ts';
import { realEnvironment } from '../../base/real-environment.ts';
import { SimulatedCrash } from '../../base/simulated-faults.ts';
import type { SimulatedMachine, SimulatedProcess } from '../../base/simulated-machine.ts';
import type { JobClient, JobExecutionResult } from '../../graph/job-client.ts';
import type { JobGraph } from '../../graph/job-graph.ts';
import { type SimulatedTurn, simulatedExecutor } from '../../job/simulated-executor.ts';

/** What {@link liveSimulated} runs. */
export interface SimulatedLifeOptions {
  readonly machine: SimulatedMachine;
  /** Builds the program anew for each process. */
  readonly graph: () => Promise<JobGraph>;
  /** Called when a process is gone and before the next one starts. */
  readonly betweenProcesses?: (() => void) | undefined;
  /** Virtual time after which the job counts as one that never ends. */
  readonly virtualMsMax: number;
}

/** What became of it. */
export interface SimulatedLife {
  /** What ended the job, if it did not finish. */
  readonly failure: { readonly error: unknown } | undefined;
  readonly processes: number;
  /** What the sources have given, repeated records included. */
  readonly records: number;
  /** Attempts within processes, besides the first of each. */
  readonly restarts: number;
  readonly completedCheckpoints: number;
  readonly failedCheckpoints: number;
  readonly turns: number;
}

/** Between the death of a process and the start of the next, virtual ms. */
const REBOOT_MS = 1000;
/** Turns of the event loop for the last promises of a dead process. */
const DYING_TURNS = 10;
/** Turns of the event loop without any progress, after which the next timer is let fire. */
const QUIET_TURNS = 3000;
/**
 * Turns of workers without any time passing, after which the job spins: a task says that it gets
 * further, and does not.
 */
const TURNS_AT_ONCE_MAX = 2_000_000;
/** Such turns without a timer, after which the job counts as stuck. */
const STUCK_TURNS = 200_000;

/** See the file's head. */
export async function liveSimulated(options: SimulatedLifeOptions): Promise<SimulatedLife> {
  const { machine } = options;
  let records = 0;
  const total = { restarts: 0, completedCheckpoints: 0, failedCheckpoints: 0, turns: 0 };
  for (let processes = 1; ; processes++) {
    const isFirst = processes === 1;
    const process = machine.boot(isFirst ? 0 : REBOOT_MS);
    const run = new ProcessRun(process, { ...options, resume: !isFirst });
    const faultsBefore = machine.faults.total;
    const result = await run.result().catch((error: unknown) => {
      if (hasErrorCode(error, 'JOB_FINISHED')) return 'finished-before';
      // Whoever supervises the process starts it again.
      if (machine.faults.total > faultsBefore) return undefined;
      return { error };
    });
    const { client } = run;
    const checkpoints = client?.checkpoints();
    total.completedCheckpoints += checkpoints?.numCompleted ?? 0;
    total.failedCheckpoints += checkpoints?.numFailed ?? 0;
    total.restarts += client?.restarts().length ?? 0;
    total.turns += run.turns;
    records += client?.metrics().numRecordsInTotal ?? 0;
    if (result === undefined) {
      options.betweenProcesses?.();
      continue;
    }
    machine.faults.isActive = false;
    const failure = typeof result === 'object' && 'error' in result ? result : undefined;
    return { processes, records, failure, ...total };
  }
}

class ProcessRun {
  readonly #process: SimulatedProcess;
  readonly #options: SimulatedLifeOptions & { readonly resume: boolean };
  readonly #startMs: number;
  client: JobClient | undefined;
  turns = 0;
  #lastMs: number;
  /** Turns until the clock last moved. */
  #turnsBefore = 0;
  #outcome: { readonly result: JobExecutionResult } | { readonly error: unknown } | undefined;

  constructor(
    process: SimulatedProcess,
    options: SimulatedLifeOptions & { readonly resume: boolean },
  ) {
    this.#process = process;
    this.#options = options;
    this.#startMs = process.environment.clock.now();
    this.#lastMs = this.#startMs;
  }

  /** The job's result, or undefined if the process has died. */
  async result(): Promise<JobExecutionResult | undefined> {
    const { environment } = this.#process;
    const executor = simulatedExecutor((turn) => this.#onTurn(turn));
    const graph = await this.#options.graph();
    const { resume } = this.#options;
    this.client = executor.execute({ graph, environment, module: undefined, resume });
    this.client.getJobExecutionResult().then(
      (result) => {
        this.#outcome = { result };
      },
      (error: unknown) => {
        this.#outcome = { error };
      },
    );
    await this.#untilOver();
    if (this.#process.crashedAt !== undefined) {
      // What its code still had on its way comes to its end before another process begins.
      for (let turn = 0; turn < DYING_TURNS; turn++) await realEnvironment().scheduler.yield();
      return undefined;
    }
    if (this.#outcome === undefined) throw this.#stuck('nothing is left that could wake it');
    if ('error' in this.#outcome) throw this.#outcome.error;
    return this.#outcome.result;
  }

  async #untilOver(): Promise<void> {
    const { scheduler } = realEnvironment();
    const { clock } = this.#process.environment;
    let quiet = 0;
    let seen = '';
    for (let idle = 0; idle < STUCK_TURNS; idle++) {
      await scheduler.yield();
      if (this.#outcome !== undefined || this.#process.crashedAt !== undefined) return;
      const now = `${this.turns} ${clock.now()}`;
      if (now !== seen) {
        idle = 0;
        quiet = 0;
        seen = now;
      } else if (++quiet >= QUIET_TURNS && clock.advanceToNextTimer()) {
        quiet = 0;
      }
      if (clock.now() - this.#startMs > this.#options.virtualMsMax) {
        throw this.#stuck('it runs and runs');
      }
    }
  }

  #onTurn({ nowMs }: SimulatedTurn): void {
    this.turns++;
    const { machine } = this.#options;
    const passedMs = nowMs - this.#lastMs;
    if (passedMs <= 0) {
      if (this.turns - this.#turnsBefore > TURNS_AT_ONCE_MAX) throw this.#stuck('it spins');
      return;
    }
    this.#lastMs = nowMs;
    this.#turnsBefore = this.turns;
    const where = `at ${nowMs - this.#startMs} ms`;
    if (machine.faults.crashesWithin(passedMs)) {
      machine.crash(where);
      throw new SimulatedCrash(where);
    }
    if (machine.faults.failsWithin(passedMs)) throw new Error(`a simulated failure ${where}`);
  }

  #stuck(why: string): MillraceError {
    const virtualMs = this.#process.environment.clock.now() - this.#startMs;
    return new MillraceError(
      'BUG',
      `the job does not come to its end after ${virtualMs} ms of virtual time: ${why} ` +
        `(status ${this.client?.status()}, ${this.turns} turns)`,
    );
  }
}
