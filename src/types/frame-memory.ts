/**
 * Typed views over one region of memory: what encoders write a frame into and decoders read it
 * from.
 *
 * Invariants:
 * 1. All views start at byte 0 of the region, so one byte offset means the same place in each
 *    (`offset >> 2` in `int32`, `offset >> 3` in `float64`).
 * 2. Start and length of the region are multiples of 8.
 */
import { MillraceError } from '../base/errors.ts';

/**
 * Typed views over one memory region, all starting at byte 0 of the region; the region is
 * 8-aligned.
 */
export interface FrameMemory {
  /** The region as bytes. */
  readonly bytes: Uint8Array;
  /** The region as a Node buffer, for its native string calls (`latin1Slice`, `utf8Write` …). */
  readonly buffer: Buffer;
  /** The region as 32-bit words. */
  readonly int32: Int32Array;
  /** The region as 64-bit floats. */
  readonly float64: Float64Array;
}

const ALIGNMENT_BYTES = 8;

/**
 * Makes the views over `buffer`, or over a part of it. Nothing is copied.
 *
 * @param byteOffset - where the region starts; a multiple of 8
 * @param byteLength - the region's size, a multiple of 8; the rest of the buffer if left out
 */
export function frameMemoryOf(
  buffer: ArrayBufferLike,
  byteOffset: number = 0,
  byteLength: number = buffer.byteLength - byteOffset,
): FrameMemory {
  requireAligned('offset', byteOffset);
  requireAligned('length', byteLength);
  if (byteOffset + byteLength > buffer.byteLength) {
    throw new MillraceError(
      'ILLEGAL_ARGUMENT',
      `a memory region of ${byteLength} bytes at offset ${byteOffset} leaves its buffer of ` +
        `${buffer.byteLength} bytes: pass a region inside of it`,
    );
  }
  return {
    bytes: new Uint8Array(buffer, byteOffset, byteLength),
    buffer: Buffer.from(buffer, byteOffset, byteLength),
    int32: new Int32Array(buffer, byteOffset, byteLength / Int32Array.BYTES_PER_ELEMENT),
    float64: new Float64Array(buffer, byteOffset, byteLength / Float64Array.BYTES_PER_ELEMENT),
  };
}

function requireAligned(what: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0 && value % ALIGNMENT_BYTES === 0) return;
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `the ${what} of a memory region is ${value}: it must be a whole multiple of ${ALIGNMENT_BYTES}`,
  );
}
