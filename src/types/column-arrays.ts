/** @dataplane Helpers of the columns: growing staging arrays and copying them into a frame. */
import type { FrameMemory } from './frame-memory.ts';
import { padded } from './frame-layout.ts';

/** How many entries a staging array has room for at first. */
export const CAPACITY_MIN = 16;

/** A staging array with more entries than this is given up when its column is cleared. */
export const CAPACITY_KEPT_MAX = 65_536;

/** Up to this many entries a copy loop beats making a view for `set` (about 60 ns each). */
const LOOP_COPY_MAX = 48;

/** The capacity for one more than `count` entries. */
export function grownCapacity(capacity: number, needed: number): number {
  return Math.max(CAPACITY_MIN, capacity * 2, needed);
}

/** A larger array with the same start. */
export function grownInts(values: Int32Array, needed: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(grownCapacity(values.length, needed));
  larger.set(values);
  return larger;
}

/** A larger array with the same start. */
export function grownDoubles(values: Float64Array, needed: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(grownCapacity(values.length, needed));
  larger.set(values);
  return larger;
}

/** A larger array with the same start. */
export function grownBytes(values: Uint8Array, needed: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(grownCapacity(values.length, needed));
  larger.set(values);
  return larger;
}

/**
 * Writes the first `count` values, and a zero word where that leaves a gap; returns where they end.
 */
export function writeInts(
  values: Int32Array,
  count: number,
  memory: FrameMemory,
  byteOffset: number,
): number {
  const target = memory.int32;
  const index = byteOffset >>> 2;
  if (count <= LOOP_COPY_MAX) {
    for (let i = 0; i < count; i++) target[index + i] = values[i] as number;
  } else {
    target.set(values.subarray(0, count), index);
  }
  if ((count & 1) === 1) target[index + count] = 0;
  return byteOffset + padded(count * 4);
}

/** Writes the first `count` values; returns where they end. */
export function writeDoubles(
  values: Float64Array,
  count: number,
  memory: FrameMemory,
  byteOffset: number,
): number {
  const target = memory.float64;
  const index = byteOffset / 8;
  if (count <= LOOP_COPY_MAX) {
    for (let i = 0; i < count; i++) target[index + i] = values[i] as number;
  } else {
    target.set(values.subarray(0, count), index);
  }
  return byteOffset + count * 8;
}

/** Writes the first `count` bytes and zeros to the next multiple of 8; returns where they end. */
export function writeBytes(
  values: Uint8Array,
  count: number,
  memory: FrameMemory,
  byteOffset: number,
): number {
  const target = memory.bytes;
  if (count <= LOOP_COPY_MAX) {
    for (let i = 0; i < count; i++) target[byteOffset + i] = values[i] as number;
  } else {
    target.set(values.subarray(0, count), byteOffset);
  }
  return zeroToBoundary(memory, byteOffset + count);
}

/** Zeros to the next multiple of 8; returns it. */
export function zeroToBoundary(memory: FrameMemory, byteOffset: number): number {
  const end = padded(byteOffset);
  const target = memory.bytes;
  for (let i = byteOffset; i < end; i++) target[i] = 0;
  return end;
}
