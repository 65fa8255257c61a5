/**
 * What a backend was given to restore, until every state of it is in tables.
 *
 * Invariants:
 * 1. Files are read and verified at once, and let go when the last state has been taken, unless
 *    `afterFile` is given.
 * 2. The handles hold disjoint hashes: what one of them says of a key, or of a namespace, is about
 *    its own rows only.
 */
import { assert } from '../base/assert.ts';
import { MillraceError } from '../base/errors.ts';
import type { RowSection, RowSink } from './cold-state.ts';
import type { IndexRange } from './key-groups.ts';
import type { Namespace } from './keyed-state-backend.ts';
import type { NamedTables } from './named-tables.ts';
import type { RowCoder } from './row-coder.ts';
import type { RowDecoder } from './row-encoder.ts';
import { countRows, readSegment, verifySegment } from './segment/segment-reader.ts';
import type { FileRef, KeyedStateHandle, SnapshotInput, StateMeta } from './snapshot.ts';
import type { TrackedTable } from './tracked-table.ts';

/** One handle with the bytes of its segments, in order. */
interface RestoredHandle {
  readonly handle: KeyedStateHandle;
  readonly segments: readonly (() => Uint8Array)[];
}

/** What a {@link RestoredState} is made of. */
export interface RestoredStateParts {
  readonly handles: readonly KeyedStateHandle[];
  readonly input: SnapshotInput;
  /** The subtask's. */
  readonly hashes: IndexRange;
  readonly operatorName: string;
  /** The segments of a handle; refuses bases that the backend cannot read. */
  readonly filesOf: (handle: KeyedStateHandle) => readonly FileRef[];
  /**
   * Called after each file's rows, by a backend that does not keep all in memory; files are then
   * read when their rows are wanted, each anew for each state.
   */
  readonly afterFile?: (() => void) | undefined;
  /** Rows that room is made for at most; as many as there are if it is left out. */
  readonly reservedMax?: number | undefined;
}

/** See the file's head. */
export class RestoredState {
  readonly #hashes: IndexRange;
  readonly #operatorName: string;
  readonly #parts: RestoredStateParts;
  #handles: readonly RestoredHandle[];
  readonly #names = new Set<string>();

