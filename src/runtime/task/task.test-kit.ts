/** The tasks of a program on one thread, stepped by hand, with sources that give what the test puts into them. */
import { buildJobGraph, createModuleEnvironment } from '../../api/datastream/module-environment.ts';
import type { StreamExecutionEnvironment } from '../../api/datastream/stream-execution-environment.ts';
import {
  type SimulatedEnvironment,
  simulatedEnvironment,
} from '../../base/simulated-environment.ts';
import type { CheckpointBarrier } from '../../checkpoint/barrier.ts';
import { snapshotOutput } from '../../checkpoint/snapshot-files.ts';
import { openStorage } from '../../checkpoint/storage/open-storage.ts';
import type { SubtaskState } from '../../checkpoint/subtask-state.ts';
import {
  END_OF_INPUT,
  MORE_AVAILABLE,
  NOTHING_AVAILABLE,
  type Source,
} from '../../functions/source.ts';
import { defaultConfiguration } from '../../graph/configuration.ts';
import { metricsLayoutOf } from '../../job/job-metrics.ts';
import { allocateMetrics } from '../../metrics/metrics-layout.ts';
import { keyGroupRange } from '../../state/key-groups.ts';
import { heapBackend } from '../../state/heap/heap-backend.ts';
import { operatorStateBackend } from '../../state/heap/operator-state.ts';
import { localChannels } from '../worker/local-channels.ts';
import { type BuiltTask, buildTask } from '../worker/task-builder.ts';

/** Records for a source, put in by the test. */
export interface HandSource<T> extends Source<T> {
  put(...records: readonly T[]): void;
  end(): void;
}

/** A source that gives one record per poll. */
export function handSource<T>(): HandSource<T> {
  const records: T[] = [];
  let given = 0;
  let hasEnded = false;
  return {
    boundedness: 'bounded',
    put: (...more) => void records.push(...more),
    end: () => {
      hasEnded = true;
    },
    createEnumerator: () => {
      throw new Error('the tasks of a test have no enumerators');
    },
    createReader: ({ environment: { clock } }) => ({
      pollNext: (output) => {
        if (given < records.length) {
          output.collect(records[given++] as T);
          return MORE_AVAILABLE;
        }
        return hasEnded ? END_OF_INPUT : NOTHING_AVAILABLE;
      },
      isAvailable: () => Promise.resolve(),
      nextPollMs: () => clock.monotonicMs() + 1,
      addSplits: () => undefined,
      notifyNoMoreSplits: () => undefined,
      snapshotState: () => [{ splitId: 'all', given }],
      close: () => undefined,
    }),
  };
}

/** What the coordinator would be told. */
export type Answer =
  | { readonly acknowledged: number; readonly vertex: number; readonly state: SubtaskState }
  | { readonly declined: number; readonly vertex: number; readonly error: unknown }
  | { readonly endOfData: number };

/** See the file's head. One subtask per vertex, in the graph's order. */
export class HandTasks {
  readonly environment: SimulatedEnvironment = simulatedEnvironment({ seed: 1 });
  readonly tasks: readonly BuiltTask[];
  readonly answers: Answer[] = [];
  readonly collected: Map<string, unknown[]> = new Map();
  readonly failures: unknown[] = [];

  constructor(
    build: (env: StreamExecutionEnvironment) => void,
    options: { readonly isUnaligned?: boolean; readonly hasFinalCheckpoint?: boolean } = {},
  ) {
    const env = createModuleEnvironment(defaultConfiguration);
    build(env);
    const graph = buildJobGraph(env, 'test');
    const { environment } = this;
    const metricsLayout = metricsLayoutOf(graph);
    const storage = openStorage('/checkpoints', environment);
    const shared = {
      graph,
      environment,
      metricsLayout,
      metricsBuffer: allocateMetrics(metricsLayout, false),
      channels: localChannels({
        fileSystem: environment.fileSystem,
        overflowBytesMax: 65_536,
        isLocal: () => true,
        remote: undefined,
      }),
      collectEndpoint: (name: string) => {
        const rows: unknown[] = [];
        this.collected.set(name, rows);
        return {
          append: (value: unknown) => rows.push(value),
          hasCredit: () => true,
          flush: () => undefined,
        };
      },
      sendSplitRequest: () => undefined,
      wake: () => undefined,
      fail: (error: unknown) => void this.failures.push(error),
      state: {
        keyedBackend: (
          { maxParallelism }: { readonly maxParallelism: number },
          { name }: { readonly name: string },
        ) =>
          heapBackend({
            operatorName: name,
            maxParallelism,
            keyGroups: keyGroupRange(0, maxParallelism, 1),
            environment,
            memoryBytes: 2 ** 28,
          }),
        operatorBackend: ({ name }: { readonly name: string }) =>
          operatorStateBackend({ operatorName: name }),
        restored: () => undefined,
        inFlight: () => [],
        restoredBarrier: undefined,
        files: ({ index }: { readonly index: number }, subtask: number, checkpointId: number) =>
          snapshotOutput({
            storage,
            place: { storageUrl: storage.url, folder: 'job', filePrefix: `${checkpointId}` },
            vertex: index,
            subtask,
            environment,
          }),
        responder: {
          acknowledge: (acknowledged: number, state: SubtaskState) =>
            void this.answers.push({ acknowledged, vertex: state.vertex, state }),
          decline: (declined: number, { vertex }: { readonly vertex: number }, error: unknown) =>
            void this.answers.push({ declined, vertex, error }),
        },
        hasFinalCheckpoint: options.hasFinalCheckpoint ?? true,
        attempt: { jobId: 'job', attemptNumber: 0, restoredCheckpointId: undefined },
        endOfData: (endOfData: number) => void this.answers.push({ endOfData }),
      },
    };
    this.tasks = graph.vertices.map((vertex) => buildTask(shared, vertex, 0));
    for (const { task } of this.tasks) task.open();
  }

  /** The task of a vertex. */
  at(vertex: number): BuiltTask {
    const built = this.tasks[vertex];
    if (built === undefined) throw new RangeError(`there is no vertex ${vertex}`);
    return built;
  }

  /** Steps of some vertices in turn, with turns of the event loop for promises. */
  async step(turns: number, ...vertices: readonly number[]): Promise<void> {
    for (let turn = 0; turn < turns; turn++) {
      for (const vertex of vertices) {
        const { task } = this.at(vertex);
        if (!task.isFinished) task.step(this.environment.clock.monotonicMs());
      }
      this.environment.clock.advanceBy(1);
      await new Promise(setImmediate);
    }
  }

  /** As the coordinator does: every task is asked. */
  trigger(barrier: CheckpointBarrier, atEnd = false): void {
    for (const { task } of this.tasks) {
      if (barrier.isUnaligned) task.mayOvertake(barrier, 0);
      task.triggerCheckpoint(barrier, atEnd);
    }
  }

  /** Vertices that have acknowledged a checkpoint, in order. */
  acknowledged(checkpointId: number): number[] {
    return this.answers.flatMap((answer) =>
      'acknowledged' in answer && answer.acknowledged === checkpointId ? [answer.vertex] : [],
    );
  }

  /** The files that lie in the storage. */
  files(): readonly string[] {
    return openStorage('/checkpoints', this.environment).list('job', 'files');
  }
}

/** An aligned barrier, or what is said otherwise. */
export function barrierOf(
  checkpointId: number,
  changes: Partial<CheckpointBarrier> = {},
): CheckpointBarrier {
  return {
    checkpointId,
    timestamp: 0,
    isSavepoint: false,
    snapshotKind: 'full',
    isUnaligned: false,
    ...changes,
  };
}
