/**
 * Frame readers: generated functions that make owned plain objects from a frame's columns.
 *
 * Invariants:
 * 1. Objects have the type's fields in its order, made by one literal, so all of a reader's rows
 *    share a shape.
 * 2. Every reader has functions of its own, so that V8 can inline them into the one loop that calls
 *    them.
 * 3. `open` refuses a frame whose parts do not lie inside of it; after it, no read leaves the
 *    frame.
 * 4. What was read stays valid when the frame's memory is written again. Strings longer than 12
 *    units keep the text of
 *    their whole column alive while they live: state that holds them for long should copy them.
 */
import { compile, fieldRead, objectLiteral } from './codec-generation.ts';
import { type ColumnReader, invalidFrame, requireInside } from './column.ts';
import { columnReaderFor } from './column-factory.ts';
import {
  byteLengthIndex,
  FLAG_KEYED,
  FRAME_HEADER_BYTES,
  FRAME_VERSION,
  flagsOf,
  float64Bytes,
  genericFormatOf,
  headerIndex,
  int32Bytes,
  rowCountIndex,
  schemaIdIndex,
  versionOf,
} from './frame-layout.ts';
import type { FrameMemory } from './frame-memory.ts';
import { frameColumns, type FrameSchema, hasGenericColumn } from './frame-schema.ts';
import { genericCodec } from './generic-codec.ts';
import { structureOf, type TypeInformation } from './type-information.ts';

/** Decodes the frames of one schema, one frame at a time. */
export interface FrameReader {
  /**
   * Goes to the frame at `byteOffset` and returns its row count. The memory must not change until
   * the next `open`.
   *
   * @throws FORMAT_INVALID
   */
  open(memory: FrameMemory, byteOffset: number): number;
  /** The value of a row, as a new object with the type's fields in order. */
  readonly read: (row: number) => unknown;
  /** The timestamp of a row. */
  readonly timestampAt: (row: number) => number;
  /** The key hash of a row; 0 if the frame is not keyed. */
  readonly hashAt: (row: number) => number;
}

/** The generated part of a reader. */
interface ReaderFunctions {
  readonly read: (row: number) => unknown;
  readonly timestampAt: (row: number) => number;
  readonly hashAt: (row: number) => number;
  readonly move: (memory: FrameMemory, timestampBase: number, hashBase: number) => void;
}

/** Makes a reader; one per loop that reads. */
export function createFrameReader(schema: FrameSchema): FrameReader {
  const columns = frameColumns(schema.type).map(({ type }) => columnReaderFor(type));
  const { read, timestampAt, hashAt, move } = new ReaderText(schema).compile(columns);
  const hasGeneric = hasGenericColumn(schema.type);
  return {
    open(memory: FrameMemory, byteOffset: number): number {
      const rows = requireHeader(schema, hasGeneric, memory, byteOffset);
      const end = byteOffset + (memory.int32[byteLengthIndex(byteOffset)] as number);
      const timestampsAt = byteOffset + FRAME_HEADER_BYTES;
      const hashesAt = requireInside(timestampsAt, float64Bytes(rows), end);
      let next = requireInside(hashesAt, schema.keyed ? int32Bytes(rows) : 0, end);
      for (const column of columns) next = column.open(memory, next, rows, end);
      if (next !== end) throw invalidFrame(`it has ${end - next} bytes after its last column`);
      move(memory, timestampsAt / 8, hashesAt >>> 2);
      return rows;
    },
    read,
    timestampAt,
    hashAt,
  };
}

/**
 * The schema id of the frame at `byteOffset`, to pick its reader.
 *
 * @throws FORMAT_INVALID if there is no room for a frame's header
 */
export function frameSchemaId(memory: FrameMemory, byteOffset: number): number {
  requireHeaderRoom(memory, byteOffset);
  return memory.int32[schemaIdIndex(byteOffset)] as number;
}

function requireHeaderRoom(memory: FrameMemory, byteOffset: number): void {
  const isInside = byteOffset >= 0 && byteOffset + FRAME_HEADER_BYTES <= memory.bytes.length;
  if (!isInside || byteOffset % 8 !== 0)
    throw invalidFrame(`there is no room for its header at ${byteOffset}`);
}

