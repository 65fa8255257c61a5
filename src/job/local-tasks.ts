/**
 * Builds tasks that run on the host's thread, with their sources' coordinators; for the inline and
 * simulated executors.
 */
import type { Environment } from '../base/environment.ts';
import type { CheckpointBarrier } from '../checkpoint/barrier.ts';
import type { EnumeratorState } from '../checkpoint/manifest.ts';
import type { ExecutionRequest } from '../graph/job-client.ts';
import type { JobVertex } from '../graph/job-graph.ts';
import type { CollectEndpoint } from '../operators/chain-stage.ts';
import { type BuiltTask, buildTask, type ChannelFactory } from '../runtime/worker/task-builder.ts';
import type { CollectBuffer } from './collect-buffer.ts';
import type { JobHandle } from './job-handle.ts';
import type { Attempt } from './job-runner.ts';
import type { TaskMessage } from './messages.ts';
import {
  closeCoordinators,
  coordinatorsStarted,
  snapshotCoordinators,
  type SourceCoordinator,
  sourceCoordinators,
} from './source-coordinator.ts';
import { TaskControl } from './task-control.ts';
import { type TaskState, taskState } from './task-state.ts';

/** What {@link LocalTasks} needs from its executor. */
export interface LocalTasksOptions {
  readonly request: ExecutionRequest;
  readonly job: JobHandle;
  readonly attempt: Attempt;
  /** How many workers there are; one, if all subtasks share a loop. */
  readonly workers: number;
  /** The channels as a subtask index sees them. */
  readonly channels: (subtask: number) => ChannelFactory;
  readonly wake: (subtask: number) => void;
  readonly fail: (error: unknown) => void;
}

/** All tasks of a job on this thread. */
export class LocalTasks {
  readonly tasks: readonly BuiltTask[];
  readonly #options: LocalTasksOptions;
  readonly #coordinators: ReadonlyMap<number, SourceCoordinator>;
  readonly #control: TaskControl;
  readonly #states: readonly TaskState[];

  constructor(options: LocalTasksOptions) {
    this.#options = options;
    const { graph, environment } = options.request;
    this.#control = new TaskControl({
      tasks: () => this.tasks,
      checkpointing: graph.configuration.checkpointing,
      receive: () => undefined,
    });
    this.#states = Array.from({ length: options.workers }, (_, workerIndex) =>
      this.#taskState(workerIndex),
    );
    const enumeratorSplits = options.attempt.enumeratorSplits;
    this.#coordinators = sourceCoordinators(
      { vertices: graph.vertices, environment, enumeratorSplits },
      {
        addSplits: (vertex, subtask, splits) => {
          this.#reader(vertex, subtask)?.addSplits(splits);
          options.wake(subtask);
        },
        noMoreSplits: (vertex, subtask) => {
          this.#reader(vertex, subtask)?.notifyNoMoreSplits();
          options.wake(subtask);
        },
      },
      options.fail,
    );
    this.tasks = graph.vertices.flatMap((vertex) => this.#buildAll(vertex));
  }

  /** Starts readers and enumerators; the tasks are open. */
  start(): void {
    for (const { source, vertex, subtask } of this.tasks) {
      if (source === undefined) continue;
      source.start();
      this.#coordinators.get(vertex.index)?.addReader(subtask);
    }
  }

  async close(): Promise<void> {
    for (const state of this.#states) state[Symbol.dispose]();
    await closeCoordinators(this.#coordinators);
  }

  /** Tells all tasks, and wakes their workers. */
  send(message: TaskMessage): void {
    this.#control.handle(message);
    for (const { subtask } of this.tasks) this.#options.wake(subtask);
  }

  /** The barrier of a checkpoint that has begun. */
  barrierOf(checkpointId: number): CheckpointBarrier {
    return this.#control.barrierOf(checkpointId);
  }

  enumeratorsStarted(): Promise<void> {
    return coordinatorsStarted(this.#coordinators);
  }

  snapshotEnumerators(): readonly EnumeratorState[] | undefined {
    return snapshotCoordinators(this.#coordinators);
  }

  #taskState(workerIndex: number): TaskState {
    const { request, attempt, workers } = this.#options;
    return taskState({
      graph: request.graph,
      environment: request.environment,
      state: attempt.state,
      workers,
      workerIndex,
      placeOf: (checkpointId) => this.#control.placeOf(checkpointId),
      report: attempt.report,
    });
  }

  #buildAll(vertex: JobVertex): BuiltTask[] {
    const { request, job, channels, wake, fail } = this.#options;
    const built: BuiltTask[] = [];
    for (let subtask = 0; subtask < vertex.parallelism; subtask++) {
      const options = {
        graph: request.graph,
        environment: request.environment,
        metricsLayout: job.metricsLayout,
        metricsBuffer: job.metricsBuffer,
        channels: channels(subtask),
        collectEndpoint: (name: string) => bufferEndpoint(job.collectBuffer(name)),
        sendSplitRequest: (index: number, reader: number) =>
          this.#coordinators.get(index)?.handleSplitRequest(reader),
        wake: () => wake(subtask),
        fail,
        state: (this.#states[subtask % this.#states.length] as TaskState).services,
      };
      built.push(buildTask(options, vertex, subtask));
    }
    return built;
  }

  #reader(vertex: number, subtask: number): BuiltTask['source'] {
    const task = this.tasks.find(
      (each) => each.vertex.index === vertex && each.subtask === subtask,
    );
    return task?.source;
  }
}

/** Publishes the metrics of tasks at most this often. */
export const PUBLISH_INTERVAL_MS = 20;

/** A publisher that keeps to {@link PUBLISH_INTERVAL_MS}; `force` publishes at once. */
export function metricsPublisher(
  environment: Environment,
  tasks: readonly BuiltTask[],
  times: () => readonly Parameters<BuiltTask['metrics']['publish']>[0][],
): (force?: boolean) => void {
  let nextMs = 0;
  return (force = false) => {
    const nowMs = environment.clock.monotonicMs();
    if (!force && nowMs < nextMs) return;
    nextMs = nowMs + PUBLISH_INTERVAL_MS;
    const all = times();
    for (const [index, { metrics }] of tasks.entries()) {
      const each = all[index];
      if (each !== undefined) metrics.publish(each);
    }
  };
}

function bufferEndpoint(buffer: CollectBuffer): CollectEndpoint {
  return {
    append: (value) => buffer.append(value),
    hasCredit: () => buffer.hasCredit(),
    flush: () => undefined,
  };
}
