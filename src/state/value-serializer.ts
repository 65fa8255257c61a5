/**
 * Writes and reads the values of one role (key, namespace or value) of one state, with the number
 * of their schema in front.
 *
 * A declared type is the only one that is written. Without one the type is captured from the first
 * value and widened by what does not fit: each widening is one more schema.
 *
 * Invariants:
 * 1. Schemas are only ever added, so rows once written stay readable; `schemas` goes with them.
 * 2. What is read has the declared type; without one, the type that it was written with.
 * 3. Keys and namespaces that are the same key (`keysEqual`) have the same bytes, for as long as
 *    the list of schemas is handed on: each is written with the first schema that it fits.
 */
import { assert } from '../base/assert.ts';
import { hasErrorCode, MillraceError } from '../base/errors.ts';
import { captureType } from '../types/capture-type.ts';
import { checkValue } from '../types/check-value.ts';
import { type Renames, unknownRenames } from '../types/field-renames.ts';
import { type ByteReader, type ByteWriter, type RowCodec, rowCodec } from '../types/row-codec.ts';
import { compareKeyTypes, compareTypes, pathText } from '../types/schema-evolution.ts';
import { type Migrator, migrator } from '../types/schema-migration.ts';
import type { TypeInformation } from '../types/type-information.ts';
import { typeFromJson, typeToJson } from '../types/type-json.ts';
import { typesEqual } from '../types/type-text.ts';
import { types } from '../types/types.ts';
import { widen } from '../types/widen.ts';
import { hasFieldOrder, storedKey } from './stored-key.ts';

/** From so many schemas on, the next one is generic, which holds everything. */
export const SCHEMAS_MAX = 64;

/** What the values are of their state. */
export type SerializerRole = 'key' | 'namespace' | 'value';

/** See {@link ValueSerializer}. */
export interface ValueSerializerOptions {
  readonly declared?: TypeInformation<unknown> | undefined;
  /** Type JSON by schema number, as {@link ValueSerializer.schemas} was. */
  readonly restored?: readonly unknown[] | undefined;
  readonly stateName: string;
  readonly role: SerializerRole;
  /** New names of fields by their old paths; used for values only, as keys keep their fields. */
  readonly renames?: Renames | undefined;
}

/** A type that rows are written with. */
interface Schema {
  readonly codec: RowCodec;
  /** To the declared type, if it is another one. */
  readonly migrate: Migrator | undefined;
}

/** See the file's head. */
export class ValueSerializer {
  readonly #declared: TypeInformation<unknown> | undefined;
  readonly #stateName: string;
  readonly #role: SerializerRole;
  readonly #renames: Renames;
  readonly #json: unknown[] = [];
  readonly #schemas: Schema[] = [];
  /** The schema that values are written with: the declared one, else the widest. */
  #current = -1;

  /**
   * @throws STATE_INCOMPATIBLE if restored values cannot become what is declared; names state and
   * field
   * @throws FORMAT_INVALID if a restored schema cannot be read
   * @throws ILLEGAL_ARGUMENT if there are renames, but no declared type
   */
  constructor(options: ValueSerializerOptions) {
    this.#declared = options.declared;
    this.#stateName = options.stateName;
    this.#role = options.role;
    this.#renames = options.role === 'value' ? (options.renames ?? {}) : {};
    const restored = (options.restored ?? []).map(typeFromJson);
    this.#requireUsableRenames(restored);
    for (const type of restored) this.#add(type);
    this.#current = this.#schemas.length - 1;
    if (options.declared !== undefined) this.#current = this.#numberOf(options.declared);
  }

  /** Type JSON by schema number, to be kept with the rows. Grows. */
  get schemas(): readonly unknown[] {
    return this.#json;
  }

  /** The number of the schema that `write` tries first; -1 as long as there is none. */
  get firstTried(): number {
    return this.#role === 'value' ? this.#current : Math.min(0, this.#schemas.length - 1);
  }

  /** The type with this number. */
  typeOf(number: number): TypeInformation<unknown> | undefined {
    return this.#schemas[number]?.codec.type;
  }