function requireHeader(
  schema: FrameSchema,
  hasGeneric: boolean,
  memory: FrameMemory,
  byteOffset: number,
): number {
  requireHeaderRoom(memory, byteOffset);
  const word = memory.int32[headerIndex(byteOffset)] as number;
  const id = memory.int32[schemaIdIndex(byteOffset)] as number;
  const rows = memory.int32[rowCountIndex(byteOffset)] as number;
  const bytes = memory.int32[byteLengthIndex(byteOffset)] as number;
  const codec = hasGeneric ? genericCodec().formatId : 0;
  if (versionOf(word) !== FRAME_VERSION)
    throw invalidFrame(`version ${versionOf(word)}, not ${FRAME_VERSION}`);
  if (id !== schema.id) throw invalidFrame(`schema ${id}, not ${schema.id}`);
  if (flagsOf(word) !== (schema.keyed ? FLAG_KEYED : 0))
    throw invalidFrame(`flags ${flagsOf(word)} are not the schema's`);
  if (genericFormatOf(word) !== codec)
    throw invalidFrame(`generic format ${genericFormatOf(word)}, not ${codec}`);
  if (rows < 0) throw invalidFrame(`its row count is ${rows}`);
  if (bytes < FRAME_HEADER_BYTES || bytes % 8 !== 0 || byteOffset + bytes > memory.bytes.length) {
    throw invalidFrame(
      `its length of ${bytes} bytes at ${byteOffset} leaves the region of ${memory.bytes.length} bytes`,
    );
  }
  return rows;
}

/**
 * Builds the text of a reader's functions. `c3` is column 3, `b3` its base, `s3` its slab, `n3` the
 * base of its nulls.
 */
class ReaderText {
  readonly #schema: FrameSchema;
  readonly #variables: string[] = ['floats', 'ints', 'bytes', 'timestampBase', 'hashBase'];
  readonly #moves: string[] = [];
  #columnCount = 0;

  constructor(schema: FrameSchema) {
    this.#schema = schema;
  }

  compile(columns: readonly ColumnReader[]): ReaderFunctions {
    const value = this.#value(this.#schema.type);
    const constants: Record<string, unknown> = {};
    columns.forEach((column, i) => {
      constants[`c${i}`] = column;
    });
    const body = `let ${this.#variables.join(', ')};
return {
  read: (row) => (${value}),
  timestampAt: (row) => floats[timestampBase + row],
  hashAt: (row) => ${this.#schema.keyed ? 'ints[hashBase + row]' : '0'},
  move: (memory, timestamps, hashes) => {
    floats = memory.float64; ints = memory.int32; bytes = memory.bytes;
    timestampBase = timestamps; hashBase = hashes;
${this.#moves.map((line) => `    ${line}`).join('\n')}
  },
};`;
    return compile(`frame-reader-${this.#schema.id}`, constants, body) as ReaderFunctions;
  }

  #value(type: TypeInformation<unknown>): string {
    const structure = structureOf(type);
    if (structure.kind !== 'row' || structure.fields.length === 0) return this.#column(type);
    const names = structure.fields.map((field) => field.name);
    return objectLiteral(
      names,
      structure.fields.map((field) => this.#value(field.type)),
    );
  }

  #column(type: TypeInformation<unknown>): string {
    const structure = structureOf(type);
    const index = this.#columnCount++;
    if (structure.kind !== 'optional') {
      return this.#plain(structure.kind, index, `c${index}`) ?? fieldRead(`c${index}`, 'row');
    }
    const value = this.#plain(structureOf(structure.type).kind, index, `c${index}.child`);
    if (value === undefined) return fieldRead(`c${index}`, 'row');
    this.#base('n', index, `c${index}.nulls`);
    return `bytes[n${index} + row] !== 0 ? null : ${value}`;
  }

  #plain(kind: string, index: number, column: string): string | undefined {
    const at = `b${index} + row`;
    switch (kind) {
      case 'int':
        this.#base('b', index, column);
        return `ints[${at}]`;
      case 'long':
      case 'double':
      case 'timestamp':
        this.#base('b', index, column);
        return `floats[${at}]`;
      case 'boolean':
        this.#base('b', index, column);
        return `bytes[${at}] !== 0`;
      case 'string':
        this.#base('b', index, column);
        this.#variables.push(`s${index}`);
        this.#moves.push(`s${index} = ${column}.slab;`);
        return `s${index}.substring(ints[${at}], ints[${at} + 1])`;
      default:
        return undefined;
    }
  }

  #base(letter: string, index: number, column: string): void {
    this.#variables.push(`${letter}${index}`);
    this.#moves.push(`${letter}${index} = ${column}.base;`);
  }
}
