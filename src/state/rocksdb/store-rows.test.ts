/** Rows of sections in a store, native and model. */
import test from 'ava';
import { memoryFileSystem } from '../../base/memory-file-system.ts';
import { realEnvironment } from '../../base/real-environment.ts';
import { harperStoreFactory } from './harper-store.ts';
import type { KeyValueStore } from './key-value-store.ts';
import { modelStoreFactory } from './model-store.ts';
import type { SectionRows } from './store-rows.ts';
import { StoreRows } from './store-rows.ts';

/** More than what is left alone. */
const ROWS = 24_000;

const stores: Readonly<Record<string, () => readonly [KeyValueStore, () => void]>> = {
  native: () => {
    const { fileSystem } = realEnvironment();
    const folder = fileSystem.makeTemporaryDirectory('millrace-rows-');
    const options = { folder: `${folder}/db`, memoryBytes: 2 ** 24 };
    return [harperStoreFactory(fileSystem).open(options), () => fileSystem.remove(folder)];
  },
  model: () => {
    const fileSystem = memoryFileSystem({ now: () => 0 });
    const options = { folder: '/store', memoryBytes: 2 ** 24 };
    return [modelStoreFactory(fileSystem).open(options), () => undefined];
  },
};

for (const [name, open] of Object.entries(stores)) {
  test(`${name}: what is dropped is removed in slices, and nothing else`, (t) => {
    const [store, remove] = open();
    const rows = new StoreRows(() => store.columnFamily('state'));
    const kept = rows.open(0, 1);
    const dropped = rows.open(0, 2);
    for (let n = 0; n < ROWS; n++) for (const section of [kept, dropped]) put(rows, section, n);
    rows.drop(dropped);
    t.true(rows.hasGarbage);
    for (let slice = 0; rows.hasGarbage && slice < 1000; slice++) rows.purge(500);
    t.false(rows.hasGarbage);
    t.is(count(kept), ROWS);
    t.is(count(dropped), 0);
    t.is(inStore(store), ROWS);
    store.close();
    remove();
  });
}

function put(rows: StoreRows, section: SectionRows, n: number): void {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint32(0, n);
  rows.put(section, Math.imul(n, 0x9e3779b9), bytes, 0, 4, 8);
}

function count(section: SectionRows): number {
  let found = 0;
  section.scan(() => {
    found++;
    return true;
  });
  return found;
}

/** Rows of all sections, dropped ones, too. */
function inStore(store: KeyValueStore): number {
  let found = 0;
  using cursor = store.columnFamily('state').range(new Uint8Array(1), Uint8Array.of(255));
  while (cursor.next()) found++;
  return found;
}
