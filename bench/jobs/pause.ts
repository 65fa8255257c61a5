/**
 * Windows of many keys: each window gets every key once, and fires while the next one is being
 * built; the last fires at the end.
 */
import {
  hours,
  type StreamExecutionEnvironment,
  TumblingEventTimeWindows,
  WatermarkStrategy,
} from '../../src/index.ts';
import { blackholeSink } from '../../src/connectors/blackhole/index.ts';
import { JobArguments } from './job-arguments.ts';
import { numberedSource } from './numbered-source.ts';
import { BASE_TIME, mix, type Reading, reading } from './readings.ts';

const WINDOW_MS: number = hours(1);

export default function pause(env: StreamExecutionEnvironment, texts: readonly string[]): void {
  const args = new JobArguments(texts);
  const keys = args.number('keys', 10_000_000);
  const source = numberedSource<Reading>({
    maker: (n) => {
      const window = Math.floor(n / keys);
      const time = BASE_TIME + window * WINDOW_MS + Math.floor((n % keys) / 100);
      return { sensor: mix(n % keys), time, value: 1, due: 0 };
    },
    type: reading,
    total: args.number('events', 2 * keys),
    perSecond: 0,
  });
  const strategy = WatermarkStrategy.forMonotonousTimestamps<Reading>();
  env
    .fromSource(
      source,
      strategy.withTimestampAssigner((r) => r.time),
      'gen',
    )
    .keyBy((r) => r.sensor)
    .window(TumblingEventTimeWindows.of(WINDOW_MS))
    .sum('value')
    .sinkTo(blackholeSink());
}
