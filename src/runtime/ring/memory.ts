/**
 * Allocates a ring's shared memory, and opens it for one of its two sides.
 *
 * Invariants:
 * 1. A ring that opens has this layout's version and the size that its capacity word says.
 */
import { MillraceError } from '../../base/errors.ts';
import { frameMemoryOf, type FrameMemory } from '../../types/frame-memory.ts';
import {
  CAPACITY_BYTES_MAX,
  CAPACITY_BYTES_MIN,
  CAPACITY_WORD,
  CONTROL_BYTES,
  HEAD_WORD,
  RECORD_ALIGNMENT_BYTES,
  RING_VERSION,
  TAIL_WORD,
  VERSION_WORD,
} from './ring-layout.ts';

/** The views that a writer or reader works on. */
export interface OpenRing {
  readonly capacityBytes: number;
  /** The words before the data region. */
  readonly words: Int32Array;
  /** The data region. */
  readonly memory: FrameMemory;
}

/**
 * Allocates an empty ring, to be handed to one {@link RingWriter} and one {@link RingReader}, in
 * any two threads or in one.
 *
 * @param capacityBytes - a power of two from 4 KiB to 1 GiB; the largest frame is half of it, less
 *   its 8-byte header
 */
export function allocateRing(capacityBytes: number): SharedArrayBuffer {
  const inRange = capacityBytes >= CAPACITY_BYTES_MIN && capacityBytes <= CAPACITY_BYTES_MAX;
  if (!inRange || !isPowerOfTwo(capacityBytes)) {
    throw new MillraceError(
      'ILLEGAL_ARGUMENT',
      `a ring of ${capacityBytes} bytes was asked for: its capacity must be a power of two ` +
        `from ${CAPACITY_BYTES_MIN} (4 KiB) to ${CAPACITY_BYTES_MAX} (1 GiB)`,
    );
  }
  return allocateRingAt(capacityBytes, 0);
}

/**
 * Allocates an empty ring of any power of two ≥ 16 bytes, whose positions start at `position`: for
 * tests of what is rare in real rings, such as a ring of two frames or positions that wrap.
 *
 * @internal
 */
export function allocateRingAt(capacityBytes: number, position: number): SharedArrayBuffer {
  if (position % RECORD_ALIGNMENT_BYTES !== 0) {
    throw new MillraceError(
      'ILLEGAL_ARGUMENT',
      `a ring cannot start at position ${position}: pass a multiple of ${RECORD_ALIGNMENT_BYTES}`,
    );
  }
  const shared = new SharedArrayBuffer(CONTROL_BYTES + capacityBytes);
  const words = new Int32Array(shared);
  words[VERSION_WORD] = RING_VERSION;
  words[CAPACITY_WORD] = capacityBytes;
  words[HEAD_WORD] = position;
  words[TAIL_WORD] = position;
  return shared;
}

/** Checks that `shared` is a ring of this layout and makes the views over it. */
export function openRing(shared: SharedArrayBuffer): OpenRing {
  if (shared.byteLength <= CONTROL_BYTES) {
    throw new MillraceError(
      'FORMAT_INVALID',
      `${shared.byteLength} bytes of shared memory are too small for a ring: ` +
        'pass what allocateRing returned',
    );
  }
  const words = new Int32Array(shared, 0, CONTROL_BYTES / Int32Array.BYTES_PER_ELEMENT);
  const version = Atomics.load(words, VERSION_WORD);
  if (version !== RING_VERSION) {
    throw new MillraceError(
      'FORMAT_INVALID',
      `the shared memory's version word is ${hex(version)}, a ring's is ${hex(RING_VERSION)}: ` +
        'pass what allocateRing of this version of Millrace returned',
    );
  }
  const capacityBytes = Atomics.load(words, CAPACITY_WORD);
  if (!isPowerOfTwo(capacityBytes) || shared.byteLength !== CONTROL_BYTES + capacityBytes) {
    throw new MillraceError(
      'FORMAT_INVALID',
      `the ring's capacity word says ${capacityBytes} bytes, but the shared memory has ` +
        `${shared.byteLength - CONTROL_BYTES} for data: it was overwritten or is no ring`,
    );
  }
  return { capacityBytes, words, memory: frameMemoryOf(shared, CONTROL_BYTES, capacityBytes) };
}

function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(value) && value > 0 && Number.isInteger(Math.log2(value));
}

function hex(word: number): string {
  return `0x${(word >>> 0).toString(16).padStart(8, '0')}`;
}
