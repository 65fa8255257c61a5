/**
 * Runs a job through its attempts: chooses what each starts from, watches it, restarts it after a
 * failure, ends it.
 *
 * Invariants:
 * 1. One attempt runs at a time; the next one starts when the one before has let go of everything.
 * 2. An attempt starts from the newest complete checkpoint of the job; without one from what the
 *    user named, else empty.
 * 3. Whether there is another attempt is the restart strategy's to say; the failure that ends the
 *    job is the last one, with those before it in `restarts`.
 */
import type { Environment, Timer } from '../base/environment.ts';
import { fromPlainError, MillraceError } from '../base/errors.ts';
import type { CheckpointCoordinator } from '../checkpoint/coordinator-contract.ts';
import type { SelectedCheckpoint } from '../checkpoint/checkpoint-selection.ts';
import { planRestore, type RestorePlan } from '../checkpoint/restore-plan.ts';
import type { AssignedState, ChannelStateHandle } from '../checkpoint/subtask-state.ts';
import type {
  CheckpointInfo,
  CheckpointStatistics,
  ExecutionRequest,
  SavepointOptions,
  StopOptions,
} from '../graph/job-client.ts';
import type { JobGraph } from '../graph/job-graph.ts';
import { checkpointLink } from './checkpoint-link.ts';
import { type JobCheckpoints, openJobCheckpoints } from './job-checkpoints.ts';
import { operatorsOf } from './job-operators.ts';
import type { Attempt, JobExecution, TaskRunner } from './job-runner.ts';
import { assignedKey, type StateDeployment, type TaskReport } from './messages.ts';
import { type RestartStrategy, restartStrategy } from './restart-strategy.ts';

/** A failure after which the job was restarted. */
export interface Restart {
  readonly atMs: number;
  readonly error: Error;
}

/** What a {@link JobMaster} is made of. */
export interface JobMasterOptions {
  readonly request: ExecutionRequest;
  readonly jobId: string;
  readonly execution: JobExecution;
  readonly onStatus: (status: 'running' | 'restarting') => void;
}

/** See the file's head. */
export class JobMaster {
  readonly #options: JobMasterOptions;
  readonly #environment: Environment;
  readonly #strategy: RestartStrategy;
  readonly #restarts: Restart[] = [];
  #checkpoints: JobCheckpoints | undefined;
  #runner: TaskRunner | undefined;
  #waiting: PromiseWithResolvers<void> | undefined;
  #timer: Timer | undefined;
  #isCanceled = false;
  /** Settles when all tasks of an attempt run, or the job is over. */
  #running = Promise.withResolvers<void>();

  constructor(options: JobMasterOptions) {
    this.#options = options;
    const { environment, graph } = options.request;
    this.#environment = environment;
    const { restart, checkpointing } = graph.configuration;
    const hasCheckpoints = checkpointing.intervalMs !== undefined;
    this.#strategy = restartStrategy({ restart, hasCheckpoints, random: environment.random });
  }

  /** Failures after which the job was restarted, newest first. */
  get restarts(): readonly Restart[] {
    return this.#restarts;
  }

  /** How checkpoints went; undefined before they are open, or without any. */
  statistics(): CheckpointStatistics | undefined {
    return this.#checkpoints?.coordinator.statistics();
  }

  /**
   * Runs the job to its end: true if it finished, false if it was canceled; rejects with the
   * failure that ended it.
   */
  async run(): Promise<boolean> {
    const { execution } = this.#options;
    let outcome: 'finished' | 'canceled' | 'failed' = 'failed';
    try {
      this.#checkpoints = await this.#openCheckpoints();
      const isFinished = await this.#runAttempts();
      outcome = isFinished ? 'finished' : 'canceled';
      return isFinished;
    } finally {
      this.#running.resolve();
      await execution.close();
      await this.#checkpoints?.close(outcome);
    }
  }

  cancel(): void {
    this.#isCanceled = true;
    this.#timer?.cancel();
    this.#waiting?.resolve();
    this.#runner?.cancel();
  }

  /** There is room again for collected records. */
  wake(): void {
    this.#runner?.wake();
  }

