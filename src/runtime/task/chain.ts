/**
 * A chain of operators in one subtask: opens its stages, compiles its loops, runs rows through
 * them.
 *
 * Rows that batch stages have not seen yet are handed over before any pass of {@link ChainPasses},
 * and after every element.
 */
import { assert } from '../../base/assert.ts';
import type { Environment } from '../../base/environment.ts';
import type { CheckpointBarrier } from '../../checkpoint/barrier.ts';
import type { SubtaskContext } from '../../functions/runtime-context.ts';
import type { PipelineConfiguration } from '../../graph/configuration.ts';
import type { ChainNode, JobVertex } from '../../graph/job-graph.ts';
import {
  BATCH_ROWS,
  type ChainStage,
  type CollectEndpoint,
  type Emit,
  type FinishContext,
  type RowBatch,
  type StageContext,
  type StageCounts,
} from '../../operators/chain-stage.ts';
import type { SnapshotOutput } from '../../state/snapshot.ts';
import { createFrameReader, type FrameReader } from '../../types/frame-reader.ts';
import type { FrameMemory } from '../../types/frame-memory.ts';
import type { ChannelSchema } from '../channel/channel.ts';
import type { EdgeOutput } from '../channel/edge-output.ts';
import { ChainState, type ChainStateOptions, type OperatorSnapshotWork } from './chain-state.ts';
import { settledCounts } from './chain-counts.ts';
import { ChainPasses } from './chain-passes.ts';
import {
  type Collect,
  LoopCompiler,
  type LoopProgress,
  type RunFrame,
  type RunRows,
} from './loop-compiler.ts';
import { newRunningNode, type RunningNode } from './running-node.ts';

/** What a chain is made of. */
export interface ChainOptions {
  readonly vertex: JobVertex;
  readonly stages: readonly ChainStage[];
  readonly outputs: readonly EdgeOutput[];
  readonly environment: Environment;
  readonly configuration: PipelineConfiguration;
  readonly runtimeContext: (node: ChainNode) => SubtaskContext;
  readonly collectEndpoint: (name: string) => CollectEndpoint;
  readonly state: ChainStateOptions;
  readonly attempt: Omit<StageContext['attempt'], 'operatorId'>;
  /** Keeps a generated loop's source, if the user wants them. */
  readonly dump: ((name: string, source: string) => void) | undefined;
}

interface FrameLoop {
  readonly reader: FrameReader;
  readonly run: RunFrame;
}

/** See the file's head. */
export class Chain {
  readonly vertex: JobVertex;
  readonly outputs: readonly EdgeOutput[];
  /** Where the loop is, for error reports. */
  readonly progress: LoopProgress = { at: 0, row: 0, emitted: 0, collected: undefined };
  /** Takes watermarks, timers and the end of input through the operators. */
  readonly passes: ChainPasses;
  readonly #options: ChainOptions;
  readonly #nodes: (RunningNode | undefined)[];
  readonly #compiler: LoopCompiler;
  readonly #frameLoops = new Map<string, FrameLoop>();
  readonly #state: ChainState;
  /** By input of the head. */
  readonly #runRows: (RunRows | undefined)[] = [];
  #failedRow: (() => unknown) | undefined;
  /** What a stage that takes batches said of its failure. */
  #failedRecord: { readonly record: unknown } | undefined;

  constructor(options: ChainOptions) {
    this.vertex = options.vertex;
    this.outputs = options.outputs;
    this.#options = options;
    this.#state = new ChainState(options.vertex.nodes, options.state);
    this.#nodes = new Array<RunningNode | undefined>(options.vertex.nodes.length).fill(undefined);
    this.#compiler = new LoopCompiler(this.#nodes, this.progress, options.dump);
    this.passes = new ChainPasses(this.#nodes, this.progress, () => this.flushBatches());
  }

  /**
   * Opens all stages, the last first, since a stage's emitter contains the code of those after it.
   */
  open(): void {
    for (let index = this.vertex.nodes.length - 1; index >= 0; index--) this.#openNode(index);
  }

  /** Fills the operators with what the job goes on from; all are open. */
  restore(): void {
    this.#state.restore(this.#atNode);
  }

  /** Cuts the state of all operators, at any time between two steps. */
  snapshot(barrier: CheckpointBarrier, output: SnapshotOutput): readonly OperatorSnapshotWork[] {
    this.flushBatches();
    const { checkpointId, timestamp, isSavepoint, snapshotKind: kind } = barrier;
    const request = { checkpointId, kind, isSavepoint, output };
    return this.#state.snapshot({ checkpointId, timestamp, isSavepoint }, request, this.#atNode);
  }

  /** A checkpoint counts; the promise is of the operators' commits. */
  notifyCheckpointComplete(checkpointId: number, commits: boolean): Promise<void> | undefined {
    return this.#state.notifyComplete(checkpointId, commits, this.#atNode);
  }

  /** A checkpoint will never count. */
  notifyCheckpointAborted(checkpointId: number): void {
    this.#state.notifyAborted(checkpointId, this.#atNode);
  }

  /** Between batches: keyed state is kept within its memory. */
  maintain(budgetMs: number): void {
    this.#state.maintain(budgetMs, this.#atNode);
  }

  readonly #atNode = (index: number): void => {
    this.progress.at = index;
  };

