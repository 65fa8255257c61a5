/**
 * One named state of a backend: its table without a namespace and those of its namespaces.
 *
 * Invariants:
 * 1. The tables of dropped namespaces are used again, since they know their columns; one that a cut
 *    still reads is left to it.
 * 2. A dropped namespace is told to the next snapshots: what they hold of it is gone.
 */
import type { ColdState, ColdTier, CutOptions, RowSection } from './cold-state.ts';
import type { NamedState, Namespace, StateDeclaration } from './keyed-state-backend.ts';
import { Outstanding } from './outstanding.ts';
import type { RowDecoder, RowEncoder } from './row-encoder.ts';
import type { KeyKind } from './table/key-column.ts';
import { KeyedTable } from './table/keyed-table.ts';
import type { ValueLayout } from './table/value-layout.ts';
import { TrackedTable } from './tracked-table.ts';

/** What a {@link NamedTables} is made of. */
export interface NamedTablesParts {
  readonly declaration: StateDeclaration;
  readonly stateIndex: number;
  readonly encoder: RowEncoder;
  readonly layout: ValueLayout | undefined;
  readonly hashes: { readonly first: number; readonly last: number };
  readonly isTracking: boolean;
  readonly cold: ColdTier | undefined;
}

const SPARE_TABLES_MAX = 32;

/** See the file's head. */
export class NamedTables implements NamedState {
  readonly name: string;
  readonly declaration: StateDeclaration;
  stateIndex: number;
  encoder: RowEncoder;
  readonly #parts: NamedTablesParts;
  #root: TrackedTable | undefined;
  readonly #byNamespace = new Map<Namespace, TrackedTable>();
  readonly #spare: KeyedTable[] = [];
  #layout: ValueLayout | undefined;
  #keyKind: KeyKind | undefined;
  /** Dropped since the last cut for a checkpoint, and by those that are not yet complete. */
  #dropped = new Set<Namespace | undefined>();
  readonly #outstanding = new Outstanding<Set<Namespace | undefined>>();

  constructor(parts: NamedTablesParts) {
    this.name = parts.declaration.name;
    this.declaration = parts.declaration;
    this.stateIndex = parts.stateIndex;
    this.encoder = parts.encoder;
    this.#parts = parts;
    this.#layout = parts.layout;
    this.#keyKind = parts.declaration.keyKind;
  }

  get table(): TrackedTable {
    this.#root ??= this.#open(undefined);
    return this.#root;
  }

  tableOf(namespace: Namespace): TrackedTable {
    let table = this.#byNamespace.get(namespace);
    if (table === undefined) {
      table = this.#open(namespace);
      this.#byNamespace.set(namespace, table);
    }
    return table;
  }

  has(namespace: Namespace): boolean {
    return this.#byNamespace.has(namespace);
  }

