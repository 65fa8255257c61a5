/** Gives the tasks of one thread their state: backends, what they go on from, files for their snapshots. */
import { snapshotInput, snapshotOutput } from '../checkpoint/snapshot-files.ts';
import { openStorage } from '../checkpoint/storage/open-storage.ts';
import type { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts';
import type { CheckpointPlace } from '../checkpoint/checkpoint-messages.ts';
import type { Environment } from '../base/environment.ts';
import { toPlainError } from '../base/errors.ts';
import type { JobGraph, JobVertex } from '../graph/job-graph.ts';
import type { RestoredState } from '../runtime/task/chain-state.ts';
import type { TaskStateServices } from '../runtime/worker/task-builder.ts';
import { operatorStateBackend } from '../state/heap/operator-state.ts';
import { keyGroupRange } from '../state/key-groups.ts';
import { assignedKey, type StateDeployment, type TaskReport } from './messages.ts';

/** What {@link taskState} needs. */
export interface TaskStateOptions {
  readonly graph: JobGraph;
  readonly environment: Environment;
  readonly state: StateDeployment;
  readonly placeOf: (checkpointId: number) => CheckpointPlace;
  readonly report: (report: TaskReport) => void;
}
