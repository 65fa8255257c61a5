/**
 * The task of an operator under test: built as in a job, stepped by hand.
 *
 * Invariant: what the task throws comes out as a job's failure does, naming operator and record.
 */
import { MillraceError } from '../../base/errors.ts';
import type { SimulatedEnvironment } from '../../base/simulated-environment.ts';
import type { CheckpointBarrier } from '../../checkpoint/barrier.ts';
import type { SubtaskState } from '../../checkpoint/subtask-state.ts';
import type { SourceSplit, SplitEnumerator } from '../../functions/source.ts';
import type { SourceSpec } from '../../graph/operator-spec.ts';
import { metricsLayoutOf } from '../../job/job-metrics.ts';
import { allocateMetrics } from '../../metrics/metrics-layout.ts';
import {
  type CollectEndpoint,
  NO_TIMESTAMP,
  type StageCounts,
} from '../../operators/chain-stage.ts';
import { taskFailure } from '../../runtime/task/task-failure.ts';
import { STEP_BACKPRESSURED, STEP_PROGRESS, type Task } from '../../runtime/task/task.ts';
import {
  type BuiltTask,
  buildTask,
  type ChannelFactory,
  type TaskStateServices,
} from '../../runtime/worker/task-builder.ts';
import { RecordingBackend } from './harness-backend.ts';
import { type KeyedStateBackends, keyedStateBackends } from '../../state/backend-registry.ts';
import { operatorStateBackend } from '../../state/heap/operator-state.ts';
import { keyGroupRange } from '../../state/key-groups.ts';
import { HarnessInput, HarnessOutput, type HarnessRecord } from './harness-channels.ts';
import { HarnessFiles, type HarnessSnapshot, restoredFrom } from './harness-snapshots.ts';
import type { HarnessProgram } from './harness-program.ts';

/** How a {@link HarnessTask} is set up. */
export interface HarnessTaskOptions {
  readonly subtask: number;
  readonly environment: SimulatedEnvironment;
  /** Whether outputs are full every other time that they are asked. */
  readonly isAlternating: boolean;
  /** What it goes on from; undefined: it starts empty. */
  readonly snapshots: readonly HarnessSnapshot[] | undefined;
}

/** State memory, if the configuration names none. */
const STATE_BYTES = 256 * 1024 * 1024;
/** Slices after which a push that has not come to rest is an endless loop. */
const STEPS_MAX = 10_000_000;
/** Turns of the event loop after which a promise counts as one that never settles. */
const EVENT_LOOP_TURNS_MAX = 100_000;

/** See the file's head. */
export class HarnessTask {
  readonly inputs: readonly HarnessInput[];
  readonly collected: HarnessRecord<unknown>[] = [];
  readonly #program: HarnessProgram;
  readonly #environment: SimulatedEnvironment;
  readonly #outputs = new Map<string | undefined, HarnessOutput>();
  readonly #built: BuiltTask;
  #state: 'new' | 'open' | 'failed' | 'closed' = 'new';
  #failure: { readonly error: unknown } | undefined;
  readonly #isAlternating: boolean;
  readonly #snapshots: readonly HarnessSnapshot[] | undefined;
  readonly #files: HarnessFiles;
  #enumerator: SplitEnumerator | undefined;
  readonly #backendsOfTask: KeyedStateBackends;
  #keyedState: RecordingBackend | undefined;
  /** The last answer to a barrier. */
  #answer: { readonly state: SubtaskState } | { readonly error: unknown } | undefined;

