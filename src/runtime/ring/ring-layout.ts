/**
 * The memory picture of a ring: where its words and frames lie. No other file has a literal offset.
 *
 * One ring is one SharedArrayBuffer with one producer and one consumer (byte offsets at the left):
 *
 *         0  +-----------------------------------------------+
 *            | version (int32)     | capacityBytes (int32)   |  written once, by the allocator
 *            |                 unused                        |
 *       128  +-----------------------------------------------+
 *            | head (int32): bytes ever published            |  stored by the producer only
 *            | mark (int32)        | mark's position (int32) |
 *            |                 unused                        |
 *       256  +-----------------------------------------------+
 *            | tail (int32): bytes ever released             |  stored by the consumer only
 *            |                 unused                        |
 *       384  +-----------------------------------------------+
 *            | data: capacityBytes, a power of two           |
 *            +-----------------------------------------------+
 *
 * The data region is a sequence of records, each 8-aligned and contiguous:
 *
 *      +-------------------+-----------------+--------------------+-----------+
 *      | byteLength (int32)| kind (int32)    | payload            | to 8      |
 *      +-------------------+-----------------+--------------------+-----------+
 *      |<------------ 8 bytes -------------->|<-- byteLength -->|
 *
 * A frame has a kind of 0 … 2^31-1, which the ring's user gives a meaning to. A record of kind
 * {@link PADDING_KIND} fills the rest of the region when the next frame does not fit there; the
 * frame then starts at byte 0 of the region.
 *
 * Invariants:
 * 1. Positions (head, tail) count bytes and wrap as int32; only differences mean anything:
 *    0 ≤ head - tail ≤ capacity. A position's place in the data region is
 *    `position & (capacity - 1)`, wrapped or not: 2^32 is a multiple of every capacity.
 * 2. Positions are multiples of 8. So a record's header never straddles the end of the region.
 * 3. Each word has one writer, and the two positions lie 128 bytes apart (two cache lines: CPUs
 *    fetch lines in pairs).
 * 4. Head never rests behind a padding record alone: padding becomes visible together with the
 *    frame that follows it.
 *
 * Why plain reads and writes of the payload are safe. Positions are accessed through `Atomics`
 * only, which are sequentially consistent. The producer writes a record, *then* stores head; the
 * consumer loads head, *then* reads records below it: a load that sees the store happens after it,
 * and with it after the plain writes before it. The other way round, the consumer reads a record,
 * *then* stores tail; the producer loads tail, *then* overwrites bytes below it. So no byte is
 * accessed by both sides without an atomic store and load in between: the program has no data race,
 * and the memory model of ECMAScript then promises that plain accesses behave as if the steps were
 * taken one after the other.
 */

/** First word of a ring: "MR" and the layout's version. A different layout gets another number. */
export const RING_VERSION = 0x4d52_0001;

/** Smallest capacity that can be allocated: 4 KiB. */
export const CAPACITY_BYTES_MIN: number = 4 * 1024;
/** Largest capacity: 1 GiB, so that head - tail stays a positive int32. */
export const CAPACITY_BYTES_MAX: number = 1024 * 1024 * 1024;

/** Index of the version in the control words (int32). */
export const VERSION_WORD = 0;
/** Index of the capacity in bytes. */
export const CAPACITY_WORD = 1;
/** Index of the producer's position. */
export const HEAD_WORD: number = 128 / Int32Array.BYTES_PER_ELEMENT;
/**
 * Index of the producer's mark: a number that it puts at a position between two records, out of
 * band, so that the consumer can know of it without reading what is before. While its position is
 * stored it is {@link MARK_CHANGES}, so that no mark is ever seen with the position of another.
 */
export const MARK_WORD: number = HEAD_WORD + 1;
/** The mark while it is being put. Before the first one it is 0. */
export const MARK_CHANGES = -1;
/** Index of the position that the mark stands at. */
export const MARK_POSITION_WORD: number = HEAD_WORD + 2;
/** Index of the consumer's position. */
export const TAIL_WORD: number = 256 / Int32Array.BYTES_PER_ELEMENT;
/** Bytes before the data region. */
export const CONTROL_BYTES = 384;

/** Bytes before a record's payload. */
export const HEADER_BYTES = 8;
/** Every record starts at a multiple of this. */
export const RECORD_ALIGNMENT_BYTES = 8;
/** Largest kind of a frame; also the mask that leaves every valid kind as it is. */
export const KIND_MAX = 0x7fff_ffff;
/** Kind of a record that only fills the rest of the data region; frames have kinds of 0 or more. */
export const PADDING_KIND = -1;

/** Bytes that a frame of `byteLength` payload bytes takes in the ring. */
export function recordBytesOf(byteLength: number): number {
  return (byteLength + HEADER_BYTES + (RECORD_ALIGNMENT_BYTES - 1)) & -RECORD_ALIGNMENT_BYTES;
}

/** Index of a record's byteLength in the data region's 32-bit words. */
export function lengthWordAt(recordOffset: number): number {
  return recordOffset >> 2;
}

/** Index of a record's kind in the data region's 32-bit words. */
export function kindWordAt(recordOffset: number): number {
  return (recordOffset >> 2) + 1;
}

/** Where a record's payload starts in the data region. */
export function payloadOffsetAt(recordOffset: number): number {
  return recordOffset + HEADER_BYTES;
}

/**
 * The largest payload that a ring ever grants. Half of the capacity, because an empty ring must
 * grant it wherever its position is: if the record does not fit before the end, padding (shorter
 * than the record) and record fit together.
 */
export function frameBytesMaxOf(capacityBytes: number): number {
  return capacityBytes / 2 - HEADER_BYTES;
}
