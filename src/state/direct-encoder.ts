/**
 * Generates the encoder of a row that takes it straight from its entry: no string and no object is
 * made in between. Every changed row goes this way once per checkpoint.
 *
 * Invariants:
 * 1. What it writes has the bytes that `RowCoder.encodeRow` writes. Where that is not plain from
 *    the entry (a long key, a value beside its column, a number that does not fit) it writes
 *    nothing, and the row goes the general way.
 * 2. Field names are compared here and are no part of the text.
 */
import { compile } from '../types/codec-generation.ts';
import { type ByteWriter, rowCodec } from '../types/row-codec.ts';
import { structureOf, type TypeInformation } from '../types/type-information.ts';
import { CHUNK_MASK, CHUNK_SHIFT } from './table/entry-chunks.ts';
import type { KeyedTable } from './table/keyed-table.ts';
import { META, SHORT } from './table/string-keys.ts';
import type { ValueColumn, ValueStore } from './table/value-store.ts';

/** A type and the number under which values are written with it. */
export interface WrittenSchema {
  readonly number: number;
  readonly type: TypeInformation<unknown>;
}

/** What a {@link DirectEncoder} is made for. */
export interface DirectEncoderParts {
  readonly table: KeyedTable;
  readonly key: WrittenSchema;
  readonly value: WrittenSchema;
}

/** Appends an entry's row; the key's length, or -1 if nothing was written: see invariant 1. */
export type DirectEncoder = (entry: number, writer: ByteWriter) => number;

/** A part of the text. */
interface Part {
  /** Expressions that must all be false. */
  readonly refuse: readonly string[];
  /** Declarations before these. */
  readonly load: readonly string[];
  readonly store: readonly string[];
  readonly bytesMax: number;
}

const VARINT_BYTES_MAX = 5;
/** Schema numbers below this are one byte. */
const ONE_BYTE = 0x80;
const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** The encoder; undefined if keys or values of these types are not kept as it needs them. */
export function directEncoder(parts: DirectEncoderParts): DirectEncoder | undefined {
  const { table, key, value } = parts;
  const { values } = table;
  if (values === undefined || key.number >= ONE_BYTE || value.number >= ONE_BYTE) return undefined;
  const constants: Record<string, unknown> = {
    wholes: values.wholes,
    chunks: table.entries.chunks,
    words: table.entries.words,
  };
  const keyPart = keyPartOf(table, key.type);
  const valueParts = valuePartsOf(values, value.type, constants);
  if (keyPart === undefined || valueParts === undefined) return undefined;
  const all = [keyPart, ...valueParts];
  const bytesMax = 2 + all.reduce((sum, part) => sum + part.bytesMax, 0);
  const refuse = ['wholes.isUsed', ...all.flatMap((part) => part.refuse)];
  const text = `return function encode(entry, writer) {
const chunk = chunks[entry >> ${CHUNK_SHIFT}];
const from = (entry & ${CHUNK_MASK}) * ${table.entries.stride};
${all.flatMap((part) => part.load).join('\n')}
if (${refuse.join(' || ')}) return -1;
const bytesMax = ${bytesMax};
writer.ensure(bytesMax);
const start = writer.length;
let bytes = writer.bytes, view = writer.view, at = start;
bytes[at++] = ${key.number};
${keyPart.store.join('\n')}
const keyLength = at - start;
bytes[at++] = ${value.number};
${valueParts.flatMap((part) => part.store).join('\n')}
writer.length = at;
return keyLength;
};`;
  return compile('direct-encoder', constants, text) as DirectEncoder;
}

function keyPartOf(table: KeyedTable, type: TypeInformation<unknown>): Part | undefined {
  if (table.keyKind === 'number') return numberPart(type.kind, 'key', 0);
  if (table.keyKind !== 'string' || type.kind !== 'string') return undefined;
  return {
    load: [
      `const entryWords = words[entry >> ${CHUNK_SHIFT}];`,
      `const units = entryWords[2 * from + ${META}] - ${SHORT};`,
    ],
    refuse: ['units < 0'],
    store: shortString(),
    bytesMax: 1 + 4 * META,
  };
}

