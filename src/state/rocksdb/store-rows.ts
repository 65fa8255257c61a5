/**
 * The rows of a backend in its store: what the hot tables see below them, and what takes rows from
 * them.
 *
 *      ┌───────┬──────┬──────────┬─────────────┐
 *      │ state │ hash │ section  │ key bytes   │ ──▶ value bytes          numbers big-endian: rows of a state
 *      │  u8   │ u32  │   u32    │             │                          lie in order of their hashes
 *      └───────┴──────┴──────────┴─────────────┘
 *
 * Invariants:
 * 1. A section is one life of a state's namespace: it gets a number with its first row and loses it
 *    when it is dropped. Numbers are never given out again, so what a dropped one leaves behind is
 *    garbage that nobody can see; `purge` removes it.
 * 2. The numbers, and what is counted, are a row of the store themselves ({@link StoreRows.save}),
 *    so a checkpoint of the store knows them.
 * 3. The filter knows every key that lies below; it may be undefined, after a restore without one,
 *    and then all are asked for.
 */
import { assert } from '../../base/assert.ts';
import { MillraceError } from '../../base/errors.ts';
import type { ColdState, ColdTier, RowSection } from '../cold-state.ts';
import type { Namespace } from '../keyed-state-backend.ts';
import type { ColumnFamily, RowCursor } from './key-value-store.ts';
import { KeyFilter } from './key-filter.ts';

const HEAD_BYTES = 9;
const STATES_MAX = 255;
/** The state of the row that holds the numbers. */
const OWN_ROW = 255;
const FORMAT_VERSION = 1;
/** Of a section that has no rows below. */
const NO_SECTION = 0;
/** So much garbage is left alone. */
const GARBAGE_ROWS_MIN = 10_000;

/** As in the store's own row. */
interface SavedSections {
  readonly version: number;
  readonly next: number;
  readonly garbageRows: number;
  readonly sections: readonly (readonly [
    stateIndex: number,
    namespace: Namespace | null,
    id: number,
    rows: number,
  ])[];
}

/** See the file's head. */
export class StoreRows implements ColdTier {
  readonly #open: () => ColumnFamily;
  #opened: ColumnFamily | undefined;
  readonly #sections = new Map<string, SectionRows>();
  readonly #liveIds = new Set<number>();
  filter: KeyFilter | undefined = new KeyFilter();
  #next = 1;
  #garbageRows = 0;
  #purgeFrom: Uint8Array | undefined;

  /** @param open - opens the store; called with the first row that goes there */
  constructor(open: () => ColumnFamily) {
    this.#open = open;
  }

  /** Whether rows were ever put into the store. */
  get isOpen(): boolean {
    return this.#opened !== undefined;
  }

