/**
 * The last steps of a checkpoint: from all acknowledgements to a durable manifest.
 *
 * Invariants:
 * 1. The manifest is created after all files that it names are durable, and it names no file that
 *    is neither new nor named by a retained checkpoint.
 * 2. After a failure the manifest is durably absent, or the error says that its fate is unknown.
 */
import type { Environment } from '../base/environment.ts';
import { MillraceError } from '../base/errors.ts';
import type { FileRef } from '../state/snapshot.ts';
import type { CheckpointLocation } from './checkpoint-location.ts';
import type { CheckpointStorage } from './checkpoint-storage.ts';
import { localPathOf } from './storage/file-storage.ts';
import { type CheckpointManifest, encodeManifest, type ManifestSubtask } from './manifest.ts';
import type { PendingCheckpoint } from './pending-checkpoint.ts';
import { damagedFile, mismatch } from './snapshot-files.ts';
import { filesOf } from './state-files.ts';
import { folderOf, joinPath } from './storage/storage-path.ts';

/** What {@link completeCheckpoint} needs. */
export interface CompletionOptions {
  readonly pending: PendingCheckpoint;
  readonly identity: Pick<CheckpointManifest, 'jobId' | 'jobName' | 'epoch' | 'operators'>;
  /** Of the job's checkpoints. */
  readonly storage: CheckpointStorage;
  /** Whether a retained checkpoint names this file. */
  readonly isRetained: (path: string) => boolean;
  /** Throws if it must not go on; called before the manifest is created. */
  readonly checkFence: () => void;
  readonly environment: Pick<Environment, 'clock' | 'scheduler' | 'faultPoint'>;
}

/** Nobody knows whether the manifest will be there after a crash. */
export class UncertainManifestError extends MillraceError {
  constructor(path: string, cause: unknown) {
    super(
      'CHECKPOINT_FAILED',
      `the manifest '${path}' could neither be made durable nor be removed: check the disk`,
      { cause, details: { path } },
    );
  }
}

/** Makes the checkpoint complete; gives its manifest. */
export async function completeCheckpoint(options: CompletionOptions): Promise<CheckpointManifest> {
  const { pending, environment } = options;
  const { location } = pending.start;
  environment.faultPoint?.('checkpoint.all-acknowledged');
  const { subtasks, newPaths } = await subtasksOf(options);
  const files = filesOf(subtasks);
  const named = new Set(files.map(({ path }) => path));
  const written = newPaths.filter((path) => named.has(path));
  await location.storage.sync(written.map((path) => joinPath(location.folder, path)));
  for (const path of newPaths) {
    if (!named.has(path)) location.storage.remove(joinPath(location.folder, path));
  }
  if (pending.abortReason !== undefined) throw pending.abortReason;
  options.checkFence();
  pending.phase = 'writing';
  const manifest = manifestOf(options, subtasks, files);
  await createManifest(location, encodeManifest(manifest));
  return manifest;
}

function manifestOf(
  { pending, identity, environment }: CompletionOptions,
  subtasks: readonly ManifestSubtask[],
  files: readonly FileRef[],
): CheckpointManifest {
  const { checkpointId, request, snapshotKind, triggeredMs, enumerators } = pending.start;
  return {
    ...identity,
    checkpointId,
    kind: request.kind,
    snapshotKind,
    triggeredMs,
    completedMs: environment.clock.now(),
    isDrained: request.stop === 'drain',
    isFinal: subtasks.every(({ isFinished }) => isFinished),
    subtasks,
    enumerators,
    files,
  };
}

interface Parts {
  /** In the order of vertices and subtasks. */
  readonly subtasks: readonly ManifestSubtask[];
  readonly newPaths: readonly string[];
}

async function subtasksOf(options: CompletionOptions): Promise<Parts> {
  const { pending } = options;
  const { location, request, finished } = pending.start;
  const newFiles = pending.states.flatMap((state) => state.newFiles);
  const newPaths = new Set(newFiles.map(({ path }) => path));
  const isSavepoint = request.kind === 'savepoint';
  const acknowledged = pending.states.map(withoutNewFiles);
  for (const { path } of filesOf(acknowledged)) {
    if (newPaths.has(path) || (!isSavepoint && options.isRetained(path))) continue;
    throw new MillraceError(
      'BUG',
      `checkpoint ${pending.checkpointId} names '${path}', which it has not written`,
      { details: { path } },
    );
  }
  const kept = [...finished.values()];
  if (isSavepoint) {
    for (const path of await takeOver(kept, options, location)) newPaths.add(path);
  }
  const subtasks = [...acknowledged, ...kept].sort(
    (a, b) => a.vertex - b.vertex || a.subtask - b.subtask,
  );
  return { subtasks, newPaths: [...newPaths] };
}

function withoutNewFiles(state: PendingCheckpoint['states'][number]): ManifestSubtask {
  const { newFiles: _, ...rest } = state;
  return rest;
}

/**
 * Puts the files of subtasks that had finished before into the savepoint, under their own names.
 */
async function takeOver(
  kept: readonly ManifestSubtask[],
  options: CompletionOptions,
  target: CheckpointLocation,
): Promise<readonly string[]> {
  const { storage, identity } = options;
  const files = filesOf(kept);
  for (const file of files) {
    const from = joinPath(identity.jobId, file.path);
    const to = joinPath(target.folder, file.path);
    const local = localPathOf(storage, from);
    const copied =
      local === undefined
        ? copy(storage, from, target.storage, to)
        : await target.storage.adopt(local, to);
    const reason = mismatch(file, copied);
    if (reason !== undefined) throw damagedFile(`${storage.url}/${from}`, reason);
  }
  return files.map(({ path }) => path);
}

function copy(
  source: CheckpointStorage,
  from: string,
  target: CheckpointStorage,
  to: string,
): FileRef | undefined {
  const bytes = source.read(from);
  if (bytes === undefined) return undefined;
  const writer = target.writer(to);
  try {
    writer.write(bytes);
    return writer.close();
  } catch (error) {
    writer.abort();
    throw error;
  }
}

async function createManifest(location: CheckpointLocation, bytes: Uint8Array): Promise<void> {
  const { storage, manifestPath, manifestFolder } = location;
  let isCreated: boolean;
  try {
    isCreated = await storage.createExclusive(manifestPath, bytes);
  } catch (error) {
    try {
      storage.remove(manifestFolder);
      const parent = folderOf(manifestFolder);
      await storage.sync([parent]);
    } catch {
      throw new UncertainManifestError(`${storage.url}/${manifestPath}`, error);
    }
    throw error;
  }
  if (isCreated) return;
  throw new MillraceError(
    'CHECKPOINT_FAILED',
    `'${storage.url}/${manifestPath}' exists already: another process has written it`,
    { details: { path: manifestPath } },
  );
}
