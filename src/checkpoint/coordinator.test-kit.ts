/**
 * A job of three subtasks over a simulated disk, for tests of the coordinator: each subtask's state
 * is one number, kept in a base file and delta files, so that what is restored can be compared with
 * what was checkpointed.
 */
import type { FaultPoint } from '../base/fault-points.ts';
import { type SimulatedEnvironment, simulatedEnvironment } from '../base/simulated-environment.ts';
import type { FileRef } from '../state/snapshot.ts';
import { checkpointCoordinator } from './checkpoint-coordinator.ts';
import type {
  CheckpointLink,
  CheckpointNotification,
  CheckpointTrigger,
} from './checkpoint-messages.ts';
import type { SelectedCheckpoint } from './checkpoint-selection.ts';
import type { CheckpointStorage } from './checkpoint-storage.ts';
import type { CheckpointCoordinator, CheckpointSchedule } from './coordinator-contract.ts';
import { acquireJob, type JobOwnership } from './job-lock.ts';
import type { ManifestOperator } from './manifest.ts';
import { snapshotInput, snapshotOutput } from './snapshot-files.ts';
import { openStorage } from './storage/open-storage.ts';
import type { SubtaskState } from './subtask-state.ts';

export const JOB_ID = '0123456789abcdef0123456789abcdef';
export const OTHER_JOB_ID = 'fedcba9876543210fedcba9876543210';

export const OPERATORS: readonly ManifestOperator[] = [
  operator('source', 0, 1),
  operator('count', 1, 2),
];

export const SUBTASKS = [
  { vertex: 0, subtask: 0 },
  { vertex: 1, subtask: 0 },
  { vertex: 1, subtask: 1 },
] as const;

export const SCHEDULE: CheckpointSchedule = {
  intervalMs: 100,
  timeoutMs: 1000,
  minPauseMs: 0,
  tolerableFailures: 0,
  retained: 2,
  retention: 'retain-on-cancellation',
  incremental: true,
  savepointDirectory: '/savepoints',
};

export const OWNER = { pid: 7, host: 'here', startToken: 'a', doorPath: undefined, sinceMs: 0 };

function operator(name: string, vertex: number, parallelism: number): ManifestOperator {
  const operatorId = `${name}-id`;
  return { operatorId, name, uid: name, kind: name, vertex, parallelism, maxParallelism: 128 };
}

/** What the tasks were told. */
export type Told =
  | { readonly kind: 'trigger'; readonly trigger: CheckpointTrigger }
  | { readonly kind: 'complete'; readonly notification: CheckpointNotification }
  | { readonly kind: 'aborted'; readonly checkpointId: number; readonly reason: string }
  | { readonly kind: 'failJob'; readonly error: Error }
  | { readonly kind: 'cleanupFailed'; readonly error: Error };

/** Options of {@link startJob}. */
export interface JobOptions {
  readonly world?: SimulatedEnvironment;
  readonly schedule?: Partial<CheckpointSchedule>;
  readonly faultPoint?: ((point: FaultPoint) => void) | undefined;
  readonly root?: string;
}

/** One process's run of the job. */
export class TestJob {
  readonly world: SimulatedEnvironment;
  readonly storage: CheckpointStorage;
  readonly ownership: JobOwnership;
  readonly coordinator: CheckpointCoordinator;
  readonly told: Told[] = [];
  readonly #faultPoint: ((point: FaultPoint) => void) | undefined;
  /** Each subtask's files as of its last completed checkpoint, and its value now. */
  readonly values: number[] = [0, 0, 0];
  readonly #completedFiles: FileRef[][] = [[], [], []];
  readonly #pendingFiles = new Map<number, FileRef[][]>();
  attempt = -1;

