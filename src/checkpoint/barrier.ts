/**
 * Checkpoint barriers: what divides a stream into the records before and after a checkpoint. They
 * travel in band.
 *
 *      float64: │ checkpointId │ timestamp │ flags │   24 bytes, in rings and overflow files
 */
import type { SnapshotKind } from '../state/snapshot.ts';

/** A barrier, and with it what its checkpoint is. */
export interface CheckpointBarrier {
  readonly checkpointId: number;
  /** When the checkpoint was triggered, epoch ms. */
  readonly timestamp: number;
  readonly isSavepoint: boolean;
  readonly snapshotKind: SnapshotKind;
  /**
   * Whether tasks need not wait for the barriers of all channels: what they overtake becomes part
   * of the snapshot.
   */
  readonly isUnaligned: boolean;
}

/** Bytes of a barrier in a channel. */
export const BARRIER_BYTES = 24;

const SAVEPOINT = 1;
const UNALIGNED = 2;
const KIND_SHIFT = 2;
const KINDS: readonly SnapshotKind[] = ['incremental', 'full', 'canonical'];

/** Writes a barrier to `target` at a float64 index. */
export function encodeBarrier(
  barrier: CheckpointBarrier,
  target: Float64Array,
  index: number,
): void {
  target[index] = barrier.checkpointId;
  target[index + 1] = barrier.timestamp;
  target[index + 2] =
    (barrier.isSavepoint ? SAVEPOINT : 0) |
    (barrier.isUnaligned ? UNALIGNED : 0) |
    (KINDS.indexOf(barrier.snapshotKind) << KIND_SHIFT);
}

/** Reads what {@link encodeBarrier} wrote. */
export function decodeBarrier(source: Float64Array, index: number): CheckpointBarrier {
  const flags = source[index + 2] ?? 0;
  return {
    checkpointId: source[index] ?? 0,
    timestamp: source[index + 1] ?? 0,
    isSavepoint: (flags & SAVEPOINT) !== 0,
    isUnaligned: (flags & UNALIGNED) !== 0,
    snapshotKind: KINDS[flags >> KIND_SHIFT] ?? 'full',
  };
}
