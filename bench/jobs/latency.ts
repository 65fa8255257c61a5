/**
 * A keyed count in state at a fixed rate, timed from when each record was due to leave the source
 * until its key's new count is out, behind the shuffle. The subtasks write what they measured into
 * the folder that argument `report` names.
 */
import { writeFileSync } from 'node:fs';
import type { Sink, StreamExecutionEnvironment } from '../../src/index.ts';
import { HISTOGRAM_CELLS, LatencyHistogram } from '../../src/metrics/latency-histogram.ts';
import { sharedNowNanos } from '../support/shared-clock.ts';
import { JobArguments } from './job-arguments.ts';
import { type Reading, readings } from './readings.ts';

/** The file that a subtask leaves in the report folder: the cells of its histogram. */
export function reportFile(folder: string, subtask: number): string {
  return `${folder}/latency-${subtask}.json`;
}

export default function latency(env: StreamExecutionEnvironment, texts: readonly string[]): void {
  const args = new JobArguments(texts);
  readings(env, args, args.number('rate', 100_000))
    .keyBy((r) => r.sensor)
    // The value holds the count; all else is the newest record's.
    .reduce((counted, r) => ({
      sensor: r.sensor,
      time: r.time,
      value: counted.value + 1,
      due: r.due,
    }))
    .sinkTo(latencySink(args))
    .name('note');
}

/** Notes how long after its due time each record arrives, after a while of warm-up. */
export function latencySink(args: JobArguments): Sink<Reading, never> {
  return {
    createWriter: ({ indexOfThisSubtask }) => {
      const cells = new Float64Array(HISTOGRAM_CELLS);
      const histogram = new LatencyHistogram(cells);
      const warmNanos = args.number('warm', 6) * 1e9;
      const measuredNanos = args.number('seconds', 15) * 1e9;
      let fromNanos = 0;
      return {
        write: ({ due }) => {
          const now = sharedNowNanos();
          if (fromNanos === 0) fromNanos = now + warmNanos;
          if (now < fromNanos || now > fromNanos + measuredNanos) return;
          histogram.record((now - due) / 1e6);
        },
        flush: () => undefined,
        close: () => {
          const folder = args.text('report', '');
          if (folder === '') return;
          writeFileSync(reportFile(folder, indexOfThisSubtask), JSON.stringify([...cells]));
        },
      };
    },
  };
}
