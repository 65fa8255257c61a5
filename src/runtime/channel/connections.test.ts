import test from 'ava';
import { targetSubtasks } from './connections.ts';

for (const kind of ['hash', 'rebalance', 'shuffle', 'broadcast', 'custom'] as const) {
  test(`${kind} connects every subtask with every other`, (t) => {
    t.deepEqual(targetSubtasks(kind, 2, 3, 1), [0, 1, 2]);
  });
}

test('forward connects a subtask with its like, global with the first', (t) => {
  t.deepEqual(targetSubtasks('forward', 3, 3, 2), [2]);
  t.deepEqual(targetSubtasks('global', 3, 3, 2), [0]);
});

test('rescale gives every source targets of its own and every target at least one source', (t) => {
  for (let sources = 1; sources <= 9; sources++) {
    for (let targets = 1; targets <= 9; targets++) {
      const perTarget = new Array<number>(targets).fill(0);
      for (let source = 0; source < sources; source++) {
        const mine = targetSubtasks('rescale', sources, targets, source);
        t.true(mine.length >= 1, `${sources} to ${targets}: ${source} has no target`);
        for (const target of mine) perTarget[target] = (perTarget[target] ?? 0) + 1;
      }
      t.true(
        perTarget.every((count) => count >= 1),
        `${sources} to ${targets}: ${perTarget}`,
      );
      if (sources <= targets) t.true(perTarget.every((count) => count === 1));
      else t.true(Math.max(...perTarget) - Math.min(...perTarget) <= 1);
    }
  }
});
