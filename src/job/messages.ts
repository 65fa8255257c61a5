/** Control messages between the host and a worker: typed, each posted on the worker's port, then the doorbell is rung. */
import type { PlainError } from '../base/errors.ts';
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
  | { readonly kind: 'no-more-splits'; readonly vertex: number; readonly subtask: number };

/** From a worker to the host. */
export type WorkerMessage =
  | { readonly kind: 'ready'; readonly fingerprint: GraphFingerprint }
  | { readonly kind: 'split-request'; readonly vertex: number; readonly subtask: number }
  | { readonly kind: 'failed'; readonly error: PlainError };

/** What a worker thread is started with: plain data and shared memory. */
export interface WorkerDeployment {
  readonly workerIndex: number;
  readonly jobName: string;
  readonly module: JobModule;
  readonly configuration: PipelineConfiguration;
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
