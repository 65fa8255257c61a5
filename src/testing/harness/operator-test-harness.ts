/**
 * Runs one operator as a job's task does, without threads, rings and real time: elements in,
 * elements out, snapshots between any two of them.
 *
 * Invariants:
 * 1. The operator runs in a task and a chain that are built as in a job, from the spec that the
 *    fluent API made.
 * 2. The clock stands still but for {@link OperatorTestHarness.setProcessingTime}.
 * 3. A push returns when the operator has done all that followed from it, or waits for a promise (a
 *    slow sink).
 */
import type { DataStream } from '../../api/datastream/data-stream.ts';
import { MillraceError } from '../../base/errors.ts';
import { hashKey } from '../../base/hash.ts';
import type { SimulatedEnvironment } from '../../base/simulated-environment.ts';
import { simulatedEnvironment } from '../../base/simulated-environment.ts';
import type { OutputTag } from '../../functions/output-tag.ts';
import type { Source } from '../../functions/source.ts';
import type { WatermarkStrategy } from '../../functions/watermark-strategy.ts';
import type { PartitionerSpec } from '../../graph/job-graph.ts';
import type { AnyRecord } from '../../graph/operator-spec.ts';
import { NO_TIMESTAMP, type StageCounts } from '../../operators/chain-stage.ts';
import { keyGroupFor, subtaskFor } from '../../state/key-groups.ts';
import type { SnapshotKind } from '../../state/snapshot.ts';
import type { RecordingBackend } from './harness-backend.ts';
import type { HarnessElement, HarnessRecord } from './harness-channels.ts';
import {
  type HarnessBuild,
  harnessProgram,
  type HarnessProgram,
  type HarnessResult,
  harnessStream,
} from './harness-program.ts';
import type { HarnessSnapshot } from './harness-snapshots.ts';
import { HarnessTask } from './harness-task.ts';

/** How an {@link OperatorTestHarness} is set up. */
export interface OperatorTestHarnessOptions {
  /** Side outputs to keep, for {@link OperatorTestHarness.sideOutput}. */
  readonly sideOutputs?: readonly OutputTag<AnyRecord>[] | undefined;
  /** Subtasks of the operator (1), and which of them this is (0). */
  readonly parallelism?: number | undefined;
  readonly subtask?: number | undefined;
  /** Key groups (128). */
  readonly maxParallelism?: number | undefined;
  /** Where the clock stands at first, epoch ms (0). */
  readonly startMs?: number | undefined;
  readonly seed?: number | undefined;
  /** Outputs say that they are full every other time that they are asked. */
  readonly isAlternatelyFull?: boolean | undefined;
  /** Options by key, as after `-D`. */
  readonly configuration?: Readonly<Record<string, string>> | undefined;
}

const MAX_PARALLELISM = 128;

interface Definition {
  readonly build: HarnessBuild<AnyRecord>;
  readonly options: OperatorTestHarnessOptions;
}

/**
 * Tests an operator, built-in or with your own functions, element by element.
 *
 * @example
 * await using harness = OperatorTestHarness.of((numbers: DataStream<number>) =>
 *   numbers.keyBy((n) => n % 2).reduce((sum, n) => sum + n),
 * );
 * harness.pushElement(1);
 * harness.pushElement(3);
 * harness.values(); // [1, 4]
 */
export class OperatorTestHarness<IN, OUT, IN2 = never> implements AsyncDisposable {
  readonly environment: SimulatedEnvironment;
  readonly #definition: Definition;
  readonly #program: HarnessProgram;
  #started: HarnessTask | undefined;
  #restored: readonly HarnessSnapshot[] | undefined;
  #checkpointId = 0;

