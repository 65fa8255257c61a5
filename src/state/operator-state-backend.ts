/**
 * Operator state: what belongs to an operator's subtask and to no key. Small enough to be copied
 * whole at each checkpoint.
 *
 * Invariants:
 * 1. A snapshot is a copy as of its cut: later changes are not in it.
 * 2. A restored state that nobody has asked for yet is kept and is part of the next snapshots.
 */
import type { OperatorStateStore } from '../functions/state.ts';

/** How a state's elements are spread over the subtasks on restore. */
export type OperatorStateMode = 'split' | 'union' | 'broadcast';

/**
 * One operator state of one subtask: plain data. Broadcast state's elements are `[key, value]`
 * pairs.
 */
export interface OperatorStateSnapshot {
  readonly name: string;
  readonly mode: OperatorStateMode;
  readonly elements: readonly unknown[];
}

/** See the file's head. */
export interface OperatorStateBackend extends OperatorStateStore {
  snapshot(): readonly OperatorStateSnapshot[];
  /** Takes over what this subtask was assigned: once, before user code asks for it. */
  restore(snapshots: readonly OperatorStateSnapshot[]): void;
}
