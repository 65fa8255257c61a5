import test from 'ava';
import { hasErrorCode } from '../../base/errors.ts';
import { operatorStateBackend } from './operator-state.ts';

const list = (name: string) =>
  ({ kind: 'list', name, elementType: undefined, ttl: undefined }) as const;
const map = (name: string) =>
  ({ kind: 'map', name, keyType: undefined, valueType: undefined, ttl: undefined }) as const;

test('lists, union lists and maps are what a snapshot holds, by mode', (t) => {
  const backend = operatorStateBackend({ operatorName: 'op' });
  backend.getListState<number>(list('split')).addAll([1, 2]);
  backend.getUnionListState<number>(list('union')).update([3]);
  const broadcast = backend.getBroadcastState<unknown, string>(map('rules'));
  broadcast.put(['a', 1], 'x');
  broadcast.put(['a', 1], 'y');
  broadcast.putAll([[7, 'z']]);
  broadcast.remove(7);
  t.is(broadcast.get(['a', 1]), 'y', 'keys are equal by content');
  t.deepEqual(backend.snapshot(), [
    { name: 'split', mode: 'split', elements: [1, 2] },
    { name: 'union', mode: 'union', elements: [3] },
    { name: 'rules', mode: 'broadcast', elements: [[['a', 1], 'y']] },
  ]);
});

test('a snapshot is a deep copy', (t) => {
  const backend = operatorStateBackend({ operatorName: 'op' });
  const element = { offsets: [1] };
  const state = backend.getListState<typeof element>(list('offsets'));
  state.add(element);
  const snapshot = backend.snapshot();
  element.offsets.push(2);
  state.add({ offsets: [] });
  t.deepEqual(snapshot[0]?.elements, [{ offsets: [1] }]);
});

test('restored elements of several subtasks come in order; a broadcast map is one of the copies', (t) => {
  const backend = operatorStateBackend({ operatorName: 'op' });
  backend.restore([
    { name: 'split', mode: 'split', elements: [1] },
    { name: 'rules', mode: 'broadcast', elements: [['k', 1]] },
    { name: 'split', mode: 'split', elements: [2, 3] },
    { name: 'rules', mode: 'broadcast', elements: [['k', 1]] },
  ]);
  t.deepEqual([...backend.getListState(list('split')).get()], [1, 2, 3]);
  t.deepEqual([...backend.getBroadcastState(map('rules')).immutableEntries()], [['k', 1]]);
});

test('what was restored and not asked for is part of the next snapshot', (t) => {
  const backend = operatorStateBackend({ operatorName: 'op' });
  const snapshot = { name: 'later', mode: 'union', elements: [1] } as const;
  backend.restore([snapshot]);
  t.deepEqual(backend.snapshot(), [snapshot]);
  backend.getUnionListState<number>(list('later')).add(2);
  t.deepEqual(backend.snapshot(), [{ ...snapshot, elements: [1, 2] }]);
});

test('a state asked for in another mode than it has or had is refused', (t) => {
  const backend = operatorStateBackend({ operatorName: 'op' });
  backend.restore([{ name: 'restored', mode: 'union', elements: [] }]);
  backend.getListState(list('split'));
  for (const ask of [
    () => void backend.getListState(list('restored')),
    () => void backend.getBroadcastState(map('split')),
  ]) {
    const error = t.throws(ask);
    t.true(hasErrorCode(error, 'STATE_INCOMPATIBLE'));
    t.regex(error?.message ?? '', /operator state '\w+' of 'op' is .* but is asked for as/);
  }
});

test('a value that cannot be copied is refused with state and operator', (t) => {
  const backend = operatorStateBackend({ operatorName: 'op' });
  backend.getListState<unknown>(list('handles')).add(() => 1);
  const error = t.throws(() => backend.snapshot());
  t.true(hasErrorCode(error, 'TYPE_NOT_SERIALIZABLE'));
  t.regex(error?.message ?? '', /'handles' of 'op'/);
});
