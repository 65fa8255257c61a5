/**
 * The jobs whose throughput is measured: their modules, their usual size, and what a run must have
 * counted.
 */
import { check as checkPassthrough } from './passthrough.ts';
import { BASE_TIME, keyOf, mix, readingOf } from './readings.ts';
import { check as checkWindowsum, WINDOW_MS } from './windowsum.ts';
import { check as checkWordcount } from './wordcount.ts';

/** What all outputs of a job add up to. */
export interface Totals {
  records: number;
  sum: number;
  hash: number;
}

/** A job by name. */
export interface ThroughputJob {
  readonly name: 'passthrough' | 'windowsum' | 'wordcount';
  readonly module: URL;
  readonly keys: number;
  /** Events of a full and of a quick run. */
  readonly events: number;
  readonly quickEvents: number;
  /** How many records must have reached the sink; undefined: that depends on the windows. */
  readonly outputs: (events: number) => number | undefined;
  /** The plain computation. */
  readonly expected: (events: number, keys: number) => Totals;
}

/** Every throughput job. */
export const throughputJobs: readonly ThroughputJob[] = [
  {
    name: 'passthrough',
    module: new URL('./passthrough.ts', import.meta.url),
    keys: 10_000,
    events: 300_000_000,
    quickEvents: 20_000_000,
    outputs: (events) => events,
    expected: expectedPassthrough,
  },
  {
    name: 'windowsum',
    module: new URL('./windowsum.ts', import.meta.url),
    keys: 10_000,
    events: 200_000_000,
    quickEvents: 20_000_000,
    outputs: () => undefined,
    expected: expectedWindowsum,
  },
  {
    name: 'wordcount',
    module: new URL('./wordcount.ts', import.meta.url),
    keys: 1_000_000,
    events: 80_000_000,
    quickEvents: 10_000_000,
    outputs: (events) => events,
    expected: expectedWordcount,
  },
];

/** The job of that name. */
export function throughputJob(name: string): ThroughputJob {
  const job = throughputJobs.find((each) => each.name === name);
  if (job !== undefined) return job;
  const known = throughputJobs.map((each) => each.name).join(', ');
  throw new RangeError(`there is no throughput job '${name}'; there are ${known}`);
}

function expectedPassthrough(events: number, keys: number): Totals {
  const totals = { records: 0, sum: 0, hash: 0 };
  for (let n = 0; n < events; n++) {
    const record = readingOf(n, keys, 0);
    record.value += 2;
    add(totals, checkPassthrough.number(record), checkPassthrough.hash(record));
  }
  return totals;
}

function expectedWindowsum(events: number, keys: number): Totals {
  const totals = { records: 0, sum: 0, hash: 0 };
  const perWindow = WINDOW_MS * 100;
  for (let from = 0; from < events; from += perWindow) {
    const sums = new Map<number, number>();
    for (let n = from; n < Math.min(from + perWindow, events); n++) {
      const sensor = keyOf(n, keys);
      sums.set(sensor, (sums.get(sensor) ?? 0) + (n % 1000));
    }
    const time = BASE_TIME + from / 100;
    for (const [sensor, value] of sums) {
      const record = { sensor, time, value, due: 0 };
      add(totals, checkWindowsum.number(record), checkWindowsum.hash(record));
    }
  }
  return totals;
}

function expectedWordcount(events: number, keys: number): Totals {
  const totals = { records: 0, sum: 0, hash: 0 };
  const counts = new Map<number, number>();
  for (let n = 0; n < events; n++) {
    const key = keyOf(n, keys);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    const hash = mix(key ^ mix(count)) >>> 0;
    add(totals, checkWordcount.number({ word: '', count }), hash);
  }
  return totals;
}

function add(totals: Totals, number: number, hash: number): void {
  totals.records++;
  totals.sum += number;
  totals.hash += hash >>> 0;
}
