/**
 * Control messages between the host and a worker: typed, each posted on the worker's port, then the
 * doorbell is rung.
 */
import type { PlainError } from '../base/errors.ts';
import type {
  CheckpointNotification,
  CheckpointTrigger,
} from '../checkpoint/checkpoint-messages.ts';
import type {
  AssignedState,
  ChannelStateHandle,
  SubtaskState,
} from '../checkpoint/subtask-state.ts';
import type { SourceSplit } from '../functions/source.ts';
import type { PipelineConfiguration } from '../graph/configuration.ts';
import type { GraphFingerprint } from '../graph/graph-hash.ts';
import type { JobModule } from '../graph/job-client.ts';

/** From the host to a worker. */
export type HostMessage =
  | { readonly kind: 'start' }
  | { readonly kind: 'cancel' }
  | {
      readonly kind: 'add-splits';
      readonly vertex: number;
      readonly subtask: number;
      readonly splits: readonly SourceSplit[];
    }
  | { readonly kind: 'no-more-splits'; readonly vertex: number; readonly subtask: number }
  | TaskMessage;

/** What all tasks of a worker are told. */
export type TaskMessage =
  /**
   * Comes to all workers before any of them is triggered: a barrier may be there sooner than the
   * worker's own trigger.
   */
  | { readonly kind: 'checkpoint-begun'; readonly trigger: CheckpointTrigger }
  | { readonly kind: 'trigger-checkpoint'; readonly trigger: CheckpointTrigger }
  | { readonly kind: 'checkpoint-complete'; readonly notification: CheckpointNotification }
  | { readonly kind: 'checkpoint-aborted'; readonly checkpointId: number };

/** From a worker to the host. */
export type WorkerMessage =
  | { readonly kind: 'ready'; readonly fingerprint: GraphFingerprint }
  | { readonly kind: 'split-request'; readonly vertex: number; readonly subtask: number }
  | { readonly kind: 'failed'; readonly error: PlainError }
  /** All tasks of the worker are open and about to run. */
  | { readonly kind: 'running' }
  | TaskReport;

/** What tasks tell the coordinator. */
export type TaskReport =
  | {
      readonly kind: 'checkpoint-acknowledged';
      readonly checkpointId: number;
      readonly state: SubtaskState;
    }
  | {
      readonly kind: 'checkpoint-declined';
      readonly checkpointId: number;
      readonly vertex: number;
      readonly subtask: number;
      readonly error: PlainError;
    }
  /** A subtask has processed all of its input. */
  | { readonly kind: 'end-of-data'; readonly vertex: number; readonly subtask: number };

/** What the tasks of an attempt go on from, and where their snapshots go. */
export interface StateDeployment {
  readonly jobId: string;
  readonly attempt: number;
  /** Where what is restored lies; undefined: the job starts empty. */
  readonly restoredFrom:
    | { readonly storageUrl: string; readonly folder: string; readonly checkpointId: number }
    | undefined;
  /** By {@link assignedKey}. */
  readonly assigned: ReadonlyMap<string, AssignedState>;
  /** Records in flight to be sent again, in order; by {@link assignedKey} of their sender. */
  readonly inFlight: ReadonlyMap<string, readonly ChannelStateHandle[]>;
  /** Whether the job takes checkpoints, so that a last one follows the end of the data. */
  readonly hasFinalCheckpoint: boolean;
  /** Whether changes of state are tracked, so that a checkpoint or savepoint may come. */
  readonly isTracking: boolean;
}

/** The key of an operator's subtask in {@link StateDeployment.assigned}. */
export function assignedKey(operatorId: string, subtask: number): string {
  return `${operatorId}/${subtask}`;
}

/** What a worker thread is started with: plain data and shared memory. */
export interface WorkerDeployment {
  readonly workerIndex: number;
  readonly jobName: string;
  readonly module: JobModule;
  readonly configuration: PipelineConfiguration;
  readonly state: StateDeployment;
  /** See `metrics/heartbeats.ts`. */
  readonly heartbeats: SharedArrayBuffer;
  readonly metricsBuffer: ArrayBufferLike;
  /** One doorbell per worker, then the host's. */
  readonly doorbells: SharedArrayBuffer;
  readonly hostDoorbell: number;
  /** Rings by channel key: those that this worker writes or reads. */
  readonly rings: ReadonlyMap<string, SharedArrayBuffer>;
  /** Rings to the host by collect name, for this worker's subtasks. */
  readonly collectRings: ReadonlyMap<string, SharedArrayBuffer>;
}

/** Whether the worker's tasks all finished, or were canceled. */
export type WorkerOutcome = 'finished' | 'canceled' | 'failed';