/** A short key's units are its bytes. Whole words are copied; what is too much is written over. */
function shortString(): string[] {
  const copies = Array.from({ length: META }, (_, word) => {
    return `view.setInt32(at + ${4 * word}, entryWords[2 * from + ${word}], ${IS_LITTLE_ENDIAN});`;
  });
  return ['bytes[at++] = units << 1;', ...copies, 'at += units;'];
}

function valuePartsOf(
  values: ValueStore,
  type: TypeInformation<unknown>,
  constants: Record<string, unknown>,
): readonly Part[] | undefined {
  const structure = structureOf(type);
  const { columns, layout } = values;
  const isRow = layout.kind === 'row';
  if (isRow !== (structure.kind === 'row')) return undefined;
  const fields = structure.kind === 'row' ? structure.fields : [{ name: undefined, type }];
  if (fields.length !== columns.length || fields.length === 0) return undefined;
  const parts = columns.map((column, i) => {
    const field = fields[i];
    if (field === undefined || field.name !== column.name) return undefined;
    return columnPart(column, field.type, i, constants);
  });
  return parts.every((part) => part !== undefined) ? parts : undefined;
}

function columnPart(
  column: ValueColumn,
  type: TypeInformation<unknown>,
  index: number,
  constants: Record<string, unknown>,
): Part | undefined {
  const { kind } = column;
  switch (kind) {
    case 'number':
      return numberPart(type.kind, `v${index}`, column.place);
    case 'boolean':
      return booleanPart(type.kind, `v${index}`, column.place);
    case 'key':
      if (type.kind !== 'string') return undefined;
      constants[`objects${index}`] = column.objects;
      // The key's part is before it: it has `units` and `entryWords`.
      return {
        load: [],
        refuse: [`objects${index}.isUsed`],
        store: shortString(),
        bytesMax: 1 + 4 * META,
      };
    case 'object':
      return objectPart(column, type, index, constants);
    default:
      return kind satisfies never;
  }
}

function numberPart(kind: string, name: string, place: number): Part | undefined {
  const load = [`const ${name} = chunk[from + ${place}];`];
  const float = [`view.setFloat64(at, ${name}, true);`, 'at += 8;'];
  switch (kind) {
    case 'int':
      return {
        load,
        refuse: [`(${name} | 0) !== ${name}`],
        store: [
          `let ${name}z = ((${name} << 1) ^ (${name} >> 31)) >>> 0;`,
          `while (${name}z >= 0x80) { bytes[at++] = (${name}z & 0x7f) | 0x80; ${name}z >>>= 7; }`,
          `bytes[at++] = ${name}z;`,
        ],
        bytesMax: VARINT_BYTES_MAX,
      };
    case 'long':
    case 'timestamp':
      return { load, refuse: [`!Number.isSafeInteger(${name})`], store: float, bytesMax: 8 };
    case 'double':
      // A NaN may stand for what lies beside the column.
      return { load, refuse: [`${name} !== ${name}`], store: float, bytesMax: 8 };
    default:
      return undefined;
  }
}

function booleanPart(kind: string, name: string, place: number): Part | undefined {
  if (kind !== 'boolean') return undefined;
  return {
    load: [`const ${name} = chunk[from + ${place}];`],
    refuse: [`${name} !== ${name}`],
    store: [`bytes[at++] = ${name} === 1 ? 1 : 0;`],
    bytesMax: 1,
  };
}

/** What is an object anyway goes through the codec of its type. */
function objectPart(
  { objects }: ValueColumn,
  type: TypeInformation<unknown>,
  index: number,
  constants: Record<string, unknown>,
): Part | undefined {
  // A row's optional fields are marked together; alone they are not.
  if (type.kind === 'optional') return undefined;
  constants[`objects${index}`] = objects;
  constants[`codec${index}`] = rowCodec(type);
  return {
    load: [],
    refuse: [],
    store: [
      'writer.length = at;',
      `if (!codec${index}.write(writer, objects${index}.get(entry))) {`,
      'writer.length = start;',
      'return -1;',
      '}',
      'at = writer.length;',
      'writer.ensure(bytesMax);',
      'bytes = writer.bytes;',
      'view = writer.view;',
    ],
    bytesMax: 0,
  };
}
