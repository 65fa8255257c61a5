/**
 * A seeded random generator: sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state, no slower
 * than `Math.random`.
 *
 * Invariants:
 * 1. The numbers are a function of the seed alone, on every machine and in every version (golden
 *    test).
 * 2. Not for secrets.
 */
import { assert } from './assert.ts';
import type { Random } from './environment.ts';

/** The numbers that a generator discards so that near seeds do not give near sequences. */
const WARM_UP_ROUNDS = 15;
const TWO_TO_32 = 4_294_967_296;
/** Up to this bound, `number · bound` is exact in a double. */
const EXACT_BOUND_MAX = 2_097_152;

/** A {@link Random} that is a function of its seed. */
export interface SeededRandom extends Random {
  /** A whole number, uniform in [0, 2^32). */
  nextUint32(): number;
  /** An independent generator, itself a function of this one's state; advances this one. */
  fork(): SeededRandom;
}

/**
 * Makes a generator from any finite number; seeds that differ in their lower 53 bits differ in
 * sequence.
 */
export function seededRandom(seed: number): SeededRandom {
  assert(Number.isSafeInteger(seed), () => `a seed must be a safe integer, got ${seed}`);
  const generator = new Sfc32(seed | 0, Math.floor(seed / TWO_TO_32) | 0, 0);
  for (let round = 0; round < WARM_UP_ROUNDS; round++) generator.nextUint32();
  return generator;
}

class Sfc32 implements SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(a: number, b: number, c: number) {
    this.#a = a;
    this.#b = b;
    this.#c = c;
  }

  nextUint32(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  below(bound: number): number {
    assert(
      Number.isInteger(bound) && bound >= 1 && bound <= TWO_TO_32,
      () => `a random bound must be a whole number from 1 to 2^32, got ${bound}`,
    );
    return bound <= EXACT_BOUND_MAX ? this.#scaled(bound) : this.#remainder(bound);
  }

  nextDouble(): number {
    const high = this.nextUint32() >>> 5;
    const low = this.nextUint32() >>> 6;
    return (high * 67_108_864 + low) / 9_007_199_254_740_992;
  }

  /** Lemire's method: the whole part of `number · bound / 2^32`; half the time of a remainder. */
  #scaled(bound: number): number {
    let product = this.nextUint32() * bound;
    let whole = Math.floor(product / TWO_TO_32);
    let fraction = product - whole * TWO_TO_32;
    if (fraction >= bound) return whole;
    // Each result has as many numbers as any other once the first 2^32 mod bound are refused.
    const refused = TWO_TO_32 % bound;
    while (fraction < refused) {
      product = this.nextUint32() * bound;
      whole = Math.floor(product / TWO_TO_32);
      fraction = product - whole * TWO_TO_32;
    }
    return whole;
  }

  #remainder(bound: number): number {
    // Numbers beyond the last whole multiple of the bound are refused, else small results were
    // likelier.
    const limit = TWO_TO_32 - (TWO_TO_32 % bound);
    let value = this.nextUint32();
    while (value >= limit) value = this.nextUint32();
    return value % bound;
  }

  fork(): SeededRandom {
    const child = new Sfc32(this.nextUint32() | 0, this.nextUint32() | 0, this.nextUint32() | 0);
    for (let round = 0; round < WARM_UP_ROUNDS; round++) child.nextUint32();
    return child;
  }
}
