/** A keyed window over a source that never gives a record. */
import {
  NOTHING_AVAILABLE,
  seconds,
  type Source,
  type StreamExecutionEnvironment,
  TumblingEventTimeWindows,
  WatermarkStrategy,
} from '../../src/index.ts';
import { blackholeSink } from '../../src/connectors/blackhole/index.ts';
import { type Reading, reading } from './readings.ts';

export default function silent(env: StreamExecutionEnvironment): void {
  const strategy = WatermarkStrategy.forMonotonousTimestamps<Reading>();
  env
    .fromSource(
      silentSource(),
      strategy.withTimestampAssigner((r) => r.time),
      'silence',
    )
    .keyBy((r) => r.sensor)
    .window(TumblingEventTimeWindows.of(seconds(5)))
    .sum('value')
    .sinkTo(blackholeSink());
}

function silentSource(): Source<Reading> {
  return {
    boundedness: 'continuous-unbounded',
    producedType: reading,
    createEnumerator: () => ({
      addReader: () => undefined,
      handleSplitRequest: () => undefined,
      addSplitsBack: () => undefined,
      snapshotState: () => [],
    }),
    createReader: () => ({
      pollNext: () => NOTHING_AVAILABLE,
      isAvailable: () => new Promise(() => undefined),
      addSplits: () => undefined,
      notifyNoMoreSplits: () => undefined,
      snapshotState: () => [],
      close: () => undefined,
    }),
  };
}
