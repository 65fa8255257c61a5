import test from 'ava';
import fc from 'fast-check';
import { hasErrorCode } from '../base/errors.ts';
import { hashKey } from '../base/hash.ts';
import { simulatedEnvironment } from '../base/simulated-environment.ts';
import type {
  ListStateDescriptor,
  MapStateDescriptor,
  StateTtlConfig,
  ValueStateDescriptor,
} from '../functions/state.ts';
import { types } from '../types/types.ts';
import { heapBackend } from './heap/heap-backend.ts';
import type { HeapBackend } from './heap/heap-backend.ts';
import { KeyedStateHandles } from './keyed-state-store.ts';
import type { SnapshotKind } from './snapshot.ts';
import { MemorySnapshots } from './testing/memory-snapshots.ts';

interface Parts {
  readonly backend: HeapBackend;
  readonly handles: KeyedStateHandles;
  readonly snapshots: MemorySnapshots;
  readonly at: (key: unknown) => void;
  readonly time: (ms: number) => void;
}

function make(before?: Parts, kind: SnapshotKind = 'full', nowMs = 0): Parts {
  const environment = simulatedEnvironment({ seed: 1, startMs: nowMs });
  const backend = heapBackend({
    maxParallelism: 8,
    keyGroups: { first: 0, last: 7 },
    operatorName: 'op',
    environment,
    memoryBytes: 1,
  });
  const snapshots = before?.snapshots ?? new MemorySnapshots();
  if (before !== undefined) {
    const work = before.backend.snapshot({ checkpointId: 1, kind, output: snapshots });
    while (!work.step(0)) continue;
    backend.restore([work.finishNow()], snapshots);
  }
  const { clock } = environment;
  const handles = new KeyedStateHandles(backend, { operatorName: 'op', now: () => clock.now() });
  return {
    backend,
    handles,
    snapshots,
    at: (key) => handles.setCurrentKey(key, hashKey(key)),
    time: (ms) => clock.advanceTo(ms),
  };
}

const valueOf = <T>(ttl?: StateTtlConfig): ValueStateDescriptor<T> => ({
  kind: 'value',
  name: 'value',
  type: undefined,
  ttl,
});
const listOf = <T>(ttl?: StateTtlConfig): ListStateDescriptor<T> => ({
  kind: 'list',
  name: 'list',
  elementType: undefined,
  ttl,
});
const mapOf = <K, V>(ttl?: StateTtlConfig): MapStateDescriptor<K, V> => ({
  kind: 'map',
  name: 'map',
  keyType: undefined,
  valueType: undefined,
  ttl,
});

const reducing = {
  kind: 'reducing',
  name: 'reducing',
  type: types.double,
  ttl: undefined,
  reduceFunction: (a: number, b: number) => a + b,
} as const;
const aggregating = {
  kind: 'aggregating',
  name: 'aggregating',
  accumulatorType: undefined,
  ttl: undefined,
  aggregateFunction: {
    createAccumulator: () => ({ sum: 0, count: 0 }),
    add: (value: number, accumulator: { sum: number; count: number }) => {
      accumulator.sum += value;
      accumulator.count++;
      return accumulator;
    },
    getResult: ({ sum, count }: { sum: number; count: number }) => sum / count,
  },
} as const;

test('each kind of state belongs to the current key and survives a snapshot', (t) => {
  const use = ({ handles, at }: Parts): void => {
    for (const key of ['a', 'b', ['a', 1]]) {
      at(key);
      const text = JSON.stringify(key);
      handles.getState(valueOf()).update({ text });
      handles.getListState<unknown>(listOf()).addAll([text, 2]);
      handles.getMapState<unknown, unknown>(mapOf()).put([text], text);
      handles.getReducingState(reducing).add(text.length);
      handles.getReducingState(reducing).add(1);
      for (const n of [1, 2, 6]) handles.getAggregatingState(aggregating).add(n);
    }
    at('a');
    handles.getMapState<unknown, unknown>(mapOf()).put(7, undefined);
  };
  const check = ({ handles, at }: Parts): void => {
    for (const key of ['a', 'b', ['a', 1]]) {
      at(key);
      const text = JSON.stringify(key);
      t.deepEqual(handles.getState(valueOf()).value(), { text });
      t.deepEqual([...handles.getListState(listOf()).get()], [text, 2]);
      const map = handles.getMapState<unknown, unknown>(mapOf());
      t.is(map.get([text]), text);
      t.is(map.contains(7), key === 'a');
      t.is([...map.keys()].length, key === 'a' ? 2 : 1);
      t.is(handles.getReducingState(reducing).get(), text.length + 1);
      t.is(handles.getAggregatingState(aggregating).get(), 3);
    }
    at('other');
    t.is(handles.getState(valueOf()).value(), undefined);
    t.deepEqual([...handles.getListState(listOf()).get()], []);
    t.true(handles.getMapState(mapOf()).isEmpty());
    t.is(handles.getReducingState(reducing).get(), undefined);
    t.is(handles.getAggregatingState(aggregating).get(), undefined);
  };
  const first = make();
  use(first);
  check(first);
  for (const kind of ['full', 'incremental', 'canonical'] as const) check(make(first, kind));
});

