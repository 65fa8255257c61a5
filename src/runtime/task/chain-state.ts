/**
 * The state of a chain's operators in one subtask: their backends, and what of them becomes part of
 * a snapshot.
 *
 * Invariants:
 * 1. Operator state is restored before an operator opens; keyed state when all are open and have
 *    declared theirs; then the stages' own snapshots.
 * 2. At a snapshot a stage's own part is taken before its backends are cut, so that user code may
 *    still put things into state.
 */
import { MillraceError } from '../../base/errors.ts';
import type { AssignedState, OperatorSubtaskState } from '../../checkpoint/subtask-state.ts';
import type { ChainNode } from '../../graph/job-graph.ts';
import type { ChainStage, SnapshotContext, StageContext } from '../../operators/chain-stage.ts';
import type { KeyedStateBackend } from '../../state/keyed-state-backend.ts';
import type {
  OperatorStateBackend,
  OperatorStateSnapshot,
} from '../../state/operator-state-backend.ts';
import type {
  KeyedStateHandle,
  SnapshotInput,
  SnapshotRequest,
  SnapshotWork,
} from '../../state/snapshot.ts';

/** What a {@link ChainState} is made of. */
export interface ChainStateOptions {
  /** Makes the keyed state of an operator; called once, at its first use. */
  readonly keyedBackend: (node: ChainNode) => KeyedStateBackend;
  readonly operatorBackend: (node: ChainNode) => OperatorStateBackend;
  /** What the operators of this subtask take over; undefined: the job starts empty. */
  readonly restored: RestoredState | undefined;
}

/** What a subtask takes over. */
export interface RestoredState {
  readonly of: (operatorId: string) => AssignedState | undefined;
  readonly input: SnapshotInput;
}

/** One operator's part of a snapshot that is being taken. */
export interface OperatorSnapshotWork {
  readonly operatorId: string;
  readonly stage: OperatorSubtaskState['stage'];
  readonly settled: Promise<void> | undefined;
  readonly keyed: SnapshotWork<KeyedStateHandle> | undefined;
  readonly operatorStates: readonly OperatorStateSnapshot[];
}

/**
 * Waits for what an operator does of its snapshot after the cut; what is then part of the
 * checkpoint.
 */
export async function settle(
  work: OperatorSnapshotWork,
  splits: OperatorSubtaskState['splits'],
): Promise<OperatorSubtaskState> {
  const keyed = await work.keyed?.finish();
  await work.settled;
  const { operatorId, stage, operatorStates } = work;
  return { operatorId, stage, keyed, operatorStates, splits };
}

interface NodeState {
  readonly node: ChainNode;
  stage: ChainStage | undefined;
  keyed: KeyedStateBackend | undefined;
  operator: OperatorStateBackend | undefined;
}

/** What a stage's context has of state. */
export type StateContext = Pick<StageContext, 'keyedState' | 'operatorState' | 'isRestored'>;

/** See the file's head. */
export class ChainState {
  readonly #options: ChainStateOptions;
  readonly #nodes: NodeState[];