  constructor(options: JobOptions, storage: CheckpointStorage, ownership: JobOwnership) {
    this.world = options.world ?? simulatedEnvironment({ seed: 1 });
    this.storage = storage;
    this.ownership = ownership;
    this.#faultPoint = options.faultPoint;
    this.coordinator = checkpointCoordinator({
      jobId: JOB_ID,
      jobName: 'test',
      operators: OPERATORS,
      schedule: { ...SCHEDULE, ...options.schedule },
      storage,
      ownership,
      environment: { ...this.world, faultPoint: options.faultPoint },
      link: this.#link(),
    });
  }

  /** Recovers, compares what is restored, and starts an attempt. */
  async start(isFirstFull = false): Promise<SelectedCheckpoint | undefined> {
    const selected = await this.coordinator.recover();
    this.restore(selected);
    this.attempt++;
    const { attempt } = this;
    this.coordinator.startAttempt({
      attempt,
      subtasks: SUBTASKS,
      restored: undefined,
      isFirstFull,
    });
    return selected;
  }

  restore(selected: SelectedCheckpoint | undefined): void {
    this.#pendingFiles.clear();
    for (const index of SUBTASKS.keys()) {
      const { vertex, subtask } = SUBTASKS[index] ?? SUBTASKS[0];
      const state = selected?.manifest.subtasks.find(
        (each) => each.vertex === vertex && each.subtask === subtask,
      );
      const files = state?.operators[0]?.keyed?.segments ?? [];
      this.#completedFiles[index] = [...files];
      this.values[index] = selected === undefined ? 0 : restoredValue(this, selected, files);
    }
  }

  /** All subtasks' answers to a trigger, files written. */
  acknowledgements(trigger: CheckpointTrigger, isFinished = false): readonly SubtaskState[] {
    return SUBTASKS.map((_, index) => this.acknowledgement(trigger, index, isFinished));
  }

  /** One subtask's answer: a delta over what it had, or all. */
  acknowledgement(trigger: CheckpointTrigger, index: number, isFinished = false): SubtaskState {
    const { vertex, subtask } = SUBTASKS[index] ?? SUBTASKS[0];
    const environment = { ...this.world, faultPoint: this.#faultPoint };
    const output = snapshotOutput({
      storage: openStorage(trigger.place.storageUrl, environment),
      place: trigger.place,
      vertex,
      subtask,
      environment,
    });
    const isDelta = trigger.snapshotKind === 'incremental';
    // Two deltas at most, then a new base, so that files fall out of use.
    const before = this.#completedFiles[index] ?? [];
    const kept = isDelta && before.length < 3 ? before : [];
    const writer = output.create('part');
    const sum = kept.reduce((total, file) => total + valueIn(this.readNow(file)), 0);
    writer.write(new TextEncoder().encode(`${(this.values[index] ?? 0) - sum} ${'x'.repeat(200)}`));
    const segments = [...kept, writer.close()];
    const files = this.#pendingFiles.get(trigger.checkpointId) ?? [[], [], []];
    files[index] = segments;
    this.#pendingFiles.set(trigger.checkpointId, files);
    return {
      vertex,
      subtask,
      operators: [
        {
          operatorId: vertex === 0 ? 'source-id' : 'count-id',
          stage: { version: 1, data: { value: this.values[index] } },
          keyed: { hashFirst: 0, hashLast: 2 ** 32 - 1, states: [], base: undefined, segments },
          operatorStates: [],
          splits: undefined,
        },
      ],
      channels: [],
      isFinished,
      newFiles: output.newFiles,
      stats: STATS,
    };
  }

  readNow(file: FileRef): Uint8Array {
    return snapshotInput({ storage: this.storage, folder: JOB_ID, environment: this.world }).read(
      file,
    );
  }

  get lastTrigger(): CheckpointTrigger {
    const last = this.told.findLast((each) => each.kind === 'trigger');
    if (last === undefined) throw new Error('nothing was triggered');
    return last.trigger;
  }

  kinds(): readonly string[] {
    return this.told.map(describeTold);
  }

  /** Lets time pass and all that is asynchronous happen. */
  async pass(ms: number): Promise<void> {
    this.world.clock.advanceBy(ms);
    await settle();
  }

  /** Takes a whole checkpoint, by the schedule, after changing the values. */
  async checkpoint(isFinished = false): Promise<void> {
    for (const index of this.values.keys())
      this.values[index] = (this.values[index] ?? 0) + index + 1;
    await this.pass(100);
    this.acknowledgeAll(this.lastTrigger, isFinished);
    await settle();
  }

  acknowledgeAll(trigger: CheckpointTrigger, isFinished = false): void {
    for (const state of this.acknowledgements(trigger, isFinished)) {
      this.coordinator.acknowledge(trigger.checkpointId, state);
    }
  }

  #link(): CheckpointLink {
    return {
      snapshotEnumerators: () => [{ operatorId: 'source-id', data: { next: this.values[0] } }],
      trigger: (trigger) => void this.told.push({ kind: 'trigger', trigger }),
      notifyComplete: (notification) => {
        const files = this.#pendingFiles.get(notification.checkpointId);
        if (files !== undefined && notification.kind === 'checkpoint') {
          for (const [index, list] of files.entries()) this.#completedFiles[index] = list;
        }
        this.told.push({ kind: 'complete', notification });
      },
      notifyAborted: (checkpointId, reason) =>
        void this.told.push({ kind: 'aborted', checkpointId, reason: reason.message }),
      failJob: (error) => void this.told.push({ kind: 'failJob', error }),
      cleanupFailed: (error) => void this.told.push({ kind: 'cleanupFailed', error }),
    };
  }
}

