/**
 * JSON text to values, refusing what JSON.parse would silently bend.
 *
 * Invariants:
 * 1. A whole number that a JavaScript number would change (9007199254740993) and one beyond its
 *    range (1e999) are refused; a declared bigint keeps every digit.
 * 2. Nesting is bounded by {@link JSON_DEPTH_MAX}, so that whatever walks a record later cannot
 *    overflow the stack.
 * 3. No value carries an own `__proto__` key unless its type declares it.
 */
import { malformed } from '../../functions/format.ts';

/** The deepest nesting of arrays and objects in one record. */
export const JSON_DEPTH_MAX = 500;

const PROTO = '__proto__';
/** Sixteen digits in a row or an exponent of three: only then a number may be beyond a double. */
const SUSPICIOUS_NUMBER = /\d{16}|[eE]\+?\d{3}/;
const CAUSE_LENGTH_MAX = 200;

/** Parses one JSON text within the depth limit. */
export function parseJson(text: string): unknown {
  requireDepth(text);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed(shorten(`not JSON: ${(error as Error).message}`));
  }
}

/** Parses one JSON text and gives integers beyond 2^53 as bigints; slower if there are any. */
export function parseJsonExactly(text: string): unknown {
  if (!SUSPICIOUS_NUMBER.test(text)) return parseJson(text);
  requireDepth(text);
  try {
    return (JSON.parse as ParseWithSource)(text, exactNumber);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw malformed(shorten(`not JSON: ${error.message}`));
  }
}

/**
 * Parses one JSON text that has no declared type: the plain values of JSON.parse, but for what it
 * would change, which is refused.
 */
export function parsePlainJson(text: string): unknown {
  const value = parseJson(text);
  return isPlain(value) ? value : toPlain(parseJsonExactly(text));
}

/**
 * Looking at the values is several times faster than searching the text for long digits and
 * escapes.
 */
function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  if (typeof value !== 'object' || value === null) return true;
  for (const name in value) {
    if (name === PROTO) return false;
    const part: unknown = value[name as keyof typeof value];
    if (typeof part === 'number' ? Math.abs(part) > Number.MAX_SAFE_INTEGER : !isPlain(part)) {
      return false;
    }
  }
  return true;
}

/**
 * Makes of a value parsed exactly what it is without a declared type: bigints become numbers where
 * that loses nothing, and are refused else, as is an own key `__proto__`. Changes the value in
 * place.
 */
export function toPlain(value: unknown): unknown {
  if (typeof value === 'bigint') return toNumber(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Object.hasOwn(value, PROTO)) throw protoKey();
  const parts = value as Record<string, unknown>;
  for (const name of Object.keys(parts)) {
    const part = parts[name];
    if (typeof part === 'bigint') parts[name] = toNumber(part);
    else if (typeof part === 'object') toPlain(part);
  }
  return value;
}

/** Refuses a key that would be a prototype to careless code. */
export function protoKey(): Error {
  return malformed(
    "the key '__proto__' is not accepted; declare a field of that name to read it as data",
  );
}

/**
 * The JavaScript engine gives the reviver the literal's text; TypeScript's library does not know it
 * yet.
 */
type ParseWithSource = (
  text: string,
  reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown;

function exactNumber(_key: string, value: unknown, context: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context.source ?? '';
  if (!Number.isFinite(value)) throw malformed(shorten(`the number ${source} is too large`));
  return /^-?\d+$/.test(source) ? BigInt(source) : value;
}

/** Doubles print all their digits up to 1e21, so an integer beyond 2^53 may well be one. */
function toNumber(integer: bigint): number {
  const number = Number(integer);
  if (String(number) === String(integer) || BigInt(number) === integer) return number;
  throw malformed(
    shorten(`a number cannot hold the integer ${integer}: declare the field as types.bigint`),
  );
}

/** Depth needs two characters a level, so short texts, which are nearly all, cost a comparison. */
function requireDepth(text: string): void {
  if (text.length <= 2 * JSON_DEPTH_MAX) return;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) {
      i = endOfString(text, i);
      if (i < 0) return;
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth > JSON_DEPTH_MAX)
        throw malformed(`nested more than ${JSON_DEPTH_MAX} levels deep`);
    } else if (code === 0x7d || code === 0x5d) depth--;
  }
}

/** The index of the quote that ends the string beginning at `start`; -1 if it has no end. */
function endOfString(text: string, start: number): number {
  let end = start;
  for (;;) {
    end = text.indexOf('"', end + 1);
    if (end < 0) return -1;
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
}

function shorten(cause: string): string {
  return cause.length <= CAUSE_LENGTH_MAX ? cause : `${cause.slice(0, CAUSE_LENGTH_MAX)}…`;
}