test('clear removes the current key’s row only; an emptied list or map is none', (t) => {
  const { handles, at, backend } = make();
  const list = handles.getListState<number>(listOf());
  const map = handles.getMapState<string, number>(mapOf());
  for (const key of ['a', 'b']) {
    at(key);
    list.add(1);
    map.put('x', 1);
  }
  list.update([]);
  map.remove('x');
  at('a');
  t.deepEqual([...list.get()], [1]);
  t.is(backend.declare({ name: 'list', kind: 'list' }).table.size, 1);
  t.is(backend.declare({ name: 'map', kind: 'map' }).table.size, 1);
  map.clear();
  t.true(map.isEmpty());
});

test('what a list gives out does not change with it', (t) => {
  const { handles, at } = make();
  at('a');
  const list = handles.getListState<number>(listOf());
  list.add(1);
  const before = list.get();
  list.add(2);
  t.deepEqual([[...before], [...list.get()]], [[1], [1, 2]]);
});

test('without a current key state is refused with state and operator', (t) => {
  const { handles } = make();
  const state = handles.getState(valueOf());
  const list = handles.getListState(listOf());
  for (const use of [() => state.value(), () => state.clear(), () => void [...list.get()]]) {
    const error = t.throws(use);
    t.true(hasErrorCode(error, 'ILLEGAL_STATE'));
    t.regex(error?.message ?? '', /of 'op' is used without a current key/);
  }
});

test('null is refused as a value, undefined clears', (t) => {
  const { handles, at } = make();
  at(1);
  const state = handles.getState<unknown>(valueOf());
  state.update(1);
  t.true(
    hasErrorCode(
      t.throws(() => state.update(null)),
      'ILLEGAL_ARGUMENT',
    ),
  );
  state.update(undefined);
  t.is(state.value(), undefined);
});

test('a name asked for twice is one state; with another kind, type or time to live it is refused', (t) => {
  const { handles } = make();
  const state = handles.getState(valueOf());
  t.is(handles.getState(valueOf()), state);
  const others = [
    () =>
      handles.getListState({ kind: 'list', name: 'value', elementType: undefined, ttl: undefined }),
    () => handles.getState({ kind: 'value', name: 'value', type: types.double, ttl: undefined }),
    () => handles.getState(valueOf({ ttlMs: 5 })),
  ];
  for (const other of others) {
    t.true(hasErrorCode(t.throws(other as () => void), 'ILLEGAL_ARGUMENT'));
  }
});

test('a restored state of another kind is refused as incompatible', (t) => {
  const first = make();
  first.at(1);
  first.handles.getListState<number>(listOf()).add(1);
  const second = make(first);
  const other = { kind: 'map', name: 'list', keyType: undefined, valueType: undefined } as const;
  const error = t.throws(() => second.handles.getMapState({ ...other, ttl: undefined }));
  t.true(hasErrorCode(error, 'STATE_INCOMPATIBLE'));
  t.regex(error?.message ?? '', /'list' of 'op' was restored as list state/);
});

test('namespaces: rows of a key and a namespace are apart from those of the key, across a snapshot', (t) => {
  const first = make();
  const use = (parts: Parts, namespace: unknown): unknown => {
    parts.handles.setCurrentNamespace(namespace);
    return parts.handles.getState(valueOf()).value();
  };
  first.at('k');
  const windows = [undefined, { start: 0, end: 10 }, 5, 'text'];
  for (const [i, window] of windows.entries()) {
    first.handles.setCurrentNamespace(window);
    first.handles.getState<number>(valueOf()).update(i);
  }
  // Looks like the second row's key, and is none.
  first.at(['k', 5]);
  t.is(use(first, undefined), undefined);
  for (const parts of [first, make(first)]) {
    parts.at('k');
    t.deepEqual(
      windows.map((window) => use(parts, window)),
      [0, 1, 2, 3],
    );
  }
});

