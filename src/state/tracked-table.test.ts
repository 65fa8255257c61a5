import test from 'ava';
import fc from 'fast-check';
import { hashKey } from '../base/hash.ts';
import { memoryFileSystem } from '../base/memory-file-system.ts';
import type { CutWork, RowSink } from './cold-state.ts';
import { CutRun } from './cut-run.ts';
import type { StateDeclaration } from './keyed-state-backend.ts';
import { NamedTables } from './named-tables.ts';
import { modelStoreFactory } from './rocksdb/model-store.ts';
import { StoreRows } from './rocksdb/store-rows.ts';
import { Sweep } from './rocksdb/sweep.ts';
import type { SweepOptions } from './rocksdb/sweep.ts';
import { RowCoder } from './row-coder.ts';
import type { TrackedTable } from './tracked-table.ts';

const HASHES = { first: 0, last: 2 ** 32 - 1 };
const declaration: StateDeclaration = { name: 'state', kind: 'value' };

/** A store below, counting what it is asked for; `sweep` moves rows there. */
class Store {
  gets = 0;
  readonly rows: StoreRows;
  readonly sweep: Sweep;

  constructor() {
    const fileSystem = memoryFileSystem({ now: () => 0 });
    const store = modelStoreFactory(fileSystem).open({ folder: '/home/db', memoryBytes: 0 });
    const family = store.columnFamily('state');
    const get = family.get.bind(family);
    family.get = (length) => {
      this.gets++;
      return get(length);
    };
    this.rows = new StoreRows(() => family);
    this.sweep = new Sweep(this.rows);
  }

  /** The hand goes once round; how many rows have left memory. */
  evict(table: TrackedTable, options: Partial<SweepOptions> = {}): number {
    const before = this.sweep.evictedRows;
    const all = { mergesAll: false, evicts: true, canPut: true, ...options };
    while (!this.sweep.slice(table, all)) continue;
    return this.sweep.evictedRows - before;
  }
}

/** Takes rows and forgets them. */
const nowhere: RowSink = { drop: () => {}, remove: () => {}, put: () => {} };

function stateOver(store: Store): NamedTables {
  const encoder = new RowCoder({ declaration, restored: undefined, now: () => 0 });
  return new NamedTables({
    declaration,
    stateIndex: 0,
    encoder,
    layout: undefined,
    hashes: HASHES,
    isTracking: true,
    cold: store.rows,
  });
}

function cut(
  state: NamedTables,
  checkpointId: number,
  isOrdered = true,
  sink: RowSink = nowhere,
): CutWork {
  return new CutRun({
    states: [state],
    options: { kind: 'since-base', checkpointId, isOrdered },
    sink,
    hashes: HASHES,
    monotonicMs: () => 0,
    onStateWritten: () => {},
  });
}

const anyStep = fc.record({
  kind: fc.constantFrom(
    ...(['put', 'put', 'batch', 'find', 'remove', 'evict', 'evict'] as const),
    ...([
      'begin',
      'step',
      'step',
      'finish',
      'give up',
      'drop',
      'offload',
      'offload',
      'merge',
      'busy',
    ] as const),
  ),
  key: fc.nat(20),
  namespace: fc.constantFrom(undefined, 7),
});

