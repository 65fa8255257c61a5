/**
 * Writes records to part files, one open part per bucket, and rolls them.
 *
 * Invariants:
 * 1. Every flush closes all parts: what was written before a checkpoint is committed with it, and a
 *    part never spans two checkpoints.
 * 2. At most `openPartsMax` parts are open; the one least recently begun is closed for another.
 * 3. Names are unique across jobs, attempts and subtasks: the writer draws a random run id.
 * 4. A part is made durable from when it is closed, in the background; the promise of `flush` waits
 *    for it. Records are written meanwhile, into other parts.
 */
import type { Clock, FileSystem } from '../../base/environment.ts';
import type { OperatorAttempt, SubtaskContext } from '../../functions/runtime-context.ts';
import type { SinkWriter } from '../../functions/sink.ts';
import { checkBucket } from './bucket-path.ts';
import type { FileSinkSettings } from './file-sink.ts';
import { type PartCommittable, PartFile, type PartPaths } from './part-file.ts';
import { below, StagingFolder } from './staging-folder.ts';

/** The writer of one subtask. */
export class FileSinkWriter<T> implements SinkWriter<T, PartCommittable> {
  readonly #settings: FileSinkSettings<T>;
  readonly #fileSystem: FileSystem;
  readonly #clock: Clock;
  readonly #runId: string;
  readonly #subtask: number;
  readonly #staging: StagingFolder;
  readonly #parts = new Map<string, PartFile<T>>();
  /** Closed parts not yet handed out. */
  #closed: PartCommittable[] = [];
  #counter = 0;
  #lastCheckpointId: number;

  constructor(settings: FileSinkSettings<T>, context: SubtaskContext, attempt: OperatorAttempt) {
    const { environment } = context;
    this.#settings = settings;
    this.#fileSystem = environment.fileSystem;
    this.#clock = environment.clock;
    this.#subtask = context.indexOfThisSubtask;
    const digits = (): string =>
      environment.random
        .below(2 ** 32)
        .toString(16)
        .padStart(8, '0');
    this.#runId = digits() + digits();
    this.#lastCheckpointId = attempt.restoredCheckpointId ?? 0;
    const { path } = settings;
    this.#staging = new StagingFolder({ path, context, attempt, runId: this.#runId });
    this.#staging.sweep();
  }

  write(value: T): void {
    const { bucket, rollingPolicy } = this.#settings;
    const name = bucket === undefined ? '' : bucket(value);
    const part = this.#parts.get(name) ?? this.#open(name);
    part.write(value);
    if (part.bytes >= rollingPolicy.maxPartBytes) this.#finish(name, part);
  }

  flush(): Promise<void> | undefined {
    for (const [name, part] of this.#parts) this.#finish(name, part);
    return this.#staging.settle();
  }

  prepareCommit(): readonly PartCommittable[] {
    const committables = this.#closed;
    this.#closed = [];
    return committables;
  }

  /** No state: what follows belongs to a later checkpoint. */
  snapshotState(checkpointId: number): readonly never[] {
    this.#lastCheckpointId = checkpointId;
    return [];
  }

  nextTimerMs(): number {
    const { rolloverIntervalMs, inactivityIntervalMs } = this.#settings.rollingPolicy;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const part of this.#parts.values()) {
      const rolloverMs = part.openedMs + rolloverIntervalMs;
      nextMs = Math.min(nextMs, rolloverMs, part.lastWriteMs + inactivityIntervalMs);
    }
    return nextMs;
  }

  onTimer(): void {
    const { rolloverIntervalMs, inactivityIntervalMs } = this.#settings.rollingPolicy;
    const nowMs = this.#clock.monotonicMs();
    for (const [name, part] of this.#parts) {
      const isOld = nowMs >= part.openedMs + rolloverIntervalMs;
      const isDue = nowMs >= part.lastWriteMs + inactivityIntervalMs;
      if (isOld || (isDue && !part.isTouched)) this.#finish(name, part);
      else if (isDue) {
        part.isTouched = false;
        part.lastWriteMs = nowMs;
      }
    }
  }

  close(): Promise<void> | undefined {
    // What was not handed out will never be committed: nobody else knows of it.
    for (const part of this.#parts.values()) part.abort();
    this.#parts.clear();
    for (const part of this.#closed) this.#fileSystem.remove(part.inProgressPath);
    this.#closed = [];
    return this.#staging.close();
  }

  #open(bucket: string): PartFile<T> {
    checkBucket(bucket);
    if (this.#parts.size >= this.#settings.openPartsMax) this.#finishOldest();
    const part = new PartFile<T>(this.#fileSystem, this.#nextPaths(bucket), {
      encoder: this.#settings.format.createEncoder(),
      nowMs: this.#clock.monotonicMs(),
    });
    this.#parts.set(bucket, part);
    return part;
  }

  #nextPaths(bucket: string): PartPaths {
    const { path, prefix, suffix } = this.#settings;
    const folder = bucket === '' ? path : below(path, bucket);
    const name = `${prefix}-${this.#runId}-${this.#subtask}-${this.#counter++}`;
    return {
      inProgressPath: this.#staging.pathOf(name, this.#lastCheckpointId),
      finalPath: below(folder, `${name}${suffix}`),
    };
  }

  #finishOldest(): void {
    const [oldest] = this.#parts;
    if (oldest !== undefined) this.#finish(oldest[0], oldest[1]);
  }

  #finish(bucket: string, part: PartFile<T>): void {
    const closed = part.finish();
    this.#closed.push(closed);
    this.#parts.delete(bucket);
    this.#staging.sync(closed.inProgressPath);
  }
}
