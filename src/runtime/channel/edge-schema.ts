/**
 * The type of an edge's records as one producing subtask knows it: declared, or captured from the
 * first record and widened when a record does not fit.
 *
 * Invariants:
 * 1. All channels of the edge in this subtask write the same schema; a widening makes a new one for
 *    all of them.
 * 2. A declared type is never widened: a record that does not fit is an error with operator, field
 *    and value.
 */
import { MillraceError } from '../../base/errors.ts';
import { captureType } from '../../types/capture-type.ts';
import { checkValue } from '../../types/check-value.ts';
import type { FrameWriter } from '../../types/frame-writer.ts';
import { frameWriterFactory } from '../../types/frame-writer.ts';
import type { TypeInformation } from '../../types/type-information.ts';
import { widen } from '../../types/widen.ts';
import type { ChannelSchema } from './channel.ts';
import { schemaOf } from './schema-registry.ts';

/** See the file's head. */
export class EdgeSchema {
  readonly #declared: boolean;
  readonly #keyed: boolean;
  readonly #operatorName: string;
  readonly #known = new Map<number, ChannelSchema>();
  #schema: ChannelSchema | undefined;
  #newWriter: (() => FrameWriter) | undefined;
  /** Records that did not fit the captured type so far. */
  misfits = 0;
  /** Grows with every change of the schema. */
  version = 0;

  constructor(type: TypeInformation<unknown> | undefined, keyed: boolean, operatorName: string) {
    this.#declared = type !== undefined;
    this.#keyed = keyed;
    this.#operatorName = operatorName;
    if (type !== undefined) this.#become(type);
  }

  /** The current schema; undefined before the first record of an undeclared type. */
  get current(): ChannelSchema | undefined {
    return this.#schema;
  }

  /** A schema that this edge has or had. */
  known(id: number): ChannelSchema | undefined {
    return this.#known.get(id);
  }

  /** A writer of the current schema; one that fits nothing before the first record. */
  newWriter(): FrameWriter {
    return this.#newWriter === undefined ? NOTHING_FITS : this.#newWriter();
  }

  /** Makes the schema fit `value`. */
  fit(value: unknown): void {
    if (this.#declared) throw this.#misfitError(value);
    const captured = this.#capture(value);
    if (this.#schema === undefined) {
      this.#become(captured);
      return;
    }
    this.misfits++;
    this.#become(widen(this.#schema.type, captured));
  }

  /** Refuses a value that could not be encoded, without changing the schema. */
  check(value: unknown): void {
    if (!this.#declared) this.#capture(value);
    else if (this.#schema !== undefined && checkValue(this.#schema.type, value) !== undefined) {
      throw this.#misfitError(value);
    }
  }

  /** The type of `value`; what cannot be encoded is told with its operator. */
  #capture(value: unknown): TypeInformation<unknown> {
    try {
      return captureType(value);
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      const message = `operator '${this.#operatorName}' emitted a record for another task: ${error.message}`;
      const details = { ...error.details, operator: this.#operatorName };
      throw new MillraceError(error.code, message, { cause: error, details });
    }
  }

  #become(type: TypeInformation<unknown>): void {
    const schema = schemaOf(type, this.#keyed);
    this.#schema = schema;
    this.#known.set(schema.id, schema);
    this.#newWriter = frameWriterFactory(schema);
    this.version++;
  }

  #misfitError(value: unknown): MillraceError {
    const misfit = this.#schema === undefined ? undefined : checkValue(this.#schema.type, value);
    const where = misfit === undefined ? '' : ` at ${misfit.path || 'the record itself'}`;
    const found =
      misfit === undefined ? '' : `: expected ${misfit.expected}, found ${misfit.found}`;
    return new MillraceError(
      'RECORD_TYPE_MISMATCH',
      `operator '${this.#operatorName}' emitted a record that does not fit its declared type${where}${found}; ` +
        'mend the record or the type given to returns() or the source',
      { details: { operator: this.#operatorName, field: misfit?.path } },
    );
  }
}

const NOTHING_FITS: FrameWriter = {
  rowCount: 0,
  append: () => -1,
  byteLength: () => 0,
  writeTo: () => 0,
  clear: () => undefined,
};