test('over a store below, with evictions and merges in slices, a state equals a plain map', (t) => {
  let evicted = 0;
  let gets = 0;
  const property = (steps: readonly { kind: string; key: number; namespace: 7 | undefined }[]) => {
    const store = new Store();
    const state = stateOver(store);
    const models = new Map<7 | undefined, Map<number, number>>([
      [undefined, new Map()],
      [7, new Map()],
    ]);
    let work: CutWork | undefined;
    let id = 0;
    steps.forEach(({ kind, key, namespace }, n) => {
      const table = namespace === undefined ? state.table : state.tableOf(namespace);
      const model = models.get(namespace) as Map<number, number>;
      const hash = hashKey(key);
      if (kind === 'put') {
        const entry = table.findOrInsert(key, hash);
        if (table.wasInserted === model.has(key)) throw new Error(`inserted ${key}`);
        table.write(entry, n, key);
        model.set(key, n);
      } else if (kind === 'batch') {
        const keys = [key, key + 1, key];
        const entries = new Int32Array(3);
        const isNew = new Uint8Array(3);
        table.findOrInsertBatch(keys, Int32Array.from(keys, hashKey), 3, entries, isNew);
        keys.forEach((each, i) => {
          if ((isNew[i] === 1) === model.has(each)) throw new Error(`new ${each}`);
          const old = isNew[i] === 1 ? undefined : table.read(entries[i] as number);
          if (old !== model.get(each)) throw new Error(`${each} is ${String(old)}`);
          table.write(entries[i] as number, n + i, each);
          model.set(each, n + i);
        });
      } else if (kind === 'find') {
        const entry = table.find(key, hash);
        const value = entry < 0 ? undefined : table.read(entry);
        if (value !== model.get(key)) throw new Error(`${key} is ${String(value)}`);
      } else if (kind === 'remove') {
        if (table.remove(key, hash) !== model.delete(key)) throw new Error(`removed ${key}`);
      } else if (kind === 'offload') {
        for (const each of state.tables()) evicted += store.evict(each) + store.evict(each);
      } else if (kind === 'evict') evicted += store.evict(table);
      else if (kind === 'merge') store.evict(table, { mergesAll: true, evicts: false });
      else if (kind === 'busy') evicted += store.evict(table, { canPut: false });
      else if (kind === 'drop') {
        if (namespace === undefined) table.clear();
        else state.dropNamespace(namespace);
        model.clear();
      } else if (kind === 'begin') {
        if (work === undefined) id++;
        work ??= cut(state, id, n % 2 === 0);
      } else if (kind === 'step') work?.step(0);
      else if (kind === 'finish' && work !== undefined) {
        while (!work.step(0)) continue;
        work = undefined;
        if (n % 3 === 0) state.abort(id);
        else if (n % 3 === 1) state.complete(id);
      } else if (kind === 'give up') {
        work?.abort();
        work = undefined;
      }
    });
    for (const [namespace, model] of models) {
      const all = new Map<unknown, unknown>();
      const table = namespace === undefined ? state.table : state.tableOf(namespace);
      table.forEach((key, value) => all.set(key, value));
      const sorted = (map: ReadonlyMap<unknown, unknown>): string =>
        JSON.stringify([...map].sort(([a], [b]) => Number(a) - Number(b)));
      if (sorted(all) !== sorted(model)) throw new Error(`${sorted(all)} for ${sorted(model)}`);
    }
    gets += store.gets;
  };
  fc.assert(
    fc.property(fc.array(anyStep, { minLength: 10, maxLength: 120, size: 'max' }), property),
    { numRuns: 500 },
  );
  t.true(evicted > 500 && gets > 100, `${evicted} evicted, ${gets} looked up`);
});

test('only rows that are in the store and were not used lately leave memory', (t) => {
  const store = new Store();
  const state = stateOver(store);
  for (let key = 0; key < 100; key++) {
    state.table.write(state.table.findOrInsert(key, hashKey(key)), key, key);
  }
  t.is(store.evict(state.table, { canPut: false }), 0, 'just used, and not in the store');
  t.is(store.evict(state.table, { canPut: false }), 0, 'not in the store');
  store.evict(state.table, { mergesAll: true, evicts: false });
  state.table.write(state.table.findOrInsert(0, hashKey(0)), 'changed', 0);
  for (let key = 1; key <= 10; key++) state.table.find(key, hashKey(key));
  t.is(store.evict(state.table, { canPut: false }), 89, 'all but the changed and the used ones');
  t.is(store.evict(state.table, { canPut: false }), 10, 'used, but not since the hand passed');
  t.is(state.table.table.size, 1);
  t.is(store.evict(state.table), 1);
});

test('changed rows that leave memory are counted: what changes since a checkpoint is not at hand', (t) => {
  const store = new Store();
  const state = stateOver(store);
  state.table.write(state.table.findOrInsert(1, hashKey(1)), 1, 1);
  store.evict(state.table);
  t.is(store.sweep.lostRows, 0);
  t.is(store.evict(state.table), 1);
  t.is(store.sweep.lostRows, 1);
});

test('a cut takes the rows that leave memory first', (t) => {
  const store = new Store();
  const state = stateOver(store);
  for (let key = 0; key < 50; key++) {
    state.table.write(state.table.findOrInsert(key, hashKey(key)), key, key);
  }
  let taken = 0;
  const sink: RowSink = { ...nowhere, put: () => void taken++ };
  const work = cut(state, 1, false, sink);
  store.evict(state.table);
  t.is(store.evict(state.table), 50);
  while (!work.step(0)) continue;
  t.is(taken, 50);
});

test('a store below is not asked for keys in memory', (t) => {
  const store = new Store();
  const state = stateOver(store);
  const keys = [1, 2, 3];
  const hashes = Int32Array.from(keys, hashKey);
  for (let i = 0; i < 3; i++) {
    state.table.findOrInsertBatch(keys, hashes, 3, new Int32Array(3), new Uint8Array(3));
    store.evict(state.table, { mergesAll: true, evicts: false });
  }
  t.is(store.gets, 0);
});
