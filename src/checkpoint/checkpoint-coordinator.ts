/**
 * The checkpoint coordinator: when checkpoints are taken, from whom they need an acknowledgement,
 * when they count, and what is removed afterwards. See `coordinator-contract.ts` for its life.
 *
 * Invariants:
 * 1. One checkpoint or savepoint is under way at a time.
 * 2. The tasks are told that a checkpoint is complete after its manifest is durable, and that it is
 *    aborted after its manifest is durably absent.
 * 3. What subtasks left that have finished is part of every later checkpoint of the attempt.
 * 4. Nothing is written any more when the promise of `stopAttempt` or `close` has resolved.
 */
import type { Timer } from '../base/environment.ts';
import { assert } from '../base/assert.ts';
import { hasErrorCode, MillraceError } from '../base/errors.ts';
import { AbortedCheckpoints } from './aborted-checkpoints.ts';
import { Attempt } from './attempt.ts';
import { checkpointLocation, savepointLocation } from './checkpoint-location.ts';
import type { SavepointStop } from './checkpoint-messages.ts';
import {
  asError,
  automaticRequest,
  type CheckpointRequest,
  requestFailure,
} from './checkpoint-request.ts';
import {
  readManifests,
  type SelectedCheckpoint,
  selectCheckpoint,
} from './checkpoint-selection.ts';
import {
  type CheckpointInfo,
  checkpointInfo,
  type CheckpointStatistics,
  CheckpointStatisticsTracker,
} from './checkpoint-statistics.ts';
import { completeCheckpoint, UncertainManifestError } from './complete-checkpoint.ts';
import type {
  AttemptStart,
  CheckpointCoordinator,
  CheckpointCoordinatorOptions,
  JobOutcome,
  SavepointRequest,
  SubtaskKey,
} from './coordinator-contract.ts';
import { checkpointFolderIds, markJobFinished } from './job-directory.ts';
import type { CheckpointManifest } from './manifest.ts';
import { keyOf, PendingCheckpoint } from './pending-checkpoint.ts';
import { RetainedCheckpoints } from './retained-checkpoints.ts';
import { filePrefix } from './snapshot-files.ts';
import type { SubtaskState } from './subtask-state.ts';

/** Makes the coordinator of one job. */
export function checkpointCoordinator(
  options: CheckpointCoordinatorOptions,
): CheckpointCoordinator {
  return new Coordinator(options);
}

/** A claimed start, and how many completed checkpoints it is kept for. */
interface Claim {
  readonly release: () => void | Promise<void>;
  remaining: number;
}

class Coordinator implements CheckpointCoordinator {
  readonly #options: CheckpointCoordinatorOptions;
  readonly #retained: RetainedCheckpoints;
  readonly #tracker = new CheckpointStatisticsTracker();
  readonly #aborted: AbortedCheckpoints;
  readonly #queue: CheckpointRequest[] = [];
  #attempt: Attempt | undefined;
  #pending: PendingCheckpoint | undefined;
  #timer: Timer | undefined;
  #claim: Claim | undefined;
  #lastId = 0;
  #isClosed = false;

  constructor(options: CheckpointCoordinatorOptions) {
    this.#options = options;
    const { storage, jobId, environment, link } = options;
    this.#aborted = new AbortedCheckpoints((error) => link.cleanupFailed(error));
    this.#retained = new RetainedCheckpoints({ storage, jobId, environment });
  }

