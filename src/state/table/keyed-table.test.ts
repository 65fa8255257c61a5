import test from 'ava';
import fc from 'fast-check';
import { hashKey } from '../../base/hash.ts';
import { seededRandom } from '../../base/seeded-random.ts';
import type { SeededRandom } from '../../base/seeded-random.ts';
import { KeyedTable } from './keyed-table.ts';

/** Hash functions of a key's number, from harmless to hostile. */
const HASHES: Readonly<Record<string, (key: number) => number>> = {
  real: hashKey,
  equal: () => 7,
  equalAtTop: () => -1,
  bothEnds: (key) => (key % 2 === 0 ? key & 63 : -1 - (key & 63)),
  descending: (key) => (-key * 1_000_003) | 0,
  oneSubtask: (key) => 0x60000000 + (hashKey(key) >>> 4),
  zeroAndNeighbours: (key) => (key % 3) - 1,
};

/** Makes keys of a kind from numbers. */
const KEYS: Readonly<Record<string, (number: number) => unknown>> = {
  number: (number) => number - 5,
  fraction: (number) => number / 3,
  string: (number) => `key-${number}`,
  wideString: (number) => `ключ-${number}`,
  longString: (number) => (number % 7 === 0 ? String(number).repeat(2000) : `${number}`),
  row: (number) => ({ id: number, name: `n${number}` }),
  array: (number) => [number, 'x', [number]],
  bigint: (number) => BigInt(number),
  hugeBigint: (number) => 2n ** 70n + BigInt(number),
  edgeString: (number) => edgeString(number),
};

/** Of 11 to 13 units that all, or all but the last, are below 256. */
function edgeString(number: number): string {
  const last = ['\xff', '\0', '\u0100', '\u01ff'][number % 4] as string;
  return String(number).padStart(10 + (number % 3), '\xe9') + last;
}

/** A table beside the Map that says what must be in it. */
class Pair {
  readonly table: KeyedTable;
  readonly oracle = new Map<number, { entry: number; value: unknown }>();
  readonly keyOf: (number: number) => unknown;
  readonly hashOf: (number: number) => number;

  constructor(
    keyOf: (number: number) => unknown,
    hashOf: (number: number) => number,
    table = new KeyedTable(),
  ) {
    this.table = table;
    this.keyOf = keyOf;
    this.hashOf = hashOf;
  }

  insertBatch(numbers: readonly number[], selected: boolean): void {
    const count = numbers.length;
    const keys = numbers.map(this.keyOf);
    const hashes = Int32Array.from(numbers, this.hashOf);
    const entries = new Int32Array(count);
    const isNew = new Uint8Array(count);
    if (selected) {
      const indices = Int32Array.from(numbers, (_, i) => count - 1 - i);
      this.table.findOrInsertSelected(keys, hashes, indices, count, entries, isNew);
      entries.reverse();
      isNew.reverse();
    } else {
      this.table.findOrInsertBatch(keys, hashes, count, entries, isNew);
    }
    const order = numbers.map((_, i) => (selected ? count - 1 - i : i));
    for (const i of order) this.#note(numbers[i] as number, entries[i] as number, isNew[i] === 1);
  }

  insert(number: number): void {
    const entry = this.table.findOrInsert(this.keyOf(number), this.hashOf(number));
    this.#note(number, entry, this.table.wasInserted);
  }

  remove(number: number, byEntry: boolean): void {
    const known = this.oracle.get(number);
    if (byEntry && known !== undefined) this.table.removeEntry(known.entry);
    else
      expect(
        this.table.remove(this.keyOf(number), this.hashOf(number)) === (known !== undefined),
        `remove ${number}`,
      );
    this.oracle.delete(number);
  }

  write(number: number, value: unknown): void {
    const known = this.oracle.get(number);
    if (known === undefined) return;
    this.table.write(known.entry, value);
    known.value = value;
  }

  checkOne(number: number): void {
    const found = this.table.find(this.keyOf(number), this.hashOf(number));
    expect(found === (this.oracle.get(number)?.entry ?? -1), `find ${number} gave ${found}`);
  }