  /**
   * Writes the schema's number and the value; widens if no type is declared.
   *
   * @throws RECORD_TYPE_MISMATCH if the value does not fit the declared type
   * @throws TYPE_NOT_SERIALIZABLE if no codec can carry it
   */
  write(writer: ByteWriter, value: unknown): void {
    if (this.#role !== 'value') return this.#writeKey(writer, value);
    if (!this.#tryWrite(writer, this.#current, value)) this.#writeMisfit(writer, value);
  }

  /**
   * Reads what `write` wrote, now or before the state was restored.
   *
   * @throws FORMAT_INVALID
   */
  read(reader: ByteReader): unknown {
    return readWith(this.#schemas, reader);
  }

  /**
   * A function that reads rows of another list of schemas, such as another subtask's, as `read`
   * does.
   *
   * @throws STATE_INCOMPATIBLE, FORMAT_INVALID as the constructor does
   */
  readerOf(schemas: readonly unknown[]): (reader: ByteReader) => unknown {
    const others = schemas.map((json) => this.#schemaOf(typeFromJson(json)));
    return (reader) => readWith(others, reader);
  }

  #tryWrite(writer: ByteWriter, number: number, value: unknown): boolean {
    const schema = this.#schemas[number];
    if (schema === undefined) return false;
    const start = writer.length;
    writer.varint(number);
    if (schema.codec.write(writer, value)) return true;
    writer.length = start;
    return false;
  }

  /** Invariant 3. */
  #writeKey(writer: ByteWriter, original: unknown): void {
    const key = storedKey(original);
    if (this.#tryWriteKey(writer, key, true)) return;
    if (this.#declared === undefined) return this.#writeMisfit(writer, key);
    if (this.#tryWriteKey(writer, key, false)) return;
    // A field that must be there, and is null, was taken away.
    if (!this.#tryWriteKey(writer, original, false)) throw this.#mismatch(this.#declared, original);
  }

  #tryWriteKey(writer: ByteWriter, key: unknown, inOrder: boolean): boolean {
    for (let number = 0; number < this.#schemas.length; number++) {
      const { type } = (this.#schemas[number] as Schema).codec;
      if (inOrder && !hasFieldOrder(type, key)) continue;
      if (this.#tryWrite(writer, number, key)) return true;
    }
    return false;
  }

  #writeMisfit(writer: ByteWriter, value: unknown): void {
    if (this.#declared !== undefined) throw this.#mismatch(this.#declared, value);
    this.#current = this.#numberOf(this.#widened(value));
    const isWritten = this.#tryWrite(writer, this.#current, value);
    assert(isWritten, () => `a value does not fit the type captured from it (${this.#where()})`);
  }

  #widened(value: unknown): TypeInformation<unknown> {
    const captured = this.#captured(value);
    const widest = this.#schemas[this.#schemas.length - 1]?.codec.type;
    const type = widest === undefined ? captured : widen(widest, captured);
    if (this.#schemas.length >= SCHEMAS_MAX - 1) return types.generic();
    if (this.#role === 'value' || hasFieldOrder(type, value)) return type;
    return hasFieldOrder(captured, value) ? captured : types.generic();
  }

  #captured(value: unknown): TypeInformation<unknown> {
    try {
      return captureType(value);
    } catch (error) {
      if (!hasErrorCode(error, 'TYPE_NOT_SERIALIZABLE')) throw error;
      const { message, details } = error as MillraceError;
      throw new MillraceError('TYPE_NOT_SERIALIZABLE', `${this.#where()}: ${message}`, {
        cause: error,
        details: { ...details, state: this.#stateName, role: this.#role },
      });
    }
  }

  #numberOf(type: TypeInformation<unknown>): number {
    const known = this.#schemas.findIndex(({ codec }) => typesEqual(codec.type, type));
    return known < 0 ? this.#add(type) : known;
  }

  #add(type: TypeInformation<unknown>): number {
    this.#schemas.push(this.#schemaOf(type));
    this.#json.push(typeToJson(type));
    return this.#schemas.length - 1;
  }

  #schemaOf(type: TypeInformation<unknown>): Schema {
    const declared = this.#declared;
    const codec = rowCodec(type);
    if (declared === undefined || typesEqual(type, declared)) return { codec, migrate: undefined };
    const comparison =
      this.#role === 'value'
        ? compareTypes(type, declared, this.#renames)
        : compareKeyTypes(type, declared);
    if (comparison.kind === 'refused') {
      const { path, reason } = comparison;
      throw this.#incompatible(`${pathText(path)}: ${reason}`, { path, reason });
    }
    return { codec, migrate: migrator(type, declared, this.#renames) };
  }

  #requireUsableRenames(restored: readonly TypeInformation<unknown>[]): void {
    if (this.#declared === undefined && Object.keys(this.#renames).length > 0) {
      throw new MillraceError(
        'ILLEGAL_ARGUMENT',
        `state '${this.#stateName}' has renames but no type; declare the type that has the new names`,
      );
    }
    if (restored.length === 0) return;
    const [path] = unknownRenames(restored, this.#renames);
    if (path === undefined) return;
    const reason = `is renamed to '${this.#renames[path]}', but no restored value has such a field; correct renames`;
    throw this.#incompatible(`${pathText(path)} ${reason}`, { path, reason });
  }

  #incompatible(how: string, details: Readonly<Record<string, unknown>>): MillraceError {
    return new MillraceError(
      'STATE_INCOMPATIBLE',
      `the restored ${this.#role}s of state '${this.#stateName}' do not fit the declared type: ${how}`,
      { details: { state: this.#stateName, role: this.#role, ...details } },
    );
  }

  #mismatch(type: TypeInformation<unknown>, value: unknown): MillraceError {
    const misfit = checkValue(type, value);
    assert(misfit !== undefined, () => `a codec refuses what fits (${this.#where()})`);
    return new MillraceError(
      'RECORD_TYPE_MISMATCH',
      `${this.#where()} does not fit its declared type at ${misfit.path}: ` +
        `expected ${misfit.expected}, found ${misfit.found}; correct the value or the type`,
      { details: { state: this.#stateName, role: this.#role, ...misfit } },
    );
  }

  #where(): string {
    return `a ${this.#role} of state '${this.#stateName}'`;
  }
}

function readWith(schemas: readonly Schema[], reader: ByteReader): unknown {
  const number = reader.varint();
  const schema = schemas[number];
  if (schema === undefined) {
    throw new MillraceError(
      'FORMAT_INVALID',
      `the bytes of a row are damaged: schema ${number} of ${schemas.length}`,
    );
  }
  const value = schema.codec.read(reader);
  return schema.migrate === undefined ? value : schema.migrate(value);
}
