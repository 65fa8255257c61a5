/**
 * The random numbers of the Nexmark generator: a counter that is mixed, in 32-bit arithmetic.
 *
 * Invariant: the numbers are a function of the state alone; every method advances it by one step
 * per draw.
 */

/** What the state grows by at each draw. */
const STEP = 0x9e3779b9;
/** 2^32: an unsigned draw divided by it lies in [0, 1). */
const TWO_TO_32 = 4_294_967_296;

/** Mixes 32 bits, so that near inputs give far outputs. */
export function mix(input: number): number {
  let z = input ^ (input >>> 16);
  z = Math.imul(z, 0x21f0aaad);
  z ^= z >>> 15;
  z = Math.imul(z, 0x735a2d97);
  return z ^ (z >>> 15);
}

/** The state and its draws. */
export class NexmarkRandom {
  #state = 0;

  /** Starts a sequence. */
  reset(state: number): void {
    this.#state = state | 0;
  }

  /** 32 random bits, unsigned. */
  next(): number {
    this.#state = (this.#state + STEP) | 0;
    return mix(this.#state) >>> 0;
  }

  /** A whole number in [0, bound); `bound` is at most 2^21, so that the product is exact. */
  below(bound: number): number {
    return Math.floor((this.next() * bound) / TWO_TO_32);
  }
}