test('applyToAllKeys visits each key with its state, which may change, and keeps the current key', (t) => {
  const { handles, at } = make();
  for (const key of [1, 2, 3]) {
    at(key);
    handles.getState<number>(valueOf()).update(key);
  }
  const seen: unknown[] = [];
  handles.applyToAllKeys(valueOf(), (key, state) => {
    seen.push(key);
    if (key === 2) state.clear();
    else handles.getState<number>(valueOf()).update(10 * (key as number));
  });
  t.deepEqual(seen, [1, 2, 3]);
  t.is(handles.currentKey(), 3);
  t.is(handles.getState(valueOf()).value(), 30);
  at(2);
  t.is(handles.getState(valueOf()).value(), undefined);
});

const off = { cleanupIncrementally: 0 };

test('ttl: a value lives until its time is up, from its last write', (t) => {
  const { handles, at, time } = make();
  const state = handles.getState<string>(valueOf({ ttlMs: 10, ...off }));
  at('k');
  state.update('a');
  time(9);
  t.is(state.value(), 'a');
  state.update('b');
  time(18);
  t.is(state.value(), 'b', 'a write starts anew');
  time(19);
  t.is(state.value(), undefined, 'reads do not');
});

test('ttl: reads start anew where they are to', (t) => {
  const { handles, at, time } = make();
  const ttl = { ttlMs: 10, updateType: 'on-read-and-write', ...off } as const;
  at('k');
  const value = handles.getState<string>(valueOf(ttl));
  const list = handles.getListState<number>(listOf(ttl));
  const map = handles.getMapState<string, number>(mapOf(ttl));
  value.update('a');
  list.add(1);
  map.putAll([
    ['read', 1],
    ['not read', 2],
  ]);
  for (const ms of [9, 18, 27]) {
    time(ms);
    t.is(value.value(), 'a');
    t.deepEqual([...list.get()], [1]);
    t.is(map.get('read'), 1);
  }
  t.is(map.get('not read'), undefined, 'each entry of a map has its own time');
  time(37);
  t.is(value.value(), undefined);
});

test('ttl: disabled is none', (t) => {
  const { handles, at, time } = make();
  const state = handles.getState<string>(valueOf({ ttlMs: 1, updateType: 'disabled' }) as never);
  at('k');
  state.update('a');
  time(1000);
  t.is(state.value(), 'a');
});

test('ttl: what is past its time is returned once where it may be, and goes then', (t) => {
  const { handles, at, time } = make();
  const ttl = { ttlMs: 10, stateVisibility: 'return-expired-if-not-cleaned-up', ...off } as const;
  at('k');
  const value = handles.getState<string>(valueOf(ttl));
  const list = handles.getListState<number>(listOf(ttl));
  const map = handles.getMapState<string, number>(mapOf(ttl));
  value.update('a');
  list.add(1);
  map.put('x', 1);
  map.put('y', 2);
  time(50);
  t.deepEqual([value.value(), value.value()], ['a', undefined]);
  t.deepEqual([[...list.get()], [...list.get()]], [[1], []]);
  t.deepEqual([map.get('x'), map.get('x'), map.get('y')], [1, undefined, 2]);
});

test('ttl: elements of lists and entries of maps have times of their own', (t) => {
  const { handles, at, time } = make();
  at('k');
  const list = handles.getListState<number>(listOf({ ttlMs: 10, ...off }));
  const map = handles.getMapState<string, number>(mapOf({ ttlMs: 10, ...off }));
  list.add(1);
  map.put('a', 1);
  time(5);
  list.add(2);
  map.put('b', 2);
  time(12);
  t.deepEqual([...list.get()], [2]);
  t.deepEqual([...map.entries()], [['b', 2]]);
  t.false(map.contains('a'));
  time(15);
  t.deepEqual([...list.get()], []);
  t.true(map.isEmpty());
});

test('ttl: reducing and aggregating begin anew from what is past its time', (t) => {
  const { handles, at, time } = make();
  const ttl = { ttlMs: 10, ...off };
  at('k');
  const sum = handles.getReducingState<number>({ ...reducing, ttl });
  const average = handles.getAggregatingState({ ...aggregating, ttl });
  sum.add(1);
  average.add(1);
  time(9);
  sum.add(2);
  average.add(3);
  t.deepEqual([sum.get(), average.get()], [3, 2]);
  time(19);
  sum.add(4);
  average.add(4);
  t.deepEqual([sum.get(), average.get()], [4, 4]);
});

