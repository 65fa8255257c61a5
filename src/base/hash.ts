/**
 * The one hash of keys, for DataStream and SQL, for key groups and for state tables.
 *
 * Invariants:
 * 1. Equal keys hash equally: −0 = 0, every NaN = NaN, 1n = 1. The key of a row is its content in
 *    field order.
 * 2. The result is an int32, well mixed in its high bits: a key group is `floor(unsigned hash ×
 *    maxParallelism / 2^32)`.
 * 3. Values never change between versions: savepoints hold them. `hash.test.ts` has golden values.
 *
 * Strings use Murmur3 (x86, 32 bits, seed 0) over their UTF-16LE bytes; numbers use its finalizer.
 */
import { MillraceError } from './errors.ts';

const C1 = 0xcc9e2d51 | 0;
const C2 = 0x1b873593 | 0;
const STEP = 0xe6546b64 | 0;
/** Keeps the hash of 0 away from 0. */
const NUMBER_SEED = 0x9e3779b9 | 0;
const TRUE_HASH = finish(0x74727565);
const FALSE_HASH = finish(0x66616c73);
const NULL_HASH = 0x6e756c6c;
const NAN_HASH = finish(0x7ff80000);

const scratchDouble = new Float64Array(1);
const scratchWords = new Int32Array(scratchDouble.buffer);

/** The hash of a number; −0 is 0 and every NaN is the same. */
export function hashNumber(value: number): number {
  const int = value | 0;
  return int === value ? finish(int ^ NUMBER_SEED) : hashDouble(value);
}

/** The hash of a string's UTF-16 units. */
export function hashString(value: string): number {
  const units = value.length;
  const even = units & ~1;
  let hash = 0;
  for (let i = 0; i < even; i += 2) {
    const word = value.charCodeAt(i) | (value.charCodeAt(i + 1) << 16);
    hash = mix(hash, word);
  }
  if (even !== units) hash ^= scramble(value.charCodeAt(even));
  return finish(hash ^ (units << 1));
}

/** The hash of a boolean. */
export function hashBoolean(value: boolean): number {
  return value ? TRUE_HASH : FALSE_HASH;
}

/** The hash of a bigint; equal to that of the number of the same value, if there is one. */
export function hashBigint(value: bigint): number {
  const asNumber = Number(value);
  if (Number.isFinite(asNumber) && BigInt(asNumber) === value) return hashNumber(asNumber);
  let magnitude = value < 0n ? -value : value;
  let hash = value < 0n ? 1 : 0;
  while (magnitude > 0n) {
    hash = mix(hash, Number(magnitude & 0xffffffffn) | 0);
    magnitude >>= 32n;
  }
  return finish(hash);
}

/** The hash of bytes: Murmur3 (x86, 32 bits, seed 0). */
export function hashBytes(bytes: Uint8Array): number {
  const length = bytes.length;
  const whole = length & ~3;
  let hash = 0;
  for (let i = 0; i < whole; i += 4) {
    const word =
      byteAt(bytes, i) |
      (byteAt(bytes, i + 1) << 8) |
      (byteAt(bytes, i + 2) << 16) |
      (byteAt(bytes, i + 3) << 24);
    hash = mix(hash, word);
  }
  let tail = 0;
  for (let i = length - 1; i >= whole; i--) tail = (tail << 8) | byteAt(bytes, i);
  if (whole !== length) hash ^= scramble(tail);
  return finish(hash ^ length);
}

/**
 * The hash of any value that may be a key: number, string, boolean, bigint, Uint8Array, and arrays
 * and plain objects
 * of these, by content. Inside an object a `null` or `undefined` field counts like an absent one.
 *
 * @throws KEY_INVALID for `null`, `undefined`, functions, symbols, Dates and other class instances
 */
export function hashKey(key: unknown): number {
  // Hot: the common kinds first and the rest out of line, so that this inlines into a key loop.
  if (typeof key === 'number') return hashNumber(key);
  if (typeof key === 'string') return hashString(key);
  return hashOther(key);
}

/** Joins the hash of one more part to that of the parts before it; {@link hashEnd} ends it. */
export function hashPart(hash: number, part: number): number {
  return mix(hash, part);
}

/** Ends a hash of `count` parts, so that its high bits are mixed. */
export function hashEnd(hash: number, count: number): number {
  return finish(hash ^ count);
}

function hashOther(key: unknown): number {
  if (typeof key === 'boolean') return hashBoolean(key);
  if (typeof key === 'bigint') return hashBigint(key);
  if (typeof key === 'object' && key !== null) return hashObject(key);
  throw invalidKey(key);
}

function hashDouble(value: number): number {
  if (value !== value) return NAN_HASH;
  scratchDouble[0] = value;
  const low = scratchWords[0] as number;
  const high = scratchWords[1] as number;
  return finish(mix(mix(NUMBER_SEED, low), high));
}

function hashObject(key: object): number {
  if (Array.isArray(key)) return hashArray(key);
  if (key instanceof Uint8Array) return hashBytes(key);
  const prototype: unknown = Object.getPrototypeOf(key);
  if (prototype !== Object.prototype && prototype !== null) throw invalidKey(key);
  return hashRow(key as Readonly<Record<string, unknown>>);
}

function hashArray(key: readonly unknown[]): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) {
    const part = key[i];
    hash = mix(hash, part === null || part === undefined ? NULL_HASH : hashKey(part));
  }
  return finish(hash ^ key.length);
}

function hashRow(key: Readonly<Record<string, unknown>>): number {
  let hash = 0;
  let count = 0;
  for (const name in key) {
    const part = key[name];
    if (part === null || part === undefined) continue;
    hash = mix(hash, hashKey(part));
    count++;
  }
  return finish(hash ^ count);
}

function invalidKey(key: unknown): MillraceError {
  const found =
    typeof key === 'object' && key !== null ? `an instance of ${className(key)}` : describe(key);
  return new MillraceError(
    'KEY_INVALID',
    `a key must be a number, string, boolean, bigint, Uint8Array or an array or plain object of these, ` +
      `but the key selector returned ${found}; return such a value, e.g. date.getTime() for a Date`,
    { details: { found } },
  );
}

function describe(value: unknown): string {
  return typeof value === 'function' || typeof value === 'symbol'
    ? `a ${typeof value}`
    : String(value);
}

function className(value: object): string {
  const maker: unknown = value.constructor;
  return typeof maker === 'function' && maker.name !== '' ? maker.name : 'a class without a name';
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] as number;
}

function scramble(word: number): number {
  const product = Math.imul(word, C1);
  return Math.imul((product << 15) | (product >>> 17), C2);
}

function mix(hash: number, word: number): number {
  const mixed = hash ^ scramble(word);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + STEP) | 0;
}

function finish(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
