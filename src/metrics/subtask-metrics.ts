/**
 * The writer's side of a subtask's metrics: plain stores into its own block.
 *
 * Hot: look a cell up once, then count once per batch: `cells[recordsOut] += n`. A load and a
 * store, no call.
 *
 * Invariant: one thread writes a block at a time; a restarted subtask goes on where the one before
 * stopped.
 */
import { addCounterName, readCounterNames } from './counter-names.ts';
import { HISTOGRAM_CELLS, LatencyHistogram } from './latency-histogram.ts';
import {
  cellsOf,
  counterCell,
  histogramCell,
  type MetricsBlock,
  type MetricsLayout,
  operatorCell,
  type OperatorMetric,
  requireMetricsBuffer,
  taskCell,
  type TaskMetric,
} from './metrics-layout.ts';

/** A user's counter over its cell. */
export interface SharedCounter {
  inc(by?: number): void;
  readonly count: number;
}

/** The counters of one operator; fits `MetricGroup` of the functions' runtime context. */
export interface SharedMetricGroup {
  /** The counter of that name; made at the first call. */
  counter(name: string): SharedCounter;
}

/** Writes one subtask's metrics. */
export class SubtaskMetrics {
  /** The subtask's cells; indices come from {@link taskCell} and {@link operatorCell}. */
  readonly cells: Float64Array;
  readonly #block: MetricsBlock;
  readonly #buffer: ArrayBufferLike;
  /** Names to indices, keyed by operator and name. */
  readonly #counters = new Map<string, number>();

  /**
   * @param buffer - what `allocateMetrics` gave for an equal layout
   * @param place - which subtask writes
   */
  constructor(
    layout: MetricsLayout,
    buffer: ArrayBufferLike,
    place: { readonly vertex: number; readonly subtask: number },
  ) {
    requireMetricsBuffer(layout, buffer);
    this.#block = layout.block(place.vertex, place.subtask);
    this.#buffer = buffer;
    this.cells = cellsOf(this.#block, buffer);
    for (const { operator, name } of readCounterNames(this.#block, buffer)) {
      this.#counters.set(keyOf(operator, name), this.#counters.size);
    }
  }

  /** The cell of a task's metric in {@link cells}. */
  taskCell(metric: TaskMetric): number {
    return taskCell(metric);
  }

  /** The cell of an operator's metric in {@link cells}. */
  operatorCell(operator: number, metric: OperatorMetric): number {
    return operatorCell(operator, metric);
  }

  /** A histogram of this subtask. */
  histogram(index: number): LatencyHistogram {
    const start = histogramCell(this.#block, index);
    return new LatencyHistogram(this.cells.subarray(start, start + HISTOGRAM_CELLS));
  }

  /** The user's counters of an operator. */
  metricGroup(operator: number): SharedMetricGroup {
    return { counter: (name) => this.counter(operator, name) };
  }

  /** The user's counter of that name; made at the first call. */
  counter(operator: number, name: string): SharedCounter {
    const key = keyOf(operator, name);
    let index = this.#counters.get(key);
    if (index === undefined) {
      index = this.#counters.size;
      addCounterName(this.#block, this.#buffer, { operator, name, index });
      this.#counters.set(key, index);
    }
    return new CellCounter(this.cells, counterCell(this.#block, index));
  }
}

class CellCounter implements SharedCounter {
  readonly #cells: Float64Array;
  readonly #cell: number;

  constructor(cells: Float64Array, cell: number) {
    this.#cells = cells;
    this.#cell = cell;
  }

  inc(by: number = 1): void {
    this.#cells[this.#cell] = this.count + by;
  }

  get count(): number {
    // Safe: the cell lies inside the block.
    return this.#cells[this.#cell] as number;
  }
}

function keyOf(operator: number, name: string): string {
  return `${operator}/${name}`;
}
