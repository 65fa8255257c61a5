/**
 * Runs one stage as a chain does, without a chain: batches, watermarks, time and the end in,
 * everything emitted out. For the tests of operators. Slices of resumable calls are counted; every
 * clock is the test's.
 */
import { hashKey } from '../../base/hash.ts';
import { simulatedEnvironment } from '../../base/simulated-environment.ts';
import type { SimulatedEnvironment } from '../../base/simulated-environment.ts';
import type { OperatorAttempt, SubtaskContext } from '../../functions/runtime-context.ts';
import type { AnyKeySelector } from '../../graph/operator-spec.ts';
import { heapBackend } from '../../state/heap/heap-backend.ts';
import type { HeapBackend } from '../../state/heap/heap-backend.ts';
import { operatorStateBackend } from '../../state/heap/operator-state.ts';
import { keyGroupRange } from '../../state/key-groups.ts';
import type {
  OperatorStateBackend,
  OperatorStateSnapshot,
} from '../../state/operator-state-backend.ts';
import type { KeyedStateHandle, SnapshotKind } from '../../state/snapshot.ts';
import { MemorySnapshots } from '../../state/testing/memory-snapshots.ts';
import { BATCH_ROWS, MAX_WATERMARK, NO_TIMESTAMP } from '../chain-stage.ts';
import type {
  ChainStage,
  CollectEndpoint,
  Emit,
  LoopBuilder,
  RowBatch,
  RowNames,
  SnapshotContext,
  StageContext,
  StageCounts,
  StageSnapshot,
} from '../chain-stage.ts';

/** A record that came out. */
export interface Emitted {
  readonly value: unknown;
  readonly timestamp: number;
}

/** What a {@link StageDriver} may be told. */
export interface StageDriverOptions {
  readonly keySelector?: AnyKeySelector | undefined;
  /** Of the second input of connected streams. */
  readonly secondKeySelector?: AnyKeySelector | undefined;
  readonly operatorName?: string | undefined;
  /** Ids of the side outputs that are read. */
  readonly sideOutputs?: readonly string[] | undefined;
  readonly nowMs?: number | undefined;
  readonly autoWatermarkIntervalMs?: number | undefined;
  /** Takes the main output instead of {@link StageDriver.output}. */
  readonly emit?: Emit | undefined;
  /** A world that outlives the driver; left out: one of its own. */
  readonly environment?: SimulatedEnvironment | undefined;
  readonly subtask?: number | undefined;
  readonly parallelism?: number | undefined;
  readonly attempt?: Partial<OperatorAttempt> | undefined;
}

/** The checkpoint of snapshots in tests. */
export const ANY_CHECKPOINT: SnapshotContext = {
  checkpointId: 1,
  timestamp: 0,
  isSavepoint: false,
};

/** All state of an operator's subtask. */
export interface DriverSnapshot {
  readonly stage: StageSnapshot | undefined;
  readonly keyed: KeyedStateHandle;
  /** The files that `keyed` names. */
  readonly files: MemorySnapshots;
  readonly operatorStates: readonly OperatorStateSnapshot[];
}

const MAX_PARALLELISM = 128;

type RowLoop = (batch: RowBatch) => void;

const LOOP_GUARD_MAX = 10_000_000;

