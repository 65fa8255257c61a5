/** JSON lines: one JSON value per line (https://jsonlines.org). */
import {
  type LineDecoder,
  type LineReaderFormat,
  malformed,
  type WriterFormat,
} from '../../functions/format.ts';
import type { TypeInformation } from '../../types/type-information.ts';
import type { Converter } from '../row-maker.ts';
import { JsonEncoder } from './json-encoder.ts';
import { parseJson, parseJsonExactly, parsePlainJson } from './json-text.ts';
import { jsonConverter, needsExactNumbers } from './json-values.ts';

/** Options of {@link jsonLinesFormat}. */
export interface JsonLinesFormatOptions<T> {
  /**
   * What each line must be; fields that it does not name are ignored. Without it records are the
   * parsed objects as they are.
   */
  readonly type?: TypeInformation<T> | undefined;
}

/** JSON lines, to read and to write. */
export type JsonLinesFormat<T> = LineReaderFormat<T> & WriterFormat<T>;

/**
 * JSON lines. With a type, values are checked strictly and timestamps may be epoch milliseconds or
 * ISO 8601 texts; a line that does not fit is malformed, as is one with a key `__proto__`.
 *
 * @example
 * const format = jsonLinesFormat({ type: types.row({ id: types.long, at: types.timestamp }) });
 */
export function jsonLinesFormat<T = Record<string, unknown>>(
  options: JsonLinesFormatOptions<T> = {},
): JsonLinesFormat<T> {
  const { type } = options;
  if (type !== undefined) jsonConverter(type, '');
  return Object.freeze({
    kind: 'lines',
    name: 'json',
    producedType: type,
    hasHeader: false,
    multiline: false,
    createDecoder: () => (type === undefined ? new UntypedDecoder<T>() : new TypedDecoder(type)),
    fileSuffix: '.jsonl',
    createEncoder: () => new JsonEncoder<T>(),
  });
}

class TypedDecoder<T> implements LineDecoder<T> {
  readonly #convert: Converter<unknown>;
  readonly #parse: (text: string) => unknown;

  constructor(type: TypeInformation<T>) {
    this.#convert = jsonConverter(type, '');
    this.#parse = needsExactNumbers(type) ? parseJsonExactly : parseJson;
  }

  decode(line: string): T {
    return this.#convert(this.#parse(line)) as T;
  }
}

class UntypedDecoder<T> implements LineDecoder<T> {
  decode(line: string): T {
    const value = parsePlainJson(line);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw malformed('the line is not a JSON object; declare a type to read other values');
    }
    return value as T;
  }
}
