/**
 * Gives the tasks of one thread their state: backends, what they go on from, files for their
 * snapshots.
 */
import type { Environment } from '../base/environment.ts';
import { toPlainError } from '../base/errors.ts';
import type { CheckpointBarrier } from '../checkpoint/barrier.ts';
import type { CheckpointPlace } from '../checkpoint/checkpoint-messages.ts';
import {
  snapshotInput,
  snapshotOutput,
  type SnapshotOutputOptions,
} from '../checkpoint/snapshot-files.ts';
import { openStorage } from '../checkpoint/storage/open-storage.ts';
import type { JobGraph, JobVertex } from '../graph/job-graph.ts';
import type { RestoredState } from '../runtime/task/chain-state.ts';
import type { SnapshotFiles } from '../runtime/task/task-checkpoints.ts';
import type { InFlightRows, TaskStateServices } from '../runtime/worker/task-builder.ts';
import { keyedStateBackends } from '../state/backend-registry.ts';
import { operatorStateBackend } from '../state/heap/operator-state.ts';
import { keyGroupRange } from '../state/key-groups.ts';
import type { SnapshotInput } from '../state/snapshot.ts';
import { assignedKey, type StateDeployment, type TaskReport } from './messages.ts';

/** What {@link taskState} needs. */
export interface TaskStateOptions {
  readonly graph: JobGraph;
  readonly environment: Environment;
  readonly state: StateDeployment;
  /** How many workers share the job's memory. */
  readonly workers: number;
  readonly workerIndex: number;
  readonly placeOf: (checkpointId: number) => CheckpointPlace;
  readonly report: (report: TaskReport) => void;
}

/** The services, and what is to be disposed when all tasks are closed. */
export interface TaskState extends Disposable {
  readonly services: TaskStateServices;
}

/** See the file's head. */
export function taskState(options: TaskStateOptions): TaskState {
  const { graph, environment, state, placeOf, report } = options;
  const { backend, memoryBytes, localDirectory } = graph.configuration.state;
  const backends = keyedStateBackends(backend, {
    environment,
    memoryBytes: Math.floor((memoryBytes ?? MEMORY_BYTES_DEFAULT) / options.workers),
    localDirectory,
    workerIndex: options.workerIndex,
    workers: options.workers,
  });
  const keyedOperators = countKeyedOperators(graph);
  return {
    services: {
      keyedBackend: ({ parallelism, maxParallelism }, node, subtask) =>
        backends.backend({
          operatorId: node.operatorId,
          operatorName: node.name,
          subtask,
          maxParallelism,
          keyGroups: keyGroupRange(subtask, maxParallelism, parallelism),
          shareOfMemory: 1 / keyedOperators,
          isTracking: state.hasFinalCheckpoint || state.isTracking,
        }),
      operatorBackend: ({ name }) => operatorStateBackend({ operatorName: name }),
      restored: (vertex, subtask) => restoredOf(options, vertex, subtask),
      inFlight: (operatorId, subtask) => inFlightOf(options, operatorId, subtask),
      restoredBarrier: restoredBarrier(state),
      files: (vertex, subtask, checkpointId) =>
        filesOf({ place: placeOf(checkpointId), vertex: vertex.index, subtask, environment }),
      responder: {
        acknowledge: (checkpointId, subtaskState) =>
          report({ kind: 'checkpoint-acknowledged', checkpointId, state: subtaskState }),
        decline: (checkpointId, place, error) =>
          report({
            kind: 'checkpoint-declined',
            checkpointId,
            ...place,
            error: toPlainError(error),
          }),
      },
      hasFinalCheckpoint: state.hasFinalCheckpoint,
      attempt: {
        jobId: state.jobId,
        attemptNumber: state.attempt,
        restoredCheckpointId: state.restoredFrom?.checkpointId,
      },
      endOfData: (vertex, subtask) => report({ kind: 'end-of-data', vertex, subtask }),
    },
    [Symbol.dispose]: () => backends[Symbol.dispose](),
  };
}

/** State memory of a job that sets none. */
const MEMORY_BYTES_DEFAULT = 4 * 2 ** 30;

function filesOf(
  options: Omit<SnapshotOutputOptions, 'storage'> & { readonly environment: Environment },
): SnapshotFiles {
  const storage = openStorage(options.place.storageUrl, options.environment);
  return snapshotOutput({ ...options, storage });
}

function restoredOf(
  { state, environment }: TaskStateOptions,
  _vertex: JobVertex,
  subtask: number,
): RestoredState | undefined {
  const { restoredFrom, assigned } = state;
  if (restoredFrom === undefined) return undefined;
  return {
    of: (operatorId) => assigned.get(assignedKey(operatorId, subtask)),
    input: inputOf(restoredFrom, environment),
  };
}

function restoredBarrier({
  restoredFrom,
  inFlight,
}: StateDeployment): CheckpointBarrier | undefined {
  if (restoredFrom === undefined || inFlight.size === 0) return undefined;
  return {
    checkpointId: restoredFrom.checkpointId,
    timestamp: 0,
    isSavepoint: false,
    snapshotKind: 'full',
    isUnaligned: false,
  };
}

function inFlightOf(
  { state, environment }: TaskStateOptions,
  operatorId: string,
  subtask: number,
): readonly InFlightRows[] {
  const { restoredFrom, inFlight } = state;
  const handles = inFlight.get(assignedKey(operatorId, subtask));
  if (restoredFrom === undefined || handles === undefined) return [];
  const input = inputOf(restoredFrom, environment);
  return handles.map(({ targetOperatorId, targetInput, tag, file }) => ({
    targetOperatorId,
    targetInput,
    tag,
    bytes: () => input.read(file),
  }));
}

function inputOf(
  { storageUrl, folder }: NonNullable<StateDeployment['restoredFrom']>,
  environment: Environment,
): SnapshotInput {
  return snapshotInput({ storage: openStorage(storageUrl, environment), folder, environment });
}

function countKeyedOperators(graph: JobGraph): number {
  let count = 0;
  for (const { inputs } of graph.vertices) {
    if (inputs.some((edge) => graph.edges[edge]?.partitioner.kind === 'hash')) count++;
  }
  return Math.max(1, count);
}