  /** How many logical inputs the head has. */
  get inputCount(): number {
    return this.passes.running(0).stage.inputCount;
  }

  /** The watermark of the chain: its input's, or the one its source makes. */
  get currentWatermark(): number {
    const head = this.#nodes[0];
    if (head === undefined) return Number.NEGATIVE_INFINITY;
    return head.stage.ownsWatermarks === true ? head.passed : head.watermark;
  }

  /** The counters of each operator, by node index. */
  counts(): readonly StageCounts[] {
    this.countSourceRecords();
    return settledCounts(this.#nodes);
  }

  /** Between the steps of a source: takes over what `progress.emitted` has counted. */
  countSourceRecords(): void {
    const head = this.#nodes[0];
    if (head !== undefined) head.counts.numRecordsIn += this.progress.emitted;
    this.progress.emitted = 0;
  }

  /** What a source's reader emits to. */
  collect(): Collect {
    return this.#compiler.collect();
  }

  /** A stage's side output, for sources that write to it themselves. */
  sideEmitter(index: number, tagId: string): Emit | undefined {
    return this.#compiler.sideEmitter(index, tagId);
  }

  /** Runs all rows of a batch that came on an input of the head through the chain. */
  runRows(batch: RowBatch, input: number = 0): void {
    const head = this.passes.running(0);
    if (head.stage.onRow === undefined) {
      head.counts.numRecordsIn += batch.count;
      this.progress.at = 0;
      head.stage.onBatch?.(batch, input);
    } else {
      const run = (this.#runRows[input] ??= this.#compiler.runRows(input));
      this.#failedRow = () => batch.values[this.progress.row];
      run(batch, 0, batch.count);
      this.#failedRow = undefined;
    }
    this.flushBatches();
  }

  /**
   * Decodes a frame and runs its rows through the chain; the loop is compiled once per input and
   * schema. Returns the row count.
   */
  runFrame(memory: FrameMemory, offset: number, schema: ChannelSchema, input: number = 0): number {
    const name = input === 0 ? schema.json : `${input} ${schema.json}`;
    let loop = this.#frameLoops.get(name);
    if (loop === undefined) {
      const reader = createFrameReader(schema);
      const run = this.#compiler.runFrame(reader, String(this.#frameLoops.size), input);
      loop = { reader, run };
      this.#frameLoops.set(name, loop);
    }
    const { reader } = loop;
    const rows = reader.open(memory, offset);
    assert(rows <= BATCH_ROWS, () => `a frame has ${rows} rows: more than a batch`);
    this.#failedRow = () => reader.read(this.progress.row);
    loop.run(0, rows);
    this.#failedRow = undefined;
    this.flushBatches();
    return rows;
  }

  /** Hands staged rows to the batch stages. */
  flushBatches(): void {
    for (let index = 0; index < this.#nodes.length; index++) {
      const flush = this.#nodes[index]?.flushBatch;
      if (flush !== undefined) flush();
    }
  }

  /** The earliest time a stage asked for, epoch ms, or Infinity. */
  nextWakeMs(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (let index = 0; index < this.#nodes.length; index++) {
      const wakeAtMs = this.#nodes[index]?.wakeAtMs ?? Number.POSITIVE_INFINITY;
      if (wakeAtMs < earliest) earliest = wakeAtMs;
    }
    return earliest;
  }

  /** The first stage's reason to wait, if one takes no rows now. */
  backpressure(): Promise<void> | undefined {
    for (let index = 0; index < this.#nodes.length; index++) {
      const waiting = this.#nodes[index]?.stage.backpressure?.();
      if (waiting === undefined) continue;
      this.progress.at = index;
      return waiting;
    }
    return undefined;
  }

  /** The asynchronous last work of the stages, in order; undefined if there is none. */
  finish(context: FinishContext): Promise<void> | undefined {
    const waiting = this.passes.all().filter(({ stage }) => stage.finish !== undefined);
    if (waiting.length === 0) return undefined;
    return this.#finishAll(waiting, context);
  }

  /** Closes all stages, also after a failure; the first error of theirs is thrown at the end. */
  async close(): Promise<void> {
    const failures: { readonly at: number; readonly error: unknown }[] = [];
    for (const node of this.#nodes) {
      try {
        await node?.stage.close?.();
      } catch (error) {
        failures.push({ at: node?.index ?? 0, error });
      }
    }
    this.#state.close();
    const [first] = failures;
    if (first === undefined) return;
    this.progress.at = first.at;
    throw first.error;
  }

  /**
   * The operator that user code failed in, and the record that it failed on: that of the chain's
   * input, or what a stage that takes batches has named; unknown outside of loops over rows.
   */
  failure(): { readonly operator: string; readonly record: unknown } {
    const { at } = this.progress;
    const operator = this.vertex.nodes[at]?.name ?? this.vertex.name;
    if (this.#failedRecord !== undefined) return { operator, ...this.#failedRecord };
    if (!this.#isRowByRow(at)) return { operator, record: undefined };
    return { operator, record: this.#failedRow?.() ?? this.progress.collected };
  }

  /** Whether rows come to a node while the loop is at their input row, not in batches. */
  #isRowByRow(index: number): boolean {
    for (let at = index; at >= 0; at = this.vertex.nodes[at]?.parent ?? -1) {
      if (this.#nodes[at]?.batch !== undefined) return false;
    }
    return true;
  }

  async #finishAll(nodes: readonly RunningNode[], context: FinishContext): Promise<void> {
    for (const node of nodes) {
      this.progress.at = node.index;
      await node.stage.finish?.(context);
    }
  }

  #openNode(index: number): void {
    const { vertex, stages, outputs } = this.#options;
    const stage = stages[index];
    if (stage === undefined) throw new RangeError(`no node ${index}`);
    const running = newRunningNode(vertex, index, stage, outputs, this.progress);
    this.#nodes[index] = running;
    this.progress.at = index;
    stage.open(this.#contextOf(running));
  }

  #contextOf(node: RunningNode): StageContext {
    const state = this.#state.contextOf(node.index, node.stage);
    const compiler = this.#compiler;
    const { environment, configuration, runtimeContext, collectEndpoint, attempt } = this.#options;
    let emitter: Emit | undefined;
    return {
      runtimeContext: runtimeContext(node.node),
      operatorName: node.node.name,
      isRestored: state.isRestored,
      get keyedState(): StageContext['keyedState'] {
        return state.keyedState;
      },
      get operatorState(): StageContext['operatorState'] {
        return state.operatorState;
      },
      get emit(): Emit {
        emitter ??= compiler.emitter(node.index);
        return emitter;
      },
      sideOutput: (tagId) => compiler.sideEmitter(node.index, tagId),
      currentWatermark: () => node.watermark,
      currentProcessingTime: () => environment.clock.now(),
      wakeAt: (epochMs) => {
        if (epochMs < node.wakeAtMs) node.wakeAtMs = epochMs;
      },
      emitWatermark: (watermark) => this.passes.emitWatermark(node.index, watermark),
      emitStatus: (idle) => this.passes.writeStatus(node.index, idle),
      failedOn: (record) => {
        this.#failedRecord = { record };
      },
      attempt: { ...attempt, operatorId: node.node.operatorId },
      keySelector: node.node.keySelectors[0],
      keySelectors: node.node.keySelectors,
      inputType: node.node.inputTypes[0],
      inputTypes: node.node.inputTypes,
      outputType: node.node.outputType,
      autoWatermarkIntervalMs: configuration.autoWatermarkIntervalMs,
      counts: node.counts,
      collectEndpoint,
    };
  }
}
