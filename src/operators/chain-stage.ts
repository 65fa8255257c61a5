/**
 * The contract between an operator and the chain that runs it.
 *
 * A chain is one generated loop per subtask. An operator is a {@link ChainStage}: it contributes
 * the code for one row, or takes whole batches, and is told of watermarks, timers and the end of
 * its input. It sees rows, time, state and its outputs; never threads, rings, files or other
 * operators.
 *
 * Invariants that the chain keeps:
 * 1. Calls on one stage never overlap and come from one thread.
 * 2. Order: `open`, then rows / `onBatch`, `onWatermark`, `onProcessingTime`, then `endInput`, then
 *    `close` (also after a failure).
 * 3. Before `onWatermark`, `onProcessingTime`, `endInput` and `snapshot` every row that came before
 *    has been handed over.
 * 4. What a stage emits during `onWatermark(w)` is downstream before `w` is.
 *
 * What a stage owes:
 * 1. The resumable calls (`onWatermark`, `onProcessingTime`, `endInput`) do a bounded slice of work
 *    (about {@link SLICE_ROWS} rows emitted or state entries visited, at most some ms) and return
 *    whether they are done; if not, they are called again with the same argument, with nothing else
 *    in between but `snapshot`.
 * 2. Emission never blocks and never fails for want of room.
 */
import type { OperatorAttempt, SubtaskContext } from '../functions/runtime-context.ts';
import type { AnyKeySelector, AnyRecord } from '../graph/operator-spec.ts';
import type { KeyedStateBackend } from '../state/keyed-state-backend.ts';
import type { OperatorStateBackend } from '../state/operator-state-backend.ts';
import type { TypeInformation } from '../types/type-information.ts';

/** Rows per batch at most. */
export const BATCH_ROWS = 1024;

/** Rows or entries that one slice of a resumable call should handle. */
export const SLICE_ROWS = 1024;

/** The timestamp of a record that has none. */
export const NO_TIMESTAMP: number = Number.NEGATIVE_INFINITY;

/** The watermark of an input that has ended. */
export const MAX_WATERMARK: number = Number.POSITIVE_INFINITY;

/**
 * Up to {@link BATCH_ROWS} rows: by reference in `values`, or, where `read` is set, still encoded
 * in a frame; then `values` is not filled and `read` makes a fresh object at each call. A generated
 * loop that calls `read` and takes fields of what it gets makes no object at all. The arrays are
 * reused: copy what you keep.
 */
export interface RowBatch {
  count: number;
  readonly values: unknown[];
  read: ((row: number) => unknown) | undefined;
  readonly timestamps: Float64Array;
  /** Hashes of the keys, where the input is keyed. */
  readonly hashes: Int32Array;
}

/** Emits a row to what follows a stage; `timestamp` is epoch ms or {@link NO_TIMESTAMP}. */
export type Emit = (value: unknown, timestamp: number) => void;

/** Names of the generated locals that hold a row. */
export interface RowNames {
  readonly value: string;
  readonly timestamp: string;
}

/**
 * Writes the code of a chain's loop. Everything that comes from users enters as a closure constant:
 * {@link LoopBuilder.constant} gives its name; no text of theirs is ever part of the code.
 */
export interface LoopBuilder {
  /** Binds a value (a function, an object) to a name that the code may use. */
  constant(value: unknown, hint: string): string;
  /**
   * A call of a user's function: marks the operator for error reports, then calls it; returns the
   * expression of the result.
   */
  call(fn: unknown, ...args: readonly string[]): string;
  /** Declares a local with this expression and returns its name. */
  local(expression: string, hint: string): string;
  /** Adds a statement. */
  line(statement: string): void;
  /** Runs the code of `body` only if `condition` (an expression) holds. */
  when(condition: string, body: () => void): void;
  /** Hands a row (names or expressions) to what follows, inline. */
  emit(row: RowNames): void;
}

/** What a stage may know and do; handed to `open`. */
export interface StageContext {
  readonly runtimeContext: SubtaskContext;
  /** The operator's name, for messages. */
  readonly operatorName: string;
  /** Emits to what follows on the main output. */
  readonly emit: Emit;
  /** Emits to a side output; undefined if nobody reads it. */
  sideOutput(tagId: string): Emit | undefined;
  /**
   * The watermark of this stage's input: that of the last completed `onWatermark` (or of the
   * current one).
   */
  currentWatermark(): number;
  /** Wall clock of the environment, epoch ms. Not per record on a hot path. */
  currentProcessingTime(): number;
  /**
   * Asks for `onProcessingTime` at or after `epochMs`; the earliest request per stage counts; asked
   * again after each call.
   */
  wakeAt(epochMs: number): void;
  /**
   * Propagates a watermark that this stage itself made (timestamps-and-watermarks, sources), from
   * this stage on.
   */
  emitWatermark(watermark: number): void;
  /** Declares this stage's output idle or active (watermark status). */
  emitStatus(idle: boolean): void;
  /**
   * The keyed state of this operator, on keyed operators. Declare states in `open` (or later); what
   * was restored is in them before the first row. The chain makes it part of each snapshot:
   * `snapshot` is for what lies elsewhere.
   */
  readonly keyedState: KeyedStateBackend;
  /**
   * The state of this operator's subtask that belongs to no key; part of each snapshot likewise.
   */
  readonly operatorState: OperatorStateBackend;
  /** Whether the job goes on from a checkpoint or savepoint: known in `open`, before `restore`. */
  readonly isRestored: boolean;
  /** Which run of the operator this is. */
  readonly attempt: OperatorAttempt;
  /** That of the first input; `keySelectors` has one per input. Likewise the types. */
  readonly keySelector: AnyKeySelector | undefined;
  readonly keySelectors: readonly (AnyKeySelector | undefined)[];
  readonly inputType: TypeInformation<AnyRecord> | undefined;
  readonly inputTypes: readonly (TypeInformation<AnyRecord> | undefined)[];
  readonly outputType: TypeInformation<AnyRecord> | undefined;
  readonly autoWatermarkIntervalMs: number;
  /** The counters of this operator; plain numbers, published by the chain after each batch. */
  readonly counts: StageCounts;
  /**
   * Called by a stage that takes batches, before it lets an error out: the record that its user
   * code failed on.
   */
  failedOn(record: unknown): void;
  /** Where a `collect` sink puts its records. */
  collectEndpoint(name: string): CollectEndpoint;
}

