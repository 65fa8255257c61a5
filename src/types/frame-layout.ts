/**
 * @dataplane Where things are in a column frame, format version 1. All numbers are little-endian.
 *
 *      0               4               8              12              16
 *     +---+---+---+---+---------------+---------------+---------------+
 *     | v | f | g | 0 |   schema id   |   row count   |  byte length  |
 *     +---+---+---+---+---------------+---------------+---------------+
 *     | timestamps: float64 × rows                                    |
 *     | hashes: int32 × rows, padded          (keyed frames only)     |
 *     | columns of the value, in the order of its type                |
 *     +---------------------------------------------------------------+
 *     v format version, f flags, g format of generic columns (0: none)
 *
 * A column with n entries:
 *
 *     int                     int32 × n
 *     long double timestamp   float64 × n
 *     boolean                 byte × n
 *     string                  [slab bytes, slab is UTF-16 as 0 or 1] offsets(n) in UTF-16 units,
 *     slab
 *     bytes generic           [slab bytes, 0] offsets(n), slab
 *     bigint                  (low word, high word) × n; column of those that do not fit: [count,
 *     0] generic
 *     optional                byte × n, 1 for null; column of n entries, with a default where null
 *     row                     column per field; without fields as boolean
 *     array                   [element count, 0] offsets(n); column of the elements
 *     map                     [entry count, 0] offsets(n); column of the keys; column of the values
 *     nothing                 as boolean
 *
 *     offsets(n)              int32 × (n + 1): entry i is from offset i to offset i + 1; the first
 *     is 0
 *
 * Invariants:
 * 1. The frame and every part of the above start at a multiple of 8 and are padded with zeros to
 *    one.
 * 2. The byte length counts header and padding; everything lies inside of it.
 */

/** The version of this layout. Another one is refused. */
export const FRAME_VERSION = 1;

/** Size of the header in bytes. */
export const FRAME_HEADER_BYTES = 16;

/** Size of the two words before offsets, in bytes. */
export const COLUMN_HEADER_BYTES = 8;

/** Flag: hashes follow the timestamps. */
export const FLAG_KEYED = 1;

/** A frame's size in bytes at which its writer asks to be flushed. */
export const FRAME_TARGET_BYTES: number = 32 * 1024;

/** How many rows a frame has at most. */
export const FRAME_ROWS_MAX = 1024;

/** A frame's largest size: its length is an int32. */
export const FRAME_BYTES_MAX: number = 2 ** 31 - 8;

/** What a writer's `append` says: the value is staged. */
export const APPENDED = 0;

/**
 * What a writer's `append` says: the value is staged and the frame should be written before the
 * next one.
 */
export const FULL = 1;

/** What a writer's `append` says: the value does not fit the schema and nothing is staged. */
export const MISFIT: number = -1;

/** The first header word. */
export function headerWord(flags: number, genericFormat: number): number {
  return FRAME_VERSION | (flags << 8) | (genericFormat << 16);
}

/** The format version in a first header word. */
export function versionOf(word: number): number {
  return word & 0xff;
}

/** The flags in a first header word. */
export function flagsOf(word: number): number {
  return (word >> 8) & 0xff;
}

/** The generic columns' format in a first header word. */
export function genericFormatOf(word: number): number {
  return word >>> 16;
}

/** Index of the first header word in the region's int32 view. */
export function headerIndex(byteOffset: number): number {
  return byteOffset >>> 2;
}

/** Index of the schema id in the region's int32 view. */
export function schemaIdIndex(byteOffset: number): number {
  return (byteOffset >>> 2) + 1;
}

/** Index of the row count in the region's int32 view. */
export function rowCountIndex(byteOffset: number): number {
  return (byteOffset >>> 2) + 2;
}

/** Index of the byte length in the region's int32 view. */
export function byteLengthIndex(byteOffset: number): number {
  return (byteOffset >>> 2) + 3;
}

/** `bytes` rounded up to a multiple of 8. */
export function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

/** Size in bytes of `count` int32 values. */
export function int32Bytes(count: number): number {
  return padded(count * 4);
}

/** Size in bytes of `count` float64 values. */
export function float64Bytes(count: number): number {
  return count * 8;
}

/** Size in bytes of the offsets of `count` entries. */
export function offsetsBytes(count: number): number {
  return int32Bytes(count + 1);
}
