/**
 * @dataplane Which keys may lie in the store: a blocked Bloom filter that grows, so that new keys
 * do not ask the store.
 *
 *      mixed hash ──▶ block of 16 words (one cache line) ──▶ 6 bits in it, 12 bits of filter per key
 *
 * Invariants:
 * 1. What was added is found for ever; of what was not, about 1 % per layer is found, too.
 * 2. A full layer is never changed again: keys go to the newest layer, which is four times as large
 *    as the one before.
 */
import { MillraceError } from '../../base/errors.ts';

const WORDS_PER_BLOCK = 16;
const BITS_PER_KEY = 12;
const KEYS_MIN = 1024;
const FORMAT_VERSION = 1;
const HEAD_BYTES = 8;
const LAYER_HEAD_BYTES = 8;

interface Layer {
  readonly words: Int32Array;
  readonly blockMask: number;
  readonly keysMax: number;
  keys: number;
}

/** See the file's head. */
export class KeyFilter {
  /** Oldest first. */
  readonly #layers: Layer[] = [];

  /** Bytes in memory. */
  get bytes(): number {
    let bytes = 0;
    for (let i = 0; i < this.#layers.length; i++)
      bytes += (this.#layers[i] as Layer).words.byteLength;
    return bytes;
  }

  /** Keys that were added, but for those that looked as if they were there. */
  get keys(): number {
    let keys = 0;
    for (let i = 0; i < this.#layers.length; i++) keys += (this.#layers[i] as Layer).keys;
    return keys;
  }

  /** Adds a key; `salt` tells apart what has equal hashes in different places. */
  add(hash: number, salt: number): void {
    if (this.mayHave(hash, salt)) return;
    let layer = this.#layers.at(-1);
    if (layer === undefined || layer.keys >= layer.keysMax) {
      layer = makeLayer(layer === undefined ? KEYS_MIN : 4 * layer.keysMax);
      this.#layers.push(layer);
    }
    layer.keys++;
    const mixed = mix(hash ^ salt);
    const words = layer.words;
    const at = (mixed & layer.blockMask) * WORDS_PER_BLOCK;
    let bits = mix(mixed ^ hash);
    for (let i = 0; i < 6; i++) {
      const word = at + ((bits >>> 5) & 15);
      words[word] = (words[word] as number) | (1 << (bits & 31));
      bits = i === 2 ? mix(bits ^ mixed) : bits >>> 9;
    }
  }

  /** False is certain. */
  mayHave(hash: number, salt: number): boolean {
    const mixed = mix(hash ^ salt);
    for (let i = this.#layers.length - 1; i >= 0; i--)
      if (isIn(this.#layers[i] as Layer, mixed, hash)) return true;
    return false;
  }

  clear(): void {
    this.#layers.length = 0;
  }

  /** All of it as bytes, for {@link decodeKeyFilter}. */
  encode(): Uint8Array {
    let length = HEAD_BYTES;
    for (let i = 0; i < this.#layers.length; i++)
      length += LAYER_HEAD_BYTES + (this.#layers[i] as Layer).words.byteLength;
    const bytes = new Uint8Array(length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, FORMAT_VERSION, true);
    view.setUint32(4, this.#layers.length, true);
    let at = HEAD_BYTES;
    for (let i = 0; i < this.#layers.length; i++) {
      const { words, keys } = this.#layers[i] as Layer;
      view.setUint32(at, words.length, true);
      view.setUint32(at + 4, keys, true);
      bytes.set(new Uint8Array(words.buffer), at + LAYER_HEAD_BYTES);
      at += LAYER_HEAD_BYTES + words.byteLength;
    }
    return bytes;
  }

  /** Takes over what {@link encode} gave; the filter must be empty. */
  load(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes.length < HEAD_BYTES || view.getUint32(0, true) !== FORMAT_VERSION) throw invalid();
    let at = HEAD_BYTES;
    for (let left = view.getUint32(4, true); left > 0; left--) {
      if (at + LAYER_HEAD_BYTES > bytes.length) throw invalid();
      const length = view.getUint32(at, true);
      const keys = view.getUint32(at + 4, true);
      const end = at + LAYER_HEAD_BYTES + 4 * length;
      const blocks = length / WORDS_PER_BLOCK;
      if (end > bytes.length || !Number.isInteger(Math.log2(blocks))) throw invalid();
      const layer = makeLayerOf(blocks);
      new Uint8Array(layer.words.buffer).set(bytes.subarray(at + LAYER_HEAD_BYTES, end));
      layer.keys = keys;
      this.#layers.push(layer);
      at = end;
    }
  }
}

function isIn(layer: Layer, mixed: number, hash: number): boolean {
  const words = layer.words;
  const at = (mixed & layer.blockMask) * WORDS_PER_BLOCK;
  let bits = mix(mixed ^ hash);
  for (let i = 0; i < 6; i++) {
    if ((((words[at + ((bits >>> 5) & 15)] as number) >>> (bits & 31)) & 1) === 0) return false;
    bits = i === 2 ? mix(bits ^ mixed) : bits >>> 9;
  }
  return true;
}

function makeLayer(keysMax: number): Layer {
  const bits = keysMax * BITS_PER_KEY;
  return makeLayerOf(2 ** Math.ceil(Math.log2(bits / (32 * WORDS_PER_BLOCK))));
}

function makeLayerOf(blocks: number): Layer {
  return {
    words: new Int32Array(blocks * WORDS_PER_BLOCK),
    blockMask: blocks - 1,
    keysMax: Math.floor((blocks * WORDS_PER_BLOCK * 32) / BITS_PER_KEY),
    keys: 0,
  };
}

/** Spreads the bits of a 32-bit number (the end of MurmurHash3). */
function mix(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function invalid(): MillraceError {
  return new MillraceError('FORMAT_INVALID', 'the bytes of a key filter are damaged');
}