/**
 * Counters of an operator that the engine itself keeps. Rows in and out are counted by the chain
 * where they cannot be told from a neighbour's count.
 */
export interface StageCounts {
  numRecordsIn: number;
  numRecordsOut: number;
  numLateRecordsDropped: number;
  numLateRecordsSideOutput: number;
  numDeadLetters: number;
}

/** The way of collected records to the program that started the job. */
export interface CollectEndpoint {
  append(value: unknown, timestamp: number): void;
  /** Whether there is room for a batch; if not, the chain waits. */
  hasCredit(): boolean;
  flush(): void;
}

/**
 * What an operator keeps outside of its keyed and operator state, for a snapshot: plain data
 * (numbers, also NaN and infinities, strings, booleans, bigints, bytes, null, undefined, arrays,
 * plain objects), versioned. Small: it lies in the manifest.
 */
export interface StageSnapshot {
  readonly version: number;
  readonly data: unknown;
}

/** The checkpoint or savepoint that a snapshot belongs to. */
export interface SnapshotContext {
  readonly checkpointId: number;
  /** When it was triggered, epoch ms. */
  readonly timestamp: number;
  readonly isSavepoint: boolean;
}

/** An operator inside a chain; see the file's head for the contract. */
export interface ChainStage {
  readonly kind: string;
  /** 1, or 2 for connected streams. */
  readonly inputCount: number;
  /** Whether `onBatch` needs `hashes` and a key: true on keyed operators. */
  readonly keyed: boolean;
  open(context: StageContext): void;
  /** True if each row in gives exactly one row out, so that the chain need not count them twice. */
  readonly isOneToOne?: boolean | undefined;
  /**
   * The code for one row of an input (0, or 1 for the second of connected streams); absent on
   * stages that take batches. Called after `open`.
   */
  readonly onRow?: ((loop: LoopBuilder, row: RowNames, input: number) => void) | undefined;
  /**
   * A batch of rows of an input; absent on stages that give code. At most {@link BATCH_ROWS} rows.
   */
  onBatch?(batch: RowBatch, input: number): void;
  /**
   * The input's watermark has advanced. Returns true when done. Stages without it pass watermarks
   * on.
   */
  onWatermark?(watermark: number): boolean;
  /**
   * True on stages that end upstream watermarks and make their own by `emitWatermark`: the chain
   * then passes nothing on but the final MAX_WATERMARK.
   */
  readonly ownsWatermarks?: boolean | undefined;
  /** A time asked for with `wakeAt` has come. Returns true when done. */
  onProcessingTime?(nowMs: number): boolean;
  /**
   * No more rows on this input: once per input. With the last one MAX_WATERMARK has already been
   * handled. Returns true when done.
   */
  endInput?(input: number): boolean;
  /** A promise if the stage takes no rows now (a slow sink): the chain waits for it. */
  backpressure?(): Promise<void> | undefined;
  /**
   * After `endInput`: asynchronous last work (flush; commit where there are no checkpoints); the
   * chain waits for it before it counts as finished. With checkpoints one more of them follows,
   * whose completion commits the rest.
   */
  finish?(context: FinishContext): void | Promise<void>;
  /**
   * State for a checkpoint, besides keyed and operator state, which are cut right afterwards;
   * undefined if there is none. Also the moment at which a sink prepares its commit.
   */
  snapshot?(context: SnapshotContext): StageSnapshot | undefined;
  /**
   * The part of the last snapshot that is still under way (files being made durable); the
   * checkpoint is acknowledged when it has settled. Asked once, right after `snapshot`.
   */
  snapshotSettled?(): Promise<void> | undefined;
  /**
   * Called between `open` and the first row, with the snapshots of one or more earlier subtasks;
   * keyed state is there already.
   */
  restore?(snapshots: readonly StageSnapshot[]): void;
  /** A checkpoint is complete: it covers all with lower ids. Rejections fail the job. */
  notifyCheckpointComplete?(checkpointId: number): void | Promise<void>;
  /** A checkpoint will never complete. */
  notifyCheckpointAborted?(checkpointId: number): void;
  close?(): void | Promise<void>;
}

/** How a job ends. */
export interface FinishContext {
  /**
   * Whether a last checkpoint follows: what is to be committed goes into its snapshot instead of
   * being committed now.
   */
  readonly hasFinalCheckpoint: boolean;
}

/** Makes a stage from its spec; the registry maps each spec's kind to one. */
export type StageFactory<Spec> = (spec: Spec) => ChainStage;
