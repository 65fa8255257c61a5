/**
 * @dataplane How records become the value of their key in a {@link KeyedTable}: the part that
 * rolling reduces and window contents share. Each operator has loops of its own, generated with its
 * user function and its field as constants.
 */
import { CHUNK_MASK, CHUNK_SHIFT } from '../../state/table/entry-chunks.ts';
import { compile } from '../../types/codec-generation.ts';
import type { KeyedTable } from '../../state/table/keyed-table.ts';
import type { ValueLayout } from '../../state/table/value-layout.ts';
import type { Emit } from '../chain-stage.ts';

/** Rows of a batch that fold into one table, resolved to entries. The arrays are reused. */
export interface FoldRows {
  /** By row of the batch. */
  readonly keys: readonly unknown[];
  readonly values: readonly unknown[];
  /** Set where the rows are still in a frame: reads one. */
  readonly read: ReadRow | undefined;
  readonly timestamps: Float64Array;
  /** Rows of the batch, in input order. */
  rows: Int32Array;
  /** By position in `rows`: the entry of the row's key, and whether this row has made it. */
  readonly entries: Int32Array;
  readonly isNew: Uint8Array;
  count: number;
  /** Notes the row that user code failed on. */
  failed(row: number): void;
}

/** Reads a row of the open frame, a fresh object at each call. */
export type ReadRow = (row: number) => unknown;

/** The expression of a batch's row `row` in generated code. */
export function recordText(read: ReadRow | undefined): string {
  return read === undefined ? 'values[row]' : 'read(row)';
}

/** Folds records into values. */
export interface KeyedFold {
  /** How values are kept; `undefined`: captured from the first one. */
  readonly layout: ValueLayout | undefined;
  /** Folds the rows in order. */
  fold(table: KeyedTable, batch: FoldRows): void;
  /**
   * {@link KeyedFold.fold}, and emits the updated value after each row, with the row's timestamp.
   */
  foldEach(table: KeyedTable, batch: FoldRows, emit: Emit): void;
}

/** What the code of a {@link generateFold} may use. */
export interface FoldCode {
  /** Closure constants by name. */
  readonly constants: Readonly<Record<string, unknown>>;
  /** The value that is folded, as an expression; in the code it is `value`. */
  readonly value?: string | undefined;
  /** A statement that refuses `value`. */
  readonly check?: string | undefined;
  /** The field that is updated in place, if there is one. */
  readonly inPlace?: { readonly field: string | undefined } | undefined;
  /** Statement for the first record of a key. */
  readonly first: string;
  /** Statement for the others where the number lies at `chunk[at]`. */
  readonly nextInPlace?: string | undefined;
  /** Statement for the others in general. */
  readonly next: string;
}

/**
 * Statement that stores `expression` as the entry's value; what is known of the table's columns is
 * read again.
 */
export function rewrite(expression: string): string {
  return `table.write(entry, ${expression}, keys[row]); store = table.values; ${LOCATE}`;
}

/** The entry's value as an expression. */
export const CURRENT = 'store.read(entry, keys[row])';

const LOCATE = 'place = placeOf(store); stride = table.entries.stride;';

/** Smaller tables are in the cache anyway. */
const TOUCHED_ENTRIES_MIN = 16_384;
/** Keeps the reads of {@link touchObjects} alive. */
const absentCount = new Int32Array(1);

/** The two loops of a fold. */
type FoldLoops = Omit<KeyedFold, 'layout'>;

/**
 * Generates the loops of a fold: over rows by reference, and, as they come, over the frames of each
 * reader.
 *
 * @param codeOf - gives the code, with the expression by which it reads the record; an expression
 * that takes a field of it and
 *   nothing else costs no object
 */
export function generateFold(
  codeOf: (record: string) => FoldCode,
  layout: ValueLayout | undefined,
): KeyedFold {
  const loops = new Map<ReadRow | undefined, FoldLoops>();
  const loopsOf = (read: ReadRow | undefined): FoldLoops => {
    let found = loops.get(read);
    if (found === undefined) {
      found = generateLoops(codeOf(recordText(read)), read);
      loops.set(read, found);
    }
    return found;
  };
  return {
    layout,
    fold: (table, batch) => loopsOf(batch.read).fold(table, batch),
    foldEach: (table, batch, emit) => {
      touchObjects(table, batch);
      loopsOf(batch.read).foldEach(table, batch, emit);
    },
  };
}

/** @controlplane Once per operator and reader. */
function generateLoops(code: FoldCode, read: ReadRow | undefined): FoldLoops {
  const { inPlace } = code;
  const placeOf =
    inPlace === undefined
      ? () => -1
      : (store: KeyedTable['values']) => store?.numberPlace(inPlace.field) ?? -1;
  const text = `return { fold: ${loopText(code, false)}, foldEach: ${loopText(code, true)} };`;
  return compile('keyed-fold', { placeOf, read, ...code.constants }, text) as FoldLoops;
}

/**
 * Hot: reads what the rows' values refer to in a pass of its own, so that the cache misses overlap:
 * 300 against 370 ns per row of a rolling sum over 1 M strings that are not the key.
 * @controlplane Its outer loop is over columns, once per batch.
 */
function touchObjects(table: KeyedTable, batch: FoldRows): void {
  const { values } = table;
  if (values === undefined || table.size < TOUCHED_ENTRIES_MIN) return;
  const { entries, count } = batch;
  for (const { kind, objects } of values.columns) {
    if ((kind !== 'object' && kind !== 'key') || !objects.isUsed) continue;
    let absent = 0;
    for (let i = 0; i < count; i++) {
      if (objects.get(entries[i] as number) === undefined) absent++;
    }
    absentCount[0] = absent;
  }
}

/** Hot: the update is one load and one store in the chunk; 10 M keys cost one cache miss each. */
function loopText(code: FoldCode, isEmitting: boolean): string {
  const { nextInPlace } = code;
  const next =
    nextInPlace === undefined
      ? `{ ${code.next} }`
      : `if (place < 0) { ${code.next} } else {
          const chunk = chunks[entry >> CHUNK_SHIFT];
          const at = (entry & CHUNK_MASK) * stride + place;
          ${nextInPlace}
        }`;
  return `function (table, batch${isEmitting ? ', emit' : ''}) {
    const { keys, values, timestamps, rows, entries, isNew, count } = batch;
    const chunks = table.entries.chunks;
    let store = table.values;
    let place = placeOf(store);
    let stride = table.entries.stride;
    let i = 0;
    try {
    for (; i < count; i++) {
      const row = rows[i];
      const entry = entries[i];
      ${code.value === undefined ? '' : `const value = ${code.value};`}
      ${code.check ?? ''}
      if (isNew[i] !== 0) { ${code.first} } else ${next}
      ${isEmitting ? `emit(${CURRENT}, timestamps[row]);` : ''}
    }
    } catch (error) {
      batch.failed(rows[i]);
      throw error;
    }
  }`
    .replaceAll('CHUNK_SHIFT', String(CHUNK_SHIFT))
    .replaceAll('CHUNK_MASK', String(CHUNK_MASK));
}
