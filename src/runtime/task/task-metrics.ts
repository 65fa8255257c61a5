/**
 * @dataplane Publishes a task's figures into shared memory, for the host to read. Plain stores,
 * called every few ms.
 */
import type { MetricGroup } from '../../functions/runtime-context.ts';
import { operatorCell, taskCell } from '../../metrics/metrics-layout.ts';
import type { SubtaskMetrics } from '../../metrics/subtask-metrics.ts';
import type { Chain } from './chain.ts';

/** The part of a worker loop's times that is published. */
export interface PublishedTimes {
  readonly busyMs: number;
  readonly backPressuredMs: number;
  readonly idleMs: number;
  readonly longestGapMs: number;
}

const CURRENT_WATERMARK = taskCell('currentWatermark');
const BUSY_MS = taskCell('busyMs');
const BACK_PRESSURED_MS = taskCell('backPressuredMs');
const IDLE_MS = taskCell('idleMs');
const LONGEST_GAP_MS = taskCell('longestGapMs');
const NUM_SHAPE_MISFITS = taskCell('numShapeMisfits');

/** See the file's head. */
export class TaskMetricsPublisher {
  readonly #metrics: SubtaskMetrics;
  readonly #chain: Chain;

  constructor(metrics: SubtaskMetrics, chain: Chain) {
    this.#metrics = metrics;
    this.#chain = chain;
  }

  publish(times: PublishedTimes): void {
    const allCounts = this.#chain.counts();
    const { cells } = this.#metrics;
    for (let index = 0; index < allCounts.length; index++) {
      const counts = allCounts[index];
      if (counts === undefined) continue;
      cells[operatorCell(index, 'numRecordsIn')] = counts.numRecordsIn;
      cells[operatorCell(index, 'numRecordsOut')] = counts.numRecordsOut;
      cells[operatorCell(index, 'numLateRecordsDropped')] = counts.numLateRecordsDropped;
      cells[operatorCell(index, 'numLateRecordsSideOutput')] = counts.numLateRecordsSideOutput;
    }
    let misfits = 0;
    for (let index = 0; index < this.#chain.outputs.length; index++) {
      misfits += this.#chain.outputs[index]?.schema.misfits ?? 0;
    }
    cells[NUM_SHAPE_MISFITS] = misfits;
    cells[CURRENT_WATERMARK] = this.#chain.currentWatermark;
    cells[BUSY_MS] = times.busyMs;
    cells[BACK_PRESSURED_MS] = times.backPressuredMs;
    cells[IDLE_MS] = times.idleMs;
    cells[LONGEST_GAP_MS] = times.longestGapMs;
  }
}

/** The counters of one operator: the user's, and the engine's own that connectors count by name. */
export function operatorMetricGroup(metrics: SubtaskMetrics, operator: number): MetricGroup {
  const users = metrics.metricGroup(operator);
  const deadLetters = operatorCell(operator, 'numDeadLetters');
  const { cells } = metrics;
  return {
    counter: (name) => {
      if (name !== 'numDeadLetters') return users.counter(name);
      return {
        inc: (by = 1) => {
          cells[deadLetters] = (cells[deadLetters] ?? 0) + by;
        },
        get count(): number {
          return cells[deadLetters] ?? 0;
        },
      };
    },
  };
}