  constructor(parts: RestoredStateParts) {
    this.#hashes = parts.hashes;
    this.#operatorName = parts.operatorName;
    this.#parts = parts;
    this.#handles = parts.handles.map((handle) => {
      const segments = parts.filesOf(handle).map((file) => this.#reader(file));
      for (const { name } of handle.states) this.#names.add(name);
      return { handle, segments };
    });
  }

  /** Names of the states that have not been taken. */
  get names(): readonly string[] {
    return [...this.#names];
  }

  /** What is known of a state that has not been taken; of the first snapshot that has it. */
  metaOf(name: string): StateMeta | undefined {
    if (!this.#names.has(name)) return undefined;
    const metas = this.#handles.map(({ handle }) => stateOf(handle, name));
    const first = metas.find((meta) => meta !== undefined);
    for (const meta of metas) {
      if (meta !== undefined && first !== undefined) this.#requireKind(meta, first.kind);
    }
    return first;
  }

  /** Puts the rows of a state into its tables. */
  takeInto(state: NamedTables, coder: RowCoder): void {
    const { name } = state;
    this.#names.delete(name);
    this.#reserve(state);
    for (const { handle, segments } of this.#handles) {
      const meta = stateOf(handle, name);
      if (meta === undefined) continue;
      this.#requireKind(meta, state.declaration.kind);
      const stateIndex = handle.states.indexOf(meta);
      const sink = new RestoreSink(state, coder.decoderOf(meta), this.#rangeOf(handle));
      const filter = { hashes: this.#hashes, wants: (index: number) => index === stateIndex };
      for (const read of segments) {
        readSegment(read(), filter, sink);
        this.#parts.afterFile?.();
      }
    }
    state.dropEmptyNamespaces();
    if (this.#names.size === 0) this.#handles = [];
  }

  #rangeOf({ hashFirst, hashLast }: KeyedStateHandle): IndexRange | undefined {
    return this.#handles.length === 1 ? undefined : { first: hashFirst, last: hashLast };
  }

  #reader(file: FileRef): () => Uint8Array {
    const { input, afterFile } = this.#parts;
    const read = (): Uint8Array => {
      const bytes = input.read(file);
      verifySegment(bytes);
      return bytes;
    };
    if (afterFile !== undefined) return read;
    const bytes = read();
    return () => bytes;
  }

  /**
   * Makes room for all rows at once, within reason. Most segments have their rows in the order of
   * hashes, which in a table that has yet to grow would all crowd at one end.
   */
  #reserve(state: NamedTables): void {
    const expected = new Map<Namespace | undefined, number>();
    for (const { handle, segments } of this.#handles) {
      const stateIndex = handle.states.findIndex(({ name }) => name === state.name);
      const counts = new Map<Namespace | undefined, number>();
      for (const read of segments) countRows(read(), stateIndex, counts);
      const share = shareOf(handle, this.#hashes);
      for (const [namespace, rows] of counts) {
        expected.set(namespace, (expected.get(namespace) ?? 0) + Math.ceil(rows * share));
      }
    }
    for (const [namespace, rows] of expected) {
      const table = namespace === undefined ? state.table : state.tableOf(namespace);
      table.table.reserve(Math.min(rows, this.#parts.reservedMax ?? rows), this.#hashes);
    }
  }

  #requireKind(meta: StateMeta, kind: StateMeta['kind']): void {
    if (meta.kind === kind) return;
    throw new MillraceError(
      'STATE_INCOMPATIBLE',
      `state '${meta.name}' of '${this.#operatorName}' was restored as ${meta.kind} state, but is ` +
        `declared as ${kind} state: give the new state a name of its own`,
      { details: { operator: this.#operatorName, state: meta.name, restored: meta.kind, kind } },
    );
  }
}

/** How much of a handle's hashes lie in a range. */
function shareOf({ hashFirst, hashLast }: KeyedStateHandle, { first, last }: IndexRange): number {
  const common = Math.min(hashLast, last) - Math.max(hashFirst, first) + 1;
  return Math.max(0, common) / (hashLast - hashFirst + 1);
}

function stateOf(handle: KeyedStateHandle, name: string): StateMeta | undefined {
  return handle.states.find((meta) => meta.name === name);
}

/** Puts the rows of one handle into tables. */
class RestoreSink implements RowSink {
  readonly #state: NamedTables;
  readonly #decoder: RowDecoder;
  readonly #hashes: IndexRange | undefined;

  /** @param hashes - which rows a drop is about; all if it is left out */
  constructor(state: NamedTables, decoder: RowDecoder, hashes: IndexRange | undefined) {
    this.#state = state;
    this.#decoder = decoder;
    this.#hashes = hashes;
  }

  drop(section: RowSection): void {
    const table = this.#tableOf(section);
    const hashes = this.#hashes;
    if (hashes === undefined) {
      table.unrestoreAll();
      return;
    }
    table.forEach((key, _value, hash) => {
      assert(key !== undefined, 'a row without a key was restored');
      const unsigned = hash >>> 0;
      if (unsigned >= hashes.first && unsigned <= hashes.last) dropped.push([key, hash]);
    });
    for (const [key, hash] of dropped) table.unrestore(key, hash);
    dropped.length = 0;
  }

  remove(section: RowSection, hash: number, bytes: Uint8Array, from: number, to: number): void {
    this.#tableOf(section).unrestore(this.#decoder.decodeKey(bytes, from, to), hash);
  }

  put(
    section: RowSection,
    hash: number,
    bytes: Uint8Array,
    from: number,
    valueFrom: number,
    to: number,
  ): void {
    const key = this.#decoder.decodeKey(bytes, from, valueFrom);
    const value = this.#decoder.decodeValue(bytes, valueFrom, to);
    this.#tableOf(section).restore(key, hash, value);
  }

  #tableOf({ namespace }: RowSection): TrackedTable {
    return namespace === undefined ? this.#state.table : this.#state.tableOf(namespace);
  }
}

/** Scratch of {@link RestoreSink.drop}. */
const dropped: [unknown, number][] = [];
