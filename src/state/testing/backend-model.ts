/**
 * A keyed operator of some subtasks beside a plain model of it: random operations, cuts whose
 * slices lie between them, checkpoints that complete or not, restarts with other parallelisms.
 */
import { isDeepStrictEqual } from 'node:util';
import { hashKey } from '../../base/hash.ts';
import { hashRange, keyGroupFor, keyGroupRange, subtaskFor } from '../key-groups.ts';
import type { IndexRange } from '../key-groups.ts';
import type {
  KeyedStateBackend,
  Namespace,
  StateDeclaration,
  StateTable,
} from '../keyed-state-backend.ts';
import type {
  KeyedStateHandle,
  SnapshotInput,
  SnapshotKind,
  SnapshotOutput,
  SnapshotWork,
} from '../snapshot.ts';

/** Makes the parts that a backend is tested with. */
export interface BackendUnderTest {
  /** A backend for these key groups of {@link MAX_PARALLELISM}. */
  make(keyGroups: IndexRange): KeyedStateBackend;
  storage(): SnapshotOutput & SnapshotInput;
  /** Called after each operation: what the backend does in passing (evictions). */
  inPassing?(backend: KeyedStateBackend): void;
}

/** Key groups of the tests. */
export const MAX_PARALLELISM = 8;

/** Something that happens. `to` and `which` are taken modulo what there is. */
export type ModelStep =
  | { readonly kind: 'put'; readonly state: number; readonly key: unknown; readonly value: number }
  | { readonly kind: 'batch'; readonly state: number; readonly keys: readonly unknown[] }
  | { readonly kind: 'remove'; readonly state: number; readonly key: unknown }
  | { readonly kind: 'drop'; readonly state: number }
  | { readonly kind: 'cut'; readonly snapshot: SnapshotKind }
  | { readonly kind: 'slice' }
  | { readonly kind: 'end'; readonly how: EndOfCut }
  /** The oldest checkpoint that was written and whose end nobody was told. */
  | { readonly kind: 'settle'; readonly how: 'complete' | 'abort' }
  | { readonly kind: 'restart'; readonly parallelism: number; readonly isLazy: boolean };

type EndOfCut = 'complete' | 'abort' | 'give up' | 'later';

/** A state with or without a namespace, by its number in the steps. */
interface Place {
  readonly declaration: StateDeclaration;
  readonly namespace: Namespace | undefined;
  readonly valueOf: (n: number) => unknown;
}

type Model = Map<string, Map<string, readonly [key: unknown, value: unknown]>>;

interface Begun {
  readonly checkpointId: number;
  readonly kind: SnapshotKind;
  readonly works: readonly SnapshotWork<KeyedStateHandle>[];
  readonly model: Model;
}

/** A checkpoint that has all its files. */
interface Written {
  readonly checkpointId: number;
  readonly handles: readonly KeyedStateHandle[];
  readonly model: Model;
}

/** The states of the tests. */
export function modelPlaces(): readonly Place[] {
  const single: StateDeclaration = { name: 'single', kind: 'value' };
  const rows: StateDeclaration = { name: 'rows', kind: 'window' };
  const list: StateDeclaration = { name: 'list', kind: 'list' };
  const row = (n: number): unknown => ({ n, text: `a text that is longer ${n % 3}` });
  return [
    { declaration: single, namespace: undefined, valueOf: (n) => n },
    // A value of another type now and then, so that schemas are added.
    { declaration: rows, namespace: undefined, valueOf: (n) => (n % 7 === 0 ? n : row(n)) },
    { declaration: rows, namespace: 10, valueOf: row },
    { declaration: rows, namespace: -20.5, valueOf: row },
    { declaration: rows, namespace: 'name', valueOf: row },
    { declaration: list, namespace: undefined, valueOf: (n) => [n, `${n}`] },
  ];
}

/** See the file's head. */
export class BackendModel {
  readonly #under: BackendUnderTest;
  readonly #places = modelPlaces();
  readonly #storage: SnapshotOutput & SnapshotInput;
  #backends: readonly KeyedStateBackend[] = [];
  #model: Model = new Map();
  #begun: Begun | undefined;
  #completed: Written | undefined;
  readonly #unsettled: Written[] = [];
  #nextId = 1;

  constructor(under: BackendUnderTest, parallelism: number) {
    this.#under = under;
    this.#storage = under.storage();
    this.#start(parallelism);
  }

