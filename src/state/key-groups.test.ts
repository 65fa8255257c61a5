import test from 'ava';
import fc from 'fast-check';
import { hashRange, keyGroupFor, keyGroupRange, subtaskFor } from './key-groups.ts';

const maxParallelisms = fc.oneof(
  fc.integer({ min: 1, max: 32_768 }),
  fc.constantFrom(1, 128, 32_768),
);

test('a key group is the floor of unsigned hash × maximum parallelism / 2^32', (t) => {
  fc.assert(
    fc.property(fc.integer(), maxParallelisms, (hash, max) => {
      const exact = Number((BigInt(hash >>> 0) * BigInt(max)) >> 32n);
      return keyGroupFor(hash, max) === exact;
    }),
  );
  t.is(keyGroupFor(-1, 128), 127);
  t.is(keyGroupFor(-1, 32_768), 32_767);
});

test('subtask ranges cover all key groups, in order, and agree with subtaskFor', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 300 }), (a, b) => {
      const max = Math.max(a, b);
      const parallelism = Math.min(a, b);
      let next = 0;
      for (let subtask = 0; subtask < parallelism; subtask++) {
        const { first, last } = keyGroupRange(subtask, max, parallelism);
        if (first !== next || last < first) return false;
        for (let group = first; group <= last; group++) {
          if (subtaskFor(group, max, parallelism) !== subtask) return false;
        }
        next = last + 1;
      }
      return next === max;
    }),
  );
  t.pass();
});

test('a range of key groups is a range of hashes', (t) => {
  fc.assert(
    fc.property(maxParallelisms, fc.nat(), fc.nat(), (max, x, y) => {
      const first = Math.min(x % max, y % max);
      const last = Math.max(x % max, y % max);
      const hashes = hashRange({ first, last }, max);
      return (
        keyGroupFor(hashes.first, max) === first &&
        keyGroupFor(hashes.last, max) === last &&
        (first === 0 ? hashes.first === 0 : keyGroupFor(hashes.first - 1, max) === first - 1) &&
        (last === max - 1
          ? hashes.last === 2 ** 32 - 1
          : keyGroupFor(hashes.last + 1, max) === last + 1)
      );
    }),
  );
  t.pass();
});
