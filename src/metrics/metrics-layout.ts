/**
 * The memory picture of a job's metrics: where each subtask's cells lie. No other file has a
 * literal offset.
 *
 * One buffer holds one block per subtask, in the order of the layout's data; a block starts at a
 * multiple of 128 bytes (two cache lines: CPUs fetch lines in pairs), so no two writers share a
 * line. All cells are float64. A block:
 *
 *      cell  0  +------------------------------------------------+
 *               | task: currentWatermark, busyMs, …              |  8 cells, see TASK_METRICS
 *            8  +------------------------------------------------+
 *               | operator 0: numRecordsIn, numRecordsOut, …     |  8 cells, see OPERATOR_METRICS
 *               | operator 1 …                                   |
 *               +------------------------------------------------+
 *               | histogram 0: count, sum, …, buckets            |  HISTOGRAM_CELLS each
 *               | histogram 1 …                                  |
 *               +------------------------------------------------+
 *               | values of the user's counters                  |  USER_COUNTERS_MAX cells
 *               +------------------------------------------------+
 *               | number of names (int32)  | unused              |  8 bytes
 *               | name 0: operator (int32), byteLength (int32),  |  NAME_ENTRY_BYTES each,
 *               |         UTF-8 bytes                            |  USER_COUNTERS_MAX of them
 *               | name 1 …                                       |
 *               +------------------------------------------------+  unused to a multiple of 128
 *
 * Invariants:
 * 1. Offsets are a function of the layout's data alone, so host and workers compute the same ones.
 * 2. A block is written by its subtask only, with plain stores, and read by the host. An 8-aligned
 *    float64 is stored whole on the 64-bit machines that Node runs on, so the host sees an old
 *    value or a new one, never half of each.
 * 3. A name is written before the number of names that includes it, and never changes then; that
 *    number is accessed through Atomics, so who sees it sees the names.
 */
import { MillraceError } from '../base/errors.ts';
import { HISTOGRAM_CELLS } from './latency-histogram.ts';

/** One subtask's part of the layout. */
export interface SubtaskMetricsData {
  /** Index of the vertex. */
  readonly vertex: number;
  /** Index of the subtask. */
  readonly subtask: number;
  /** How many operators its chain has. */
  readonly operators: number;
  /** How many latency histograms it keeps; none if left out. */
  readonly histograms?: number | undefined;
}

/** What a layout is computed from: plain data, to be posted to threads. */
export interface MetricsLayoutData {
  readonly subtasks: readonly SubtaskMetricsData[];
}

/** Names of a task's cells, by slot. */
export const TASK_METRICS = [
  'currentWatermark',
  'busyMs',
  'backPressuredMs',
  'idleMs',
  'numShapeMisfits',
  'numBytesOut',
  'longestGapMs',
] as const;
/** A metric of a task. */
export type TaskMetric = (typeof TASK_METRICS)[number];

/** Names of an operator's cells, by slot within the operator. */
export const OPERATOR_METRICS = [
  'numRecordsIn',
  'numRecordsOut',
  'numLateRecordsDropped',
  'numLateRecordsSideOutput',
  'numDeadLetters',
] as const;
/** A metric of an operator. */
export type OperatorMetric = (typeof OPERATOR_METRICS)[number];

/** User counters per subtask, over all operators of its chain. */
export const USER_COUNTERS_MAX = 64;
/** UTF-8 bytes of a user counter's name. */
export const NAME_BYTES_MAX = 120;

const CELL_BYTES: number = Float64Array.BYTES_PER_ELEMENT;
const BLOCK_ALIGNMENT_BYTES = 128;
const TASK_CELLS = 8;
const OPERATOR_CELLS = 8;
const NAME_HEADER_BYTES = 8;
const NAME_ENTRY_BYTES: number = NAME_HEADER_BYTES + NAME_BYTES_MAX;

/** The place of one subtask's block; cells are counted from the block's start. */
export interface MetricsBlock extends SubtaskMetricsData {
  readonly histograms: number;
  /** Where the block starts in the buffer. */
  readonly byteOffset: number;
  readonly byteLength: number;
  /** All cells before the names. */
  readonly cellCount: number;
}

/** Computes and holds the blocks of a job's subtasks. */
export class MetricsLayout {
  readonly blocks: readonly MetricsBlock[];
  /** Bytes of the whole buffer. */
  readonly byteLength: number;
  readonly #indices: ReadonlyMap<string, number>;

