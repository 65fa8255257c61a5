import test from 'ava';
import { simulatedEnvironment } from '../../base/simulated-environment.ts';
import { StaticSplitEnumerator } from './static-split-enumerator.ts';

function enumeratorOf(parallelism: number, ids: readonly string[]) {
  const calls: string[] = [];
  const enumerator = new StaticSplitEnumerator(
    {
      parallelism,
      environment: simulatedEnvironment({ seed: 1 }),
      assignSplit: ({ splitId }, subtask) => calls.push(`${splitId}→${subtask}`),
      signalNoMoreSplits: (subtask) => calls.push(`end→${subtask}`),
    },
    ids.map((splitId) => ({ splitId })),
  );
  return { calls, enumerator };
}

test('split i goes to subtask i mod parallelism, then the end', (t) => {
  const { calls, enumerator } = enumeratorOf(2, ['a', 'b', 'c']);
  enumerator.addReader(1);
  enumerator.addReader(0);
  t.deepEqual(calls, ['b→1', 'end→1', 'a→0', 'c→0', 'end→0']);
});

test('a snapshot holds what is not handed out', (t) => {
  const { enumerator } = enumeratorOf(2, ['a', 'b', 'c']);
  enumerator.addReader(0);
  t.deepEqual(enumerator.snapshotState(), [{ splitId: 'b' }]);
});

test("a failed reader's splits go to the next reader of that subtask", (t) => {
  const { calls, enumerator } = enumeratorOf(1, ['a']);
  enumerator.addReader(0);
  enumerator.addSplitsBack([{ splitId: 'a' }], 0);
  enumerator.addReader(0);
  t.deepEqual(calls, ['a→0', 'end→0', 'a→0', 'end→0']);
});
