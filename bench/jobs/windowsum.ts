/** keyBy(sensor), tumbling 5 s event-time windows, sum(value) → discard. */
import {
  seconds,
  type StreamExecutionEnvironment,
  TumblingEventTimeWindows,
} from '../../src/index.ts';
import { type Check, discard } from './discard.ts';
import { JobArguments } from './job-arguments.ts';
import { mix, type Reading, readings } from './readings.ts';

/** The window's length. */
export const WINDOW_MS: number = seconds(5);

/**
 * What must be right about a window's sum. The time is that of the window's first record, which
 * depends on the order.
 */
export const check: Check<Reading> = {
  number: (r) => r.value,
  hash: (r) => mix(r.sensor ^ mix(r.value ^ mix(Math.floor(r.time / WINDOW_MS)))),
};

export default function windowsum(env: StreamExecutionEnvironment, texts: readonly string[]): void {
  const args = new JobArguments(texts);
  const result = readings(env, args, 0)
    .keyBy((r) => r.sensor)
    .window(TumblingEventTimeWindows.of(WINDOW_MS))
    .sum('value');
  discard(result, args, check);
}
