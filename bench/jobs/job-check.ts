/** Whether a run of a throughput job counted and computed what it ought to have. */
import { RECORDS_COUNTER } from '../../src/connectors/blackhole/blackhole-sink.ts';
import type { JobMetrics } from '../../src/index.ts';
import { CHECK_COUNTERS } from './discard.ts';
import type { ThroughputJob, Totals } from './throughput.ts';

/** The values of all counters whose names start so. */
export function countersOf(metrics: JobMetrics, start: string): number[] {
  const operators = metrics.vertices.flatMap((vertex) => vertex.operators);
  const counters = operators.flatMap((operator) => Object.entries(operator.counters));
  return counters.filter(([name]) => name.startsWith(start)).map(([, value]) => value);
}

/** Every run: as many records as there ought to be went in and came out; throws if not. */
export function checkCounts(job: ThroughputJob, metrics: JobMetrics, events: number): void {
  requireEqual(job.name, 'records in', metrics.numRecordsInTotal, events);
  const [written = 0] = countersOf(metrics, RECORDS_COUNTER);
  const outputs = job.outputs(events);
  if (outputs !== undefined) requireEqual(job.name, 'records out', written, outputs);
  else if (written === 0) throw new Error(`${job.name} wrote nothing`);
}

/** A run with `check=yes`: the results are those of a plain computation; throws if not. */
export function checkTotals(
  job: ThroughputJob,
  metrics: JobMetrics,
  { events, keys }: { readonly events: number; readonly keys: number },
): void {
  requireEqual(job.name, 'records in', metrics.numRecordsInTotal, events);
  requireTotals(job.name, metrics, job.expected(events, keys));
}

/** The outputs of a job that was run with `check=yes` add up to these; throws if not. */
export function requireTotals(name: string, metrics: JobMetrics, expected: Totals): void {
  for (const what of ['records', 'sum', 'hash'] as const) {
    const [found = 0] = countersOf(metrics, CHECK_COUNTERS[what]);
    requireEqual(name, what, found, expected[what]);
  }
}

function requireEqual(name: string, what: string, found: number, expected: number): void {
  if (found !== expected) throw new Error(`${name}: ${what} ${found}, expected ${expected}`);
}
