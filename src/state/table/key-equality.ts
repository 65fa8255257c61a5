/**
 * When two keys are the same key: by content, as `hashKey` hashes them.
 *
 * Invariants:
 * 1. −0 = 0, NaN = NaN, and a bigint equals the number of the same value.
 * 2. A row is its fields in order; a field that is `null` or `undefined` counts like an absent one.
 */

/** Whether two keys are the same key. */
export function keysEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null)
    return scalarsEqual(a, b);
  if (Array.isArray(a)) return Array.isArray(b) && partsEqual(a, b);
  if (a instanceof Uint8Array) return b instanceof Uint8Array && partsEqual(a, b);
  if (Array.isArray(b) || b instanceof Uint8Array) return false;
  return rowsEqual(a as Row, b as Row);
}

type Row = Readonly<Record<string, unknown>>;

function scalarsEqual(a: unknown, b: unknown): boolean {
  if (a === null || a === undefined) return b === null || b === undefined;
  if (typeof a === 'number') return typeof b === 'bigint' ? isSameNumber(a, b) : a !== a && b !== b;
  return typeof a === 'bigint' && typeof b === 'number' && isSameNumber(b, a);
}

function isSameNumber(number: number, bigint: bigint): boolean {
  return Number.isInteger(number) && BigInt(number) === bigint;
}

function partsEqual(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!keysEqual(a[i], b[i])) return false;
  return true;
}

function rowsEqual(a: Row, b: Row): boolean {
  const names = presentNames(a);
  const others = presentNames(b);
  return (
    names.length === others.length &&
    names.every((name, i) => name === others[i] && keysEqual(a[name], b[name]))
  );
}

function presentNames(row: Row): string[] {
  return Object.keys(row).filter((name) => row[name] !== null && row[name] !== undefined);
}

/**
 * The form in which a key is kept: a bigint that is a safe integer becomes a number, −0 becomes 0.
 */
export function canonicalKey(key: unknown): unknown {
  if (typeof key === 'number') return key + 0;
  if (typeof key !== 'bigint') return key;
  const number = Number(key);
  return Number.isSafeInteger(number) ? number : key;
}