  checkAll(t: { deepEqual(a: unknown, b: unknown): unknown }, slice: number): void {
    expect(
      this.table.size === this.oracle.size,
      `size ${this.table.size}, not ${this.oracle.size}`,
    );
    for (const number of this.oracle.keys()) this.checkOne(number);
    const expected = [...this.oracle.values()].map((known) => known.entry).sort((a, b) => a - b);
    expect(isSame(scanAll(this.table, slice), expected), 'scan is complete');
    this.#checkOrder(expected, slice);
    for (const [number, { entry, value }] of this.oracle) {
      t.deepEqual(this.table.keyAt(entry), canonical(this.keyOf(number)));
      if (value !== undefined) t.deepEqual(this.table.read(entry), value);
    }
  }

  #checkOrder(expected: readonly number[], slice: number): void {
    const inOrder = inHashOrder(this.table, 0, 2 ** 32 - 1, slice);
    const hashes = inOrder.map((entry) => this.table.hashAt(entry) >>> 0);
    expect(
      hashes.every((hash, i) => i === 0 || (hashes[i - 1] as number) <= hash),
      'hash order ascends',
    );
    expect(
      isSame(
        [...inOrder].sort((a, b) => a - b),
        expected,
      ),
      'hash order is complete',
    );
    const [first, last] = [hashes[hashes.length >> 2] ?? 0, hashes[hashes.length >> 1] ?? 0];
    const part = inOrder.filter(
      (_, i) => (hashes[i] as number) >= first && (hashes[i] as number) <= last,
    );
    expect(
      isSame(inHashOrder(this.table, first, last, slice), part),
      'a range of hashes is a range of entries',
    );
  }

  #note(number: number, entry: number, isNew: boolean): void {
    const known = this.oracle.get(number);
    expect(isNew === (known === undefined), `key ${number} is ${isNew ? '' : 'not '}new`);
    expect(known === undefined || known.entry === entry, `key ${number} moved`);
    if (known === undefined) this.oracle.set(number, { entry, value: undefined });
  }
}

function canonical(key: unknown): unknown {
  return typeof key === 'bigint' && Number.isSafeInteger(Number(key)) ? Number(key) : key;
}

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

function scanAll(table: KeyedTable, limit: number): number[] {
  const out = new Int32Array(limit);
  const all: number[] = [];
  for (let cursor = 0; cursor >= 0; ) {
    cursor = table.scan(cursor, limit, out);
    all.push(...out.subarray(0, table.scanned));
  }
  return all;
}

function inHashOrder(table: KeyedTable, first: number, last: number, limit: number): number[] {
  const out = new Int32Array(limit);
  const scan = table.entriesInHashOrder(first, last);
  const all: number[] = [];
  while (!scan.done) all.push(...out.subarray(0, scan.next(out, limit)));
  return all;
}

function runProgram(
  t: Parameters<Pair['checkAll']>[0],
  pair: Pair,
  random: SeededRandom,
  rounds: number,
  keys: number,
): void {
  for (let round = 0; round < rounds; round++) {
    const number = random.below(keys);
    switch (random.below(8)) {
      case 0:
      case 1:
      case 2:
        pair.insertBatch(
          Array.from({ length: random.below(60) + 1 }, () => random.below(keys)),
          random.below(2) === 0,
        );
        break;
      case 3:
        pair.insert(number);
        break;
      case 4:
      case 5:
        for (let i = 0; i < random.below(40); i++)
          pair.remove(random.below(keys), random.below(3) === 0);
        break;
      case 6:
        pair.write(number, { count: number, name: `v${number}`, ok: number % 2 === 0 });
        break;
      default:
        for (let i = 0; i < 10; i++) pair.checkOne(random.below(keys));
    }
  }
  pair.checkAll(t, random.below(50) + 1);
}

for (const [name, hashOf] of Object.entries(HASHES)) {
  test(`a table does what a Map does, with hashes ${name}`, (t) => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(3, 40, 400), (seed, keys) => {
        runProgram(
          t,
          new Pair(KEYS['number'] as (number: number) => unknown, hashOf),
          seededRandom(seed),
          60,
          keys,
        );
      }),
      { numRuns: 60 },
    );
    t.pass();
  });
}

for (const [name, keyOf] of Object.entries(KEYS)) {
  test(`a table does what a Map does, with keys of kind ${name}`, (t) => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        runProgram(
          t,
          new Pair(keyOf, (number) => hashKey(keyOf(number))),
          seededRandom(seed),
          60,
          200,
        );
      }),
      { numRuns: 20 },
    );
    t.pass();
  });
}

