/**
 * Strings that state may keep. The strings of a batch are cut from one slab, and V8 keeps the whole
 * slab alive as long as one cut of it: a million kept words of 20 characters could hold 64 GiB.
 */

/** V8 copies shorter strings when it cuts them. */
export const CUT_UNITS_MIN = 13;

/**
 * A string equal to `value` that holds no other string: the one kept so far if that is equal, which
 * for a grouping column it mostly is, else a copy (about 100 ns).
 */
export function ownString(value: string, kept: unknown): string {
  if (kept === value) return kept as string;
  // Only utf16le is right for every string; latin1 halves the memory of most.
  const encoding = hasWideUnit(value) ? 'utf16le' : 'latin1';
  return Buffer.from(value, encoding).toString(encoding);
}

/** Whether a string has a unit that takes more than a byte. */
export function hasWideUnit(value: string): boolean {
  let all = 0;
  for (let i = 0; i < value.length; i++) all |= value.charCodeAt(i);
  return all > 255;
}