  /** Rows that lie below and are not garbage; an estimate. */
  get rows(): number {
    let rows = 0;
    for (const section of this.#sections.values()) rows += section.size;
    return rows;
  }

  open(stateIndex: number, namespace: Namespace | undefined): SectionRows {
    const name = nameOf(stateIndex, namespace);
    let section = this.#sections.get(name);
    if (section === undefined) {
      section = new SectionRows(this, stateIndex, namespace);
      this.#sections.set(name, section);
    }
    return section;
  }

  /** Namespaces of a state that have rows below. */
  namespacesOf(stateIndex: number): readonly (Namespace | undefined)[] {
    const sections = [...this.#sections.values()];
    return sections
      .filter((section) => section.stateIndex === stateIndex && section.id !== NO_SECTION)
      .map((section) => section.namespace);
  }

  /** All rows of the section that lie below are gone. */
  drop({ stateIndex, namespace }: RowSection): void {
    const section = this.#sections.get(nameOf(stateIndex, namespace));
    if (section === undefined || section.id === NO_SECTION) return;
    this.#liveIds.delete(section.id);
    this.#garbageRows += section.size;
    section.id = NO_SECTION;
    section.size = 0;
  }

  /** The key `bytes[from..valueFrom)`, with the value `bytes[valueFrom..to)`. */
  put(
    section: SectionRows,
    hash: number,
    bytes: Uint8Array,
    from: number,
    valueFrom: number,
    to: number,
  ): void {
    const family = this.#family;
    if (section.id === NO_SECTION) this.#begin(section);
    const keyLength = this.#writeKey(section, hash, bytes, from, valueFrom);
    family.ensureValue(to - valueFrom);
    family.value.set(bytes.subarray(valueFrom, to));
    family.put(keyLength, to - valueFrom);
    if (this.filter === undefined || this.filter.mayHave(hash, section.id)) return;
    this.filter.add(hash, section.id);
    section.size++;
  }

  remove(section: SectionRows, hash: number, bytes: Uint8Array, from: number, to: number): void {
    if (section.id === NO_SECTION || this.filter?.mayHave(hash, section.id) === false) return;
    this.#family.delete(this.#writeKey(section, hash, bytes, from, to));
    section.size = Math.max(0, section.size - 1);
  }

  get(
    section: SectionRows,
    hash: number,
    key: Uint8Array,
    keyLength: number,
  ): Uint8Array | undefined {
    const family = this.#family;
    const length = family.get(this.#writeKey(section, hash, key, 0, keyLength));
    return length < 0 ? undefined : family.value.subarray(0, length);
  }

  /**
   * The rows of a state with unsigned hashes `first` to `last`, ascending; of one section if it is
   * given. Whoever opens it closes it.
   */
  range(options: SectionRange): SectionCursor {
    const { stateIndex, section, first, last } = options;
    const byId = new Map([...this.#sections.values()].map((each) => [each.id, each]));
    const rows = this.#family.range(boundOf(stateIndex, first), boundOf(stateIndex, last + 1));
    return new SectionCursor(this.#family, rows, byId, section);
  }

  /** The rows of a state as they lie in the store, to be read; here they are gone. */
  detach(stateIndex: number): StoreRows {
    const detached = new StoreRows(() => this.#family);
    for (const section of this.#sections.values()) {
      if (section.stateIndex !== stateIndex || section.id === NO_SECTION) continue;
      const old = detached.open(stateIndex, section.namespace);
      old.id = section.id;
      old.size = section.size;
    }
    for (const old of detached.#sections.values()) this.drop(old);
    return detached;
  }

  /** Whether there is garbage that deserves a {@link purge}. */
  get hasGarbage(): boolean {
    return (
      this.#purgeFrom !== undefined ||
      (this.#garbageRows > GARBAGE_ROWS_MIN && this.#garbageRows > this.rows / 4)
    );
  }

  /** Looks through up to `rowsMax` rows and removes those of dropped sections. */
  purge(rowsMax: number): void {
    const family = this.#family;
    const garbage: Uint8Array[] = [];
    let seen = 0;
    let last: Uint8Array | undefined;
    {
      using cursor = family.range(this.#purgeFrom ?? new Uint8Array(1), Uint8Array.of(OWN_ROW));
      while (seen < rowsMax && cursor.next()) {
        seen++;
        const key = family.key.subarray(0, cursor.keyLength);
        // Copies: the `slice` of a Buffer would share its memory.
        if (!this.#liveIds.has(readU32(key, 5))) garbage.push(new Uint8Array(key));
        if (seen === rowsMax) last = new Uint8Array(key);
      }
    }
    for (const key of garbage) {
      family.ensureKey(key.length);
      family.key.set(key);
      family.delete(key.length);
    }
    this.#purgeFrom = last;
    this.#garbageRows = Math.max(0, this.#garbageRows - garbage.length);
    if (last === undefined) this.#garbageRows = 0;
  }

  /** The numbers of the sections as of now, for {@link save}. */
  sections(): Uint8Array {
    const live = [...this.#sections.values()].filter(({ id }) => id !== NO_SECTION);
    const saved: SavedSections = {
      version: FORMAT_VERSION,
      next: this.#next,
      garbageRows: this.#garbageRows,
      sections: live.map(({ stateIndex, namespace, id, size }) => {
        return [stateIndex, namespace ?? null, id, size];
      }),
    };
    return new TextEncoder().encode(JSON.stringify(saved));
  }

  /** Writes what {@link sections} gave: before each checkpoint of the store. */
  save(bytes: Uint8Array): void {
    const family = this.#family;
    family.ensureValue(bytes.length);
    family.key[0] = OWN_ROW;
    family.value.set(bytes);
    family.put(1, bytes.length);
  }

  /** Opens a store that holds rows already. */
  load(): void {
    const family = this.#family;
    family.key[0] = OWN_ROW;
    const length = family.get(1);
    if (length < 0) return;
    const text = new TextDecoder().decode(family.value.subarray(0, length));
    const saved = JSON.parse(text) as SavedSections;
    if (saved.version !== FORMAT_VERSION) {
      throw new MillraceError(
        'FORMAT_INVALID',
        `the store's rows have the layout ${saved.version}, this version reads ${FORMAT_VERSION}`,
      );
    }
    this.#next = saved.next;
    this.#garbageRows = saved.garbageRows;
    for (const [stateIndex, namespace, id, rows] of saved.sections) {
      const section = this.open(stateIndex, namespace ?? undefined);
      section.id = id;
      section.size = rows;
      this.#liveIds.add(id);
    }
  }

  get #family(): ColumnFamily {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  #begin(section: SectionRows): void {
    section.id = this.#next++;
    this.#liveIds.add(section.id);
    // It may have been forgotten by a drop while its table lived on.
    this.#sections.set(nameOf(section.stateIndex, section.namespace), section);
  }

  #writeKey(
    section: SectionRows,
    hash: number,
    bytes: Uint8Array,
    from: number,
    to: number,
  ): number {
    const family = this.#family;
    const length = HEAD_BYTES + to - from;
    family.ensureKey(length);
    const key = family.key;
    key[0] = section.stateIndex;
    writeU32(key, 1, hash);
    writeU32(key, 5, section.id);
    // By hand: a view and a copy cost more than the few bytes of most keys.
    for (let i = from, at = HEAD_BYTES; i < to; i++, at++) key[at] = bytes[i] as number;
    return length;
  }
}

/** The rows of one section. */
export class SectionRows implements ColdState {
  readonly stateIndex: number;
  readonly namespace: Namespace | undefined;
  size = 0;
  id: number = NO_SECTION;
  readonly #rows: StoreRows;

  constructor(rows: StoreRows, stateIndex: number, namespace: Namespace | undefined) {
    assert(stateIndex < STATES_MAX, () => `${stateIndex} states of one operator are too many`);
    this.#rows = rows;
    this.stateIndex = stateIndex;
    this.namespace = namespace;
  }

  get isEmpty(): boolean {
    return this.id === NO_SECTION;
  }

  clear(): void {
    this.#rows.drop(this);
  }

  mayHave(hash: number): boolean {
    if (this.id === NO_SECTION) return false;
    return this.#rows.filter?.mayHave(hash, this.id) ?? true;
  }

  get(hash: number, key: Uint8Array, keyLength: number): Uint8Array | undefined {
    return this.id === NO_SECTION ? undefined : this.#rows.get(this, hash, key, keyLength);
  }

  scan(visit: (hash: number, key: Uint8Array, value: Uint8Array) => boolean): void {
    if (this.id === NO_SECTION) return;
    const { stateIndex } = this;
    using cursor = this.#rows.range({ stateIndex, section: this, first: 0, last: 2 ** 32 - 1 });
    while (cursor.next()) if (!visit(cursor.hash, cursor.key, cursor.value)) return;
  }
}

/** Which rows of a state. */
export interface SectionRange {
  readonly stateIndex: number;
  readonly section?: SectionRows | undefined;
  /** Unsigned hashes, both included. */
  readonly first: number;
  readonly last: number;
}

/**
 * Goes through rows that are no garbage. Key and value are valid until the next call of anything of
 * the store.
 */
export class SectionCursor implements Disposable {
  section: SectionRows | undefined;
  hash = 0;
  key: Uint8Array = new Uint8Array(0);
  value: Uint8Array = new Uint8Array(0);
  readonly #family: ColumnFamily;
  readonly #rows: RowCursor;
  readonly #byId: ReadonlyMap<number, SectionRows>;
  readonly #only: SectionRows | undefined;

  constructor(
    family: ColumnFamily,
    rows: RowCursor,
    byId: ReadonlyMap<number, SectionRows>,
    only: SectionRows | undefined,
  ) {
    this.#family = family;
    this.#rows = rows;
    this.#byId = byId;
    this.#only = only;
  }

  next(): boolean {
    while (this.#rows.next()) {
      const key = this.#family.key.subarray(0, this.#rows.keyLength);
      this.section = this.#byId.get(readU32(key, 5));
      if (this.section === undefined) continue;
      if (this.#only !== undefined && this.section !== this.#only) continue;
      this.hash = readU32(key, 1) | 0;
      this.key = key.subarray(HEAD_BYTES);
      this.value = this.#family.value.subarray(0, this.#rows.valueLength);
      return true;
    }
    return false;
  }

  [Symbol.dispose](): void {
    this.#rows.close();
  }
}

function nameOf(stateIndex: number, namespace: Namespace | undefined): string {
  if (namespace === undefined) return `${stateIndex}`;
  return `${stateIndex} ${typeof namespace === 'number' ? 'n' : 's'} ${namespace}`;
}

/** The least key of a state and hash. */
function boundOf(stateIndex: number, hash: number): Uint8Array {
  if (hash > 0xffff_ffff) return Uint8Array.of(stateIndex + 1);
  const key = new Uint8Array(5);
  key[0] = stateIndex;
  writeU32(key, 1, hash);
  return key;
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function readU32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}