/** See the file's head. */
export class StageDriver {
  readonly stage: ChainStage;
  readonly output: Emitted[] = [];
  readonly sides: Map<string, Emitted[]> = new Map();
  /** Watermarks and statuses that left the stage, with the count of rows emitted before them. */
  readonly signals: { readonly signal: number | 'idle' | 'active'; readonly afterRows: number }[] =
    [];
  readonly collected: Emitted[] = [];
  readonly counts: StageCounts = {
    numRecordsIn: 0,
    numRecordsOut: 0,
    numLateRecordsDropped: 0,
    numLateRecordsSideOutput: 0,
    numDeadLetters: 0,
  };
  /** Records that the stage said its user code failed on. */
  readonly failedRecords: unknown[] = [];
  /** The wake-up that was asked for; Infinity if none. */
  wakeUpMs: number = Number.POSITIVE_INFINITY;
  /** Slices that the last resumable call took. */
  slices = 0;
  watermark: number = NO_TIMESTAMP;
  readonly environment: SimulatedEnvironment;
  readonly keyedState: HeapBackend;
  readonly operatorState: OperatorStateBackend;
  readonly #keySelectors: readonly (AnyKeySelector | undefined)[];
  /** By input. */
  readonly #loops: readonly RowLoop[];
  readonly #batch: RowBatch = {
    count: 0,
    values: new Array<unknown>(BATCH_ROWS).fill(undefined),
    read: undefined,
    timestamps: new Float64Array(BATCH_ROWS),
    hashes: new Int32Array(BATCH_ROWS),
  };

  constructor(
    stage: ChainStage,
    options: StageDriverOptions = {},
    restored?: readonly (StageSnapshot | DriverSnapshot)[],
  ) {
    this.stage = stage;
    this.environment =
      options.environment ?? simulatedEnvironment({ seed: 1, startMs: options.nowMs ?? 0 });
    this.#keySelectors = keySelectorsOf(stage, options);
    for (const id of options.sideOutputs ?? []) this.sides.set(id, []);
    const emit =
      options.emit ?? ((value, timestamp) => void this.output.push({ value, timestamp }));
    const { subtask = 0, parallelism = 1, operatorName = 'operator under test' } = options;
    this.keyedState = heapBackend({
      maxParallelism: MAX_PARALLELISM,
      keyGroups: keyGroupRange(subtask, MAX_PARALLELISM, parallelism),
      operatorName,
      environment: this.environment,
      memoryBytes: Number.POSITIVE_INFINITY,
    });
    this.operatorState = operatorStateBackend({ operatorName });
    const snapshots = (restored ?? []).map(wholeSnapshot);
    this.operatorState.restore(snapshots.flatMap(({ operatorStates }) => operatorStates ?? []));
    stage.open(this.#context(options, emit, restored !== undefined));
    if (restored !== undefined) this.#restore(snapshots);
    this.#loops = compileRowLoops(stage, emit);
  }

  /** All state as of now, written to its last row before anything else happens. */
  snapshot(kind: SnapshotKind = 'full', context: SnapshotContext = ANY_CHECKPOINT): DriverSnapshot {
    const stage = this.stage.snapshot?.(context);
    const output = new MemorySnapshots();
    const { checkpointId, isSavepoint } = context;
    const work = this.keyedState.snapshot({ checkpointId, kind, output, isSavepoint });
    const operatorStates = this.operatorState.snapshot();
    while (!work.step(0)) continue;
    return {
      stage: structuredClone(stage),
      keyed: structuredClone(work.finishNow()),
      files: output,
      operatorStates,
    };
  }

  get nowMs(): number {
    return this.environment.clock.now();
  }

  /** Values of {@link output}. */
  get values(): unknown[] {
    return this.output.map(({ value }) => value);
  }

  /** Hands rows over in batches, on one of the inputs. */
  push(rows: readonly (readonly [value: unknown, timestamp?: number])[], input: number = 0): void {
    for (let from = 0; from < rows.length; from += BATCH_ROWS) {
      const part = rows.slice(from, from + BATCH_ROWS);
      part.forEach(([value, timestamp = NO_TIMESTAMP], i) =>
        this.#setRow(i, { value, timestamp }, input),
      );
      this.#batch.count = part.length;
      this.pushBatch(this.#batch, input);
    }
  }

  /** Hands a ready batch over. */
  pushBatch(batch: RowBatch, input: number = 0): void {
    const loop = this.#loops[input];
    if (loop !== undefined) loop(batch);
    else this.stage.onBatch?.(batch, input);
  }

  /** The input's watermark advances. */
  advanceWatermark(watermark: number): void {
    if (watermark <= this.watermark) return;
    this.watermark = watermark;
    this.#untilDone(() => this.stage.onWatermark?.(watermark) ?? true);
    if (this.stage.ownsWatermarks !== true || watermark === MAX_WATERMARK) this.#signal(watermark);
  }

  /** The clock advances, wake-ups come at their time. */
  advanceTimeTo(nowMs: number): void {
    for (let guard = 0; this.wakeUpMs <= nowMs && guard < LOOP_GUARD_MAX; guard++) {
      this.environment.clock.advanceTo(Math.max(this.nowMs, this.wakeUpMs));
      this.fireWakeUp();
    }
    this.environment.clock.advanceTo(nowMs);
  }

  /** The wake-up comes now, even if the clock is past it. */
  fireWakeUp(): void {
    this.wakeUpMs = Number.POSITIVE_INFINITY;
    this.#untilDone(() => this.stage.onProcessingTime?.(this.nowMs) ?? true);
  }

  /** Maximum watermark, end of input, `finish` and `close`. */
  async end(): Promise<void> {
    this.advanceWatermark(MAX_WATERMARK);
    for (let input = 0; input < this.stage.inputCount; input++) {
      this.#untilDone(() => this.stage.endInput?.(input) ?? true);
    }
    await this.stage.finish?.({ hasFinalCheckpoint: false });
    await this.stage.close?.();
  }

  /** As a chain does: keyed state, then the operator's own. */
  #restore(snapshots: readonly Partial<DriverSnapshot>[]): void {
    const handles = snapshots.flatMap(({ keyed }) => keyed ?? []);
    const files = new MemorySnapshots();
    const renamed = snapshots.flatMap(({ keyed, files: from }, i) =>
      keyed === undefined || from === undefined ? [] : files.take(keyed, from, `${i}/`),
    );
    if (handles.length > 0) this.keyedState.restore(renamed, files);
    this.stage.restore?.(snapshots.flatMap(({ stage }) => stage ?? []));
  }

  #untilDone(slice: () => boolean): void {
    this.slices = 1;
    while (!slice()) this.slices++;
  }

  #setRow(i: number, { value, timestamp }: Emitted, input: number): void {
    this.#batch.values[i] = value;
    this.#batch.timestamps[i] = timestamp;
    const key = this.#keySelectors[input]?.(value);
    this.#batch.hashes[i] = key === null || key === undefined ? 0 : hashKey(key);
  }

  #signal(signal: number | 'idle' | 'active'): void {
    this.signals.push({ signal, afterRows: this.output.length });
  }

  #context(options: StageDriverOptions, emit: Emit, isRestored: boolean): StageContext {
    return {
      runtimeContext: this.#runtimeContext(options),
      operatorName: options.operatorName ?? 'operator under test',
      emit,
      sideOutput: (id) => {
        const records = this.sides.get(id);
        return records && ((value, timestamp) => void records.push({ value, timestamp }));
      },
      currentWatermark: () => this.watermark,
      currentProcessingTime: () => this.nowMs,
      wakeAt: (epochMs) => {
        this.wakeUpMs = Math.min(this.wakeUpMs, epochMs);
      },
      emitWatermark: (watermark) => this.#signal(watermark),
      emitStatus: (idle) => this.#signal(idle ? 'idle' : 'active'),
      keyedState: this.keyedState,
      operatorState: this.operatorState,
      isRestored,
      attempt: {
        jobId: 'job',
        operatorId: 'operator',
        attemptNumber: 0,
        restoredCheckpointId: isRestored ? ANY_CHECKPOINT.checkpointId : undefined,
        ...options.attempt,
      },
      keySelector: options.keySelector,
      keySelectors: keySelectorsOf(this.stage, options),
      inputType: undefined,
      inputTypes: keySelectorsOf(this.stage, options).map(() => undefined),
      outputType: undefined,
      autoWatermarkIntervalMs: options.autoWatermarkIntervalMs ?? 200,
      counts: this.counts,
      failedOn: (record) => {
        this.failedRecords.push(record);
      },
      collectEndpoint: () => this.#collectEndpoint(),
    };
  }

  #collectEndpoint(): CollectEndpoint {
    return {
      append: (value, timestamp) => void this.collected.push({ value, timestamp }),
      hasCredit: () => true,
      flush: () => {},
    };
  }

  #runtimeContext(options: StageDriverOptions): SubtaskContext {
    return {
      jobName: 'job under test',
      taskName: options.operatorName ?? 'operator under test',
      indexOfThisSubtask: options.subtask ?? 0,
      numberOfParallelSubtasks: options.parallelism ?? 1,
      maxNumberOfParallelSubtasks: MAX_PARALLELISM,
      environment: this.environment,
      metricGroup: { counter: () => ({ inc: () => {}, count: 0 }) },
    };
  }
}

