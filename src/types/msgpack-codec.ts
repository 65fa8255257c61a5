/**
 * The generic codec on MessagePack, for values without a schema. Only composition roots import this
 * file, so that
 * `native-free` needs no package.
 *
 * What MessagePack lacks goes into extensions, found before encoding by one walk that copies only
 * what it must change.
 */
import { Decoder, Encoder, ExtData, ExtensionCodec } from '@msgpack/msgpack';
import { MillraceError } from '../base/errors.ts';
import type { GenericCodec } from './generic-codec.ts';
import { GENERIC_DEPTH_MAX, requireSerializable } from './serializable.ts';

const UNDEFINED = 1;
const NEGATIVE_ZERO = 2;
const BIGINT = 3;
const DATE = 4;
const MAP = 5;
const SET = 6;
/** An object with field names that MessagePack cannot carry, as keys and values in turn. */
const ENTRIES = 7;
/** A string that UTF-8 cannot carry: lone surrogates, or a first unit that decoders drop. */
const UNITS = 8;

const NO_BYTES = new Uint8Array(0);

const encoder = new Encoder({ maxDepth: GENERIC_DEPTH_MAX + 2 });
const decoder = new Decoder({ extensionCodec: extensions() });

/** The generic codec of the full package. */
export const msgpackCodec: GenericCodec = {
  formatId: 2,
  encode(value: unknown): Uint8Array {
    requireSerializable(value);
    return encoder.encode(prepared(value));
  },
  decode(bytes: Uint8Array): unknown {
    try {
      // A copy: the decoder's byte arrays are views, and its TextDecoder refuses shared memory.
      return decoder.decode(new Uint8Array(bytes));
    } catch (error) {
      throw new MillraceError('FORMAT_INVALID', 'the bytes of a generic value are damaged', {
        cause: error,
      });
    }
  },
};

function prepared(value: unknown): unknown {
  switch (typeof value) {
    case 'undefined':
      return new ExtData(UNDEFINED, NO_BYTES);
    case 'number':
      return Object.is(value, -0) ? new ExtData(NEGATIVE_ZERO, NO_BYTES) : value;
    case 'string':
      return isUtf8Safe(value) ? value : new ExtData(UNITS, Buffer.from(value, 'utf16le'));
    case 'bigint':
      return new ExtData(BIGINT, Buffer.from(value.toString(), 'latin1'));
    case 'object':
      return value === null ? null : preparedObject(value);
    default:
      return value;
  }
}

function preparedObject(value: object): unknown {
  if (Array.isArray(value)) return Array.from(value, prepared);
  if (value instanceof Uint8Array) return value;
  if (value instanceof Date) return extension(DATE, value.getTime());
  if (value instanceof Map) return extension(MAP, flat(value));
  if (value instanceof Set) return extension(SET, Array.from(value, prepared));
  const entries = Object.entries(value);
  if (!entries.every(([name]) => isUtf8Safe(name) && name !== '__proto__'))
    return extension(ENTRIES, flat(entries));
  return Object.fromEntries(entries.map(([name, part]) => [name, prepared(part)]));
}

function extension(type: number, content: unknown): ExtData {
  return new ExtData(type, encoder.encode(content));
}

function flat(pairs: Iterable<readonly [unknown, unknown]>): unknown[] {
  const values: unknown[] = [];
  for (const [key, value] of pairs) values.push(prepared(key), prepared(value));
  return values;
}

function isUtf8Safe(text: string): boolean {
  return text.isWellFormed() && text.charCodeAt(0) !== 0xfeff;
}

function extensions(): ExtensionCodec {
  const codec = new ExtensionCodec();
  const decoders: Readonly<Record<number, (data: Uint8Array) => unknown>> = {
    [UNDEFINED]: () => undefined,
    [NEGATIVE_ZERO]: () => -0,
    [BIGINT]: (data) => BigInt(Buffer.from(data).toString('latin1')),
    [DATE]: (data) => new Date(decoder.decode(data) as number),
    [MAP]: (data) => new Map(pairsOf(data)),
    [SET]: (data) => new Set(decoder.decode(data) as unknown[]),
    [ENTRIES]: (data) => Object.fromEntries(pairsOf(data)),
    [UNITS]: (data) => Buffer.from(data).toString('utf16le'),
  };
  for (const [type, decode] of Object.entries(decoders)) {
    codec.register({ type: Number(type), encode: () => null, decode });
  }
  return codec;
}

function pairsOf(data: Uint8Array): [string, unknown][] {
  const values = decoder.decode(data) as [string, unknown];
  const pairs: [string, unknown][] = [];
  for (let i = 0; i < values.length; i += 2) pairs.push([values[i] as string, values[i + 1]]);
  return pairs;
}
