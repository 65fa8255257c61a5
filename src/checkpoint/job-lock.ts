/**
 * Who owns a job: the holder of the highest `lock-<epoch>` in the job's folder.
 *
 * Invariants:
 * 1. Each epoch has one owner at most, since its lock is created exclusively.
 * 2. An owner that lives is never superseded; one that is dead, or has released, is by epoch + 1.
 * 3. The lock of an epoch stays until that of the next is durable, so epochs never repeat.
 */
import { MillraceError } from '../base/errors.ts';
import type { CheckpointStorage } from './checkpoint-storage.ts';
import { parseJson } from './job-directory.ts';
import { joinPath } from './storage/storage-path.ts';

/** What an owner writes of itself. */
export interface LockOwner {
  readonly pid: number;
  readonly host: string;
  /** What tells this process from a later one with the same pid: boot and start time. */
  readonly startToken: string;
  /** Where the job's control door listens. */
  readonly doorPath: string | undefined;
  /** Epoch ms. */
  readonly sinceMs: number;
}

/** A process's hold on a job's folder. */
export interface JobOwnership {
  /** Grows with each owner. */
  readonly epoch: number;
  /** Whether no other process has taken the job over. */
  isHeld(): boolean;
  /** Gives it back, for the next owner in this or another process. */
  release(): Promise<void>;
}

/** What {@link acquireJob} needs. */
export interface AcquireOptions {
  readonly storage: CheckpointStorage;
  readonly jobId: string;
  readonly owner: LockOwner;
  /** Whether the process that wrote this of itself still runs. */
  readonly isAlive: (owner: LockOwner) => boolean | Promise<boolean>;
}

/** Owners that may come and go while we try. */
const TRIES_MAX = 100;

/**
 * Takes the ownership of a job.
 *
 * @throws JOB_LOCKED if a living process has it
 */
export async function acquireJob(options: AcquireOptions): Promise<JobOwnership> {
  const { storage, jobId, owner } = options;
  const text = new TextEncoder().encode(`${JSON.stringify({ version: 1, ...owner }, null, 1)}\n`);
  for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
    const last = epochs(storage, jobId).at(-1) ?? 0;
    if (last > 0) await refuseIfAlive(options, last);
    const epoch = last + 1;
    if (!(await storage.createExclusive(lockPath(jobId, epoch), text))) continue;
    removeOlder(storage, jobId, epoch);
    return ownership(storage, jobId, epoch);
  }
  throw new MillraceError(
    'JOB_LOCKED',
    `job ${jobId} in ${storage.url} changed hands ${TRIES_MAX} times while it was asked for`,
    { details: { jobId } },
  );
}

/** The owner of a job, alive or not, unless it has released it; undefined if there is none. */
export function jobOwner(storage: CheckpointStorage, jobId: string): LockOwner | undefined {
  const epoch = epochs(storage, jobId).at(-1);
  if (epoch === undefined || isReleased(storage, jobId, epoch)) return undefined;
  return readOwner(storage, jobId, epoch);
}

async function refuseIfAlive(options: AcquireOptions, epoch: number): Promise<void> {
  const { storage, jobId, isAlive } = options;
  if (isReleased(storage, jobId, epoch)) return;
  const owner = readOwner(storage, jobId, epoch);
  if (owner === undefined || !(await isAlive(owner))) return;
  const { pid, host, doorPath } = owner;
  const path = `${storage.url}/${lockPath(jobId, epoch)}`;
  throw new MillraceError(
    'JOB_LOCKED',
    `job ${jobId} is run by process ${pid} on ${host}, see '${path}': stop that process first`,
    { details: { jobId, pid, host, path, doorPath } },
  );
}

function readOwner(
  storage: CheckpointStorage,
  jobId: string,
  epoch: number,
): LockOwner | undefined {
  const bytes = storage.read(lockPath(jobId, epoch));
  if (bytes === undefined) return undefined;
  return parseJson(bytes, `${storage.url}/${lockPath(jobId, epoch)}`) as unknown as LockOwner;
}

function ownership(storage: CheckpointStorage, jobId: string, epoch: number): JobOwnership {
  return {
    epoch,
    // A successor makes the next lock before it removes this one, so one of the two tells of it.
    isHeld: () =>
      storage.read(lockPath(jobId, epoch)) !== undefined &&
      storage.read(lockPath(jobId, epoch + 1)) === undefined,
    release: async () => {
      await storage.createExclusive(releasePath(jobId, epoch), new Uint8Array(0));
    },
  };
}

/** What cannot be removed now is superseded all the same, and is removed by the next owner. */
function removeOlder(storage: CheckpointStorage, jobId: string, epoch: number): void {
  try {
    for (const older of epochs(storage, jobId)) {
      if (older >= epoch) return;
      storage.remove(lockPath(jobId, older));
      storage.remove(releasePath(jobId, older));
    }
  } catch {
    // The lock is ours: failing here would leave it behind with nobody who knows.
  }
}

/** Epochs that have a lock, ascending. */
function epochs(storage: CheckpointStorage, jobId: string): readonly number[] {
  return storage
    .list(jobId, 'names')
    .flatMap((name) => /^lock-(\d{1,15})$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

function isReleased(storage: CheckpointStorage, jobId: string, epoch: number): boolean {
  return storage.read(releasePath(jobId, epoch)) !== undefined;
}

function lockPath(jobId: string, epoch: number): string {
  return joinPath(jobId, `lock-${epoch}`);
}

function releasePath(jobId: string, epoch: number): string {
  return joinPath(jobId, `released-${epoch}`);
}