  dropNamespace(namespace: Namespace): void {
    const dropped = this.#byNamespace.get(namespace);
    if (dropped === undefined) return;
    this.#byNamespace.delete(namespace);
    this.#noteDrop(namespace);
    const { table } = dropped;
    this.#layout ??= table.values?.layout;
    this.#keyKind ??= table.keyKind;
    if (dropped.cut !== undefined) return;
    table.clear();
    if (this.#spare.length < SPARE_TABLES_MAX) this.#spare.push(table);
  }

  namespaces(): readonly Namespace[] {
    return [...this.#byNamespace.keys()].sort(compareNamespaces);
  }

  /** All tables that exist. */
  tables(): readonly TrackedTable[] {
    const tables = this.namespaces().map((namespace) => this.tableOf(namespace));
    return this.#root === undefined ? tables : [this.#root, ...tables];
  }

  /** A restore gives the state, which has no rows yet, its number and its schemas. */
  rebind(stateIndex: number, encoder: RowEncoder): void {
    this.stateIndex = stateIndex;
    this.encoder = encoder;
    for (const table of this.tables()) {
      const section = this.#section(table.section.namespace);
      table.rebind(section, encoder, this.#coldOf(section));
    }
  }

  /** What a cut has to tell of dropped namespaces. */
  beginCut(options: CutOptions): readonly RowSection[] {
    const dropped = new Set<Namespace | undefined>();
    if (options.kind === 'since-checkpoint') {
      for (const part of this.#outstanding.parts) for (const name of part) dropped.add(name);
      for (const name of this.#dropped) dropped.add(name);
    }
    if (options.checkpointId !== undefined) {
      this.#outstanding.add(options.checkpointId, this.#dropped);
      this.#dropped = new Set();
    }
    return [...dropped].map((namespace) => this.#section(namespace));
  }

  /** A cut is given up. */
  abortCut(checkpointId: number | undefined): void {
    if (checkpointId === undefined) return;
    this.#abortDrops(checkpointId);
  }

  /** After a restore: what is left of namespaces that were dropped. */
  dropEmptyNamespaces(): void {
    for (const [namespace, table] of this.#byNamespace) {
      if (table.isEmpty) this.#byNamespace.delete(namespace);
    }
  }

  /** Encodes every row once, so that the schemas of all are known. */
  encodeAll(): void {
    for (const table of this.tables()) {
      table.forEach((key, value) => this.encoder.encodeRow(key, value ?? table.valueOfNone));
    }
  }

  /**
   * Takes the rows of the same state as it was opened before, and what it has to tell. All of them
   * count as changed. The other one is a cut's from now on, if one is being written.
   */
  takeOver(other: NamedTables, decoder: RowDecoder): void {
    for (const part of other.#outstanding.parts) for (const name of part) this.#dropped.add(name);
    for (const name of other.#dropped) this.#dropped.add(name);
    for (const from of other.tables()) {
      const { namespace } = from.section;
      const to = namespace === undefined ? this.table : this.tableOf(namespace);
      to.tombstones.takeOver(from.tombstones);
      from.forEach((key, value, hash) => {
        other.encoder.encodeRow(key, value ?? from.valueOfNone);
        const { keyLength, writer } = other.encoder;
        const bytes = writer.take();
        const decoded = decoder.decodeValue(bytes, keyLength, bytes.length);
        to.restore(decoder.decodeKey(bytes, 0, keyLength), hash, decoded);
        to.willUpdate(to.find(key, hash));
      });
    }
  }

  complete(checkpointId: number): void {
    this.#outstanding.complete(checkpointId);
    for (const table of this.tables()) {
      table.rows?.complete(checkpointId);
      table.tombstones.complete(checkpointId);
    }
  }

  abort(checkpointId: number): void {
    this.#abortDrops(checkpointId);
    for (const table of this.tables()) {
      table.rows?.abort(checkpointId);
      table.tombstones.abort(checkpointId);
    }
  }

  /** Bytes of the typed arrays, and a guess at those of strings and objects. */
  get memoryBytes(): number {
    let bytes = 0;
    for (const tracked of this.tables()) bytes += tracked.memoryBytes;
    return bytes;
  }

  #abortDrops(checkpointId: number): void {
    const dropped = this.#outstanding.abort(checkpointId, (aborted, next) => {
      for (const name of aborted) next.add(name);
    });
    for (const name of dropped ?? []) this.#dropped.add(name);
  }

  #noteDrop(namespace: Namespace | undefined): void {
    this.#parts.cold?.drop(this.#section(namespace));
    if (this.#parts.isTracking) this.#dropped.add(namespace);
  }

  #section(namespace: Namespace | undefined): RowSection {
    return { stateIndex: this.stateIndex, namespace };
  }

  #coldOf({ stateIndex, namespace }: RowSection): ColdState | undefined {
    const { declaration, cold } = this.#parts;
    return declaration.resident === true ? undefined : cold?.open(stateIndex, namespace);
  }

  #open(namespace: Namespace | undefined): TrackedTable {
    const { declaration, isTracking, hashes } = this.#parts;
    return new TrackedTable({
      table:
        this.#spare.pop() ??
        new KeyedTable({
          value: this.#layout,
          keyKind: this.#keyKind,
          omitsKeyField: declaration.omitsKeyField,
          // A window's table mostly holds few rows: the range is learnt there.
          hashRange: namespace === undefined ? hashes : undefined,
        }),
      section: this.#section(namespace),
      encoder: this.encoder,
      isTracking,
      isExpired: declaration.isExpired,
      cold: this.#coldOf(this.#section(namespace)),
      onClear: () => this.#noteDrop(namespace),
    });
  }
}

function compareNamespaces(a: Namespace, b: Namespace): number {
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
