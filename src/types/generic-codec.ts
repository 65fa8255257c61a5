/**
 * The codec for values that have no schema, chosen once per process by its composition root.
 *
 * Invariants:
 * 1. Every codec carries exactly what `serializable.ts` lists, with `-0`, NaN, `undefined` and lone
 *    surrogates intact.
 * 2. A frame names the codec that wrote its generic columns, so two codecs are never mixed up.
 */
import { fallbackCodec } from './fallback-codec.ts';

/** Turns any serializable value into bytes and back. */
export interface GenericCodec {
  /** Names the format in frames: 1 to 255. */
  readonly formatId: number;
  /** The bytes of `value`. @throws TYPE_NOT_SERIALIZABLE */
  encode(value: unknown): Uint8Array;
  /**
   * The value of `bytes`, which may be shared memory and change afterwards. @throws FORMAT_INVALID
   */
  decode(bytes: Uint8Array): unknown;
}

let current: GenericCodec | undefined;

/** Chooses the codec of this thread; the fallback codec where none was chosen. */
export function setGenericCodec(codec: GenericCodec): void {
  current = codec;
}

/** The codec of this thread. */
export function genericCodec(): GenericCodec {
  return current ?? fallbackCodec;
}
