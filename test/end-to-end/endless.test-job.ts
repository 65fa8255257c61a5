/** Never ends by itself: prints, and writes to the folder of the first argument. */
import { dataGeneratorSource } from '../../src/connectors/datagen/index.ts';
import { fileSink, jsonLinesFormat } from '../../src/connectors/file/index.ts';
import { type StreamExecutionEnvironment, WatermarkStrategy } from '../../src/index.ts';

export default function endless(
  env: StreamExecutionEnvironment,
  [out = '']: readonly string[],
): void {
  const source = dataGeneratorSource({
    generator: (index) => ({ index }),
    count: Number.MAX_SAFE_INTEGER,
    ratePerSecond: 10_000,
  });
  const stream = env
    .fromSource(source, WatermarkStrategy.noWatermarks(), 'ticks')
    .keyBy('index')
    .map((tick) => tick);
  stream.sinkTo(fileSink({ path: out, format: jsonLinesFormat() }));
  stream.filter(({ index }) => index % 1000 === 0).print();
}
