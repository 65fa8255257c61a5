import test from 'ava';
import fc from 'fast-check';
import { hashKey } from '../base/hash.ts';
import type { ColdState, ColdTier, CutWork, RowSection, RowSink } from './cold-state.ts';
import { CutRun } from './cut-run.ts';
import type { StateDeclaration } from './keyed-state-backend.ts';
import { NamedTables } from './named-tables.ts';
import { RowCoder } from './row-coder.ts';

const HASHES = { first: 0, last: 2 ** 32 - 1 };
const declaration: StateDeclaration = { name: 'state', kind: 'value' };
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** A store below in the obvious form; counts what it is asked for. */
class MapStore implements ColdTier, RowSink {
  readonly rows = new Map<string, { hash: number; key: Uint8Array; value: Uint8Array }>();
  gets = 0;

  open(_stateIndex: number, namespace: RowSection['namespace']): ColdState {
    const nameOf = (key: Uint8Array): string => `${String(namespace)} ${latin1(key)}`;
    const own = `${String(namespace)} `;
    return {
      size: 0,
      mayHave: (hash) => [...this.rows.values()].some((row) => row.hash === hash),
      get: (_hash, key, length) => {
        this.gets++;
        return this.rows.get(nameOf(key.subarray(0, length)))?.value;
      },
      scan: (visit) => {
        const rows = [...this.rows].filter(([name]) => name.startsWith(own));
        const ordered = rows.sort(([, a], [, b]) => (a.hash >>> 0) - (b.hash >>> 0));
        for (const [, { hash, key, value }] of ordered) if (!visit(hash, key, value)) return;
      },
    };
  }

  drop({ namespace }: RowSection): void {
    for (const name of this.rows.keys()) {
      if (name.startsWith(`${String(namespace)} `)) this.rows.delete(name);
    }
  }

  remove(section: RowSection, _hash: number, bytes: Uint8Array, from: number, to: number): void {
    this.rows.delete(`${String(section.namespace)} ${latin1(bytes.subarray(from, to))}`);
  }

  put(
    section: RowSection,
    hash: number,
    bytes: Uint8Array,
    from: number,
    valueFrom: number,
    to: number,
  ): void {
    const key = new Uint8Array(bytes.subarray(from, valueFrom));
    const value = new Uint8Array(bytes.subarray(valueFrom, to));
    this.rows.set(`${String(section.namespace)} ${latin1(key)}`, { hash, key, value });
  }
}

function stateOver(store: MapStore): NamedTables {
  const encoder = new RowCoder({ declaration, restored: undefined, now: () => 0 });
  return new NamedTables({
    declaration,
    stateIndex: 0,
    encoder,
    layout: undefined,
    hashes: HASHES,
    isTracking: true,
    cold: store,
  });
}

function merge(state: NamedTables, sink: RowSink, checkpointId: number, isOrdered = true): CutWork {
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
    ...(['begin', 'step', 'step', 'finish', 'give up', 'drop', 'offload', 'offload'] as const),
  ),
  key: fc.nat(20),
  namespace: fc.constantFrom(undefined, 7),
});

test('over a store below, with evictions and merges in slices, a state equals a plain map', (t) => {
  let evicted = 0;
  let gets = 0;
  const property = (steps: readonly { kind: string; key: number; namespace: 7 | undefined }[]) => {
    const store = new MapStore();
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
      } else if (kind === 'offload' && work === undefined) {
        const whole = merge(state, store, ++id);
        while (!whole.step(0)) continue;
        whole.finish();
        state.complete(id);
        for (const each of state.tables()) evicted += each.evict(1000) + each.evict(1000);
      } else if (kind === 'evict') evicted += table.evict(1000);
      else if (kind === 'drop') {
        if (namespace === undefined) table.clear();
        else state.dropNamespace(namespace);
        model.clear();
      } else if (kind === 'begin') {
        if (work === undefined) id++;
        work ??= merge(state, store, id, n % 2 === 0);
      } else if (kind === 'step') work?.step(0);
      else if (kind === 'finish' && work !== undefined) {
        while (!work.step(0)) continue;
        work.finish();
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
  const store = new MapStore();
  const { table } = stateOver(store);
  const state = stateOver(store);
  for (let key = 0; key < 100; key++) {
    state.table.write(state.table.findOrInsert(key, hashKey(key)), key, key);
  }
  t.is(state.table.evict(1000), 0, 'changed since the last merge');
  const work = merge(state, store, 1);
  t.is(state.table.evict(1000), 0, 'being merged');
  while (!work.step(0)) continue;
  t.is(state.table.evict(1000), 0, 'not yet safe');
  work.finish();
  t.is(state.table.evict(1000), 0, 'its checkpoint may yet be aborted');
  state.complete(1);
  state.table.write(state.table.findOrInsert(0, hashKey(0)), 'changed', 0);
  for (let key = 1; key <= 10; key++) state.table.find(key, hashKey(key));
  const firstPass = state.table.evict(1000);
  t.is(firstPass, 89, 'all but the changed one and those just used');
  t.is(state.table.evict(1000), 10, 'used, but not since the hand passed');
  t.is(state.table.table.size, 1);
  t.is(table.table.size, 0);
});

test('a store below is not asked for keys in memory', (t) => {
  const store = new MapStore();
  const state = stateOver(store);
  const work = merge(state, store, 1);
  while (!work.step(0)) continue;
  work.finish();
  const keys = [1, 2, 3];
  const hashes = Int32Array.from(keys, hashKey);
  for (let i = 0; i < 3; i++) {
    state.table.findOrInsertBatch(keys, hashes, 3, new Int32Array(3), new Uint8Array(3));
  }
  t.is(store.gets, 0);
});
