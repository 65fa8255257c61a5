/**
 * Frame writers: generated code that checks a value against the schema and stages it in columns.
 *
 * A row's plain fields (int, long, double, timestamp, boolean, string), optional plain fields and rows of these are checked
 * and stored by generated statements; other fields by a call of their column's `append`.
 *
 * Invariants:
 * 1. `append` leaves nothing behind unless it returns APPENDED or FULL: first all plain fields are checked, then the other
 *    columns append and can be taken back, then the plain fields are stored.
 * 2. One class is generated per schema; its instances share code, never state.
 */
import { MillraceError } from '../base/errors.ts';
import { compile, property } from './codec-generation.ts';
import type { ColumnWriter } from './column.ts';
import { columnWriterFor } from './column-factory.ts';
import {
  byteLengthIndex,
  FLAG_KEYED,
  FRAME_BYTES_MAX,
  FRAME_HEADER_BYTES,
  FRAME_ROWS_MAX,
  FRAME_TARGET_BYTES,
  float64Bytes,
  headerIndex,
  headerWord,
  int32Bytes,
  rowCountIndex,
  schemaIdIndex,
} from './frame-layout.ts';
import type { FrameMemory } from './frame-memory.ts';
import { type FrameColumn, frameColumns, type FrameSchema, hasGenericColumn } from './frame-schema.ts';
import { genericCodec } from './generic-codec.ts';
import { isInherited, RowShape } from './row-shape.ts';
import { type RowType, structureOf, type TypeInformation } from './type-information.ts';
import { writeDoubles, writeInts } from './column-arrays.ts';

/** The highest `rowsMax`. Staging arrays of this size are kept when a frame is cleared. */
const ROWS_BOUND = 32_768;

/** `append`: the value is staged. */
export const APPENDED = 0;
/** `append`: the value is staged and the frame should be written before the next one. */
export const FULL = 1;
/** `append`: the value does not fit the schema; nothing is staged. */
export const MISFIT: number = -1;

/** Stages the records of one (edge, target) and writes them as a frame. */
export interface FrameWriter {
  /** How many rows are staged. */
  rowCount: number;
  /**
   * Stages a value. After FULL the caller writes or clears before it appends again.
   *
   * @returns APPENDED, FULL or MISFIT
   */
  append(value: unknown, timestamp: number, hash: number): number;
  /** How many bytes {@link writeTo} needs, a multiple of 8. Joins strings, so ask once per frame. */
  byteLength(): number;
  /** Writes the frame at a multiple of 8, forgets what was staged and returns the bytes written. */
  writeTo(memory: FrameMemory, byteOffset: number): number;
  /** Forgets what was staged. */
  clear(): void;
}

/**
 * Makes a maker of writers for a schema; call it once per schema, and what it returns once per (edge, target).
 *
 * @param rowsMax - after how many rows a frame is full; 1 to 32,768
 */
export function frameWriterFactory(schema: FrameSchema, rowsMax: number = FRAME_ROWS_MAX): () => FrameWriter {
  const columns = frameColumns(schema.type);
  const capacity = rowCapacity(schema, columns, rowsMax);
  const constants: Record<string, unknown> = { FrameStaging, capacity, overrun };
  const body = new WriterText(schema, capacity, constants).classText();
  const Writer = compile(`frame-writer-${schema.id}`, constants, body) as new (
    schema: FrameSchema,
    columns: readonly ColumnWriter[],
  ) => FrameWriter;
  return () =>
    new Writer(
      schema,
      columns.map(({ type }) => columnWriterFor(type, capacity)),
    );
}

/** What all generated writers share; the generated class adds `append` and the columns' arrays as fields. */
class FrameStaging {
  rowCount = 0;
  /** Bytes of variable length staged by generated statements. */
  staged = 0;
  readonly timestamps: Float64Array;
  readonly hashes: Int32Array;
  readonly #columns: readonly ColumnWriter[];
  readonly #schema: FrameSchema;
  readonly #hasGeneric: boolean;

  constructor(schema: FrameSchema, columns: readonly ColumnWriter[], capacity: number) {
    this.#schema = schema;
    this.#columns = columns;
    this.#hasGeneric = hasGenericColumn(schema.type);
    this.timestamps = new Float64Array(capacity);
    this.hashes = new Int32Array(schema.keyed ? capacity : 0);
  }

