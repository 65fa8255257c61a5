/**
 * Key groups: the units in which keyed state is spread over subtasks and moved when the parallelism
 * changes.
 *
 * Invariants:
 * 1. A key's group is a range of its unsigned hash, so a subtask's key groups are one range of
 *    hashes.
 * 2. Subtasks get groups by Flink's range formula; the ranges are disjoint, in order, and cover all
 *    groups.
 */

const HASHES = 2 ** 32;

/** Whole numbers from `first` to `last`, both included; empty if `last` is below `first`. */
export interface IndexRange {
  readonly first: number;
  readonly last: number;
}

/** The key group of a key with this hash (as int32 or unsigned). */
export function keyGroupFor(hash: number, maxParallelism: number): number {
  // Exact: the product stays below 2^47 and the division only moves the binary point.
  return (((hash >>> 0) * maxParallelism) / HASHES) | 0;
}

/** The subtask that owns a key group. */
export function subtaskFor(keyGroup: number, maxParallelism: number, parallelism: number): number {
  return Math.floor((keyGroup * parallelism) / maxParallelism);
}

/** The key groups of a subtask. */
export function keyGroupRange(
  subtask: number,
  maxParallelism: number,
  parallelism: number,
): IndexRange {
  return {
    first: Math.ceil((subtask * maxParallelism) / parallelism),
    last: Math.floor(((subtask + 1) * maxParallelism - 1) / parallelism),
  };
}

/** The unsigned hashes that fall into a range of key groups. */
export function hashRange(keyGroups: IndexRange, maxParallelism: number): IndexRange {
  return {
    first: firstHashOf(keyGroups.first, maxParallelism),
    last: firstHashOf(keyGroups.last + 1, maxParallelism) - 1,
  };
}

function firstHashOf(keyGroup: number, maxParallelism: number): number {
  // keyGroup × 2^32 is below 2^48, so the quotient is exact enough for ceil to be right.
  return Math.ceil((keyGroup * HASHES) / maxParallelism);
}
