/**
 * A job's folder in a storage.
 *
 *     <jobId>/job.json         name and start; written once
 *     <jobId>/lock-<epoch>     who owns the job; see job-lock.ts
 *     <jobId>/chk-<N>/_metadata
 *     <jobId>/shared/…         the files that checkpoints name
 *     <jobId>/_finished        the job has come to its end and must not run again
 *
 * Invariant: nothing here reads or changes anything outside of the job's own folder, but `listJobs`
 * and `latestJob`, which read.
 */
import { MillraceError } from '../base/errors.ts';
import { jobId as checkedJobId } from '../base/ids.ts';
import type { CheckpointStorage } from './checkpoint-storage.ts';
import { MANIFEST_NAME } from './manifest.ts';
import { joinPath } from './storage/storage-path.ts';

const JOB_FILE = 'job.json';
const FINISHED_FILE = '_finished';

/** A job that has a folder. */
export interface JobEntry {
  readonly jobId: string;
  readonly jobName: string;
  /** Epoch ms. */
  readonly createdMs: number;
  readonly isFinished: boolean;
}

/** The folder of a checkpoint. */
export function checkpointFolder(jobId: string, checkpointId: number): string {
  return `${jobId}/chk-${checkpointId}`;
}

/** Makes the job's folder known, unless it is. */
export async function writeJobEntry(
  storage: CheckpointStorage,
  job: Pick<JobEntry, 'jobId' | 'jobName' | 'createdMs'>,
): Promise<void> {
  const { jobId, jobName, createdMs } = job;
  const text = `${JSON.stringify({ version: 1, jobId, jobName, createdMs }, null, 1)}\n`;
  await storage.createExclusive(
    joinPath(checkedJobId(jobId), JOB_FILE),
    new TextEncoder().encode(text),
  );
}

/** The entry of one job; undefined if there is none. */
export function readJobEntry(storage: CheckpointStorage, jobId: string): JobEntry | undefined {
  const path = joinPath(jobId, JOB_FILE);
  const bytes = storage.read(path);
  if (bytes === undefined) return undefined;
  const { version, jobName, createdMs } = parseJson(bytes, `${storage.url}/${path}`);
  if (version !== 1 || typeof jobName !== 'string' || typeof createdMs !== 'number') {
    throw unreadable(`${storage.url}/${path}`);
  }
  return { jobId, jobName, createdMs, isFinished: isJobFinished(storage, jobId) };
}

/** All jobs of a storage, those that began last first. */
export function listJobs(storage: CheckpointStorage): readonly JobEntry[] {
  // Ids begin with the time of their start.
  const ids = storage.list('', 'names').filter((name) => /^[0-9a-f]{32}$/.test(name));
  return ids.reverse().flatMap((jobId) => readJobEntry(storage, jobId) ?? []);
}

/** The job that began last, of that name if one is given; finished ones included. */
export function latestJob(storage: CheckpointStorage, jobName?: string): JobEntry | undefined {
  return listJobs(storage).find((job) => jobName === undefined || job.jobName === jobName);
}

/** Ids of the job's checkpoints that have a manifest, the highest first. */
export function listCheckpoints(storage: CheckpointStorage, jobId: string): readonly number[] {
  const ids = checkpointFolderIds(storage, jobId);
  return ids.filter((id) =>
    storage.list(checkpointFolder(jobId, id), 'names').includes(MANIFEST_NAME),
  );
}

/** Ids of all checkpoint folders, also of those that are not complete, the highest first. */
export function checkpointFolderIds(storage: CheckpointStorage, jobId: string): readonly number[] {
  return storage
    .list(jobId, 'names')
    .flatMap((name) => /^chk-(\d{1,15})$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a);
}

/** Marks the job as having come to its end. */
export async function markJobFinished(storage: CheckpointStorage, jobId: string): Promise<void> {
  await storage.createExclusive(joinPath(jobId, FINISHED_FILE), new Uint8Array(0));
}

/** Whether {@link markJobFinished} was called. */
export function isJobFinished(storage: CheckpointStorage, jobId: string): boolean {
  return storage.list(jobId, 'names').includes(FINISHED_FILE);
}

/** The object in a small file of ours. */
export function parseJson(bytes: Uint8Array, path: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof json === 'object' && json !== null) return json as Record<string, unknown>;
  } catch (cause) {
    throw unreadable(path, cause);
  }
  throw unreadable(path);
}

function unreadable(path: string, cause?: unknown): MillraceError {
  return new MillraceError(
    'FORMAT_INVALID',
    `'${path}' is damaged or of another release: if no process runs the job, remove it`,
    { cause, details: { path } },
  );
}
