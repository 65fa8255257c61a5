/**
 * The hash under which a timer's row is kept. Not that of its key alone: a key with many timers would make one long row of
 * equal hashes of them. The hash of the key is turned within its key group by one of the timer's time, so that the row goes
 * where the key goes when state is moved, and the key's hash can be had back.
 *
 * Invariant: `keyHashOf(timerHash(hash, …), …) === hash`, and both lie in one key group.
 */
import { hashKey, hashNumber } from '../../base/hash.ts';
import { hashRange, keyGroupFor } from '../key-groups.ts';

/** Turns hashes for one maximum parallelism. */
export class TimerHashes {
  readonly #maxParallelism: number;
  /** The low bits of a hash that may be changed within a key group; 0 if groups do not lie on bits. */
  readonly #lowBits: number;

  constructor(maxParallelism: number) {
    this.#maxParallelism = maxParallelism;
    const isPowerOfTwo = (maxParallelism & (maxParallelism - 1)) === 0;
    this.#lowBits = isPowerOfTwo ? 2 ** 32 / maxParallelism - 1 : 0;
  }

  /** The hash of a timer's row. */
  timerHash(keyHash: number, time: number, namespace: unknown): number {
    return this.#turned(keyHash, turnOf(time, namespace), 1);
  }

  /** The hash of a timer's key, from that of its row. */
  keyHashOf(timerHash: number, time: number, namespace: unknown): number {
    return this.#turned(timerHash, turnOf(time, namespace), -1);
  }

  #turned(hash: number, turn: number, direction: 1 | -1): number {
    if (this.#lowBits !== 0) return hash ^ (turn & this.#lowBits);
    const group = keyGroupFor(hash, this.#maxParallelism);
    const { first, last } = hashRange({ first: group, last: group }, this.#maxParallelism);
    const size = last - first + 1;
    const offset = (hash >>> 0) - first + direction * (turn % size);
    return (first + ((offset + size) % size)) | 0;
  }
}

function turnOf(time: number, namespace: unknown): number {
  const turn = namespace === undefined ? hashNumber(time) : hashNumber(time) ^ hashKey(namespace);
  return turn >>> 0;
}
