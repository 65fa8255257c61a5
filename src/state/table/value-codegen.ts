/**
 * Generates the reader and the writer of a {@link ValueStore}, so that rows are made by one object
 * literal with the layout's fields and number columns are plain loads and stores.
 *
 * Invariant: field names enter the text JSON-escaped, as computed keys; everything else comes as
 * closure constants.
 */
import { CHUNK_MASK, CHUNK_SHIFT } from './entry-chunks.ts';
import type { EntryChunks } from './entry-chunks.ts';
import { ABSENT } from './object-column.ts';
import { CUT_UNITS_MIN, ownString } from './own-string.ts';
import type { ValueColumn, ValueStore } from './value-store.ts';

/** Makes the value of an entry; its key matters only if there is a key column. */
export type ValueReader = (entry: number, key: unknown) => unknown;
/** Sets the value of an entry; its key matters only if there is a key column. */
export type ValueWriter = (entry: number, value: unknown, key: unknown) => void;

/** Generates `read`. */
export function generateReader(store: ValueStore, entries: EntryChunks): ValueReader {
  const { columns, layout } = store;
  const result = layout.kind === 'row' ? `{ ${columns.map(literalPart).join(', ')} }` : 'v0';
  return bind(store, entries, [
    'return function read(entry, key) {',
    ...(layout.kind === 'row' ? readWholeLines() : []),
    ...locateLines(columns, entries),
    ...columns.flatMap(readLines),
    `  return ${result};`,
    '};',
  ]) as ValueReader;
}

/** Generates `write`. */
export function generateWriter(store: ValueStore, entries: EntryChunks): ValueWriter {
  const { columns, layout } = store;
  const parts =
    layout.kind === 'row'
      ? columns.map((column) => `value[${JSON.stringify(column.name)}]`)
      : ['value'];
  return bind(store, entries, [
    'return function write(entry, value, key) {',
    ...(layout.kind === 'row' ? writeWholeLines(layout.isCaptured) : []),
    ...locateLines(columns, entries),
    ...columns.flatMap((column, i) => writeLines(column, i, parts[i] as string)),
    '};',
  ]) as ValueWriter;
}

function bind(store: ValueStore, entries: EntryChunks, lines: readonly string[]): unknown {
  const objects = store.columns.map((column) => column.objects);
  const names = objects.map((_, i) => `objects${i}`);
  const head = `"use strict"; const [${names.join(', ')}] = objects;`;
  const make = new Function(
    'chunks',
    'objects',
    'wholes',
    'ABSENT',
    'isRow',
    'ownString',
    [head, ...lines].join('\n'),
  );
  const isRow = isRowOf(store.columns.map((column) => column.name as string));
  return (make as (...constants: unknown[]) => unknown)(
    entries.chunks,
    objects,
    store.wholes,
    ABSENT,
    isRow,
    ownString,
  );
}

function literalPart(column: ValueColumn, index: number): string {
  // Computed only where it must be: as a plain key `__proto__` would set the prototype.
  const name = JSON.stringify(column.name);
  return column.name === '__proto__' ? `[${name}]: v${index}` : `${name}: v${index}`;
}

function locateLines(columns: readonly ValueColumn[], entries: EntryChunks): string[] {
  if (columns.every((column) => column.place < 0)) return [];
  return [
    `  const chunk = chunks[entry >> ${CHUNK_SHIFT}];`,
    `  const from = (entry & ${CHUNK_MASK}) * ${entries.stride};`,
  ];
}

function readWholeLines(): string[] {
  return [
    '  if (wholes.isUsed) { const whole = wholes.get(entry); if (whole !== ABSENT) return whole; }',
  ];
}

function writeWholeLines(isCaptured: boolean): string[] {
  const fits = isCaptured ? 'isRow(value)' : 'typeof value === "object" && value !== null';
  return [
    `  if (!(${fits})) { wholes.set(entry, value); return; }`,
    '  if (wholes.isUsed) wholes.delete(entry);',
  ];
}

function readLines(column: ValueColumn, i: number): string[] {
  // Hot: no comparison, for it would fetch a cold string (10 % of a row's read).
  if (column.kind === 'object') return [`  const v${i} = objects${i}.get(entry);`];
  const found = `const beside = objects${i}.get(entry); if (beside !== ABSENT) v${i} = beside;`;
  const beside = `if (objects${i}.isUsed) { ${found} }`;
  if (column.kind === 'key') return [`  let v${i} = key;`, `  ${beside}`];
  const load = `  let v${i} = chunk[from + ${column.place}];`;
  if (column.kind === 'number') return [load, `  if (v${i} !== v${i}) { ${beside} }`];
  return [load, `  if (v${i} === v${i}) v${i} = v${i} === 1; else { ${beside} }`];
}

function writeLines(column: ValueColumn, i: number, part: string): string[] {
  const take = `  const v${i} = ${part};`;
  if (column.kind === 'object') return [take, `  objects${i}.set(entry, ${ownLine(i)});`];
  if (column.kind === 'key') {
    // Only strings: of equal numbers one may be a bigint or a negative zero.
    const isKey = `v${i} === key && typeof v${i} === "string"`;
    const omit = `{ if (objects${i}.isUsed) objects${i}.delete(entry); }`;
    return [take, `  if (${isKey}) ${omit} else objects${i}.set(entry, ${ownLine(i)});`];
  }
  const store = `chunk[from + ${column.place}] =`;
  const beside = `{ ${store} NaN; objects${i}.set(entry, v${i}); }`;
  if (column.kind === 'boolean')
    return [take, `  if (typeof v${i} === "boolean") ${store} v${i} ? 1 : 0; else ${beside}`];
  // A NaN that is meant must not find what an earlier value left beside the column.
  const clean = `if (v${i} !== v${i} && objects${i}.isUsed) objects${i}.delete(entry);`;
  return [take, `  if (typeof v${i} === "number") { ${store} v${i}; ${clean} } else ${beside}`];
}

/** A longer string may be a cut of a batch's slab: see {@link ownString}. */
function ownLine(i: number): string {
  const isLong = `typeof v${i} === "string" && v${i}.length >= ${CUT_UNITS_MIN}`;
  return `${isLong} ? ownString(v${i}, objects${i}.get(entry)) : v${i}`;
}

/** Whether a value is a plain object with exactly these fields. */
function isRowOf(names: readonly string[]): (value: unknown) => boolean {
  const count = names.length;
  return (value) => {
    if (
      typeof value !== 'object' ||
      value === null ||
      Object.getPrototypeOf(value) !== Object.prototype
    )
      return false;
    let seen = 0;
    for (const name in value) {
      // Rows mostly come with the same order; anything else takes the slow way.
      if (name !== names[seen]) return false;
      seen++;
    }
    return seen === count;
  };
}