test('keys of all kinds mix in one table, whichever comes first', (t) => {
  const kinds = Object.values(KEYS).filter((_, i) => i !== 7);
  fc.assert(
    fc.property(fc.integer(), fc.nat(kinds.length - 1), (seed, first) => {
      const keyOf = (number: number): unknown =>
        (kinds[(first + number) % kinds.length] as (number: number) => unknown)(
          1000 * (number % kinds.length) + number,
        );
      runProgram(
        t,
        new Pair(keyOf, (number) => hashKey(keyOf(number))),
        seededRandom(seed),
        60,
        300,
      );
    }),
    { numRuns: 40 },
  );
  t.pass();
});

for (const name of ['real', 'oneSubtask', 'descending']) {
  test(`a table stays right at every step of a growth in slices, with hashes ${name}`, (t) => {
    const pair = new Pair((number) => number, HASHES[name] as (key: number) => number);
    const random = seededRandom(4711);
    let migrations = 0;
    let next = 0;
    for (let round = 0; round < 700; round++) {
      pair.insertBatch(
        Array.from({ length: 30 }, () => next++),
        false,
      );
      for (let i = 0; i < 6; i++) pair.remove(random.below(next), false);
      for (let i = 0; i < 10; i++) pair.insert(random.below(next));
      for (let i = 0; i < 10; i++) pair.checkOne(random.below(next + 100));
      if (!pair.table.migrating) continue;
      migrations++;
      if (migrations % 7 === 0) pair.checkAll(t, 64);
    }
    pair.checkAll(t, 1000);
    t.true(migrations > 20, `only ${migrations} rounds met a growth`);
  });
}

const ALL_HASHES = { first: 0, last: 2 ** 32 - 1 };

/**
 * Inserts until a growth begins, then works on single keys until it is over, checking all the way.
 */
function growBySingleKeys(t: Parameters<Pair['checkAll']>[0], pair: Pair, extra: number): number {
  const random = seededRandom(17);
  let next = 0;
  while (!pair.table.migrating) pair.insert(next++);
  let steps = 0;
  for (; pair.table.migrating; steps++) {
    // Late, so that the growth has come into the stretch while it was empty.
    const isExtra = steps > 240 && random.below(3) === 0;
    const number = isExtra ? extra + random.below(500) : random.below(next);
    if (random.below(6) === 0) pair.remove(number, false);
    else pair.insert(number);
    for (let i = 0; i < 5; i++) pair.checkOne(random.below(next));
    for (let i = 0; i < 5; i++) pair.checkOne(extra + random.below(500));
    if (steps % 100 === 0) pair.checkAll(t, 50);
  }
  pair.checkAll(t, 50);
  return steps;
}

test('keys that arrive in an empty stretch while a growth passes it are not lost', (t) => {
  const gap = 1_000_000;
  const hashOf = (number: number): number => {
    const place = (hashKey(number) >>> 0) / 2 ** 32;
    if (number >= gap) return ((0.4 + 0.2 * place) * 2 ** 32) | 0;
    return ((number % 2 === 0 ? 0.4 * place : 0.6 + 0.4 * place) * 2 ** 32) | 0;
  };
  const table = new KeyedTable({ hashRange: ALL_HASHES, initialCapacity: 9000 });
  t.true(growBySingleKeys(t, new Pair((number) => number, hashOf, table), gap) > 300);
});

test('a growth keeps runs of equal hashes together, however long', (t) => {
  const hashOf = (number: number): number => (((number % 80) + 0.5) * (2 ** 32 / 80)) | 0;
  const table = new KeyedTable({ hashRange: ALL_HASHES, initialCapacity: 9000 });
  t.true(growBySingleKeys(t, new Pair((number) => number, hashOf, table), 20_000) > 50);
});

test('a given hash range and capacity change nothing but the speed, even when wrong', (t) => {
  for (const hashRange of [
    { first: 0x20000000, last: 0x3fffffff },
    { first: 5, last: 5 },
    { first: 0, last: 2 ** 32 - 1 },
  ]) {
    const table = new KeyedTable({ hashRange, initialCapacity: 500, keyKind: 'number' });
    runProgram(t, new Pair((number) => number, hashKey, table), seededRandom(99), 200, 3000);
  }
});

