/**
 * The rows of a state as bytes:
 *
 *      key    schema number, row                       (README.md of types, "Rows")
 *      value  value, reducing, … : element
 *             list               : count, elements
 *             map                : count, then key of the map and element, each
 *      element  float64 of the last update, if the state has a time to live; schema number, row
 *
 * No bytes at all stand for a row that was never given a value.
 *
 * Invariant: what was written with or without times is read with or without them, whatever is
 * declared now: times are left out, or begin at the restore.
 */
import type { ByteReader, ByteWriter } from '../types/row-codec.ts';
import { ByteReader as Reader, ByteWriter as Writer } from '../types/row-codec.ts';
import type { TypeInformation } from '../types/type-information.ts';
import { ContentMap } from './content-map.ts';
import { type DirectEncoder, directEncoder, type WrittenSchema } from './direct-encoder.ts';
import type { StateDeclaration } from './keyed-state-backend.ts';
import { NO_VALUE } from './row-encoder.ts';
import type { RowDecoder, RowEncoder } from './row-encoder.ts';
import type { StateMeta } from './snapshot.ts';
import type { KeyedTable } from './table/keyed-table.ts';
import { ValueSerializer } from './value-serializer.ts';

/** An element with the time of its last update, in states with a time to live. */
export interface Timed {
  readonly time: number;
  readonly value: unknown;
}

/** What a {@link RowCoder} is made for. */
export interface RowCoderOptions {
  readonly declaration: StateDeclaration;
  /** The first of the restored snapshots: its schema numbers stay valid. */
  readonly restored: StateMeta | undefined;
  /** Wall clock: the time of what had none. */
  readonly now: () => number;
}

type ReadPart = (reader: ByteReader) => unknown;

/** Elements per value. */
type Shape = 'one' | 'list' | 'map';

/**
 * Scratch of all coders of this thread: used within one call, or until what was encoded is taken.
 */
const scratch = new Writer(4096);
const reader = new Reader();

/** See the file's head. */
export class RowCoder implements RowEncoder {
  readonly writer: ByteWriter = scratch;
  keyLength = 0;
  readonly #kind: StateMeta['kind'];
  readonly #name: string;
  readonly #hasTtl: boolean;
  readonly #now: () => number;
  readonly #key: ValueSerializer;
  readonly #mapKey: ValueSerializer;
  readonly #value: ValueSerializer;
  readonly #own: RowDecoder;

