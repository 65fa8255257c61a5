/**
 * A piece of a file and how far it has been read.
 *
 * Invariants:
 * 1. Plain data: it crosses threads and is written into checkpoints.
 * 2. Of a line-oriented file `start`, `end` and `position` are byte offsets (in the decompressed
 *    bytes of a compressed file); of a block-oriented one they are row numbers in the file.
 * 3. A line belongs to the split in which its first byte lies, wherever it ends.
 */
import type { SourceSplit } from '../../functions/source.ts';

/** A piece of a file with its position. */
export interface FileSplit extends SourceSplit {
  readonly path: string;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** Where reading goes on. */
  readonly position: number;
  /**
   * Whether `position` is where a line begins; else it may be within a line, which belongs to the
   * split before.
   */
  readonly isAligned: boolean;
  /** The block of a block-oriented file, from 0; -1 for lines. */
  readonly block: number;
}

/** The end of a split whose size is not known before it is read: a compressed file. */
export const END_OF_FILE: number = Number.MAX_SAFE_INTEGER;

/** A split of bytes that nobody has begun to read. */
export function lineSplit(path: string, start: number, end: number): FileSplit {
  const splitId = `${path}:${start}`;
  return { splitId, path, start, end, position: start, isAligned: start === 0, block: -1 };
}

/** A split of one block's rows that nobody has begun to read. */
export function blockSplit(path: string, block: number, rows: RowRange): FileSplit {
  const splitId = `${path}#${block}`;
  const { start, end } = rows;
  return { splitId, path, start, end, position: start, isAligned: true, block };
}

/** Rows of a file, `end` exclusive. */
export interface RowRange {
  readonly start: number;
  readonly end: number;
}
