/**
 * What travels in a channel: kinds of elements, as integers on the wire. Part of the ring's format:
 * add, never renumber.
 */

/** Nothing to read now (never on the wire). */
export const NOTHING = 0;
/** Rows by reference, on one thread (never on the wire). */
export const ROWS = 1;
/** A column frame. */
export const FRAME = 2;
/** A watermark: one float64. */
export const WATERMARK = 3;
/** The channel is idle: its watermark does not count. */
export const IDLE = 4;
/** The channel is active again. */
export const ACTIVE = 5;
/** The channel has ended. */
export const END = 6;
/** A schema: its id (int32), then its JSON in UTF-8. */
export const SCHEMA = 7;
/** A piece of an element that is larger than the ring takes at once; more follow. */
export const PART = 8;
/** The last piece: its first 8 bytes are the kind of the whole. */
export const LAST_PART = 9;
/** A checkpoint barrier: see `checkpoint/barrier.ts`. */
export const BARRIER = 10;

/** A kind of element. */
export type ElementKind =
  | typeof NOTHING
  | typeof ROWS
  | typeof FRAME
  | typeof WATERMARK
  | typeof IDLE
  | typeof ACTIVE
  | typeof END
  | typeof SCHEMA
  | typeof PART
  | typeof LAST_PART
  | typeof BARRIER;