test('a learnt range spreads the hashes of one subtask over the whole table', (t) => {
  const table = new KeyedTable();
  const keys: number[] = [];
  for (let key = 0; keys.length < 40_000; key++) if (hashKey(key) >>> 29 === 5) keys.push(key);
  const entries = new Int32Array(keys.length);
  table.findOrInsertBatch(
    keys,
    Int32Array.from(keys, hashKey),
    keys.length,
    entries,
    new Uint8Array(keys.length),
  );
  t.is(table.size, 40_000);
  // Load between 0.3 and 0.6 of 8-byte slots, plus key, hash and live bit: what evenly spread
  // hashes take.
  t.true(table.bytes / table.size < 55, `${table.bytes / table.size} bytes per key`);
});

test('−0 and 0, NaN and NaN, 1n and 1, and equal rows are one key each', (t) => {
  const groups = [
    [0, -0, 0n],
    [NaN, -NaN],
    [1n, 1],
    [{ a: 1, b: null }, { a: 1 }],
    [
      [1, [2]],
      [1n, [2]],
    ],
    [true],
    ['1'],
    [2n ** 60n, 2 ** 60],
  ];
  for (const first of groups) {
    const table = new KeyedTable();
    for (const group of [first, ...groups]) {
      const entries = group.map((key) => table.findOrInsert(key, hashKey(key)));
      t.is(new Set(entries).size, 1);
    }
    t.is(table.size, groups.length);
    t.true(Object.is(table.keyAt(table.find(-0, hashKey(-0))), 0));
    t.is(table.keyAt(table.find(NaN, hashKey(NaN))), NaN);
    t.is(table.keyAt(table.find(1n, hashKey(1n))), 1);
  }
});

test('a batch may be a Float64Array and longer than a block', (t) => {
  const keys = Float64Array.from({ length: 5000 }, (_, i) => i % 1777);
  const hashes = Int32Array.from(keys, hashKey);
  const table = new KeyedTable();
  const entries = new Int32Array(5000);
  const isNew = new Uint8Array(5000);
  table.findOrInsertBatch(keys, hashes, 5000, entries, isNew);
  t.is(table.size, 1777);
  t.true(isNew.every((flag, i) => (flag === 1) === i < 1777));
  t.true(entries.every((entry, i) => entry === i % 1777));
  const found = new Int32Array(5000);
  table.findBatch(keys, hashes, 5000, found);
  t.deepEqual(found, entries);
});

test('clear empties a table that can be filled again', (t) => {
  const pair = new Pair(
    (number) => `k${number}`,
    (number) => hashKey(`k${number}`),
  );
  pair.insertBatch(
    Array.from({ length: 9000 }, (_, i) => i),
    false,
  );
  pair.write(5, { x: 1 });
  pair.table.clear();
  pair.oracle.clear();
  t.is(pair.table.size, 0);
  t.is(pair.table.find('k5', hashKey('k5')), -1);
  t.is(pair.table.scan(0, 10, new Int32Array(10)), -1);
  pair.insertBatch(
    Array.from({ length: 100 }, (_, i) => i + 3),
    false,
  );
  pair.checkAll(t, 7);
});

test('a string of up to twelve latin1 units is no other one, whatever else has its bytes', (t) => {
  const table = new KeyedTable();
  const keys = ['', '\0', '\0\0', '\0'.repeat(12), '\0'.repeat(13), 'a', 'a\0', 'š', 'a\x01'];
  keys.push('twelve units', 'twelve unitš', 'thirteen unit', '\xff'.repeat(12), '\xff'.repeat(4));
  const entries = keys.map((key) => table.findOrInsert(key, 7));
  t.is(new Set(entries).size, keys.length);
  t.deepEqual(
    entries.map((entry) => table.keyAt(entry)),
    keys,
  );
  const found = new Int32Array(keys.length);
  table.findBatch(keys, new Int32Array(keys.length).fill(7), keys.length, found);
  t.deepEqual([...found], entries);
});

test('a short string key takes the entry only', (t) => {
  const keys = Array.from({ length: 40_000 }, (_, i) => `word${i}`);
  const table = new KeyedTable();
  const hashes = Int32Array.from(keys, hashKey);
  const entries = new Int32Array(keys.length);
  table.findOrInsertBatch(keys, hashes, keys.length, entries, new Uint8Array(keys.length));
  // As with number keys, and eight more for each of the 49,152 entries that there is room for.
  t.true(table.bytes / table.size < 55 + 10, `${table.bytes / table.size} bytes per key`);
});