  constructor(program: HarnessProgram, options: HarnessTaskOptions) {
    const { subtask, environment, snapshots } = options;
    this.#program = program;
    this.#environment = environment;
    const { backend, memoryBytes, localDirectory } = program.graph.configuration.state;
    this.#backendsOfTask = keyedStateBackends(backend, {
      environment,
      memoryBytes: memoryBytes ?? STATE_BYTES,
      localDirectory,
      workerIndex: 0,
    });
    this.#snapshots = snapshots;
    this.#isAlternating = options.isAlternating;
    this.#files = new HarnessFiles(environment.fileSystem);
    this.inputs = program.inputs.map(() => new HarnessInput());
    const metricsLayout = metricsLayoutOf(program.graph);
    this.#built = buildTask(
      {
        graph: program.graph,
        environment,
        metricsLayout,
        metricsBuffer: allocateMetrics(metricsLayout, false),
        channels: this.#channels(),
        collectEndpoint: () => this.#collectEndpoint(),
        sendSplitRequest: () => this.#enumerator?.handleSplitRequest(subtask),
        wake: () => undefined,
        fail: (error) => {
          this.#failure ??= { error };
        },
        state: this.#stateServices(snapshots),
      },
      program.vertex,
      subtask,
    );
  }

  get #task(): Task {
    return this.#built.task;
  }

  /** The channel of an input; opens the operator. */
  input(index: number): HarnessInput {
    const input = this.inputs[index];
    if (input === undefined) {
      throw new MillraceError(
        'ILLEGAL_ARGUMENT',
        `operator '${this.#program.node.name}' has ${this.inputs.length} inputs, none of number ${index}`,
      );
    }
    if (this.#state === 'new') this.open();
    return input;
  }

  /** Opens the operator, if it is not. */
  open(): void {
    if (this.#state !== 'new') return;
    this.#state = 'failed';
    this.#task.open();
    this.#state = 'open';
    const { spec } = this.#program.node;
    if (spec.kind === 'source') this.#enumerator = this.#startSource(spec);
  }

  /** What came out, by the tag's id; undefined: the main output. */
  output(tag: string | undefined): HarnessOutput {
    const output = this.#outputs.get(tag);
    if (output !== undefined) return output;
    if (tag === undefined) return new HarnessOutput(false);
    throw new MillraceError(
      'ILLEGAL_ARGUMENT',
      `the harness of operator '${this.#program.node.name}' does not keep side output '${tag}': ` +
        'give its tag in the option sideOutputs',
    );
  }

  counts(): Readonly<StageCounts> {
    const [counts] = this.#task.chain.counts();
    if (counts === undefined) throw new MillraceError('BUG', 'a chain without operators');
    return { ...counts };
  }

  /** Does one slice; false if there is nothing to do now. */
  step(): boolean {
    for (const output of this.#outputs.values()) output.goOn();
    return this.#step();
  }

  #step(): boolean {
    this.#requireUsable();
    try {
      const nowMs = this.#environment.clock.monotonicMs();
      let result = this.#task.step(nowMs);
      // An alternating output has room again when it is asked next.
      if (result === STEP_BACKPRESSURED && this.#isAlternating) result = this.#task.step(nowMs);
      this.#throwFailure();
      return result === STEP_PROGRESS;
    } catch (error) {
      this.#state = 'failed';
      if (error === this.#failure?.error) throw error;
      throw taskFailure(this.#task, error);
    }
  }

  runUntilIdle(): void {
    for (let steps = 0; steps < STEPS_MAX; steps++) if (!this.step()) return;
    throw new MillraceError('BUG', `the operator did not come to rest: ${this.#task.describe()}`);
  }

  /** Runs and turns the event loop until neither has anything left to do. */
  async runUntilSettled(): Promise<void> {
    for (let turn = 0; turn < EVENT_LOOP_TURNS_MAX; turn++) {
      this.runUntilIdle();
      if (this.#task.isFinished) return;
      if (!this.#task.needsEventLoop && this.inputs.every(({ isEmpty }) => isEmpty)) return;
      await this.#environment.scheduler.yield();
    }
    throw new MillraceError('ILLEGAL_STATE', `a promise never settles: ${this.#task.describe()}`);
  }

  /** Takes a snapshot behind everything that was given, as a barrier on all inputs does. */
  async snapshot(barrier: CheckpointBarrier): Promise<HarnessSnapshot> {
    this.open();
    this.#answer = undefined;
    for (const input of this.inputs) if (!input.hasEnded) input.putBarrier(barrier);
    this.#task.triggerCheckpoint(barrier, false);
    for (let turn = 0; turn < EVENT_LOOP_TURNS_MAX && this.#answer === undefined; turn++) {
      // From the barrier on the outputs are full: the operator writes its snapshot, and no more than a slice else.
      this.#step();
      if (this.#task.needsEventLoop) await this.#environment.scheduler.yield();
    }
    const answer = this.#answer as
      | { readonly state: SubtaskState }
      | { readonly error: unknown }
      | undefined;
    if (answer === undefined) {
      throw new MillraceError('BUG', `no answer to a barrier: ${this.#task.describe()}`);
    }
    if ('error' in answer) throw taskFailure(this.#task, answer.error);
    const { parallelism, maxParallelism } = this.#program.vertex;
    return {
      checkpointId: barrier.checkpointId,
      parallelism,
      maxParallelism,
      subtask: this.#task.subtask,
      nowMs: this.#environment.clock.now(),
      state: answer.state,
      files: this.#files.namedBy(answer.state),
      splitsLeft: this.#enumerator?.snapshotState(),
    };
  }

  /** A checkpoint is complete: sinks commit. */
  async notifyCheckpointComplete(checkpointId: number): Promise<void> {
    this.open();
    this.#task.notifyCheckpointComplete(checkpointId, true);
    await this.runUntilSettled();
  }

  /** A checkpoint will never complete. */
  notifyCheckpointAborted(checkpointId: number): void {
    this.open();
    this.#task.notifyCheckpointAborted(checkpointId);
    this.runUntilIdle();
  }

  /** The keyed state of the operator; undefined if it has none or has not used it. */
  get keyedState(): RecordingBackend | undefined {
    return this.#keyedState;
  }

  /** Advances the clock from one due time to the next. */
  advanceTo(nowMs: number): void {
    const { clock } = this.#environment;
    this.open();
    for (let dueMs = this.#nextDueMs(); dueMs <= nowMs; dueMs = this.#nextDueMs()) {
      clock.advanceTo(Math.max(clock.now(), dueMs));
      this.runUntilIdle();
      if (this.#nextDueMs() <= dueMs && dueMs <= clock.now()) break;
    }
    clock.advanceTo(nowMs);
    this.runUntilIdle();
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    await this.#enumerator?.close?.();
    await this.#task.close();
    for (const output of this.#task.chain.outputs) output.close();
    this.#backendsOfTask[Symbol.dispose]();
  }

  /** The enumerator that a job's host would run. */
  #startSource({ source }: SourceSpec): SplitEnumerator {
    const reader = this.#built.source;
    reader?.start();
    const splitsLeft = this.#snapshots?.[0]?.splitsLeft as readonly SourceSplit[] | undefined;
    const enumerator = source.createEnumerator(
      {
        parallelism: this.#program.vertex.parallelism,
        environment: this.#environment,
        assignSplit: (split) => reader?.addSplits([split]),
        signalNoMoreSplits: () => reader?.notifyNoMoreSplits(),
      },
      splitsLeft,
    );
    const starting = enumerator.start?.();
    if (starting === undefined) enumerator.addReader(this.#task.subtask);
    else {
      starting.then(
        () => enumerator.addReader(this.#task.subtask),
        (error: unknown) => {
          this.#failure ??= { error };
        },
      );
    }
    return enumerator;
  }

  #nextDueMs(): number {
    return Math.min(
      this.#task.chain.nextWakeMs(),
      this.#environment.clock.nextTimerMs() ?? Number.POSITIVE_INFINITY,
    );
  }

  #requireUsable(): void {
    if (this.#state === 'new') this.open();
    if (this.#state === 'open') return;
    throw new MillraceError(
      'ILLEGAL_STATE',
      `the harness of operator '${this.#program.node.name}' ` +
        (this.#state === 'closed' ? 'is closed' : 'has failed; make a new one'),
    );
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #channels(): ChannelFactory {
    return {
      input: ({ edge }) => {
        const input = this.inputs[edge.target.input];
        if (input !== undefined && edge === this.#program.inputs[edge.target.input]) return input;
        // Of a union all comes through the first edge.
        const ended = new HarnessInput();
        ended.putEnd();
        return ended;
      },
      output: ({ edge }, _schema, onNewWriter) => {
        const output = this.#outputs.get(edge.tag) ?? new HarnessOutput(this.#isAlternating);
        this.#outputs.set(edge.tag, output);
        onNewWriter(output.writer);
        return output;
      },
    };
  }

  #stateServices(snapshots: readonly HarnessSnapshot[] | undefined): TaskStateServices {
    return {
      keyedBackend: ({ parallelism, maxParallelism }, { operatorId, name }, subtask) => {
        const backend = new RecordingBackend(
          this.#backendsOfTask.backend({
            operatorId,
            operatorName: name,
            subtask,
            maxParallelism,
            keyGroups: keyGroupRange(subtask, maxParallelism, parallelism),
            shareOfMemory: 1,
            isTracking: true,
          }),
        );
        this.#keyedState ??= backend;
        return backend;
      },
      operatorBackend: ({ name }) => operatorStateBackend({ operatorName: name }),
      restored: (_vertex, subtask) =>
        snapshots && restoredFrom(snapshots, this.#program, subtask, this.#files),
      inFlight: () => [],
      restoredBarrier: undefined,
      files: (_vertex, _subtask, checkpointId) => this.#files.output(checkpointId),
      responder: {
        acknowledge: (_checkpointId, state) => {
          this.#answer = { state };
        },
        decline: (_checkpointId, _place, error) => {
          this.#answer = { error };
        },
      },
      hasFinalCheckpoint: false,
      attempt: {
        jobId: this.#program.graph.jobName,
        attemptNumber: 0,
        restoredCheckpointId: snapshots?.[0]?.checkpointId,
      },
      endOfData: () => undefined,
    };
  }

  #collectEndpoint(): CollectEndpoint {
    return {
      append: (value, timestamp) =>
        void this.collected.push({
          kind: 'record',
          value,
          timestamp: timestamp === NO_TIMESTAMP ? undefined : timestamp,
        }),
      hasCredit: () => true,
      flush: () => undefined,
    };
  }
}