  async recover(): Promise<SelectedCheckpoint | undefined> {
    assert(this.#attempt === undefined, 'a job recovers while no attempt of it runs');
    const { storage, jobId } = this.#options;
    this.#checkOwnership();
    // What is seen is to stay, also what a process that died has renamed or removed a moment ago.
    await storage.sync([jobId]);
    const selected = await selectCheckpoint(storage, jobId);
    if (selected !== undefined) {
      const { checkpointId } = selected.manifest;
      await storage.sync([checkpointLocation(storage, jobId, checkpointId).manifestPath]);
    }
    this.#retained.load(readManifests(storage, jobId), selected?.damagedIds ?? []);
    const [highest = 0] = checkpointFolderIds(storage, jobId);
    this.#lastId = Math.max(this.#lastId, highest);
    this.#retained.sweep();
    return selected;
  }

  startAttempt(start: AttemptStart): void {
    assert(this.#attempt === undefined && !this.#isClosed, 'one attempt of a job runs at a time');
    this.#tracker.restored(start.restored);
    if (start.restored !== undefined) {
      this.#lastId = Math.max(this.#lastId, start.restored.checkpointId);
    }
    this.#attempt = new Attempt(start, this.#options.schedule, this.#now());
    if (start.releaseClaimed !== undefined) {
      const { retained } = this.#options.schedule;
      this.#claim = { release: start.releaseClaimed, remaining: retained };
    }
    this.#next();
  }

  async stopAttempt(reason: Error): Promise<void> {
    this.#attempt = undefined;
    this.#timer?.cancel();
    for (const request of this.#queue.splice(0)) request.reject(requestFailure(request, reason));
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#abort(pending, reason);
    await pending.work;
  }

  acknowledge(checkpointId: number, state: SubtaskState): void {
    const pending = this.#pending;
    if (pending?.checkpointId === checkpointId && pending.phase === 'collecting') {
      if (!pending.take(state)) return;
      if (pending.missing.length === 0) this.#complete(pending);
      return;
    }
    this.#aborted.acknowledged(checkpointId, state);
  }

  decline(checkpointId: number, from: SubtaskKey, reason: Error): void {
    const pending = this.#pending;
    if (pending?.checkpointId !== checkpointId || pending.phase !== 'collecting') return;
    this.#abort(
      pending,
      new MillraceError(
        'CHECKPOINT_FAILED',
        `${this.#describe(from)} could not take part in checkpoint ${checkpointId}: ` +
          reason.message,
        { cause: reason },
      ),
    );
  }

  inputEnded(subtask: SubtaskKey): void {
    this.#attempt?.ended.add(keyOf(subtask));
    this.#next();
  }

  triggerCheckpoint(): Promise<CheckpointInfo> {
    return this.#request({ kind: 'checkpoint', snapshotKind: undefined, stop: undefined });
  }

  triggerSavepoint(request: SavepointRequest = {}): Promise<CheckpointInfo> {
    return this.#requestSavepoint(undefined, request);
  }

  stopWithSavepoint(stop: SavepointStop, request: SavepointRequest = {}): Promise<CheckpointInfo> {
    return this.#requestSavepoint(stop, request);
  }

  statistics(): CheckpointStatistics {
    return this.#tracker.statistics(this.#pending === undefined ? 0 : 1);
  }

  async close(outcome: JobOutcome): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.stopAttempt(new MillraceError('JOB_CANCELED', `the job is over: ${outcome}`));
    const { storage, jobId, schedule } = this.#options;
    const isDeleted =
      outcome === 'finished' ||
      (outcome === 'canceled' && schedule.retention === 'delete-on-cancellation');
    if (!isDeleted) {
      this.#sweep();
      return;
    }
    this.#checkOwnership();
    await markJobFinished(storage, jobId);
    await this.#retained.removeAll();
  }

  /** No task runs any more: what no manifest in the storage names will never be needed. */
  #sweep(): void {
    const { storage, jobId, link } = this.#options;
    try {
      this.#checkOwnership();
      this.#retained.load(readManifests(storage, jobId), []);
      this.#retained.sweep();
    } catch (error) {
      link.cleanupFailed(asError(error));
    }
  }

