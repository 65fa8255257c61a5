/**
 * A map whose keys are equal by content, as keys of streams are: rows, arrays and bytes, too.
 * Iterates in the order of first insertion.
 */
import { hashKey } from '../base/hash.ts';
import { canonicalKey, keysEqual } from './table/key-equality.ts';

/** What stands for a key that is an object. */
interface Token {
  readonly key: unknown;
}

interface Held<V> {
  readonly key: unknown;
  value: V;
}

/** See the file's head. */
export class ContentMap<V> {
  readonly #held = new Map<unknown, Held<V>>();
  /** By hash; almost always one each. */
  readonly #tokens = new Map<number, readonly Token[]>();

  get size(): number {
    return this.#held.size;
  }

  get(key: unknown): V | undefined {
    return this.#find(key)?.value;
  }

  has(key: unknown): boolean {
    return this.#find(key) !== undefined;
  }

  set(key: unknown, value: V): void {
    const held = this.#find(key);
    if (held !== undefined) {
      held.value = value;
      return;
    }
    const kept = canonicalKey(key);
    this.#held.set(isContent(kept) ? this.#newToken(kept) : kept, { key: kept, value });
  }

  delete(key: unknown): boolean {
    const kept = canonicalKey(key);
    if (!isContent(kept)) return this.#held.delete(kept);
    const token = this.#tokenOf(kept);
    if (token === undefined) return false;
    const hash = hashKey(kept);
    const others = (this.#tokens.get(hash) ?? []).filter((other) => other !== token);
    if (others.length === 0) this.#tokens.delete(hash);
    else this.#tokens.set(hash, others);
    return this.#held.delete(token);
  }

  clear(): void {
    this.#held.clear();
    this.#tokens.clear();
  }

  /** Pairs as of now: the map may change while they are read. */
  entries(): [unknown, V][] {
    return Array.from(this.#held.values(), ({ key, value }) => [key, value]);
  }

  #find(key: unknown): Held<V> | undefined {
    const kept = canonicalKey(key);
    if (!isContent(kept)) return this.#held.get(kept);
    const token = this.#tokenOf(kept);
    return token && this.#held.get(token);
  }

  #tokenOf(key: object): Token | undefined {
    return this.#tokens.get(hashKey(key))?.find((token) => keysEqual(token.key, key));
  }

  #newToken(key: object): Token {
    const token: Token = { key };
    const hash = hashKey(key);
    this.#tokens.set(hash, [...(this.#tokens.get(hash) ?? []), token]);
    return token;
  }
}

function isContent(key: unknown): key is object {
  return typeof key === 'object' && key !== null;
}
