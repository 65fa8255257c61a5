/**
 * The values of a table's entries: numbers in the entries' chunks, everything else in object
 * columns.
 *
 * Invariants:
 * 1. What is written is read back, whatever it is: a value that does not fit its number column lies
 *    in the column beside it, where a NaN points to; a value that is no such row at all is kept
 *    whole. Both are counted. A field of a key column that is not the key lies beside it, too.
 * 2. `read` returns a fresh object with the layout's fields in order. Parts that are objects are
 *    shared, not copied.
 * 3. A new entry reads as 0, false, `undefined` and its key until it is written.
 */
import type { EntryChunks } from './entry-chunks.ts';
import { ABSENT, ObjectColumn } from './object-column.ts';
import { generateReader, generateWriter } from './value-codegen.ts';
import type { ValueReader, ValueWriter } from './value-codegen.ts';
import type { ColumnKind, ValueLayout } from './value-layout.ts';

/** As many lines as the first-level cache can wait for, and a few more. */
const TOUCHED_AT_ONCE = 64;

/** One column of a {@link ValueStore}. */
export interface ValueColumn {
  /** The field's name; `undefined` if the value is this one column. */
  readonly name: string | undefined;
  readonly kind: ColumnKind;
  /** Place in the entry, counted in float64s from the entry's offset; -1 if it has none there. */
  readonly place: number;
  /** The values of an object column, or what did not fit a column of another kind. */
  readonly objects: ObjectColumn;
}

/** See the file's head. */
export class ValueStore {
  readonly layout: ValueLayout;
  readonly columns: readonly ValueColumn[];
  /** Values that are no such row, whole. */
  readonly wholes: ObjectColumn = new ObjectColumn(ABSENT);
  /** Float64 places at the head of an entry that belong to the key. */
  readonly firstPlace: number;
  /** Whether a column is the key: then `read` and `write` need the entry's. */
  readonly hasKeyColumn: boolean;
  /** The value of an entry with this key; see invariant 2. */
  readonly read: ValueReader;
  /** Sets the value of an entry with this key. */
  readonly write: ValueWriter;

  constructor(layout: ValueLayout, entries: EntryChunks, firstPlace: number) {
    this.layout = layout;
    this.firstPlace = firstPlace;
    this.columns = makeColumns(layout, firstPlace);
    this.hasKeyColumn = this.columns.some((column) => column.kind === 'key');
    const places = firstPlace + countNumbers(layout);
    if (entries.stride !== places) entries.setStride(places);
    this.read = generateReader(this, entries);
    this.write = generateWriter(this, entries);
  }

  /**
   * Where generated code finds a number column in the entry, or -1 if there is none of that name or
   * it was widened: then it must go through `read` and `write`. Ask again once per batch.
   */
  numberPlace(name: string | undefined): number {
    for (const column of this.columns) {
      if (column.name !== name || column.kind !== 'number') continue;
      return column.objects.isUsed || this.wholes.isUsed ? -1 : column.place;
    }
    return -1;
  }

  /**
   * Names of the columns that hold values which are not numbers, or not booleans, though their
   * layout says so.
   */
  get widened(): readonly (string | undefined)[] {
    const widened = this.columns.filter((column) => hasPlace(column.kind) && column.objects.isUsed);
    return widened.map((column) => column.name);
  }

  /** Whether values were kept whole because they are not rows of the layout. */
  get hasWholes(): boolean {
    return this.wholes.isUsed;
  }

  /**
   * Brings entries' byte arrays into the cache; the result means nothing.
   * Hot: passes of their own, so that the misses overlap: rows in the order of their hashes lie
   * anywhere, and an array is two misses away from its column.
   */
  touchObjects(entries: Int32Array, count: number): number {
    let touched = 0;
    for (let i = 0; i < this.columns.length; i++) {
      const { kind, objects } = this.columns[i] as ValueColumn;
      if (kind === 'object') touched ^= touchBytes(objects, entries, count);
    }
    return touched;
  }

  /** Lets go of an entry's objects. */
  remove(entry: number): void {
    for (let i = 0; i < this.columns.length; i++) {
      const objects = (this.columns[i] as ValueColumn).objects;
      if (objects.isUsed) objects.delete(entry);
    }
    if (this.wholes.isUsed) this.wholes.delete(entry);
  }

  /** Forgets all values. */
  clear(): void {
    for (const column of this.columns) column.objects.clear();
    this.wholes.clear();
  }
}

function touchBytes(objects: ObjectColumn, entries: Int32Array, count: number): number {
  let touched = 0;
  // Columns mostly hold one kind of object.
  if (count === 0 || !(objects.get(entries[0] as number) instanceof Uint8Array)) return 0;
  for (let from = 0; from < count; from += TOUCHED_AT_ONCE) {
    const to = Math.min(count, from + TOUCHED_AT_ONCE);
    for (let i = from; i < to; i++) {
      const object = objects.get(entries[i] as number);
      if (object instanceof Uint8Array) touched ^= object.length;
    }
    for (let i = from; i < to; i++) {
      const object = objects.get(entries[i] as number);
      if (object instanceof Uint8Array) touched ^= object[0] ?? 0;
    }
  }
  return touched;
}

function makeColumns(layout: ValueLayout, firstPlace: number): ValueColumn[] {
  const fields =
    layout.kind === 'row' ? layout.fields : [{ name: undefined, column: layout.column }];
  let place = firstPlace;
  return fields.map((field) => ({
    name: field.name,
    kind: field.column,
    place: hasPlace(field.column) ? place++ : -1,
    // An object column needs no mark for what was never written; one beside another column does.
    objects: field.column === 'object' ? new ObjectColumn(null) : new ObjectColumn(ABSENT),
  }));
}

function countNumbers(layout: ValueLayout): number {
  if (layout.kind === 'single') return hasPlace(layout.column) ? 1 : 0;
  return layout.fields.filter((field) => hasPlace(field.column)).length;
}

function hasPlace(kind: ColumnKind): boolean {
  return kind === 'number' || kind === 'boolean';
}