  async triggerCheckpoint(): Promise<CheckpointInfo> {
    return (await this.#runningCoordinator()).triggerCheckpoint();
  }

  async triggerSavepoint(options: SavepointOptions): Promise<CheckpointInfo> {
    return (await this.#runningCoordinator()).triggerSavepoint(options);
  }

  async stopWithSavepoint({ drain, ...options }: StopOptions): Promise<CheckpointInfo> {
    const coordinator = await this.#runningCoordinator();
    return coordinator.stopWithSavepoint(drain === true ? 'drain' : 'suspend', options);
  }

  /** What ends nothing, but should be known. */
  readonly #warn = (error: Error): void => {
    this.#options.request.onWarning?.(error);
  };

  /** The coordinator, once all tasks run (again) or the job is over. */
  async #runningCoordinator(): Promise<CheckpointCoordinator> {
    await this.#running.promise;
    if (this.#checkpoints !== undefined) return this.#checkpoints.coordinator;
    throw new MillraceError(
      'SAVEPOINT_FAILED',
      'the job keeps no track of its state: give it a folder for checkpoints (execution.checkpointing.dir) or savepoints ' +
        '(execution.checkpointing.savepoint-dir)',
    );
  }

  #openCheckpoints(): Promise<JobCheckpoints | undefined> {
    const { request, jobId, execution } = this.#options;
    return openJobCheckpoints({
      request,
      jobId,
      sharesMemory: execution.sharesMemory,
      link: checkpointLink({ runner: () => this.#runner, warn: this.#warn }),
      warn: this.#warn,
    });
  }

  async #runAttempts(): Promise<boolean> {
    for (let number = 0; ; number++) {
      if (this.#isCanceled) return false;
      try {
        return await this.#restoreAndRun(number);
      } catch (error) {
        await this.#checkpoints?.coordinator.stopAttempt(asError(error));
        if (this.#isCanceled) return false;
        await this.#waitForRestart(error);
      } finally {
        this.#runner = undefined;
      }
    }
  }

  async #restoreAndRun(number: number): Promise<boolean> {
    const selected = await this.#checkpoints?.select();
    if (this.#isCanceled) return false;
    this.#environment.faultPoint?.('restore.begin');
    return this.#runAttempt(number, selected);
  }

  async #waitForRestart(error: unknown): Promise<void> {
    const { clock } = this.#environment;
    const decision = this.#strategy.onFailure(clock.monotonicMs(), error);
    if (decision.kind === 'give-up') throw error;
    this.#restarts.unshift({ atMs: clock.now(), error: asError(error) });
    this.#options.onStatus('restarting');
    this.#running.resolve();
    this.#running = Promise.withResolvers<void>();
    const waiting = Promise.withResolvers<void>();
    this.#waiting = waiting;
    this.#timer = clock.setTimer(decision.delayMs, () => waiting.resolve());
    let isOver = false;
    const over = waiting.promise.then(() => {
      isOver = true;
    });
    await this.#options.execution.whileWaiting?.(() => isOver);
    await over;
  }

  async #runAttempt(number: number, selected: SelectedCheckpoint | undefined): Promise<boolean> {
    const { execution, onStatus } = this.#options;
    const plan = selected === undefined ? undefined : this.#plan(selected);
    const attempt: Attempt = {
      state: this.#deployment(number, selected, plan),
      enumeratorSplits: (operatorId) =>
        plan?.enumerator(operatorId) as readonly unknown[] | undefined,
      running: () => {
        onStatus('running');
        this.#environment.faultPoint?.('restore.running');
        this.#startCheckpoints(number, selected).catch((error: unknown) =>
          this.#runner?.fail(error),
        );
      },
      report: (report) => this.#report(report),
      warn: this.#warn,
    };
    const runner = execution.newAttempt(attempt);
    this.#runner = runner;
    if (this.#isCanceled) runner.cancel();
    const isFinished = await runner.run();
    return isFinished;
  }

  /**
   * A checkpoint holds what the enumerators have not handed out yet, so these must have found their
   * splits.
   */
  async #startCheckpoints(number: number, selected: SelectedCheckpoint | undefined): Promise<void> {
    const runner = this.#runner;
    await runner?.enumeratorsStarted();
    if (runner === undefined || this.#runner !== runner) return;
    this.#checkpoints?.attemptRuns(number, selected);
    this.#running.resolve();
  }

  #plan(selected: SelectedCheckpoint): RestorePlan {
    const { graph } = this.#options.request;
    return planRestore({
      manifest: selected.manifest,
      operators: operatorsOf(graph),
      allowNonRestoredState: graph.configuration.checkpointing.allowNonRestoredState,
    });
  }

  #deployment(
    attempt: number,
    selected: SelectedCheckpoint | undefined,
    plan: RestorePlan | undefined,
  ): StateDeployment {
    const { graph } = this.#options.request;
    const assigned = new Map<string, AssignedState>();
    for (const { operatorId, parallelism } of operatorsOf(graph)) {
      for (let subtask = 0; subtask < parallelism && plan !== undefined; subtask++) {
        const state = plan.assigned(operatorId, subtask);
        if (state !== undefined) assigned.set(assignedKey(operatorId, subtask), state);
      }
    }
    return {
      jobId: this.#options.jobId,
      attempt,
      restoredFrom: selected && {
        storageUrl: selected.storageUrl,
        folder: selected.folder,
        checkpointId: selected.manifest.checkpointId,
      },
      assigned,
      inFlight: inFlightBySender(graph, plan),
      hasFinalCheckpoint: this.#checkpoints !== undefined,
      isTracking: this.#checkpoints !== undefined,
    };
  }

  #report(report: TaskReport): void {
    const coordinator = this.#checkpoints?.coordinator;
    switch (report.kind) {
      case 'checkpoint-acknowledged':
        coordinator?.acknowledge(report.checkpointId, report.state);
        break;
      case 'checkpoint-declined': {
        const { checkpointId, vertex, subtask } = report;
        coordinator?.decline(checkpointId, { vertex, subtask }, fromPlainError(report.error));
        break;
      }
      case 'end-of-data':
        coordinator?.inputEnded({ vertex: report.vertex, subtask: report.subtask });
        break;
      default:
        report satisfies never;
    }
  }
}

/** What had reached the consumers first, then what waited behind it on the senders' side. */
function inFlightBySender(
  graph: JobGraph,
  plan: RestorePlan | undefined,
): StateDeployment['inFlight'] {
  const bySender = new Map<string, ChannelStateHandle[]>();
  const parallelismOf = new Map(
    operatorsOf(graph).map(({ operatorId, parallelism }) => [operatorId, parallelism]),
  );
  for (const side of ['input', 'output'] as const) {
    for (const handle of plan?.channels ?? []) {
      if (handle.side !== side) continue;
      const parallelism = parallelismOf.get(handle.sourceOperatorId) ?? 1;
      const key = assignedKey(handle.sourceOperatorId, handle.sourceSubtask % parallelism);
      bySender.set(key, [...(bySender.get(key) ?? []), handle]);
    }
  }
  return bySender;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
