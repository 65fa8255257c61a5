/**
 * The host's side of a job's metrics: snapshots of subtasks and sums over a vertex.
 *
 * Invariant: reading never disturbs a writer. A snapshot's cells are each right, but may be of
 * slightly different times.
 */
import { readCounterNames } from './counter-names.ts';
import { HISTOGRAM_CELLS, LatencyHistogram } from './latency-histogram.ts';
import {
  cellsOf,
  counterCell,
  histogramCell,
  type MetricsBlock,
  type MetricsLayout,
  OPERATOR_METRICS,
  operatorCell,
  type OperatorMetric,
  requireMetricsBuffer,
  TASK_METRICS,
  taskCell,
  type TaskMetric,
} from './metrics-layout.ts';

/** The figures of one operator. */
export interface OperatorSnapshot extends Readonly<Record<OperatorMetric, number>> {
  /** The user's counters by name. */
  readonly counters: Readonly<Record<string, number>>;
}

/** The figures of one task. */
export interface TaskSnapshot extends Readonly<Record<TaskMetric, number>> {
  readonly operators: readonly OperatorSnapshot[];
}

/** The figures of one subtask. */
export interface SubtaskSnapshot extends TaskSnapshot {
  readonly vertex: number;
  readonly subtask: number;
}

/** Reads what the subtasks write. */
export class MetricsReader {
  readonly #layout: MetricsLayout;
  readonly #buffer: ArrayBufferLike;

  /** @param buffer - what `allocateMetrics` gave for an equal layout */
  constructor(layout: MetricsLayout, buffer: ArrayBufferLike) {
    requireMetricsBuffer(layout, buffer);
    this.#layout = layout;
    this.#buffer = buffer;
  }

  /** The figures of a subtask now. */
  subtask(vertex: number, subtask: number): SubtaskSnapshot {
    return this.#snapshot(this.#layout.block(vertex, subtask));
  }

  /** The figures of all subtasks now, in the layout's order. */
  subtasks(): readonly SubtaskSnapshot[] {
    return this.#layout.blocks.map((block) => this.#snapshot(block));
  }

  /** A vertex's figures: sums over its subtasks, but the lowest watermark and the longest gap. */
  vertex(vertex: number): TaskSnapshot {
    return combineSnapshots(this.#blocksOf(vertex).map((block) => this.#snapshot(block)));
  }

  /** A copy of a vertex's histogram, over its subtasks. */
  histogram(vertex: number, index: number): LatencyHistogram {
    const result = new LatencyHistogram();
    for (const block of this.#blocksOf(vertex)) {
      const start = histogramCell(block, index);
      const cells = cellsOf(block, this.#buffer).slice(start, start + HISTOGRAM_CELLS);
      result.add(new LatencyHistogram(cells));
    }
    return result;
  }

  #blocksOf(vertex: number): readonly MetricsBlock[] {
    return this.#layout.blocks.filter((block) => block.vertex === vertex);
  }

  #snapshot(block: MetricsBlock): SubtaskSnapshot {
    const cells = cellsOf(block, this.#buffer);
    const counters = Array.from({ length: block.operators }, () => emptyCounters());
    readCounterNames(block, this.#buffer).forEach(({ operator, name }, index) => {
      const target = counters[operator];
      if (target !== undefined) target[name] = cells[counterCell(block, index)] ?? 0;
    });
    const operators = counters.map((own, operator) => ({
      ...figures(OPERATOR_METRICS, (metric) => cells[operatorCell(operator, metric)]),
      counters: own,
    }));
    const task = figures(TASK_METRICS, (metric) => cells[taskCell(metric)]);
    return { vertex: block.vertex, subtask: block.subtask, ...task, operators };
  }
}

/**
 * Figures of several subtasks of one vertex as one: sums, but the lowest watermark and the longest
 * gap.
 */
export function combineSnapshots(snapshots: readonly TaskSnapshot[]): TaskSnapshot {
  const task = figures(TASK_METRICS, (metric) => {
    const values = snapshots.map((snapshot) => snapshot[metric]);
    if (metric === 'currentWatermark') return lowest(values);
    return metric === 'longestGapMs' ? Math.max(0, ...values) : sum(values);
  });
  const first = snapshots[0]?.operators ?? [];
  const operators = first.map((_, index) =>
    combineOperators(snapshots.flatMap((snapshot) => snapshot.operators[index] ?? [])),
  );
  return { ...task, operators };
}

function combineOperators(snapshots: readonly OperatorSnapshot[]): OperatorSnapshot {
  const counters = emptyCounters();
  for (const snapshot of snapshots) {
    for (const [name, count] of Object.entries(snapshot.counters)) {
      counters[name] = (counters[name] ?? 0) + count;
    }
  }
  const metric = (name: OperatorMetric): number => sum(snapshots.map((each) => each[name]));
  return { ...figures(OPERATOR_METRICS, metric), counters };
}

/** Without a prototype: users name counters as they like, `__proto__` too. */
function emptyCounters(): Record<string, number> {
  return Object.create(null) as Record<string, number>;
}

/** An object with one figure per name. */
function figures<N extends string>(
  names: readonly N[],
  read: (name: N) => number | undefined,
): Record<N, number> {
  const entries = names.map((name) => [name, read(name) ?? 0] as const);
  return Object.fromEntries(entries) as Record<N, number>;
}

/** -Infinity, as before the first watermark, where there is no subtask. */
function lowest(values: readonly number[]): number {
  return values.length === 0 ? Number.NEGATIVE_INFINITY : Math.min(...values);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