  byteLength(): number {
    const rows = this.rowCount;
    let bytes = FRAME_HEADER_BYTES + float64Bytes(rows) + (this.#schema.keyed ? int32Bytes(rows) : 0);
    this.settle();
    for (const column of this.#columns) bytes += column.byteLength();
    if (bytes > FRAME_BYTES_MAX) {
      throw new MillraceError(
        'FRAME_TOO_LARGE',
        `a frame of ${rows} records has ${bytes} bytes, more than ${FRAME_BYTES_MAX}: emit smaller records`,
      );
    }
    return bytes;
  }

  writeTo(memory: FrameMemory, byteOffset: number): number {
    const rows = this.rowCount;
    this.settle();
    let next = writeDoubles(this.timestamps, rows, memory, byteOffset + FRAME_HEADER_BYTES);
    if (this.#schema.keyed) next = writeInts(this.hashes, rows, memory, next);
    for (const column of this.#columns) next = column.write(memory, next);
    const words = memory.int32;
    const flags = this.#schema.keyed ? FLAG_KEYED : 0;
    words[headerIndex(byteOffset)] = headerWord(flags, this.#hasGeneric ? genericCodec().formatId : 0);
    words[schemaIdIndex(byteOffset)] = this.#schema.id;
    words[rowCountIndex(byteOffset)] = rows;
    words[byteLengthIndex(byteOffset)] = next - byteOffset;
    this.clear();
    return next - byteOffset;
  }

  clear(): void {
    for (const column of this.#columns) column.truncate(0);
    this.rowCount = 0;
    this.staged = 0;
  }

  /** Tells the columns that generated statements fill how many entries they have; generated. */
  settle(): void {}
}

/** Frames of fixed-width columns are cut by rows alone. */
function rowCapacity(schema: FrameSchema, columns: readonly FrameColumn[], rowsMax: number): number {
  if (!Number.isInteger(rowsMax) || rowsMax < 1 || rowsMax > ROWS_BOUND) {
    throw new MillraceError('ILLEGAL_ARGUMENT', `rowsMax is ${rowsMax}; give a whole number from 1 to ${ROWS_BOUND}`);
  }
  let rowBytes = schema.keyed ? 12 : 8;
  for (const column of columns) rowBytes += column.fixedBytes;
  const rowsOfTarget = Math.floor((FRAME_TARGET_BYTES - FRAME_HEADER_BYTES) / rowBytes);
  return Math.max(1, Math.min(rowsMax, rowsOfTarget));
}

function overrun(): never {
  throw new MillraceError('BUG', 'a record was appended to a full frame: write or clear the frame after FULL');
}

/** Builds the text of a writer class. Variables are numbered; `c3` is column 3, `v3` its value, `n3` its null mark. */
class WriterText {
  readonly #constants: Record<string, unknown>;
  readonly #schema: FrameSchema;
  readonly #capacity: number;
  readonly #fields: string[] = [];
  readonly #checks: string[] = [];
  readonly #appends: string[] = [];
  readonly #stores: string[] = [];
  readonly #settles: string[] = [];
  readonly #sizes: string[] = [];
  #columnCount = 0;
  #shapeCount = 0;

  constructor(schema: FrameSchema, capacity: number, constants: Record<string, unknown>) {
    this.#schema = schema;
    this.#capacity = capacity;
    this.#constants = constants;
  }

  classText(): string {
    const structure = structureOf(this.#schema.type);
    if (structure.kind === 'row' && structure.fields.length > 0) this.#row(structure, 'value');
    else this.#column(this.#schema.type, 'value');
    const size = ['this.staged', ...this.#sizes].join(' + ');
    const mayBeWide = this.#sizes.length > 0 || this.#stores.some((store) => store.includes('this.staged'));
    const isFull = `this.rowCount === ${this.#capacity}${mayBeWide ? ` || ${size} >= ${FRAME_TARGET_BYTES}` : ''}`;
    return `return class FrameWriter extends FrameStaging {
  constructor(schema, columns) {
    super(schema, columns, capacity);
${this.#fields.map((line) => `    ${line}`).join('\n')}
  }
  append(value, timestamp, hash) {
    const row = this.rowCount;
    if (row === ${this.#capacity}) overrun();
${[...this.#checks, ...this.#appends, ...this.#stores].map((line) => `    ${line}`).join('\n')}
    this.timestamps[row] = timestamp;
${this.#schema.keyed ? '    this.hashes[row] = hash;\n' : ''}    this.rowCount = row + 1;
    return ${isFull} ? ${FULL} : ${APPENDED};
  }
  settle() {
    const rows = this.rowCount;
${this.#settles.map((line) => `    ${line}`).join('\n')}
  }
};`;
  }

  #row(type: RowType, object: string): void {
    const shape = `shape${this.#shapeCount++}`;
    this.#constants[shape] = new RowShape(type);
    this.#checks.push(`if (typeof ${object} !== 'object' || ${object} === null) return ${MISFIT};`);
    const missing: string[] = [];
    const values = type.fields.map((field, i) => {
      const variable = `${shape}f${i}`;
      const own = isInherited(field.name) ? `Object.hasOwn(${object}, ${JSON.stringify(field.name)})` : '';
      const read = property(object, field.name);
      this.#checks.push(`let ${variable} = ${own === '' ? read : `${own} ? ${read} : undefined`};`);
      if (field.type.kind === 'optional') missing.push(variable);
      return variable;
    });
    // Hot: V8 keeps the count of a shape's fields, so counting them is the cheapest test for fields too many.
    this.#checks.push(`let ${shape}n = 0;`, `for (const name in ${object}) ${shape}n++;`);
    const doubt = [`${shape}n !== ${type.fields.length}`, ...missing.map((variable) => `${variable} === undefined`)];
    const isSure = missing.length < type.fields.length;
    const test = isSure ? `(${doubt.join(' || ')}) && !${shape}.isRow(${object})` : `!${shape}.isRow(${object})`;
    this.#checks.push(`if (${test}) return ${MISFIT};`);
    for (const variable of missing) this.#checks.push(`if (${variable} === undefined) ${variable} = null;`);
    type.fields.forEach((field, i) => this.#field(field.type, values[i] as string));
  }

  #field(type: TypeInformation<unknown>, value: string): void {
    const structure = structureOf(type);
    if (structure.kind === 'row' && structure.fields.length > 0) this.#row(structure, value);
    else this.#column(type, value);
  }

  #column(type: TypeInformation<unknown>, value: string): void {
    const structure = structureOf(type);
    const isOptional = structure.kind === 'optional';
    const plain = structureOf(isOptional ? structure.type : type).kind;
    const index = this.#columnCount++;
    const column = `c${index}`;
    const misfit = plainMisfit(plain, value);
    if (misfit === undefined) return this.#other(column, index, value);
    const inner = isOptional ? `columns[${index}].child` : `columns[${index}]`;
    this.#checks.push(`if (${isOptional ? `${value} !== null && ` : ''}(${misfit})) return ${MISFIT};`);
    if (isOptional) {
      this.#fields.push(`this.nulls${index} = columns[${index}].nulls;`, `this.n${index} = this.nulls${index}.values;`);
      this.#stores.push(`this.n${index}[row] = ${value} === null ? 1 : 0;`);
      this.#settles.push(`this.nulls${index}.count = rows;`);
      const empty = plain === 'string' ? "''" : plain === 'boolean' ? 'false' : '0';
      this.#stores.push(`if (${value} === null) ${value} = ${empty};`);
    }
    this.#fields.push(`this.${column} = ${inner};`);
    this.#settles.push(`this.${column}.count = rows;`);
    if (plain === 'string') this.#storeString(column, index, value);
    else {
      this.#fields.push(`this.v${index} = this.${column}.values;`);
      this.#stores.push(`this.v${index}[row] = ${plain === 'boolean' ? `${value} ? 1 : 0` : value};`);
    }
  }

  #storeString(column: string, index: number, value: string): void {
    this.#fields.push(`this.v${index} = this.${column}.strings;`, `this.o${index} = this.${column}.offsets;`);
    this.#stores.push(
      `this.v${index}.push(${value});`,
      `this.o${index}[row + 1] = this.${column}.units += ${value}.length;`,
      `this.staged += ${value}.length;`,
    );
  }

  #other(column: string, index: number, value: string): void {
    const undo = this.#appends.length === 0 ? '' : this.#undoText(index);
    this.#fields.push(`this.${column} = columns[${index}];`);
    // An append that threw in user code (a getter) may have left entries behind.
    this.#appends.push(`if (this.${column}.count !== row) this.${column}.truncate(row);`);
    this.#appends.push(`if (!this.${column}.append(${value})) { ${undo}return ${MISFIT}; }`);
    this.#sizes.push(`this.${column}.stagedBytes()`);
    this.#others.push(index);
  }

  readonly #others: number[] = [];

  #undoText(index: number): string {
    return this.#others
      .filter((other) => other !== index)
      .map((other) => `this.c${other}.truncate(row); `)
      .join('');
  }
}

/** The condition under which a value does not fit a plain kind; undefined for other kinds. */
function plainMisfit(kind: string, value: string): string | undefined {
  switch (kind) {
    case 'int':
      return `typeof ${value} !== 'number' || (${value} | 0) !== ${value}`;
    case 'long':
    case 'timestamp':
      return `!Number.isSafeInteger(${value})`;
    case 'double':
      return `typeof ${value} !== 'number'`;
    case 'boolean':
      return `typeof ${value} !== 'boolean'`;
    case 'string':
      return `typeof ${value} !== 'string'`;
    default:
      return undefined;
  }
}
