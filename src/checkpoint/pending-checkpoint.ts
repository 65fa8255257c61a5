/**
 * A checkpoint under way: who is to acknowledge it and who has.
 * Invariant: each expected subtask's state is taken once.
 */
import type { Timer } from '../base/environment.ts';
import type { SnapshotKind } from '../state/snapshot.ts';
import type { CheckpointLocation } from './checkpoint-location.ts';
import type { CheckpointRequest } from './checkpoint-request.ts';
import type { SubtaskKey } from './coordinator-contract.ts';
import type { EnumeratorState, ManifestSubtask } from './manifest.ts';
import type { SubtaskState } from './subtask-state.ts';

/**
 * `collecting` acknowledgements; `syncing` files, which can still be given up afterwards; `writing`
 * the manifest, which cannot.
 */
export type PendingPhase = 'collecting' | 'syncing' | 'writing';

/** What a pending checkpoint is made of. */
export interface PendingStart {
  readonly checkpointId: number;
  readonly request: CheckpointRequest;
  readonly snapshotKind: SnapshotKind;
  readonly triggeredMs: number;
  readonly location: CheckpointLocation;
  readonly enumerators: readonly EnumeratorState[];
  readonly expected: readonly SubtaskKey[];
  /** Of the subtasks that had finished before: what they left. */
  readonly finished: ReadonlyMap<string, ManifestSubtask>;
}

/** The text of a subtask's key. */
export function keyOf({ vertex, subtask }: SubtaskKey): string {
  return `${vertex}/${subtask}`;
}

/** See the file's head. */
export class PendingCheckpoint {
  readonly start: PendingStart;
  phase: PendingPhase = 'collecting';
  /** Why it is to be given up when it can be. */
  abortReason: Error | undefined;
  timer: Timer | undefined;
  /** Settles when all work on it is over; never rejects. */
  work: Promise<void> = Promise.resolve();
  readonly #missing: Map<string, SubtaskKey>;
  readonly #states: SubtaskState[] = [];

  constructor(start: PendingStart) {
    this.start = start;
    this.#missing = new Map(start.expected.map((subtask) => [keyOf(subtask), subtask]));
  }

  get checkpointId(): number {
    return this.start.checkpointId;
  }

  /** Those that have not acknowledged. */
  get missing(): readonly SubtaskKey[] {
    return [...this.#missing.values()];
  }

  get states(): readonly SubtaskState[] {
    return this.#states;
  }

  /** Takes an acknowledgement; false if none is awaited from there. */
  take(state: SubtaskState): boolean {
    if (!this.#missing.delete(keyOf(state))) return false;
    this.#states.push(state);
    return true;
  }
}
