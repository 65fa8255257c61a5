/** What the outputs of the jobs with large state must add up to, by plain computations. */
import { JobArguments } from './job-arguments.ts';
import { check as checkLatency } from './latency-state.ts';
import { fillBytes, firstWord } from './random-bytes.ts';
import { readingOf } from './readings.ts';
import { check as checkState } from './state.ts';
import type { Totals } from './throughput.ts';
import { updateKeys } from './update-keys.ts';
import { check as checkUpdates } from './updates.ts';

/** How the job is run. */
export interface StateJobSize {
  readonly keys: number;
  readonly events: number;
  readonly args: readonly string[];
}

/** The totals of the job of that name. */
export function expectedOf(name: string, size: StateJobSize): Totals {
  switch (name) {
    case 'updates':
      return expectedUpdates(size);
    case 'state':
      return expectedState(size);
    case 'latency-state':
      return expectedLatency(size);
    default:
      throw new RangeError(`there is no job '${name}' with totals`);
  }
}

function expectedUpdates({ keys, events, args }: StateJobSize): Totals {
  const keyOf = updateKeys(keys, new JobArguments(args).text('distribution', 'uniform'));
  const totals = { records: 0, sum: 0, hash: 0 };
  const counts = new Map<number, number>();
  for (let n = 0; n < events; n++) {
    const key = keyOf(n);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    add(totals, checkUpdates.number({ key, count }), checkUpdates.hash({ key, count }));
  }
  return totals;
}

function expectedState({ keys, events }: StateJobSize): Totals {
  const totals = { records: 0, sum: 0, hash: 0 };
  const bytes = new Uint8Array(4);
  for (let n = 0; n < events; n++) {
    if (n >= keys) fillBytes(bytes, n - keys);
    const record = { n, before: firstWord(bytes) };
    add(totals, checkState.number(record), checkState.hash(record));
  }
  return totals;
}

function expectedLatency({ keys, events, args }: StateJobSize): Totals {
  const fill = new JobArguments(args).number('fill', 0);
  const totals = { records: 0, sum: 0, hash: 0 };
  const counts = new Map<number, number>();
  for (let n = fill; n < events; n++) {
    const record = readingOf(n, keys, 0);
    record.value = (counts.get(record.sensor) ?? 0) + 1;
    counts.set(record.sensor, record.value);
    add(totals, checkLatency.number(record), checkLatency.hash(record));
  }
  return totals;
}

function add(totals: Totals, number: number, hash: number): void {
  totals.records++;
  totals.sum += number;
  totals.hash += hash >>> 0;
}
