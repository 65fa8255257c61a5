/**
 * The job that is killed: per record the running count and sum of its key, and per key and window a
 * sum, both to files. What it must write can be said by a plain computation (`expected.ts`).
 *
 *     … run kill-job.ts -- <out> <records> <records per second> <keys>
 */
import { dataGeneratorSource } from '../../src/connectors/datagen/index.ts';
import { fileSink, jsonLinesFormat } from '../../src/connectors/file/index.ts';
import {
  type StreamExecutionEnvironment,
  TumblingEventTimeWindows,
  types,
  WatermarkStrategy,
} from '../../src/index.ts';
import { type KillRecord, recordOf, WINDOW_MS } from './expected.ts';

const recordType = types.row({
  key: types.string,
  count: types.int,
  sum: types.long,
  time: types.timestamp,
});

/** Builds it. */
export default function killJob(env: StreamExecutionEnvironment, args: readonly string[]): void {
  const [out = '', records = '0', ratePerSecond = '1000', keys = '97'] = args;
  const keyed = env
    .fromSource(
      dataGeneratorSource<KillRecord>({
        generator: (index) => recordOf(index, Number(keys)),
        count: Number(records),
        ratePerSecond: Number(ratePerSecond),
        type: recordType,
      }),
      WatermarkStrategy.forMonotonousTimestamps<KillRecord>().withTimestampAssigner(
        ({ time }) => time,
      ),
      'records',
    )
    .uid('records')
    // One reader, so that the records of a key come in one order.
    .setParallelism(1)
    .keyBy('key');
  keyed
    .reduce((a, b) => ({ key: a.key, count: a.count + b.count, sum: a.sum + b.sum, time: b.time }))
    .uid('running')
    .sinkTo(fileSink({ path: `${out}/running`, format: jsonLinesFormat() }))
    .uid('running sink');
  keyed
    .window(TumblingEventTimeWindows.of(WINDOW_MS))
    .sum('sum')
    .uid('windows')
    .sinkTo(fileSink({ path: `${out}/windows`, format: jsonLinesFormat() }))
    .uid('windows sink');
}
