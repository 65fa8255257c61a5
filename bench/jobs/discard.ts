/**
 * The end of the throughput jobs: records are dropped and counted, as by Flink's DiscardingSink;
 * with `check=yes` they are added up instead, for the run that compares a job's results with a
 * plain computation.
 */
import { blackholeSink } from '../../src/connectors/blackhole/index.ts';
import type { DataStream, Sink } from '../../src/index.ts';
import type { JobArguments } from './job-arguments.ts';

/** Counters of the checking sink. */
export const CHECK_COUNTERS = { records: 'checkRecords', sum: 'checkSum', hash: 'checkHash' };

/** What a record adds to the check: its number, and a mix of all that must be right about it. */
export interface Check<T> {
  readonly number: (record: T) => number;
  /** 32 bits. */
  readonly hash: (record: T) => number;
}

/** Ends a job. */
export function discard<T>(stream: DataStream<T>, args: JobArguments, check: Check<T>): void {
  stream.sinkTo(args.isSet('check') ? checkingSink(check) : blackholeSink<T>()).name('discard');
}

/** Adds records up. */
export function checkingSink<T>(check: Check<T>): Sink<T, never> {
  return {
    createWriter: ({ metricGroup }) => {
      const records = metricGroup.counter(CHECK_COUNTERS.records);
      const sum = metricGroup.counter(CHECK_COUNTERS.sum);
      const hash = metricGroup.counter(CHECK_COUNTERS.hash);
      return {
        write: (value) => {
          records.inc();
          sum.inc(check.number(value));
          hash.inc(check.hash(value) >>> 0);
        },
        flush: () => undefined,
        close: () => undefined,
      };
    },
  };
}