  async run(steps: readonly ModelStep[]): Promise<void> {
    for (const step of steps) {
      await this.#step(step);
      for (const backend of this.#backends) this.#under.inPassing?.(backend);
    }
  }

  /** What is in the tables and not in the model, or the other way round; undefined if nothing. */
  difference(): string | undefined {
    for (const [index, place] of this.#places.entries()) {
      const expected = this.#partOf(index);
      const actual = this.#readAll(place);
      if (!isDeepStrictEqual(sorted(actual), sorted(expected))) {
        return `${place.declaration.name} ${String(place.namespace)}: ${show(actual)} instead of ${show(expected)}`;
      }
    }
    return undefined;
  }

  /** Ends what has begun, takes a last checkpoint, restores it at each parallelism. */
  async restoreEverywhere(): Promise<string | undefined> {
    await this.#end('complete');
    for (const parallelism of [3, 2, 1]) {
      await this.#cutWhole('incremental');
      this.#start(parallelism);
      const difference = this.difference();
      if (difference !== undefined) return `at ${parallelism}: ${difference}`;
    }
    await this.#cutWhole('canonical');
    this.#start(2);
    return this.difference();
  }

  async #cutWhole(kind: SnapshotKind): Promise<void> {
    await this.#end('complete');
    this.#cut(kind);
    await this.#end('complete');
  }

  async #step(step: ModelStep): Promise<void> {
    switch (step.kind) {
      case 'put':
        return this.#put(step.state % this.#places.length, step.key, step.value);
      case 'batch':
        return this.#batch(step.state % this.#places.length, step.keys);
      case 'remove':
        return this.#remove(step.state % this.#places.length, step.key);
      case 'drop':
        return this.#drop(step.state % this.#places.length);
      case 'cut':
        if (this.#begun === undefined) this.#cut(step.snapshot);
        return;
      case 'slice':
        for (const work of this.#begun?.works ?? []) work.step(0);
        return;
      case 'end':
        return this.#end(step.how);
      case 'settle':
        return this.#settle(this.#unsettled.shift(), step.how);
      case 'restart':
        return this.#restart(step.parallelism, step.isLazy);
      default:
        step satisfies never;
    }
  }

  #put(index: number, key: unknown, value: number): void {
    const place = this.#places[index] as Place;
    const hash = hashKey(key);
    const table = this.#tableOf(place, hash);
    const entry = value % 2 === 0 ? table.findOrInsert(key, hash) : this.#insertLate(table, key);
    table.write(entry, place.valueOf(value), key);
    this.#partOf(index).set(JSON.stringify(key), [key, place.valueOf(value)]);
  }

