/**
 * What a subtask hands to the coordinator for a checkpoint, and what it gets back on a restore.
 * Invariant: plain data only, of the kinds that a `ChainStage` may hand out in its snapshot.
 */
import type { FileRef, KeyedStateHandle } from '../state/snapshot.ts';
import type { OperatorStateSnapshot } from '../state/operator-state-backend.ts';

/** One operator's state in one subtask. */
export interface OperatorSubtaskState {
  readonly operatorId: string;
  /** What the operator keeps besides keyed and operator state, with its version. */
  readonly stage: { readonly version: number; readonly data: unknown } | undefined;
  readonly keyed: KeyedStateHandle | undefined;
  readonly operatorStates: readonly OperatorStateSnapshot[];
  /** On sources: the splits being read, at their positions. */
  readonly splits: readonly unknown[] | undefined;
}

/**
 * Records that were in a channel at an unaligned checkpoint, in order, as frames with their
 * schemas.
 */
export interface ChannelStateHandle {
  /** Which edge: ids of the operators at its ends, and the side output that feeds it. */
  readonly sourceOperatorId: string;
  readonly targetOperatorId: string;
  readonly tag: string | undefined;
  readonly sourceSubtask: number;
  readonly targetSubtask: number;
  /** Which logical input of the target operator. */
  readonly targetInput: number;
  /** Whether they had reached the consumer's side (they are older) or waited on the producer's. */
  readonly side: 'input' | 'output';
  readonly file: FileRef;
  readonly rows: number;
}

/** Times and sizes of a subtask's part of a checkpoint. */
export interface SubtaskCheckpointStats {
  /** From the first barrier to the last, ms. */
  readonly alignmentMs: number;
  /** The part during which no record was processed, ms. */
  readonly syncMs: number;
  /** From the cut to the acknowledgement, ms. */
  readonly asyncMs: number;
  /** Longest single slice of the asynchronous part on the task's thread, ms. */
  readonly longestSliceMs: number;
  /** Time spent on the task's thread in all slices, ms. */
  readonly slicesMs: number;
  /** Bytes that this checkpoint wrote. */
  readonly bytes: number;
  /** Bytes of records in flight. */
  readonly inFlightBytes: number;
}

/** A subtask's acknowledgement of a checkpoint. */
export interface SubtaskState {
  /** The vertex's index in the job graph, and the subtask's. */
  readonly vertex: number;
  readonly subtask: number;
  readonly operators: readonly OperatorSubtaskState[];
  readonly channels: readonly ChannelStateHandle[];
  /**
   * Whether its input has ended: it will not be triggered again and needs no state but
   * committables.
   */
  readonly isFinished: boolean;
  /** Files that this checkpoint has written (not those of earlier ones that it names). */
  readonly newFiles: readonly FileRef[];
  readonly stats: SubtaskCheckpointStats;
}

/**
 * What one operator's subtask is to take over. Several old subtasks' parts if the parallelism has
 * changed.
 */
export interface AssignedState {
  readonly stages: readonly { readonly version: number; readonly data: unknown }[];
  readonly keyed: readonly KeyedStateHandle[];
  readonly operatorStates: readonly OperatorStateSnapshot[];
  readonly splits: readonly unknown[];
  /** Whether the operator's old subtasks had all read their input to its end. */
  readonly isFinished: boolean;
}
