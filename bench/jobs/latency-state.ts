/**
 * The latency job as the Flink harness has it: a KeyedProcessFunction that counts in a ValueState.
 * With `fill=n` the first n records are no readings but give a key of their own a value of `bytes`
 * random bytes: large state besides.
 */
import {
  type Collector,
  type KeyedProcessContext,
  type KeyedProcessFunction,
  type RuntimeContext,
  type StreamExecutionEnvironment,
  types,
  type ValueState,
  ValueStateDescriptor,
  WatermarkStrategy,
} from '../../src/index.ts';
import { type Check, checkingSink } from './discard.ts';
import { JobArguments } from './job-arguments.ts';
import { latencySink } from './latency.ts';
import { numberedSource } from './numbered-source.ts';
import { fillBytes } from './random-bytes.ts';
import { BASE_TIME, mix, type Reading, reading, readingOf } from './readings.ts';

/** What must be right about an output. */
export const check: Check<Reading> = {
  number: (r) => r.value,
  hash: (r) => mix(r.sensor ^ mix(r.value)),
};

export default function latencyState(
  env: StreamExecutionEnvironment,
  texts: readonly string[],
): void {
  const args = new JobArguments(texts);
  const keys = args.number('keys', 10_000);
  const fill = args.number('fill', 0);
  const source = numberedSource<Reading>({
    maker: (n, due) =>
      n < fill ? { sensor: -1 - n, time: BASE_TIME, value: 0, due: 0 } : readingOf(n, keys, due),
    type: reading,
    total: args.number('events', Number.POSITIVE_INFINITY),
    perSecond: args.number('rate', 100_000),
    fill,
  });
  env
    .fromSource(
      source,
      WatermarkStrategy.forMonotonousTimestamps<Reading>().withTimestampAssigner((r) => r.time),
      'gen',
    )
    .keyBy((r) => r.sensor)
    .process(new CountReadings(args.number('bytes', 128)), reading)
    .sinkTo(args.isSet('check') ? checkingSink(check) : latencySink(args))
    .name('note');
}

class CountReadings implements KeyedProcessFunction<number, Reading, Reading> {
  readonly #bytes: number;
  #count!: ValueState<number>;
  #besides!: ValueState<Uint8Array>;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  open(context: RuntimeContext): void {
    this.#count = context.getState(new ValueStateDescriptor('count', types.long));
    this.#besides = context.getState(new ValueStateDescriptor('besides', types.bytes));
  }

  processElement(r: Reading, _context: KeyedProcessContext<number>, out: Collector<Reading>): void {
    if (r.sensor < 0) {
      const bytes = new Uint8Array(this.#bytes);
      fillBytes(bytes, r.sensor);
      this.#besides.update(bytes);
      return;
    }
    const count = (this.#count.value() ?? 0) + 1;
    this.#count.update(count);
    out.collect({ sensor: r.sensor, time: r.time, value: count, due: r.due });
  }
}