test('ttl: accesses clean up other keys in passing, five entries each', (t) => {
  const { handles, at, time, backend } = make();
  const state = handles.getState<number>(valueOf({ ttlMs: 10 }));
  const list = handles.getListState<number>(listOf({ ttlMs: 10, cleanupIncrementally: 50 }));
  for (let key = 0; key < 20; key++) {
    at(key);
    state.update(key);
    list.add(key);
  }
  time(5);
  list.add(20);
  time(10);
  at('other');
  const { table } = backend.declare({ name: 'value', kind: 'value', hasTtl: true });
  for (const left of [15, 10, 5, 0]) {
    state.value();
    t.is(table.size, left);
  }
  void [...list.get()];
  t.is(backend.declare({ name: 'list', kind: 'list', hasTtl: true }).table.size, 1);
  at(19);
  t.deepEqual([...list.get()], [20]);
});

test('ttl: full snapshots leave out what is past its time unless they are not to', (t) => {
  for (const cleanupFullSnapshot of [true, false]) {
    const ttl = { ttlMs: 10, cleanupFullSnapshot, ...off };
    const first = make();
    first.at('old');
    first.handles.getState<number>(valueOf(ttl)).update(1);
    first.time(8);
    first.at('new');
    first.handles.getState<number>(valueOf(ttl)).update(2);
    first.time(12);
    for (const kind of ['full', 'canonical'] as const) {
      const second = make(first, kind, 12);
      const { table } = second.backend.declare({ name: 'value', kind: 'value', hasTtl: true });
      t.is(table.size, cleanupFullSnapshot ? 1 : 2);
    }
  }
});

test('ttl: state with and without it restores as the other; times begin with the restore', (t) => {
  const ttl = { ttlMs: 10, ...off };
  const use = (parts: Parts, config: StateTtlConfig | undefined): unknown[] => {
    parts.at('k');
    return [
      parts.handles.getState(valueOf(config)).value(),
      [...parts.handles.getListState<unknown>(listOf(config)).get()],
      [...parts.handles.getMapState<unknown, unknown>(mapOf(config)).entries()],
    ];
  };
  const expected = ['v', [1, 'x'], [['a', 1]]];
  const first = make();
  first.at('k');
  first.handles.getState<string>(valueOf()).update('v');
  first.handles.getListState<unknown>(listOf()).addAll([1, 'x']);
  first.handles.getMapState<unknown, unknown>(mapOf()).put('a', 1);
  const second = make(first, 'incremental', 100);
  t.deepEqual(use(second, ttl), expected);
  second.time(109);
  const third = make(second, 'incremental', 1000);
  t.deepEqual(use(third, undefined), expected, 'without it nothing is past its time');
  const fourth = make(second, 'incremental', 109);
  t.deepEqual(use(fourth, ttl), expected);
  fourth.time(110);
  t.deepEqual(use(fourth, ttl), [undefined, [], []]);
});

test('a map equals a plain one over random operations and snapshots', (t) => {
  const anyKey = fc.oneof(fc.nat(3), fc.constantFrom('a', ''), fc.tuple(fc.nat(1), fc.nat(1)));
  const anyStep = fc.record({
    kind: fc.constantFrom('put', 'put', 'remove', 'restore'),
    key: anyKey,
    value: fc.nat(9),
  });
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
      let parts = make();
      const model = new Map<string, [unknown, number]>();
      for (const { kind, key, value } of steps) {
        if (kind === 'restore') parts = make(parts);
        parts.at('k');
        const map = parts.handles.getMapState<unknown, number>(mapOf());
        const name = JSON.stringify(key);
        if (kind === 'put') {
          map.put(key, value);
          model.set(name, [key, value]);
        } else if (kind === 'remove') {
          map.remove(key);
          model.delete(name);
        }
        const entries = [...map.entries()].map(([k, v]) => [k, v]);
        if (JSON.stringify(entries) !== JSON.stringify([...model.values()])) {
          throw new Error(`${JSON.stringify(entries)} for ${JSON.stringify([...model.values()])}`);
        }
        if (map.get(key) !== model.get(name)?.[1]) throw new Error(`get ${name}`);
      }
    }),
    { numRuns: 200 },
  );
  t.pass();
});
