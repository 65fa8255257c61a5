import test from 'ava';
import fc from 'fast-check';
import { TimerHeap } from './timer-heap.ts';
import { pushTime, removeTimeAt } from './time-heap.ts';

test('a heap of entries equals a sorted list over random adds, changes and removals', (t) => {
  const step = fc.record({
    kind: fc.constantFrom('add', 'add', 'change', 'remove', 'first'),
    entry: fc.nat(200),
    time: fc.integer({ min: -5, max: 40 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
      const heap = new TimerHeap();
      const times = new Map<number, number>();
      for (const { kind, entry, time } of steps) {
        if (kind === 'add' && !times.has(entry)) {
          heap.add(time, entry);
          times.set(entry, time);
        } else if (kind === 'change' && times.has(entry)) {
          heap.change(entry, time);
          times.set(entry, time);
        } else if (kind === 'remove' && times.has(entry)) {
          heap.remove(entry);
          times.delete(entry);
        } else if (kind === 'first' && heap.size > 0) {
          t.is(times.get(heap.firstEntry), heap.firstTime);
          times.delete(heap.firstEntry);
          heap.remove(heap.firstEntry);
        }
        t.is(heap.size, times.size);
        t.is(heap.firstTime, Math.min(Number.POSITIVE_INFINITY, ...times.values()));
      }
    }),
    { numRuns: 50 },
  );
});

test('a heap of times equals a sorted list over random pushes and removals at any place', (t) => {
  const step = fc.record({ push: fc.boolean(), time: fc.nat(1000), place: fc.nat(1000) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
      const heap: number[] = [];
      const sorted: number[] = [];
      for (const { push, time, place } of steps) {
        if (push) {
          pushTime(heap, time);
          sorted.push(time);
        } else if (heap.length > 0) {
          const at = place % heap.length;
          sorted.splice(sorted.indexOf(heap[at] as number), 1);
          removeTimeAt(heap, at);
        }
        sorted.sort((a, b) => a - b);
        t.is(heap[0], sorted[0]);
      }
      t.deepEqual(
        heap.toSorted((a, b) => a - b),
        sorted,
      );
    }),
    { numRuns: 50 },
  );
});
