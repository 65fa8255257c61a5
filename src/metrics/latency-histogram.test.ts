import test from 'ava';
import fc from 'fast-check';
import { HISTOGRAM_CELLS, LatencyHistogram } from './latency-histogram.ts';

const durations = fc.array(
  fc.oneof(
    fc.double({ min: 0, max: 0.05, noNaN: true }),
    fc.double({ min: 0, max: 10, noNaN: true }),
    fc.double({ min: 0, max: 2_000_000, noNaN: true }),
  ),
  { minLength: 1, maxLength: 300 },
);
const shares = fc.double({ min: 0, max: 1, noNaN: true });

function histogramOf(values: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

/** Nearest rank in the sorted values. */
function percentileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.min(Math.max(Math.ceil(share * sorted.length), 1), sorted.length);
  return sorted[rank - 1] as number;
}

test('percentiles are within 1.6 % or half a microsecond of a sorted array', (t) => {
  fc.assert(
    fc.property(durations, shares, (values, share) => {
      const exact = percentileOf(values, share);
      const measured = histogramOf(values).percentileMs(share);
      return Math.abs(measured - exact) <= Math.max(exact * 0.016, 0.000_5) * 1.000_001 + 0.000_5;
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('count, sum, least and largest are exact', (t) => {
  fc.assert(
    fc.property(durations, (values) => {
      const histogram = histogramOf(values);
      const sum = values.reduce((total, value) => total + value, 0);
      return (
        histogram.count === values.length &&
        histogram.minMs === Math.min(...values) &&
        histogram.maxMs === Math.max(...values) &&
        histogram.percentileMs(1) === Math.max(...values) &&
        Math.abs(histogram.meanMs - sum / values.length) <= 1e-9 * sum
      );
    }),
  );
  t.pass();
});

test('adding two histograms is recording both', (t) => {
  fc.assert(
    fc.property(durations, durations, shares, (first, second, share) => {
      const added = histogramOf(first);
      added.add(histogramOf(second));
      const both = histogramOf([...first, ...second]);
      return (
        added.count === both.count &&
        added.minMs === both.minMs &&
        added.maxMs === both.maxMs &&
        added.percentileMs(share) === both.percentileMs(share)
      );
    }),
  );
  t.pass();
});

test('a bucket is at most 4 % wide', (t) => {
  let lastMs = 0;
  for (let micros = 100; micros < 2 ** 31 - 1; micros = Math.ceil(micros * 1.004)) {
    const histogram = new LatencyHistogram();
    histogram.record(micros / 1000);
    histogram.record(1e9);
    histogram.record(0);
    const middleMs = histogram.percentileMs(0.5);
    t.true(
      middleMs >= lastMs && Math.abs(middleMs * 1000 - micros) <= micros * 0.02,
      `${micros} µs`,
    );
    lastMs = middleMs;
  }
});

test('an empty histogram has no percentiles, and adds nothing', (t) => {
  const empty = new LatencyHistogram();
  t.is(empty.percentileMs(0.5), Number.NaN);
  t.is(empty.meanMs, Number.NaN);
  t.is(empty.maxMs, Number.NaN);
  const one = histogramOf([5]);
  one.add(empty);
  t.is(one.minMs, 5);
});

test('negative durations count as 0, those beyond the range in the last bucket', (t) => {
  const histogram = histogramOf([-1, 1e12, 1e12]);
  t.is(histogram.minMs, 0);
  t.is(histogram.maxMs, 1e12);
  t.true(histogram.percentileMs(0.5) > 2_000_000);
});

test('a histogram over given cells goes on where they stand', (t) => {
  const cells = new Float64Array(HISTOGRAM_CELLS);
  new LatencyHistogram(cells).record(3);
  const histogram = new LatencyHistogram(cells);
  histogram.record(4);
  t.is(histogram.count, 2);
  histogram.clear();
  t.is(histogram.count, 0);
});