  constructor(nodes: readonly ChainNode[], options: ChainStateOptions) {
    this.#options = options;
    this.#nodes = nodes.map((node) => ({
      node,
      stage: undefined,
      keyed: undefined,
      operator: undefined,
    }));
  }

  /** The state of a node, for its stage's context. */
  contextOf(index: number, stage: ChainStage): StateContext {
    const state = this.#at(index);
    state.stage = stage;
    const keyed = (): KeyedStateBackend => this.#keyed(state);
    const operator = (): OperatorStateBackend => this.#operator(state);
    return {
      isRestored: this.#options.restored !== undefined,
      get keyedState(): KeyedStateBackend {
        return keyed();
      },
      get operatorState(): OperatorStateBackend {
        return operator();
      },
    };
  }

  /** Fills keyed state and the stages; all of them are open. */
  restore(onNode: (index: number) => void): void {
    const { restored } = this.#options;
    if (restored === undefined) return;
    this.#nodes.forEach((state, index) => {
      onNode(index);
      const assigned = restored.of(state.node.operatorId);
      if (assigned !== undefined && assigned.keyed.length > 0) {
        this.#keyed(state).restore(assigned.keyed, restored.input);
      }
      // What nobody asks for in this run is kept for the next.
      if (assigned !== undefined && assigned.operatorStates.length > 0) this.#operator(state);
      state.stage?.restore?.(assigned?.stages ?? []);
    });
  }

  /** Cuts all state; what is changed afterwards is in no part of this snapshot. */
  snapshot(
    context: SnapshotContext,
    request: SnapshotRequest,
    onNode: (index: number) => void,
  ): OperatorSnapshotWork[] {
    const works: OperatorSnapshotWork[] = [];
    try {
      for (const [index, state] of this.#nodes.entries()) {
        onNode(index);
        works.push(snapshotOf(state, context, request));
      }
    } catch (error) {
      // What was cut before is part of no snapshot: its rows go with the next.
      for (const { keyed } of works) keyed?.abort();
      throw error;
    }
    return works;
  }

  /** A checkpoint counts; the promise is of the stages' commits, if they are to commit. */
  notifyComplete(
    checkpointId: number,
    commits: boolean,
    onNode: (index: number) => void,
  ): Promise<void> | undefined {
    const waiting: Promise<void>[] = [];
    this.#nodes.forEach((state, index) => {
      onNode(index);
      state.keyed?.notifyCheckpointComplete(checkpointId);
      if (!commits) return;
      const committing = state.stage?.notifyCheckpointComplete?.(checkpointId);
      if (committing !== undefined) waiting.push(committing);
    });
    return waiting.length === 0 ? undefined : Promise.all(waiting).then(() => undefined);
  }

  /** A checkpoint will never count. */
  notifyAborted(checkpointId: number, onNode: (index: number) => void): void {
    this.#nodes.forEach((state, index) => {
      onNode(index);
      state.keyed?.notifyCheckpointAborted(checkpointId);
      state.stage?.notifyCheckpointAborted?.(checkpointId);
    });
  }

  /** Between batches: keyed state is kept within its memory. */
  maintain(budgetMs: number, onNode: (index: number) => void): void {
    for (let index = 0; index < this.#nodes.length; index++) {
      const keyed = this.#nodes[index]?.keyed;
      if (keyed?.maintain === undefined) continue;
      onNode(index);
      keyed.maintain(budgetMs);
    }
  }

  /** Bytes of keyed state in memory. */
  get memoryBytes(): number {
    let bytes = 0;
    for (const { keyed } of this.#nodes) bytes += keyed?.memoryBytes ?? 0;
    return bytes;
  }

  close(): void {
    for (const { keyed } of this.#nodes) keyed?.[Symbol.dispose]();
  }

  #keyed(state: NodeState): KeyedStateBackend {
    if (state.keyed !== undefined) return state.keyed;
    const { node } = state;
    if (state.stage?.keyed !== true) {
      throw new MillraceError(
        'ILLEGAL_STATE',
        `operator '${node.name}' is not keyed, so it has no keyed state: use keyBy before it`,
        { details: { operator: node.name } },
      );
    }
    state.keyed = this.#options.keyedBackend(node);
    return state.keyed;
  }

  #operator(state: NodeState): OperatorStateBackend {
    if (state.operator !== undefined) return state.operator;
    const backend = this.#options.operatorBackend(state.node);
    state.operator = backend;
    const assigned = this.#options.restored?.of(state.node.operatorId);
    if (assigned !== undefined) backend.restore(assigned.operatorStates);
    return backend;
  }

  #at(index: number): NodeState {
    const state = this.#nodes[index];
    if (state === undefined) throw new RangeError(`a chain has no node ${index}`);
    return state;
  }
}

function snapshotOf(
  { node, stage, keyed, operator }: NodeState,
  context: SnapshotContext,
  request: SnapshotRequest,
): OperatorSnapshotWork {
  const snapshot = stage?.snapshot?.(context);
  const settled = stage?.snapshotSettled?.();
  // Whoever fails first is told by the acknowledgement; the others must not end the process.
  settled?.catch(() => undefined);
  return {
    operatorId: node.operatorId,
    stage: snapshot,
    settled,
    keyed: keyed?.snapshot(request),
    operatorStates: operator?.snapshot() ?? [],
  };
}
