/**
 * The records of the throughput and latency jobs, number by number those of the Flink harness's
 * `Streams.java`.
 */
import {
  type DataStreamSource,
  type StreamExecutionEnvironment,
  type TypeInformation,
  types,
  WatermarkStrategy,
} from '../../src/index.ts';
import type { JobArguments } from './job-arguments.ts';
import { numberedSource } from './numbered-source.ts';

/** 2015-07-15T00:00:00Z. */
export const BASE_TIME = 1_436_918_400_000;

/**
 * A reading: sensor = key, event time, value, and when it ought to have left the source (shared
 * ns).
 */
export interface Reading {
  sensor: number;
  time: number;
  value: number;
  due: number;
}

/** The type of a reading, as Flink knows that of the POJO. */
export const reading: TypeInformation<Reading> = types.row({
  sensor: types.int,
  time: types.timestamp,
  value: types.double,
  due: types.long,
});

/** The mixer of the Nexmark generator: a bijection of 32-bit integers. */
export function mix(n: number): number {
  let z = n;
  z ^= z >>> 16;
  z = Math.imul(z, 0x21f0aaad);
  z ^= z >>> 15;
  z = Math.imul(z, 0x735a2d97);
  return z ^ (z >>> 15);
}

/** 32 bits of record number n. */
export function hashedNumber(n: number): number {
  return mix((Math.imul(n | 0, 0x9e3779b9) + ((n / 4294967296) | 0)) | 0);
}

/** The key of record n, 0 … keys − 1. */
export function keyOf(n: number, keys: number): number {
  return (((hashedNumber(n) >>> 0) * keys) / 4294967296) | 0;
}

/** Record n: sensor key(n), event time n / 100 ms (100 000 a second), value n mod 1000. */
export function readingOf(n: number, keys: number, due: number): Reading {
  return { sensor: keyOf(n, keys), time: BASE_TIME + Math.floor(n / 100), value: n % 1000, due };
}

/** The stream of readings, with monotonous timestamps. */
export function readings(
  env: StreamExecutionEnvironment,
  args: JobArguments,
  perSecond: number,
): DataStreamSource<Reading> {
  const keys = args.number('keys', 10_000);
  return env.fromSource(
    numberedSource({
      maker: (n, due) => readingOf(n, keys, due),
      type: reading,
      total: args.number('events', Number.POSITIVE_INFINITY),
      perSecond,
    }),
    WatermarkStrategy.forMonotonousTimestamps<Reading>().withTimestampAssigner((r) => r.time),
    'gen',
  );
}