  private constructor(definition: Definition) {
    const { options } = definition;
    this.#definition = definition;
    this.environment = simulatedEnvironment({
      seed: options.seed ?? 1,
      startMs: options.startMs ?? 0,
    });
    this.#program = harnessProgram(definition.build, {
      parallelism: options.parallelism ?? 1,
      maxParallelism: options.maxParallelism ?? MAX_PARALLELISM,
      configuration: options.configuration ?? {},
      sideOutputs: options.sideOutputs ?? [],
    });
  }

  /** A harness of the operator that `build` puts behind its stream. */
  static of<IN, OUT>(
    build: (stream: DataStream<IN>) => HarnessResult<OUT>,
    options: OperatorTestHarnessOptions = {},
  ): OperatorTestHarness<IN, OUT> {
    return new OperatorTestHarness<IN, OUT>({
      build: (env) => build(harnessStream<IN>(env, 'input')),
      options,
    });
  }

  /** A harness of the operator that `build` puts behind two streams. */
  static ofTwoInputs<IN, IN2, OUT>(
    build: (first: DataStream<IN>, second: DataStream<IN2>) => HarnessResult<OUT>,
    options: OperatorTestHarnessOptions = {},
  ): OperatorTestHarness<IN, OUT, IN2> {
    return new OperatorTestHarness<IN, OUT, IN2>({
      build: (env) =>
        build(harnessStream<IN>(env, 'first input'), harnessStream<IN2>(env, 'second input')),
      options,
    });
  }

  /**
   * A harness of a source, which reads by {@link OperatorTestHarness.step} and
   * {@link OperatorTestHarness.settled}; at parallelism 1.
   */
  static ofSource<OUT>(
    source: Source<OUT, AnyRecord>,
    strategy: WatermarkStrategy<NoInfer<OUT>>,
    options: Omit<OperatorTestHarnessOptions, 'parallelism' | 'subtask'> = {},
  ): OperatorTestHarness<never, OUT> {
    return new OperatorTestHarness<never, OUT>({
      build: (env) => env.fromSource(source, strategy, 'source'),
      options,
    });
  }

  /** Gives a record to the (first) input. */
  pushElement(value: IN, timestamp?: number): void {
    this.#push(0, [[value, timestamp]]);
  }

  /** Gives a record to the second input. */
  pushElement2(value: IN2, timestamp?: number): void {
    this.#push(1, [[value, timestamp]]);
  }

  /** Gives records to the (first) input, in one batch as far as they fit into one. */
  pushElements(rows: readonly (readonly [value: IN, timestamp?: number])[]): void {
    this.#push(0, rows);
  }

  /** Advances the watermark of all inputs. */
  pushWatermark(watermark: number): void {
    this.offerWatermark(watermark);
    this.#task.runUntilIdle();
  }

  /** Advances the watermark of one input, counted from 0. */
  pushWatermarkTo(input: number, watermark: number): void {
    this.#task.input(input).putWatermark(watermark);
    this.#task.runUntilIdle();
  }

  /** Puts a watermark before the operator, which handles it by {@link OperatorTestHarness.step}. */
  offerWatermark(watermark: number): void {
    for (const input of this.#task.inputs.keys()) {
      this.#task.input(input).putWatermark(watermark);
    }
  }

  /** Does one bounded slice of what waits; false if nothing did. */
  step(): boolean {
    return this.#task.step();
  }

  /** Declares an input silent, so that watermarks do not wait for it; a record ends that. */
  markIdle(input = 0): void {
    this.#task.input(input).putStatus(true);
    this.#task.runUntilIdle();
  }

  /** Ends {@link OperatorTestHarness.markIdle}. */
  markActive(input = 0): void {
    this.#task.input(input).putStatus(false);
    this.#task.runUntilIdle();
  }

  /** Advances the clock, epoch ms; what is due on the way comes at its time. */
  setProcessingTime(nowMs: number): void {
    this.#task.advanceTo(nowMs);
  }

  /** Ends one input (counted from 0) or all; with the last one the operator comes to its end. */
  async endInput(input?: number): Promise<void> {
    const { inputs } = this.#task;
    const ending = input === undefined ? inputs : [this.#task.input(input)];
    for (const each of ending) if (!each.hasEnded) each.putEnd();
    await this.#task.runUntilSettled();
  }

  /** Waits for what a push has left to promises (a slow sink). */
  async settled(): Promise<void> {
    await this.#task.runUntilSettled();
  }

  /**
   * Takes a snapshot behind all that was given so far; `kind` says whether it may name files of
   * earlier ones that were completed.
   */
  async snapshot(kind: SnapshotKind = 'full'): Promise<HarnessSnapshot> {
    return this.#task.snapshot({
      checkpointId: ++this.#checkpointId,
      timestamp: this.environment.clock.now(),
      isSavepoint: false,
      snapshotKind: kind,
      isUnaligned: false,
    });
  }

  /** The checkpoint of a snapshot is complete: sinks commit, listeners are told. */
  async notifyCheckpointComplete(checkpointId: number = this.#checkpointId): Promise<void> {
    await this.#task.notifyCheckpointComplete(checkpointId);
  }

  /** The checkpoint of a snapshot will never complete. */
  notifyCheckpointAborted(checkpointId: number = this.#checkpointId): void {
    this.#task.notifyCheckpointAborted(checkpointId);
  }

  /**
   * Goes on from the snapshots of all subtasks of an earlier run, of any parallelism: before
   * anything else is done. The clock goes on from theirs.
   */
  restore(...snapshots: readonly HarnessSnapshot[]): this {
    if (this.#started !== undefined) {
      throw new MillraceError('ILLEGAL_STATE', 'restore() comes before everything else');
    }
    const { clock } = this.environment;
    clock.advanceTo(Math.max(clock.now(), ...snapshots.map(({ nowMs }) => nowMs)));
    this.#restored = snapshots;
    this.#checkpointId = Math.max(0, ...snapshots.map(({ checkpointId }) => checkpointId));
    return this;
  }

  /**
   * Harnesses of the same operator at another parallelism, one per subtask, that go on from the
   * snapshots of all subtasks (this harness's own snapshot, taken now, if it is the only one). The
   * functions are made anew by calling what the harness was made from.
   */
  async rescale(
    parallelism: number,
    ...snapshots: readonly HarnessSnapshot[]
  ): Promise<OperatorTestHarness<IN, OUT, IN2>[]> {
    const { vertex, node } = this.#program;
    if (vertex.parallelism !== (this.#definition.options.parallelism ?? 1)) {
      throw new MillraceError(
        'ILLEGAL_ARGUMENT',
        `operator '${node.name}' always has parallelism ${vertex.parallelism}`,
      );
    }
    const from = snapshots.length > 0 ? snapshots : [await this.snapshot()];
    const { build, options } = this.#definition;
    return Array.from({ length: parallelism }, (_, subtask) =>
      new OperatorTestHarness<IN, OUT, IN2>({
        build,
        options: { ...options, parallelism, subtask },
      }).restore(...from),
    );
  }

  /** How records of each input find their subtask. */
  get partitioning(): readonly PartitionerSpec['kind'][] {
    return this.#program.inputs.map(({ partitioner }) => partitioner.kind);
  }

  /** Whether a record of the (first) input belongs to this subtask: all do if it is not keyed. */
  owns(value: IN): boolean {
    return this.#owns(0, value);
  }

  /** {@link OperatorTestHarness.owns} of the second input. */
  owns2(value: IN2): boolean {
    return this.#owns(1, value);
  }

  /** Rows of a keyed state, over all its namespaces. */
  numKeyedStateEntries(stateName: string): number {
    return this.#keyedState().numEntries(stateName);
  }

  /** The value, list or Map of a key in a keyed state; undefined if there is none. */
  stateOf(stateName: string, key: unknown): unknown {
    return this.#keyedState().valueOf(stateName, key);
  }

  /** Event-time timers that wait, over all keys. */
  numEventTimeTimers(): number {
    return this.#keyedState().numTimers('event-time');
  }

  /** Processing-time timers that wait, over all keys. */
  numProcessingTimeTimers(): number {
    return this.#keyedState().numTimers('processing-time');
  }

  /** What came out on the main output, in order. */
  output(): readonly HarnessElement<OUT>[] {
    return this.#task.output(undefined).elements as readonly HarnessElement<OUT>[];
  }

  /** {@link OperatorTestHarness.output}, which begins anew afterwards. */
  takeOutput(): readonly HarnessElement<OUT>[] {
    return this.#task.output(undefined).take() as readonly HarnessElement<OUT>[];
  }

  /** The records of the main output. */
  records(): readonly HarnessRecord<OUT>[] {
    return this.output().filter((element) => element.kind === 'record');
  }

  /** The records of the main output, without their timestamps. */
  values(): readonly OUT[] {
    return this.records().map(({ value }) => value);
  }

  /** The records of a side output; the harness must have been given its tag. */
  sideOutput<T>(tag: OutputTag<T>): readonly HarnessRecord<T>[] {
    return this.#task.output(tag.id).elements.filter(isRecord) as readonly HarnessRecord<T>[];
  }

  /** {@link OperatorTestHarness.sideOutput}, which begins anew afterwards. */
  takeSideOutput<T>(tag: OutputTag<T>): readonly HarnessRecord<T>[] {
    return this.#task.output(tag.id).take().filter(isRecord) as readonly HarnessRecord<T>[];
  }

  /** The records that a window with `sideOutputLateData` found too late. */
  get lateRecords(): readonly HarnessRecord<IN>[] {
    const { lateDataTag, node } = this.#program;
    if (lateDataTag !== undefined) return this.sideOutput<IN>(lateDataTag);
    throw new MillraceError(
      'ILLEGAL_STATE',
      `operator '${node.name}' keeps no late records: give it a tag by sideOutputLateData, or ` +
        'look at counts().numLateRecordsDropped',
    );
  }

  /** The records that a `collectAsync` under test has given. */
  collected(): readonly HarnessRecord<IN>[] {
    return this.#task.collected as readonly HarnessRecord<IN>[];
  }

  /** {@link OperatorTestHarness.collected}, which begins anew afterwards. */
  takeCollected(): readonly HarnessRecord<IN>[] {
    return this.#task.collected.splice(0) as HarnessRecord<IN>[];
  }

  /** The engine's own counters of the operator. */
  counts(): Readonly<StageCounts> {
    return this.#task.counts();
  }

  /** Closes the operator, whatever state it is in; idempotent. */
  async close(): Promise<void> {
    await this.#started?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get #task(): HarnessTask {
    this.#started ??= new HarnessTask(this.#program, {
      subtask: this.#subtask,
      environment: this.environment,
      isAlternating: this.#definition.options.isAlternatelyFull === true,
      snapshots: this.#restored,
    });
    return this.#started;
  }

  get #subtask(): number {
    return this.#definition.options.subtask ?? 0;
  }

  #keyedState(): RecordingBackend {
    this.#task.open();
    const state = this.#task.keyedState;
    if (state !== undefined) return state;
    throw new MillraceError(
      'ILLEGAL_STATE',
      `operator '${this.#program.node.name}' has no keyed state so far`,
    );
  }

  #hash(input: number, value: unknown): number | undefined {
    const edge = this.#program.inputs[input];
    if (edge?.partitioner.kind !== 'hash' || edge.keySelector === undefined) return undefined;
    return hashKey(edge.keySelector(value));
  }

  #owns(input: number, value: unknown): boolean {
    const hash = this.#hash(input, value);
    if (hash === undefined) return true;
    const { parallelism, maxParallelism } = this.#program.vertex;
    const keyGroup = keyGroupFor(hash, maxParallelism);
    return subtaskFor(keyGroup, maxParallelism, parallelism) === this.#subtask;
  }

  #push(
    input: number,
    rows: readonly (readonly [value: unknown, timestamp?: number | undefined])[],
  ): void {
    this.#task.input(input).putRows(
      rows.map(([value, timestamp = NO_TIMESTAMP]) => ({
        value,
        timestamp,
        hash: this.#hash(input, value) ?? 0,
      })),
    );
    this.#task.runUntilIdle();
  }
}

function isRecord(element: HarnessElement<unknown>): element is HarnessRecord<unknown> {
  return element.kind === 'record';
}
