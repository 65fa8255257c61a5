/**
 * Which key each record of the update job has: first every key once, then keys by a distribution.
 * `Updates.java` has the same.
 *
 * Invariant: ranks are 0 … keys − 1, and a rank's key is its mix, so that frequent keys do not lie
 * side by side.
 */
import { hashedNumber, keyOf, mix } from './readings.ts';

/** Zipf's exponent; YCSB's. */
const THETA = 0.99;

/** How updates choose their keys. */
export type Distribution = 'uniform' | 'zipf';

/** The key of record n. */
export function updateKeys(keys: number, distribution: string): (n: number) => number {
  const rankOf = rankChoice(keys, distribution);
  return (n) => mix(n < keys ? n : rankOf(n));
}

function rankChoice(keys: number, distribution: string): (n: number) => number {
  if (distribution === 'uniform') return (n) => keyOf(n, keys);
  if (distribution === 'zipf') return zipfRanks(keys);
  throw new RangeError(`there is no distribution '${distribution}': give uniform or zipf`);
}

/**
 * Gray's way to draw from Zipf's distribution without a table ("Quickly generating billion-record
 * synthetic databases", 1994).
 */
function zipfRanks(keys: number): (n: number) => number {
  let zeta = 0;
  for (let i = 1; i <= keys; i++) zeta += 1 / i ** THETA;
  const alpha = 1 / (1 - THETA);
  const second = 1 + 0.5 ** THETA;
  const eta = (1 - (2 / keys) ** (1 - THETA)) / (1 - second / zeta);
  return (n) => {
    const unit = (hashedNumber(n) >>> 0) / 4294967296;
    const scaled = unit * zeta;
    if (scaled < 1) return 0;
    if (scaled < second) return 1;
    return Math.min(keys - 1, Math.floor(keys * (eta * unit - eta + 1) ** alpha));
  };
}
