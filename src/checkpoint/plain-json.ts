/**
 * Plain data as JSON and back, exactly: what JSON has no word for is tagged.
 *
 *     undefined, NaN, Infinity, -Infinity, -0   { "$": "undefined" } …
 *     bigint, bytes                             { "$bigint": "12" }, { "$bytes": "<base64>" }
 *     an object with a key that begins with $   { "$object": [["$key", value], …] }
 *
 * Invariants:
 * 1. What `fromPlainJson` gives equals what `toPlainJson` got: own properties, their order as far
 *    as objects keep it, `undefined` ones and a key `__proto__` included.
 * 2. Other values (functions, class instances, cycles) are refused with their path, not bent.
 */
import { MillraceError } from '../base/errors.ts';

const DEPTH_MAX = 500;

const WORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['undefined', undefined],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['-0', -0],
]);

/**
 * A value that `JSON.stringify` keeps whole.
 *
 * @throws TYPE_NOT_SERIALIZABLE with the path of what is no plain data
 */
export function toPlainJson(value: unknown): unknown {
  return encode(value, '', 0);
}

/**
 * The value that {@link toPlainJson} was given.
 *
 * @throws FORMAT_INVALID
 */
export function fromPlainJson(json: unknown): unknown {
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return json.map(fromPlainJson);
  const entries = Object.entries(json);
  const [key, content] = entries[0] ?? [];
  if (key?.startsWith('$') === true) return tagged(key, content, entries.length);
  return Object.fromEntries(entries.map(([name, part]) => [name, fromPlainJson(part)]));
}

function encode(value: unknown, path: string, depth: number): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? value : { $: wordFor(value) };
    case 'undefined':
      return { $: 'undefined' };
    case 'bigint':
      return { $bigint: value.toString() };
    case 'object':
      if (depth > DEPTH_MAX) throw refused(path.slice(0, 100), 'nested too deep, or in itself');
      return value === null ? null : encodeObject(value, path, depth);
    default:
      throw refused(path, `a ${typeof value}`);
  }
}

function encodeObject(value: object, path: string, depth: number): unknown {
  if (Array.isArray(value)) {
    return Array.from(value, (element, index) => encode(element, `${path}[${index}]`, depth + 1));
  }
  if (value instanceof Uint8Array) {
    const { buffer, byteOffset, byteLength } = value;
    return { $bytes: Buffer.from(buffer, byteOffset, byteLength).toString('base64') };
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw refused(path, `an instance of ${value.constructor.name}`);
  }
  const entries = Object.entries(value).map(
    ([key, part]) => [key, encode(part, `${path}.${key}`, depth + 1)] as const,
  );
  const needsTag = entries.some(([key]) => key.startsWith('$'));
  return needsTag ? { $object: entries } : Object.fromEntries(entries);
}

function wordFor(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function tagged(key: string, content: unknown, count: number): unknown {
  if (count === 1) {
    if (key === '$' && typeof content === 'string' && WORDS.has(content)) return WORDS.get(content);
    if (key === '$bigint' && typeof content === 'string' && /^-?\d+$/.test(content)) {
      return BigInt(content);
    }
    if (key === '$bytes' && typeof content === 'string') {
      return new Uint8Array(Buffer.from(content, 'base64'));
    }
    if (key === '$object' && Array.isArray(content)) return objectOf(content);
  }
  throw new MillraceError('FORMAT_INVALID', `'${key}' is no tag that this release knows`);
}

function objectOf(entries: readonly unknown[]): unknown {
  return Object.fromEntries(
    entries.map((entry) => {
      if (Array.isArray(entry) && entry.length === 2 && typeof entry[0] === 'string') {
        return [entry[0], fromPlainJson(entry[1])];
      }
      throw new MillraceError('FORMAT_INVALID', "a '$object' is no list of keys and values");
    }),
  );
}

function refused(path: string, what: string): MillraceError {
  const place = path === '' ? 'the value' : `'${path.replace(/^\./, '')}'`;
  return new MillraceError(
    'TYPE_NOT_SERIALIZABLE',
    `${place} is ${what}, no plain data: use numbers, strings, booleans, bigints, Uint8Array, ` +
      'arrays and plain objects',
    { details: { path } },
  );
}