/** Snapshots of stages without other state come alone. */
function wholeSnapshot(snapshot: StageSnapshot | DriverSnapshot): Partial<DriverSnapshot> {
  return 'version' in snapshot ? { stage: snapshot } : snapshot;
}

function keySelectorsOf(
  { inputCount }: ChainStage,
  { keySelector, secondKeySelector }: StageDriverOptions,
): readonly (AnyKeySelector | undefined)[] {
  return [keySelector, secondKeySelector].slice(0, inputCount);
}

/** The loops of a chain of one stage, by input. */
function compileRowLoops({ onRow, inputCount }: ChainStage, emit: Emit): readonly RowLoop[] {
  if (onRow === undefined) return [];
  return Array.from({ length: inputCount }, (_, input) => {
    const builder = new TestLoopBuilder(emit);
    onRow(builder, { value: 'value', timestamp: 'timestamp' }, input);
    return builder.compile();
  });
}

class TestLoopBuilder implements LoopBuilder {
  readonly #names: string[] = [];
  readonly #constants: unknown[] = [];
  readonly #lines: string[] = [];
  readonly #emit: string;
  #locals = 0;

  constructor(emit: Emit) {
    this.#emit = this.constant(emit, 'emit');
  }

  constant(value: unknown, hint: string): string {
    const name = `${hint}$${this.#names.length}`;
    this.#names.push(name);
    this.#constants.push(value);
    return name;
  }

  call(fn: unknown, ...args: readonly string[]): string {
    return `${this.constant(fn, 'fn')}(${args.join(', ')})`;
  }

  local(expression: string, hint: string): string {
    const name = `${hint}_${this.#locals++}`;
    this.line(`const ${name} = ${expression};`);
    return name;
  }

  line(statement: string): void {
    this.#lines.push(statement);
  }

  when(condition: string, body: () => void): void {
    this.line(`if (${condition}) {`);
    body();
    this.line('}');
  }

  emit(row: RowNames): void {
    this.line(`${this.#emit}(${row.value}, ${row.timestamp});`);
  }

  compile(): RowLoop {
    const code = [
      'return function loop(batch) {',
      'for (let row = 0; row < batch.count; row++) {',
      'const value = batch.values[row]; const timestamp = batch.timestamps[row];',
      ...this.#lines,
      '} };',
    ].join('\n');
    return (new Function(...this.#names, code) as (...constants: unknown[]) => RowLoop)(
      ...this.#constants,
    );
  }
}
