/** Counts numbers by their remainder, for as long as it is let; prints every thousandth count. */
import { type StreamExecutionEnvironment, WatermarkStrategy } from '../../src/index.ts';
import { dataGeneratorSource } from '../../src/connectors/datagen/index.ts';

const KEYS = 4;

export default function orders(env: StreamExecutionEnvironment): void {
  const source = dataGeneratorSource({
    generator: (index) => ({ key: `k${index % KEYS}`, n: 1 }),
    count: Number.MAX_SAFE_INTEGER,
    ratePerSecond: 20_000,
  });
  env
    .fromSource(source, WatermarkStrategy.noWatermarks(), 'orders')
    .uid('orders')
    .keyBy('key')
    .sum('n')
    .name('Totals')
    .uid('totals')
    .filter(({ n }) => n % 1000 === 0)
    .print();
}
