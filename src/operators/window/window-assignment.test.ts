import test from 'ava';
import fc from 'fast-check';
import { windowStart } from '../../functions/windowing/time-window.ts';
import { SlidingEventTimeWindows } from '../../functions/windowing/aligned-windows.ts';
import { lastWindowStart, RowGroups, windowCount } from './window-assignment.ts';

/** The range of JavaScript's dates. */
const DATE_MAX = 8_640_000_000_000_000;

const anyAssigner = fc
  .record({
    size: fc.integer({ min: 1, max: 100_000_000 }),
    slide: fc.integer({ min: 1, max: 100_000_000 }),
    offset: fc.double({ min: -1, max: 1, noNaN: true, minExcluded: true, maxExcluded: true }),
  })
  .map(({ size, slide, offset }) =>
    SlidingEventTimeWindows.of(size, slide, Math.trunc(offset * slide)),
  );

/** Around multiples of the slide, where a rounded quotient would show. */
const anyTimestamp = fc.oneof(
  fc.integer({ min: -DATE_MAX, max: DATE_MAX }),
  fc.integer({ min: -1_000_000, max: 2_000_000_000_000 }),
);

test('the last window of a timestamp begins where the remainder says', (t) => {
  const property = fc.property(
    anyAssigner,
    anyTimestamp,
    fc.integer({ min: -2, max: 2 }),
    (assigner, base, nudge) => {
      const { slideMs, offsetMs } = assigner;
      const boundary = Math.round(base / slideMs) * slideMs + offsetMs + nudge;
      for (const timestamp of [base, boundary].filter((at) => Math.abs(at) <= DATE_MAX)) {
        const expected = windowStart(timestamp, offsetMs, slideMs);
        if (lastWindowStart(timestamp, assigner) !== expected) t.fail(`${timestamp}`);
      }
    },
  );
  fc.assert(property, { numRuns: 5000 });
  t.pass();
});

test('the count of windows is that of the loop over them', (t) => {
  for (const [size, slide] of [
    [10, 5],
    [10, 3],
    [10, 10],
    [4, 7],
    [1, 1],
  ] as const) {
    const assigner = SlidingEventTimeWindows.of(size, slide);
    for (let timestamp = -30; timestamp < 30; timestamp++) {
      const last = lastWindowStart(timestamp, assigner);
      let count = 0;
      for (let start = last; start > timestamp - size; start -= slide) count++;
      t.is(windowCount(timestamp, last, assigner), count);
    }
  }
});

test('groups keep the order of their rows, also when there are many', (t) => {
  const groups = new RowGroups();
  for (let round = 0; round < 2; round++) {
    groups.reset();
    for (let row = 0; row < 1000; row++) groups.add(row % 3 === 0 ? 7 : row, row);
    const first = groups.groups[0];
    t.is(first?.start, 7);
    t.is(groups.count, 1000 - 334);
    const rows = Array.from(first?.rows.subarray(0, first.count) ?? []);
    t.deepEqual(
      rows,
      Array.from({ length: 1000 }, (_, row) => row).filter((row) => row % 3 === 0 || row === 7),
    );
  }
});
