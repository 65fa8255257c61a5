/**
 * The bytes that jobs with large state keep: of any seed the same ones, and nothing that
 * compresses. `Updates.java` has them, too.
 */
import { mix } from './readings.ts';

/** Writes the bytes of a seed over a whole array. */
export function fillBytes(bytes: Uint8Array, seed: number): void {
  let word = mix(seed) || 1;
  for (let i = 0; i < bytes.length; i++) {
    if ((i & 3) === 0) {
      word ^= word << 13;
      word ^= word >>> 17;
      word ^= word << 5;
    }
    bytes[i] = word >>> (8 * (i & 3));
  }
}

/** The 32-bit whole number at the front, little end first. */
export function firstWord(bytes: Uint8Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  return a | (b << 8) | (c << 16) | (d << 24);
}