  #requestSavepoint(
    stop: SavepointStop | undefined,
    { directory, format }: SavepointRequest,
  ): Promise<CheckpointInfo> {
    const snapshotKind = format === 'native' ? 'full' : 'canonical';
    return this.#request({ kind: 'savepoint', snapshotKind, stop, directory });
  }

  #request(
    wanted: Pick<CheckpointRequest, 'kind' | 'snapshotKind' | 'stop'> & {
      readonly directory?: string | undefined;
    },
  ): Promise<CheckpointInfo> {
    return new Promise((resolve, reject) => {
      const request = { directory: undefined, ...wanted, isFinal: false, resolve, reject };
      if (this.#attempt === undefined || this.#attempt.isStopping) {
        const state = this.#attempt === undefined ? 'does not run' : 'is being stopped';
        reject(requestFailure(request, new MillraceError('ILLEGAL_STATE', `the job ${state}`)));
        return;
      }
      this.#queue.push(request);
      this.#next();
    });
  }

  /** Triggers what is due, or arms the timer for it. */
  #next(): void {
    this.#timer?.cancel();
    const attempt = this.#attempt;
    if (attempt === undefined || this.#pending !== undefined || attempt.isStopping) return;
    const request = this.#queue.shift();
    if (request !== undefined) return this.#trigger(attempt, request);
    const dueMs = attempt.dueMs();
    if (dueMs === undefined) return;
    const nowMs = this.#now();
    if (dueMs > nowMs) {
      const { clock } = this.#options.environment;
      this.#timer = clock.setTimer(dueMs - nowMs, () => this.#next());
      return;
    }
    attempt.triggered(nowMs);
    this.#trigger(attempt, automaticRequest(attempt.isEnded));
  }

  #trigger(attempt: Attempt, request: CheckpointRequest): void {
    const { environment, link, schedule } = this.#options;
    const checkpointId = ++this.#lastId;
    let pending: PendingCheckpoint;
    try {
      pending = this.#begin(attempt, request, checkpointId);
    } catch (error) {
      this.#over(request, checkpointId, asError(error));
      return;
    }
    this.#pending = pending;
    pending.timer = environment.clock.setTimer(schedule.timeoutMs, () => this.#expire(pending));
    try {
      const { snapshotKind, triggeredMs, location } = pending.start;
      link.trigger({
        checkpointId,
        kind: request.kind,
        snapshotKind,
        triggeredMs,
        place: {
          storageUrl: location.storage.url,
          folder: location.folder,
          filePrefix: filePrefix(
            this.#options.ownership.epoch,
            attempt.start.attempt,
            checkpointId,
          ),
        },
        stop: request.stop,
        isFinal: request.isFinal,
      });
      environment.faultPoint?.('checkpoint.triggered');
    } catch (error) {
      this.#abort(pending, asError(error));
      return;
    }
    const isAwaited = this.#pending === pending && pending.phase === 'collecting';
    if (isAwaited && pending.missing.length === 0) this.#complete(pending);
  }

  #begin(attempt: Attempt, request: CheckpointRequest, checkpointId: number): PendingCheckpoint {
    const { environment, link, schedule, storage, jobId, ownership } = this.#options;
    const location =
      request.kind === 'checkpoint'
        ? checkpointLocation(storage, jobId, checkpointId)
        : savepointLocation(
            request.directory ?? schedule.savepointDirectory,
            { jobId, epoch: ownership.epoch, checkpointId },
            environment,
          );
    const isFull = attempt.isFullNext || !schedule.incremental;
    return new PendingCheckpoint({
      checkpointId,
      request,
      snapshotKind: request.snapshotKind ?? (isFull ? 'full' : 'incremental'),
      triggeredMs: environment.clock.now(),
      location,
      enumerators: link.snapshotEnumerators(checkpointId),
      expected: attempt.start.subtasks.filter((each) => !attempt.finished.has(keyOf(each))),
      finished: new Map(attempt.finished),
    });
  }

  #expire(pending: PendingCheckpoint): void {
    const [first] = pending.missing;
    const rest =
      first === undefined
        ? 'its files were not durable'
        : `${pending.missing.length} of ${pending.start.expected.length} subtasks have not ` +
          `acknowledged, the first is ${this.#describe(first)}`;
    this.#abort(
      pending,
      new MillraceError(
        'CHECKPOINT_FAILED',
        `checkpoint ${pending.checkpointId} did not complete within ` +
          `${this.#options.schedule.timeoutMs} ms: ${rest}`,
      ),
    );
  }

  /**
   * Gives a checkpoint up: now, or when its files are durable; not while its manifest is written.
   */
  #abort(pending: PendingCheckpoint, reason: Error): void {
    if (pending.phase === 'collecting') this.#failed(pending, reason);
    else pending.abortReason ??= reason;
  }

  #complete(pending: PendingCheckpoint): void {
    pending.phase = 'syncing';
    pending.work = this.#completeNow(pending);
  }

  async #completeNow(pending: PendingCheckpoint): Promise<void> {
    const { jobId, jobName, operators, ownership, storage, environment } = this.#options;
    let manifest: CheckpointManifest;
    try {
      manifest = await completeCheckpoint({
        pending,
        identity: { jobId, jobName, epoch: ownership.epoch, operators },
        storage,
        isRetained: (path) => this.#retained.names(path),
        checkFence: () => this.#checkOwnership(),
        environment,
      });
    } catch (error) {
      this.#failed(pending, asError(error));
      return;
    }
    await this.#completed(pending, manifest);
  }

  async #completed(pending: PendingCheckpoint, manifest: CheckpointManifest): Promise<void> {
    const { request, location } = pending.start;
    const info = checkpointInfo(manifest, location.url);
    pending.timer?.cancel();
    this.#tracker.completed(info);
    if (request.kind === 'checkpoint') this.#retained.add(manifest);
    const attempt = this.#attempt;
    if (attempt !== undefined) this.#tellCompletion(attempt, request, manifest);
    request.resolve(info);
    if (request.kind === 'checkpoint') await this.#removeOld();
    this.#release(pending);
    attempt?.over(this.#now());
    this.#next();
  }

  /** What fails on the way is the attempt's failure: the checkpoint counts. */
  #tellCompletion(
    attempt: Attempt,
    request: CheckpointRequest,
    manifest: CheckpointManifest,
  ): void {
    const { environment, link } = this.#options;
    const { checkpointId, kind } = manifest;
    if (kind === 'checkpoint') {
      attempt.isFullNext = false;
      attempt.failuresInRow = 0;
      for (const subtask of manifest.subtasks) {
        const isFinished = subtask.isFinished || request.isFinal;
        if (isFinished) attempt.finished.set(keyOf(subtask), subtask);
      }
    }
    attempt.isStopping = request.stop !== undefined;
    try {
      environment.faultPoint?.('checkpoint.completed');
      environment.faultPoint?.('checkpoint.notify');
      link.notifyComplete({
        checkpointId,
        kind,
        commits: kind === 'checkpoint' || request.stop !== undefined,
        stop: request.stop,
        isFinal: manifest.isFinal,
      });
    } catch (error) {
      this.#failJob(attempt, asError(error));
    }
  }

  async #removeOld(): Promise<void> {
    try {
      // A successor may start from what would be removed.
      this.#checkOwnership();
      await this.#retained.trim(this.#options.schedule.retained);
      const claim = this.#claim;
      if (claim === undefined || --claim.remaining > 0) return;
      this.#claim = undefined;
      await claim.release();
    } catch (error) {
      if (hasErrorCode(error, 'JOB_LOCKED') && this.#attempt !== undefined) {
        this.#failJob(this.#attempt, asError(error));
      }
      this.#options.link.cleanupFailed(asError(error));
    }
  }

  #failed(pending: PendingCheckpoint, reason: Error): void {
    const { checkpointId, request } = pending.start;
    // Whoever is told below may come back with calls: it is over now.
    this.#release(pending);
    this.#aborted.add(pending, reason instanceof UncertainManifestError);
    const attempt = this.#attempt;
    if (attempt !== undefined) this.#options.link.notifyAborted(checkpointId, reason);
    // The sources believe that their input is over: only an earlier checkpoint still knows what is left of it.
    if (attempt !== undefined && request.stop === 'drain') {
      this.#failJob(attempt, drainFailure(reason));
    }
    this.#over(request, checkpointId, reason);
  }

  /** A checkpoint has failed: tells who waits for it, counts, and goes on to the next. */
  #over(request: CheckpointRequest, checkpointId: number, reason: Error): void {
    this.#tracker.failed({ checkpointId, reason: reason.message });
    this.#attempt?.over(this.#now());
    request.reject(requestFailure(request, reason));
    if (this.#attempt !== undefined) this.#countFailure(this.#attempt, request, reason);
    this.#next();
  }

  /** Too many failures in a row, and those that cannot be got over, are the job's. */
  #countFailure(attempt: Attempt, request: CheckpointRequest, reason: Error): void {
    if (reason instanceof UncertainManifestError || hasErrorCode(reason, 'JOB_LOCKED')) {
      this.#failJob(attempt, reason);
      return;
    }
    if (request.kind === 'savepoint') return;
    attempt.failuresInRow++;
    const { tolerableFailures } = this.#options.schedule;
    if (attempt.failuresInRow <= tolerableFailures) return;
    this.#failJob(
      attempt,
      new MillraceError(
        'CHECKPOINT_FAILED',
        `${attempt.failuresInRow} checkpoints in a row have failed, ` +
          `${tolerableFailures} are tolerable; the last one: ${reason.message}`,
        { cause: reason },
      ),
    );
  }

  #failJob(attempt: Attempt, error: Error): void {
    attempt.isStopping = true;
    this.#options.link.failJob(error);
  }

  #release(pending: PendingCheckpoint): void {
    pending.timer?.cancel();
    assert(this.#pending === pending, 'one checkpoint is under way at a time');
    this.#pending = undefined;
  }

  #checkOwnership(): void {
    const { ownership, jobId, storage } = this.#options;
    if (ownership.isHeld()) return;
    throw new MillraceError(
      'JOB_LOCKED',
      `another process has taken over job ${jobId} in ${storage.url}: this one must stop`,
      { details: { jobId, epoch: ownership.epoch } },
    );
  }

  #describe({ vertex, subtask }: SubtaskKey): string {
    const name = this.#options.operators.find((operator) => operator.vertex === vertex)?.name;
    return name === undefined
      ? `subtask ${subtask} of vertex ${vertex}`
      : `subtask ${subtask} of operator '${name}'`;
  }

  #now(): number {
    return this.#options.environment.clock.monotonicMs();
  }
}

function drainFailure(reason: Error): MillraceError {
  return new MillraceError(
    'SAVEPOINT_FAILED',
    'the job was being drained and its savepoint has failed, so it is set back to its last ' +
      `checkpoint: ${reason.message}`,
    { cause: reason },
  );
}
