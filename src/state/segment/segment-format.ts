/**
 * The layout of a segment: a file with rows of keyed state. README.md of this folder's parent has
 * it in words.
 *
 *      ┌──────┬─────────┬─────────┬── … ──┬─────┬──────────┬───────┬──────┐
 *      │ MRSG │ version │ section │       │ 255 │ sections │ rows  │ GSRM │
 *      │  4   │    1    │         │       │  1  │   u32    │  u32  │  4   │
 *      └──────┴─────────┴─────────┴── … ──┴─────┴──────────┴───────┴──────┘
 *      section: kind 1 │ state varint │ namespace │ rows u32 │ bytes u32 │ rows …
 *      namespace: 0, or 1 and a float64, or 2 and a string
 *      row of kind PUT:    hash u32 │ varint │ varint │ key │ value   (lengths)
 *      row of kind REMOVE: hash u32 │ varint │ key
 *      DROP has no rows.
 */
import { MillraceError } from '../../base/errors.ts';

/** The version that is written; others are refused. */
export const SEGMENT_VERSION = 1;

export const SEGMENT_MAGIC: readonly number[] = [0x4d, 0x52, 0x53, 0x47];
export const SEGMENT_END_MAGIC: readonly number[] = [0x47, 0x53, 0x52, 0x4d];
/** Bytes before the first section. */
export const HEAD_BYTES = 5;
/** Bytes from the end marker on. */
export const TAIL_BYTES = 13;

/** All rows of the section so far are gone. */
export const KIND_DROP = 1;
/** Keys that are gone. */
export const KIND_REMOVE = 2;
/** Rows. */
export const KIND_PUT = 3;
/** Stands where the next section would. */
export const KIND_END = 255;

export const NO_NAMESPACE = 0;
export const NUMBER_NAMESPACE = 1;
export const STRING_NAMESPACE = 2;

/** The error for a segment that is not as it was written. */
export function damagedSegment(how: string, cause?: unknown): MillraceError {
  return new MillraceError(
    'CHECKPOINT_DAMAGED',
    `a segment of keyed state is damaged: ${how}; restore an older checkpoint or savepoint`,
    cause === undefined ? {} : { cause },
  );
}