  constructor(data: MetricsLayoutData) {
    const blocks: MetricsBlock[] = [];
    const indices = new Map<string, number>();
    let byteOffset = 0;
    for (const subtask of data.subtasks) {
      const block = blockOf(subtask, byteOffset);
      indices.set(keyOf(subtask.vertex, subtask.subtask), blocks.length);
      blocks.push(block);
      byteOffset += block.byteLength;
    }
    this.blocks = Object.freeze(blocks);
    this.byteLength = byteOffset;
    this.#indices = indices;
  }

  /** The block of a subtask. */
  block(vertex: number, subtask: number): MetricsBlock {
    const index = this.#indices.get(keyOf(vertex, subtask));
    const block = index === undefined ? undefined : this.blocks[index];
    if (block !== undefined) return block;
    throw new MillraceError(
      'BUG',
      `the metrics layout has no subtask ${subtask} of vertex ${vertex}: ` +
        'it was made for another graph',
    );
  }
}

/**
 * Allocates and initializes the memory of a layout.
 *
 * @param shared - whether other threads will write or read; false: a plain buffer for one thread
 */
export function allocateMetrics(layout: MetricsLayout, shared: boolean): ArrayBufferLike {
  const { byteLength } = layout;
  const buffer = shared ? new SharedArrayBuffer(byteLength) : new ArrayBuffer(byteLength);
  for (const block of layout.blocks) {
    cellsOf(block, buffer)[taskCell('currentWatermark')] = Number.NEGATIVE_INFINITY;
  }
  return buffer;
}

/** Throws unless `buffer` has the layout's size. */
export function requireMetricsBuffer(layout: MetricsLayout, buffer: ArrayBufferLike): void {
  if (buffer.byteLength === layout.byteLength) return;
  throw new MillraceError(
    'BUG',
    `a metrics buffer has ${buffer.byteLength} bytes, its layout ${layout.byteLength}: ` +
      'host and worker computed different layouts',
  );
}

/** A block's cells. */
export function cellsOf(block: MetricsBlock, buffer: ArrayBufferLike): Float64Array {
  return new Float64Array(buffer, block.byteOffset, block.cellCount);
}

/** The cell of a task's metric. */
export function taskCell(metric: TaskMetric): number {
  return TASK_METRICS.indexOf(metric);
}

/** The cell of an operator's metric. */
export function operatorCell(operator: number, metric: OperatorMetric): number {
  return TASK_CELLS + operator * OPERATOR_CELLS + OPERATOR_METRICS.indexOf(metric);
}

/** The first of a histogram's {@link HISTOGRAM_CELLS} cells. */
export function histogramCell(block: MetricsBlock, histogram: number): number {
  return TASK_CELLS + block.operators * OPERATOR_CELLS + histogram * HISTOGRAM_CELLS;
}

/** The cell of the user's counter number `index`. */
export function counterCell(block: MetricsBlock, index: number): number {
  return histogramCell(block, block.histograms) + index;
}

/** Where the number of names lies in the buffer, in bytes. */
export function nameCountOffset(block: MetricsBlock): number {
  return block.byteOffset + block.cellCount * CELL_BYTES;
}

/** Where name `index` starts in the buffer: its operator, its length, its bytes. */
export function nameOffset(block: MetricsBlock, index: number): number {
  return nameCountOffset(block) + CELL_BYTES + index * NAME_ENTRY_BYTES;
}

/** Where a name's bytes start, after its operator and length. */
export function nameBytesOffset(entryOffset: number): number {
  return entryOffset + NAME_HEADER_BYTES;
}

function blockOf(data: SubtaskMetricsData, byteOffset: number): MetricsBlock {
  const { vertex, subtask, operators, histograms = 0 } = data;
  const cellCount =
    TASK_CELLS + operators * OPERATOR_CELLS + histograms * HISTOGRAM_CELLS + USER_COUNTERS_MAX;
  const bytes = cellCount * CELL_BYTES + CELL_BYTES + USER_COUNTERS_MAX * NAME_ENTRY_BYTES;
  const byteLength = Math.ceil(bytes / BLOCK_ALIGNMENT_BYTES) * BLOCK_ALIGNMENT_BYTES;
  return Object.freeze({
    vertex,
    subtask,
    operators,
    histograms,
    byteOffset,
    byteLength,
    cellCount,
  });
}

function keyOf(vertex: number, subtask: number): string {
  return `${vertex}/${subtask}`;
}
