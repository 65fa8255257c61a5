/**
 * The routes of a running job's control door, and the JSON that goes through them. Flink's REST API
 * has them under the same paths and with the same field names; fields that Flink has and this file
 * has not do not exist here.
 *
 * Invariant: paths and field names are API. They are added, never renamed.
 */

/** A route: `:name` stands for one part of the path. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
}

/** A route's name. */
export type RouteName =
  | 'jobs'
  | 'job'
  | 'cancel'
  | 'metrics'
  | 'exceptions'
  | 'checkpoints'
  | 'triggerCheckpoint'
  | 'checkpointStatus'
  | 'triggerSavepoint'
  | 'savepointStatus'
  | 'stop';

/** Every route of the door. */
export const ROUTES: Readonly<Record<RouteName, Route>> = {
  jobs: { method: 'GET', path: '/v1/jobs' },
  job: { method: 'GET', path: '/v1/jobs/:job' },
  cancel: { method: 'PATCH', path: '/v1/jobs/:job' },
  metrics: { method: 'GET', path: '/v1/jobs/:job/metrics' },
  exceptions: { method: 'GET', path: '/v1/jobs/:job/exceptions' },
  checkpoints: { method: 'GET', path: '/v1/jobs/:job/checkpoints' },
  triggerCheckpoint: { method: 'POST', path: '/v1/jobs/:job/checkpoints' },
  checkpointStatus: { method: 'GET', path: '/v1/jobs/:job/checkpoints/:request' },
  triggerSavepoint: { method: 'POST', path: '/v1/jobs/:job/savepoints' },
  savepointStatus: { method: 'GET', path: '/v1/jobs/:job/savepoints/:request' },
  stop: { method: 'POST', path: '/v1/jobs/:job/stop' },
};

/** A job's status, in Flink's letters. */
export type RestJobStatus =
  | 'CREATED'
  | 'RUNNING'
  | 'RESTARTING'
  | 'FINISHED'
  | 'CANCELLING'
  | 'CANCELED'
  | 'FAILED';

/** `GET /v1/jobs` */
export interface JobsBody {
  readonly jobs: readonly JobSummary[];
}

/** One job of {@link JobsBody}. */
export interface JobSummary {
  readonly id: string;
  readonly name: string;
  readonly status: RestJobStatus;
}

/** `GET /v1/jobs/:job` */
export interface JobBody {
  readonly jid: string;
  readonly name: string;
  readonly state: RestJobStatus;
  /** Epoch ms. */
  readonly 'start-time': number;
  /** Ms since then. */
  readonly duration: number;
  readonly vertices: readonly VertexBody[];
}

/** One vertex of {@link JobBody}. */
export interface VertexBody {
  readonly id: string;
  readonly name: string;
  readonly parallelism: number;
  readonly metrics: {
    readonly 'read-records': number;
    readonly 'write-records': number;
    /** Epoch ms; null before the first watermark and after the last. */
    readonly 'current-watermark': number | null;
    readonly 'busy-ratio': number;
    readonly 'back-pressured-ratio': number;
  };
}

/** `GET /v1/jobs/:job/metrics`, all or those of `?get=name,name`. */
export type MetricsBody = readonly MetricBody[];

/** One metric; its value is text, as in Flink. */
export interface MetricBody {
  readonly id: string;
  readonly value: string;
}

/** `GET /v1/jobs/:job/exceptions` */
export interface ExceptionsBody {
  readonly exceptionHistory: {
    /** Newest first. */
    readonly entries: readonly ExceptionBody[];
    readonly truncated: boolean;
  };
}

/** One failure after which the job was restarted. */
export interface ExceptionBody {
  /** The error's code, or its class if it has none. */
  readonly exceptionName: string;
  readonly message: string;
  readonly stacktrace: string;
  /** Epoch ms. */
  readonly timestamp: number;
}

/** `GET /v1/jobs/:job/checkpoints` */
export interface CheckpointsBody {
  readonly counts: {
    readonly restored: number;
    readonly total: number;
    readonly in_progress: number;
    readonly completed: number;
    readonly failed: number;
  };
  readonly summary: {
    readonly checkpointed_size: { readonly avg: number };
    readonly end_to_end_duration: { readonly avg: number; readonly max: number };
  };
  readonly latest: {
    readonly completed: CheckpointBody | null;
    readonly savepoint: CheckpointBody | null;
    readonly failed: FailedCheckpointBody | null;
    readonly restored: RestoredCheckpointBody | null;
  };
  /** Newest first. */
  readonly history: readonly (CheckpointBody | FailedCheckpointBody)[];
}

/** A completed checkpoint or savepoint. */
export interface CheckpointBody {
  readonly id: number;
  readonly status: 'COMPLETED';
  readonly is_savepoint: boolean;
  readonly trigger_timestamp: number;
  readonly latest_ack_timestamp: number;
  readonly end_to_end_duration: number;
  /** Bytes that it wrote. */
  readonly checkpointed_size: number;
  /** Bytes of all that it names. */
  readonly state_size: number;
  readonly alignment_duration: number;
  readonly sync_duration: number;
  readonly external_path: string;
}

/** A checkpoint that did not complete. */
export interface FailedCheckpointBody {
  readonly id: number;
  readonly status: 'FAILED';
  readonly failure_message: string;
}

/** What the job last started from. */
export interface RestoredCheckpointBody {
  readonly id: number;
  readonly is_savepoint: boolean;
  readonly external_path: string;
}

/** `POST /v1/jobs/:job/checkpoints` */
export interface TriggerCheckpointBody {
  readonly triggerId?: string | undefined;
}

/** Formats of savepoints, in Flink's letters. */
export type RestSavepointFormat = 'CANONICAL' | 'NATIVE';

/** `POST /v1/jobs/:job/savepoints` */
export interface TriggerSavepointBody {
  readonly 'target-directory'?: string | undefined;
  readonly 'format-type'?: RestSavepointFormat | undefined;
  /** Whether the job is canceled once the savepoint is there. */
  readonly 'cancel-job'?: boolean | undefined;
  readonly triggerId?: string | undefined;
}

/** `POST /v1/jobs/:job/stop` */
export interface StopBody {
  readonly targetDirectory?: string | undefined;
  readonly drain?: boolean | undefined;
  readonly formatType?: RestSavepointFormat | undefined;
  readonly triggerId?: string | undefined;
}

/** The answer to what takes long: ask for its status by this id. */
export interface TriggerBody {
  readonly 'request-id': string;
}

/** `GET …/savepoints/:request` and `GET …/checkpoints/:request` */
export interface OperationBody {
  readonly status: { readonly id: 'IN_PROGRESS' | 'COMPLETED' };
  /** Once completed: where it lies, or why it failed. */
  readonly operation?:
    | { readonly location: string; readonly checkpointId: number; readonly durationMs: number }
    | { readonly 'failure-cause': FailureBody };
}

/** Why an operation failed. */
export interface FailureBody {
  /** The error's code, or its class if it has none. */
  readonly class: string;
  readonly message: string;
  readonly 'stack-trace': string;
}

/** Every answer that is no success. */
export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  /** The same message, where Flink has it. */
  readonly errors: readonly string[];
}

/** A route's path with its parts filled in. */
export function routePath(name: RouteName, parts: Readonly<Record<string, string>> = {}): string {
  return ROUTES[name].path.replace(/:(\w+)/g, (_, part: string) =>
    encodeURIComponent(parts[part] ?? ''),
  );
}