  constructor(options: RowCoderOptions) {
    const { declaration, restored } = options;
    const { name, keyType, valueType, mapKeyType, renames } = declaration;
    const make = (
      role: 'key' | 'value',
      declared: TypeInformation<unknown> | undefined,
      schemas: readonly unknown[] | undefined,
    ): ValueSerializer =>
      new ValueSerializer({ declared, restored: schemas, stateName: name, role, renames });
    this.#kind = declaration.kind;
    this.#name = name;
    this.#hasTtl = declaration.hasTtl === true;
    this.#now = options.now;
    this.#key = make('key', keyType, restored?.keySchemas);
    this.#value = make('value', valueType, restored?.valueSchemas);
    this.#mapKey = make('key', mapKeyType, restored?.mapKeySchemas);
    this.#own = this.#decoder(
      this.#hasTtl,
      (from) => this.#key.read(from),
      (from) => this.#mapKey.read(from),
      (from) => this.#value.read(from),
    );
  }

  /** What a snapshot says of the state; as of now. */
  get meta(): StateMeta {
    return {
      name: this.#name,
      kind: this.#kind,
      keySchemas: [...this.#key.schemas],
      namespaceSchemas: [],
      valueSchemas: [...this.#value.schemas],
      ...(this.#kind === 'map' ? { mapKeySchemas: [...this.#mapKey.schemas] } : {}),
      hasTtl: this.#hasTtl,
    };
  }

  /** Reads the rows of a snapshot whose schemas are others. */
  decoderOf(meta: StateMeta): RowDecoder {
    return this.#decoder(
      meta.hasTtl,
      this.#key.readerOf(meta.keySchemas),
      this.#mapKey.readerOf(meta.mapKeySchemas ?? []),
      this.#value.readerOf(meta.valueSchemas),
    );
  }

  encodeKey(key: unknown): void {
    scratch.reset();
    this.#key.write(scratch, key);
    this.keyLength = scratch.length;
  }

  encodeRow(key: unknown, value: unknown): void {
    this.encodeKey(key);
    if (value === NO_VALUE) return;
    switch (shapeOf(this.#kind)) {
      case 'one':
        return this.#writeElement(value);
      case 'list':
        return this.#writeList(value as readonly unknown[]);
      default:
        return this.#writeMap(value as ContentMap<unknown>);
    }
  }

  get revision(): number {
    return this.#key.firstTried + 2 * this.#value.firstTried;
  }

  directFor(table: KeyedTable): DirectEncoder | undefined {
    if (shapeOf(this.#kind) !== 'one' || this.#hasTtl) return undefined;
    const key = writtenSchema(this.#key);
    const value = writtenSchema(this.#value);
    if (key === undefined || value === undefined) return undefined;
    return directEncoder({ table, key, value });
  }

  decodeKey(bytes: Uint8Array, from: number, to: number): unknown {
    return this.#own.decodeKey(bytes, from, to);
  }

  decodeValue(bytes: Uint8Array, from: number, to: number): unknown {
    return this.#own.decodeValue(bytes, from, to);
  }

  #writeElement(element: unknown): void {
    if (!this.#hasTtl) {
      this.#value.write(scratch, element);
      return;
    }
    const { time, value } = element as Timed;
    scratch.f64(time);
    this.#value.write(scratch, value);
  }

  #writeList(elements: readonly unknown[]): void {
    scratch.varint(elements.length);
    for (const element of elements) this.#writeElement(element);
  }

  #writeMap(map: ContentMap<unknown>): void {
    scratch.varint(map.size);
    for (const [key, element] of map.entries()) {
      this.#mapKey.write(scratch, key);
      this.#writeElement(element);
    }
  }

  #decoder(
    hasTimes: boolean,
    readKey: ReadPart,
    readMapKey: ReadPart,
    readValue: ReadPart,
  ): RowDecoder {
    const readElement = this.#elementReader(hasTimes, readValue);
    const readWhole = wholeReader(shapeOf(this.#kind), readMapKey, readElement);
    return {
      decodeKey: (bytes, from, to) => {
        reader.open(bytes, from, to);
        return readKey(reader);
      },
      decodeValue: (bytes, from, to) => {
        if (from === to) return NO_VALUE;
        reader.open(bytes, from, to);
        return readWhole(reader);
      },
    };
  }

  #elementReader(hasTimes: boolean, readValue: ReadPart): ReadPart {
    const wantsTimes = this.#hasTtl;
    if (!hasTimes && !wantsTimes) return readValue;
    return (from) => {
      const time = hasTimes ? from.f64() : this.#now();
      const value = readValue(from);
      return wantsTimes ? ({ time, value } satisfies Timed) : value;
    };
  }
}

function writtenSchema(serializer: ValueSerializer): WrittenSchema | undefined {
  const number = serializer.firstTried;
  const type = serializer.typeOf(number);
  return type === undefined ? undefined : { number, type };
}

/** How many elements a value of a kind of state has. */
function shapeOf(kind: StateMeta['kind']): Shape {
  return kind === 'list' || kind === 'map' ? kind : 'one';
}

function wholeReader(shape: Shape, readKey: ReadPart, readElement: ReadPart): ReadPart {
  switch (shape) {
    case 'one':
      return readElement;
    case 'list':
      return (from) => {
        const elements: unknown[] = [];
        for (let left = from.count(1); left > 0; left--) elements.push(readElement(from));
        return elements;
      };
    case 'map':
      return (from) => {
        const map = new ContentMap<unknown>();
        for (let left = from.count(2); left > 0; left--) {
          const key = readKey(from);
          map.set(key, readElement(from));
        }
        return map;
      };
    default:
      return shape satisfies never;
  }
}
