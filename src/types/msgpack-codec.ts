/**
 * The generic codec on MessagePack, for values without a schema. Only composition roots import this
 * file, so that
 * `native-free` needs no package.
 *
 * What MessagePack lacks goes into extensions, found before encoding by one walk that copies only
 * what it must change.
 */
import { createRequire } from 'node:module';
import type { Decoder, Encoder, ExtData, ExtensionCodec } from '@msgpack/msgpack';
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

/** What is used of the package. */
interface MessagePack {
  readonly encoder: Encoder;
  readonly decoder: Decoder;
  readonly ExtData: typeof ExtData;
}

let loaded: MessagePack | undefined;

/** The generic codec of the full package. */
export const msgpackCodec: GenericCodec = {
  formatId: 2,
  encode(value: unknown): Uint8Array {
    requireSerializable(value);
    return messagePack().encoder.encode(prepared(value));
  },
  decode(bytes: Uint8Array): unknown {
    try {
      // A copy: the decoder's byte arrays are views, and its TextDecoder refuses shared memory.
      return messagePack().decoder.decode(new Uint8Array(bytes));
    } catch (error) {
      throw new MillraceError('FORMAT_INVALID', 'the bytes of a generic value are damaged', {
        cause: error,
      });
    }
  },
};

/**
 * The package, loaded with the first value without a schema: most jobs have none, and its fifteen
 * files would cost every thread 15 ms at its start.
 */
function messagePack(): MessagePack {
  loaded ??= loadMessagePack();
  return loaded;
}

function loadMessagePack(): MessagePack {
  const load = createRequire(import.meta.url);
  const all = load('@msgpack/msgpack') as typeof import('@msgpack/msgpack');
  const extensionCodec = withExtensions(new all.ExtensionCodec());
  return {
    encoder: new all.Encoder({ maxDepth: GENERIC_DEPTH_MAX + 2 }),
    decoder: new all.Decoder({ extensionCodec }),
    ExtData: all.ExtData,
  };
}

function prepared(value: unknown): unknown {
  switch (typeof value) {
    case 'undefined':
      return extensionOf(UNDEFINED, NO_BYTES);
    case 'number':
      return Object.is(value, -0) ? extensionOf(NEGATIVE_ZERO, NO_BYTES) : value;
    case 'string':
      return isUtf8Safe(value) ? value : extensionOf(UNITS, Buffer.from(value, 'utf16le'));
    case 'bigint':
      return extensionOf(BIGINT, Buffer.from(value.toString(), 'latin1'));
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
  return extensionOf(type, messagePack().encoder.encode(content));
}

function extensionOf(type: number, bytes: Uint8Array): ExtData {
  return new (messagePack().ExtData)(type, bytes);
}

function flat(pairs: Iterable<readonly [unknown, unknown]>): unknown[] {
  const values: unknown[] = [];
  for (const [key, value] of pairs) values.push(prepared(key), prepared(value));
  return values;
}

function isUtf8Safe(text: string): boolean {
  return text.isWellFormed() && text.charCodeAt(0) !== 0xfeff;
}

function withExtensions(codec: ExtensionCodec): ExtensionCodec {
  const decoders: Readonly<Record<number, (data: Uint8Array) => unknown>> = {
    [UNDEFINED]: () => undefined,
    [NEGATIVE_ZERO]: () => -0,
    [BIGINT]: (data) => BigInt(Buffer.from(data).toString('latin1')),
    [DATE]: (data) => new Date(decoded(data) as number),
    [MAP]: (data) => new Map(pairsOf(data)),
    [SET]: (data) => new Set(decoded(data) as unknown[]),
    [ENTRIES]: (data) => Object.fromEntries(pairsOf(data)),
    [UNITS]: (data) => Buffer.from(data).toString('utf16le'),
  };
  for (const [type, decode] of Object.entries(decoders)) {
    codec.register({ type: Number(type), encode: () => null, decode });
  }
  return codec;
}

function decoded(data: Uint8Array): unknown {
  return messagePack().decoder.decode(data);
}

function pairsOf(data: Uint8Array): [string, unknown][] {
  const values = decoded(data) as [string, unknown];
  const pairs: [string, unknown][] = [];
  for (let i = 0; i < values.length; i += 2) pairs.push([values[i] as string, values[i + 1]]);
  return pairs;
}
