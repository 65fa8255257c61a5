/**
 * The hidden folder in which one subtask of a sink keeps the parts that have no final name yet:
 * `<path>/.inprogress-<job>-<operator>-<subtask>/<checkpoint>-<name>.inprogress`, where
 * `checkpoint` is the last one that the subtask had prepared (or was restored from) when it began
 * the part.
 *
 * Invariants:
 * 1. Only this subtask of this operator of this job makes files here. Only who commits them, and
 *    this subtask, remove any.
 * 2. What `settle` has resolved for survives a crash of the machine: the bytes, the names, and the
 *    folders above.
 * 3. Nothing here waits for the disk on the calling thread.
 * 4. Every checkpoint takes all parts that were begun before it. So after a restore from checkpoint
 *    n the parts with a lower number belong to committables, and the others to nobody: they are
 *    removed.
 */
import type { FileSystem } from '../../base/environment.ts';
import type { OperatorAttempt, SubtaskContext } from '../../functions/runtime-context.ts';

/** Whose folder it is. */
export interface StagingOptions {
  /** The sink's folder. */
  readonly path: string;
  readonly context: SubtaskContext;
  readonly attempt: OperatorAttempt;
  /** Stands for the job where there is none. */
  readonly runId: string;
}

const FOLDER_PREFIX = '.inprogress-';

/** See the file's head. */
export class StagingFolder {
  readonly path: string;
  readonly #options: StagingOptions;
  readonly #prefix: string;
  readonly #fileSystem: FileSystem;
  /** Parts being made durable. */
  #syncing: Promise<void>[] = [];
  /** Everything on its way to the disk. */
  readonly #underWay = new Set<Promise<void>>();
  /** Folders whose names are not known to be durable. */
  #newFolders: readonly string[] = [];
  #isReady = false;

  constructor(options: StagingOptions) {
    const { path, context, attempt, runId } = options;
    this.#options = options;
    this.#fileSystem = context.environment.fileSystem;
    this.#prefix = `${FOLDER_PREFIX}${attempt.jobId ?? runId}-${attempt.operatorId}-`;
    this.path = below(path, `${this.#prefix}${context.indexOfThisSubtask}`);
  }

  /** Removes what earlier attempts of this job have left and no checkpoint holds. */
  sweep(): void {
    const { path, context, attempt } = this.#options;
    const { jobId, attemptNumber, restoredCheckpointId } = attempt;
    const hasEarlier = attemptNumber > 0 || restoredCheckpointId !== undefined;
    if (jobId === undefined || !hasEarlier) return;
    if (this.#fileSystem.stat(path) === undefined) return;
    for (const name of this.#fileSystem.list(path)) {
      if (!name.startsWith(this.#prefix)) continue;
      const subtask = Number(name.slice(this.#prefix.length));
      // After a change of parallelism the folders are dealt out anew.
      if (subtask % context.numberOfParallelSubtasks !== context.indexOfThisSubtask) continue;
      this.#sweepFolder(below(path, name), restoredCheckpointId ?? 0);
    }
  }

  /** Where a new part begins. */
  pathOf(name: string, lastCheckpointId: number): string {
    if (!this.#isReady) this.#make();
    return `${this.path}/${lastCheckpointId}-${name}.inprogress`;
  }

  /** A part is closed: begins to make it durable. */
  sync(inProgressPath: string): void {
    const syncing = this.#fileSystem.syncFile(inProgressPath);
    // Told by the next `settle`.
    syncing.catch(() => undefined);
    this.#syncing.push(syncing);
    this.#watch(syncing);
  }

  /** Resolves when all parts closed so far are durable; undefined if there are none. */
  settle(): Promise<void> | undefined {
    if (this.#syncing.length === 0) return undefined;
    const files = this.#syncing;
    const folders = [...this.#newFolders, this.path];
    this.#syncing = [];
    this.#newFolders = [];
    const settling = this.#settle(files, folders);
    this.#watch(settling);
    return settling;
  }

  /**
   * Leaves nothing behind if everything has been committed. Waits for what is on its way: a thread
   * that ends before leaves the process with open files.
   */
  close(): Promise<void> | undefined {
    if (this.#underWay.size === 0) return this.#removeIfEmpty();
    return Promise.allSettled(this.#underWay).then(() => this.#removeIfEmpty());
  }

  #removeIfEmpty(): undefined {
    if (this.#isReady) removeIfEmpty(this.#fileSystem, this.path);
  }

  #watch(work: Promise<void>): void {
    this.#underWay.add(work);
    const isOver = (): void => void this.#underWay.delete(work);
    work.then(isOver, isOver);
  }

  async #settle(files: readonly Promise<void>[], folders: readonly string[]): Promise<void> {
    await Promise.all(files);
    await Promise.all(folders.map((folder) => this.#fileSystem.syncFile(folder)));
  }

  /** A folder is durable when its name is, which lies in the folder above. */
  #make(): void {
    const { path } = this.#options;
    const above = new Set([path, parentOf(path)]);
    for (let each = path; this.#fileSystem.stat(each) === undefined; each = parentOf(each)) {
      above.add(parentOf(each));
    }
    this.#fileSystem.makeDirectory(this.path);
    this.#newFolders = [...above];
    this.#isReady = true;
  }

  #sweepFolder(folder: string, restoredCheckpointId: number): void {
    for (const name of this.#fileSystem.list(folder)) {
      const checkpointId = Number.parseInt(name, 10);
      if (checkpointId >= restoredCheckpointId) this.#fileSystem.remove(`${folder}/${name}`);
    }
    if (folder !== this.path) removeIfEmpty(this.#fileSystem, folder);
  }
}

/** The folder that a path lies in. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  if (slash > 0) return path.slice(0, slash);
  return slash === 0 ? '/' : '.';
}

/** A name in a folder. */
export function below(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}

function removeIfEmpty(fileSystem: FileSystem, folder: string): void {
  if (fileSystem.stat(folder) === undefined) return;
  if (fileSystem.list(folder).length === 0) fileSystem.remove(folder);
}
