/**
 * A job's hold on its checkpoints: the storage, the ownership of its folder there, the coordinator,
 * and what attempts start from.
 *
 * Invariants:
 * 1. Without a folder the checkpoints live as long as the job: in memory, or for tasks on other
 *    threads in a temporary folder.
 * 2. The job's own newest checkpoint comes before what the user named to start from.
 */
import type { Environment, ProcessIdentity } from '../base/environment.ts';
import { MillraceError } from '../base/errors.ts';
import { removeClaimed } from '../checkpoint/claimed-checkpoint.ts';
import { checkpointCoordinator } from '../checkpoint/checkpoint-coordinator.ts';
import type { CheckpointLink } from '../checkpoint/checkpoint-messages.ts';
import type { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts';
import { resolveCheckpoint, type SelectedCheckpoint } from '../checkpoint/checkpoint-selection.ts';
import { checkpointInfo } from '../checkpoint/checkpoint-statistics.ts';
import type { CheckpointCoordinator, JobOutcome } from '../checkpoint/coordinator-contract.ts';
import { writeJobEntry } from '../checkpoint/job-directory.ts';
import { acquireJob, type JobOwnership } from '../checkpoint/job-lock.ts';
import { discardMemoryStorage } from '../checkpoint/storage/memory-storage.ts';
import { openStorage } from '../checkpoint/storage/open-storage.ts';
import type { ExecutionRequest } from '../graph/job-client.ts';
import type { JobGraph } from '../graph/job-graph.ts';
import { controlDoorPath } from './control-door-path.ts';
import { operatorsOf } from './job-operators.ts';

/** What {@link openJobCheckpoints} needs. */
export interface JobCheckpointsOptions {
  readonly request: ExecutionRequest;
  readonly jobId: string;
  /** Whether tasks see the memory of this thread. */
  readonly sharesMemory: boolean;
  readonly link: CheckpointLink;
  /** Told of damaged checkpoints that were passed over. */
  readonly warn: (error: Error) => void;
}

/** See the file's head. */
export interface JobCheckpoints {
  readonly coordinator: CheckpointCoordinator;
  /** What the next attempt starts from; undefined: empty. */
  select(): Promise<SelectedCheckpoint | undefined>;
  /** All tasks of an attempt run. */
  attemptRuns(attempt: number, selected: SelectedCheckpoint | undefined): void;
  close(outcome: JobOutcome): Promise<void>;
}

/** Opens them; undefined if the job keeps no track of its state. */
export async function openJobCheckpoints(
  options: JobCheckpointsOptions,
): Promise<JobCheckpoints | undefined> {
  const { request, jobId, link } = options;
  const { environment, graph } = request;
  if (!isTracked(graph)) return undefined;
  const place = storagePlace(options);
  const storage = openStorage(place.url, environment);
  // For whoever finds the job locked.
  const doorPath = controlDoorPath(jobId, environment);
  const ownership = await acquireJob({
    storage,
    jobId,
    owner: { ...identity(environment), doorPath, sinceMs: environment.clock.now() },
    isAlive: (owner) => environment.processes?.isAlive(owner) ?? false,
  });
  await writeJobEntry(storage, {
    jobId,
    jobName: graph.jobName,
    createdMs: environment.clock.now(),
  });
  const coordinator = checkpointCoordinator({
    jobId,
    jobName: graph.jobName,
    operators: operatorsOf(graph),
    schedule: { ...graph.configuration.checkpointing },
    storage,
    ownership,
    environment,
    link,
  });
  return new OpenJobCheckpoints({
    ...options,
    coordinator,
    storage,
    ownership,
    release: place.release,
  });
}

/** Whether a checkpoint or savepoint may ever be asked for. */
export function isTracked({ configuration }: JobGraph): boolean {
  const { intervalMs, directory, savepointDirectory, restorePath } = configuration.checkpointing;
  return [intervalMs, directory, savepointDirectory, restorePath].some(
    (each) => each !== undefined,
  );
}

interface OpenOptions extends JobCheckpointsOptions {
  readonly coordinator: CheckpointCoordinator;
  readonly storage: CheckpointStorage;
  readonly ownership: JobOwnership;
  readonly release: () => void;
}

class OpenJobCheckpoints implements JobCheckpoints {
  readonly coordinator: CheckpointCoordinator;
  readonly #options: OpenOptions;
  #foreign: SelectedCheckpoint | undefined;

  constructor(options: OpenOptions) {
    this.coordinator = options.coordinator;
    this.#options = options;
  }

  async select(): Promise<SelectedCheckpoint | undefined> {
    const own = await this.coordinator.recover();
    if (own !== undefined) {
      this.#options.request.environment.faultPoint?.('restore.files-verified');
      this.#tellDamage(own);
      return own;
    }
    const { request } = this.#options;
    const { restorePath } = request.graph.configuration.checkpointing;
    if (restorePath === undefined) return undefined;
    this.#foreign ??= await resolveCheckpoint(restorePath, request.environment);
    return this.#foreign;
  }

  attemptRuns(attempt: number, selected: SelectedCheckpoint | undefined): void {
    const { graph } = this.#options.request;
    const isForeign = selected !== undefined && selected === this.#foreign;
    const claims = graph.configuration.checkpointing.claimMode === 'claim';
    this.coordinator.startAttempt({
      attempt,
      subtasks: graph.vertices.flatMap(({ index, parallelism }) =>
        Array.from({ length: parallelism }, (_, subtask) => ({ vertex: index, subtask })),
      ),
      restored: selected && checkpointInfo(selected.manifest, selected.path),
      isFirstFull: isForeign,
      releaseClaimed:
        isForeign && claims
          ? () => removeClaimed(selected, this.#options.request.environment)
          : undefined,
    });
  }

  async close(outcome: JobOutcome): Promise<void> {
    await this.coordinator.close(outcome);
    await this.#options.ownership.release();
    this.#options.release();
  }

  #tellDamage({ damaged, manifest }: SelectedCheckpoint): void {
    const [first] = damaged;
    if (first === undefined) return;
    this.#options.warn(
      new MillraceError(
        'CHECKPOINT_DAMAGED',
        `a newer checkpoint is damaged ('${first.path}': ${first.reason}); ` +
          `the job goes on from checkpoint ${manifest.checkpointId}`,
        { details: { path: first.path, reason: first.reason } },
      ),
    );
  }
}

interface StoragePlace {
  readonly url: string;
  readonly release: () => void;
}

function storagePlace({ request, jobId, sharesMemory }: JobCheckpointsOptions): StoragePlace {
  const { directory } = request.graph.configuration.checkpointing;
  const { fileSystem } = request.environment;
  if (directory !== undefined) {
    const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(directory);
    return { url: isUrl ? directory : fileSystem.resolve(directory), release: () => undefined };
  }
  if (sharesMemory) {
    const url = `memory://job-${jobId}`;
    return { url, release: () => discardMemoryStorage(url) };
  }
  const folder = fileSystem.makeTemporaryDirectory('millrace-checkpoints-');
  return { url: folder, release: () => fileSystem.remove(folder) };
}

function identity({ processes }: Environment): ProcessIdentity {
  return processes?.self() ?? { pid: 0, host: 'simulated', startToken: '' };
}
