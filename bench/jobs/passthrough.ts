/** source → map → keyBy → map → discard: what moving a record costs. */
import type { StreamExecutionEnvironment } from '../../src/index.ts';
import { type Check, discard } from './discard.ts';
import { JobArguments } from './job-arguments.ts';
import { mix, type Reading, reading, readings } from './readings.ts';

/** What must be right about an output. */
export const check: Check<Reading> = {
  number: (r) => r.value,
  hash: (r) => mix(r.sensor ^ mix(r.value ^ mix(r.time | 0))),
};

export default function passthrough(
  env: StreamExecutionEnvironment,
  texts: readonly string[],
): void {
  const args = new JobArguments(texts);
  const result = readings(env, args, 0)
    .map((r) => {
      r.value += 1;
      return r;
    }, reading)
    .keyBy((r) => r.sensor)
    .map((r) => {
      r.value += 1;
      return r;
    }, reading);
  discard(result, args, check);
}