  /** A find to read, then a mark. */
  #insertLate(table: StateTable, key: unknown): number {
    const hash = hashKey(key);
    const found = table.find(key, hash);
    if (found < 0) return table.findOrInsert(key, hash);
    table.willUpdate(found);
    return found;
  }

  #batch(index: number, keys: readonly unknown[]): void {
    const place = this.#places[index] as Place;
    const part = this.#partOf(index);
    for (const [subtask, backend] of this.#backends.entries()) {
      const own = keys.filter((key) => this.#subtaskOf(hashKey(key)) === subtask);
      const hashes = Int32Array.from(own, (key) => hashKey(key));
      const entries = new Int32Array(own.length);
      const isNew = new Uint8Array(own.length);
      const table = tableIn(backend, place);
      table.findOrInsertBatch(own, hashes, own.length, entries, isNew);
      own.forEach((key, i) => {
        const name = JSON.stringify(key);
        if ((isNew[i] === 0) !== part.has(name)) {
          throw new Error(`${name} of ${place.declaration.name}: new is ${isNew[i]}`);
        }
        // A list is changed in place: the old one must have been written before.
        const value = place.valueOf(i + 1);
        const old = isNew[i] === 0 ? table.read(entries[i] as number) : undefined;
        const next = Array.isArray(old) ? (old.splice(0, 9, i), old) : value;
        table.write(entries[i] as number, next, key);
        part.set(name, [key, structuredClone(next)]);
      });
    }
  }

  #remove(index: number, key: unknown): void {
    const hash = hashKey(key);
    const was = this.#tableOf(this.#places[index] as Place, hash).remove(key, hash);
    const had = this.#partOf(index).delete(JSON.stringify(key));
    if (was !== had) throw new Error(`${JSON.stringify(key)}: removed is ${was}`);
  }

  #drop(index: number): void {
    const place = this.#places[index] as Place;
    for (const backend of this.#backends) {
      if (place.namespace === undefined) tableIn(backend, place).clear();
      else backend.declare(place.declaration).dropNamespace(place.namespace);
    }
    this.#partOf(index).clear();
  }

  #cut(kind: SnapshotKind): void {
    const checkpointId = this.#nextId++;
    const output = this.#storage;
    const works = this.#backends.map((b) => b.snapshot({ checkpointId, kind, output }));
    this.#begun = { checkpointId, kind, works, model: structuredClone(this.#model) };
  }

  async #end(how: EndOfCut): Promise<void> {
    const begun = this.#begun;
    if (begun === undefined) return;
    this.#begun = undefined;
    const { checkpointId, works, model } = begun;
    if (how === 'give up') {
      for (const work of works) work.abort();
      for (const backend of this.#backends) backend.notifyCheckpointAborted(checkpointId);
      return;
    }
    for (const work of works) while (!work.step(0)) continue;
    const handles = structuredClone(await Promise.all(works.map((work) => work.finish())));
    const written = { checkpointId, handles, model };
    if (how === 'later') this.#unsettled.push(written);
    else this.#settle(written, how);
  }

  #settle(written: Written | undefined, how: 'complete' | 'abort'): void {
    if (written === undefined) return;
    const { checkpointId } = written;
    const isLast = checkpointId > (this.#completed?.checkpointId ?? 0);
    // Nobody completes what a later checkpoint has subsumed.
    const isComplete = how === 'complete' && isLast;
    if (isComplete) this.#completed = written;
    for (const backend of this.#backends) {
      if (isComplete) backend.notifyCheckpointComplete(checkpointId);
      else backend.notifyCheckpointAborted(checkpointId);
    }
  }

  async #restart(parallelism: number, isLazy: boolean): Promise<void> {
    if (this.#completed === undefined) await this.#cutWhole('incremental');
    for (const work of this.#begun?.works ?? []) work.abort();
    this.#unsettled.length = 0;
    this.#start(parallelism, isLazy);
    if (isLazy) return;
    const difference = this.difference();
    if (difference !== undefined) throw new Error(`after a restart: ${difference}`);
  }

  #start(parallelism: number, isLazy = false): void {
    for (const backend of this.#backends) backend[Symbol.dispose]();
    this.#begun = undefined;
    const completed = this.#completed;
    if (completed !== undefined) this.#model = structuredClone(completed.model);
    this.#backends = Array.from({ length: parallelism }, (_, subtask) => {
      const backend = this.#under.make(keyGroupRange(subtask, MAX_PARALLELISM, parallelism));
      // Both orders occur: operators declare in `open`, users' functions later, too.
      const isDeclaredFirst = this.#nextId % 2 === 0 && !isLazy;
      if (isDeclaredFirst) for (const place of this.#places) tableIn(backend, place);
      if (completed !== undefined) backend.restore(completed.handles, this.#storage);
      if (!isLazy) for (const { declaration } of this.#places) backend.declare(declaration);
      return backend;
    });
  }

  #subtaskOf(hash: number): number {
    const group = keyGroupFor(hash, MAX_PARALLELISM);
    return subtaskFor(group, MAX_PARALLELISM, this.#backends.length);
  }

  #tableOf(place: Place, hash: number): StateTable {
    return tableIn(this.#backends[this.#subtaskOf(hash)] as KeyedStateBackend, place);
  }

  #partOf(index: number): Map<string, readonly [unknown, unknown]> {
    let part = this.#model.get(`${index}`);
    if (part === undefined) {
      part = new Map();
      this.#model.set(`${index}`, part);
    }
    return part;
  }

  #readAll(place: Place): Map<string, readonly [unknown, unknown]> {
    const all = new Map<string, readonly [unknown, unknown]>();
    this.#backends.forEach((backend, subtask) => {
      const range = keyGroupRange(subtask, MAX_PARALLELISM, this.#backends.length);
      const { first, last } = hashRange(range, MAX_PARALLELISM);
      tableIn(backend, place).forEach((key, value, hash) => {
        if (hash >>> 0 < first || hash >>> 0 > last) throw new Error(`${hash} is not ${subtask}'s`);
        if (hash !== hashKey(key)) throw new Error(`${JSON.stringify(key)} has hash ${hash}`);
        all.set(JSON.stringify(key), [key, value]);
      });
    });
    return all;
  }
}

function tableIn(backend: KeyedStateBackend, place: Place): StateTable {
  const state = backend.declare(place.declaration);
  return place.namespace === undefined ? state.table : state.tableOf(place.namespace);
}

type Part = ReadonlyMap<string, readonly [unknown, unknown]>;

function sorted(part: Part): unknown {
  return [...part].sort(([a], [b]) => (a < b ? -1 : 1));
}

function show(part: Part): string {
  return JSON.stringify([...part.values()]);
}