const STATS = {
  alignmentMs: 1,
  syncMs: 2,
  asyncMs: 3,
  longestSliceMs: 4,
  slicesMs: 5,
  bytes: 6,
  inFlightBytes: 0,
};

function describeTold(told: Told): string {
  switch (told.kind) {
    case 'trigger':
      return `trigger ${told.trigger.checkpointId}`;
    case 'complete':
      return `complete ${told.notification.checkpointId}`;
    case 'aborted':
      return `aborted ${told.checkpointId}`;
    default:
      return told.kind;
  }
}

function valueIn(bytes: Uint8Array): number {
  return Number(new TextDecoder().decode(bytes).split(' ')[0]);
}

/** The value in the files, which must be that in the manifest. */
function restoredValue(
  job: TestJob,
  selected: SelectedCheckpoint,
  files: readonly FileRef[],
): number {
  const storage = openStorage(selected.storageUrl, job.world);
  const input = snapshotInput({ storage, folder: selected.folder, environment: job.world });
  const value = files.reduce((sum, file) => sum + valueIn(input.read(file)), 0);
  const states = selected.manifest.subtasks.flatMap(({ operators }) => operators);
  const own = states.find(
    ({ keyed }) => keyed?.segments === files || keyed?.segments[0] === files[0],
  );
  const data = own?.stage?.data as { readonly value: number } | undefined;
  if (data !== undefined && data.value !== value) {
    throw new Error(`restored ${value} from files, the manifest says ${data.value}`);
  }
  return value;
}

/** Lets all promises and immediate callbacks run. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 8; round++) await new Promise((resolve) => setImmediate(resolve));
}

/** Takes the ownership as a new process would. */
export async function openJob(options: JobOptions = {}): Promise<TestJob> {
  const world = options.world ?? simulatedEnvironment({ seed: 1 });
  const storage = openStorage(options.root ?? '/checkpoints', {
    ...world,
    faultPoint: options.faultPoint,
  });
  const ownership = await acquireJob({
    storage,
    jobId: JOB_ID,
    owner: OWNER,
    isAlive: () => false,
  });
  return new TestJob({ ...options, world }, storage, ownership);
}

/** Opens, recovers and starts. */
export async function startJob(options: JobOptions = {}): Promise<TestJob> {
  const job = await openJob(options);
  await job.start();
  return job;
}
