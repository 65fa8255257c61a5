/**
 * Which subtask of the new job takes over what of a checkpoint.
 *
 * Invariants:
 * 1. With the same parallelism every subtask gets back what it had; union state goes whole to
 *    everyone, always.
 * 2. With another: keyed state goes by ranges of hashes; the elements of split state, splits and
 *    the data of each `ChainStage` are put one after the other in the order of the old subtasks and
 *    cut into contiguous parts of equal size (± 1); of broadcast state subtask i gets old subtask
 *    i's modulo the old parallelism.
 * 3. Nothing is left out silently: state without an operator is an error, or is reported where that
 *    is allowed.
 */
import { MillraceError } from '../base/errors.ts';
import { hashRange, type IndexRange, keyGroupRange } from '../state/key-groups.ts';
import type { OperatorStateSnapshot } from '../state/operator-state-backend.ts';
import type { KeyedStateHandle } from '../state/snapshot.ts';
import type { CheckpointManifest, ManifestOperator, ManifestSubtask } from './manifest.ts';
import { contiguousPart, redistributeOperatorStates } from './redistribute.ts';
import type { AssignedState, ChannelStateHandle, OperatorSubtaskState } from './subtask-state.ts';

/** An operator of the job that starts. */
export interface RestoreOperator {
  readonly operatorId: string;
  readonly name: string;
  readonly uid: string | undefined;
  readonly parallelism: number;
  readonly maxParallelism: number;
}

/** What is to be restored into what. */
export interface RestoreRequest {
  readonly manifest: CheckpointManifest;
  readonly operators: readonly RestoreOperator[];
  /** Whether state of operators that the job does not have is left behind. */
  readonly allowNonRestoredState: boolean;
}

/** See the file's head. */
export interface RestorePlan {
  readonly checkpointId: number;
  /**
   * What a subtask takes over; undefined: the checkpoint knows nothing of the operator, which
   * starts empty.
   */
  assigned(operatorId: string, subtask: number): AssignedState | undefined;
  /** The state of a source's enumerator: plain data, or undefined. */
  enumerator(operatorId: string): unknown;
  /** Records in flight, of edges whose both ends the job has; the files' order is theirs. */
  readonly channels: readonly ChannelStateHandle[];
  /** Operators whose state was left behind. */
  readonly unmatched: readonly ManifestOperator[];
  /** Operators that the checkpoint does not know. */
  readonly fresh: readonly RestoreOperator[];
}

/**
 * Plans a restore.
 *
 * @throws STATE_UNMATCHED for state of an operator that the job does not have
 * @throws STATE_INCOMPATIBLE for keyed state under another maximum parallelism
 * @throws PARALLELISM_INVALID for a parallelism above the maximum
 */
export function planRestore(request: RestoreRequest): RestorePlan {
  const old = oldOperators(request.manifest);
  const known = new Map(request.operators.map((operator) => [operator.operatorId, operator]));
  const unmatched = [...old.values()].filter(
    ({ operator, hasState }) => hasState && !known.has(operator.operatorId),
  );
  if (!request.allowNonRestoredState) refuseUnmatched(unmatched);
  const plans = new Map<string, (subtask: number) => AssignedState>();
  const fresh: RestoreOperator[] = [];
  for (const operator of request.operators) {
    checkParallelism(operator);
    const before = old.get(operator.operatorId);
    if (before === undefined) fresh.push(operator);
    else plans.set(operator.operatorId, assignmentOf(before, operator));
  }
  const enumerators = new Map(
    request.manifest.enumerators.map(({ operatorId, data }) => [operatorId, data]),
  );
  return {
    checkpointId: request.manifest.checkpointId,
    assigned: (operatorId, subtask) => plans.get(operatorId)?.(subtask),
    enumerator: (operatorId) => enumerators.get(operatorId),
    channels: channelsOf(request.manifest, known, request.allowNonRestoredState),
    unmatched: unmatched.map(({ operator }) => operator),
    fresh,
  };
}

/** An operator of the old job with its subtasks' states in order. */
interface OldOperator {
  readonly operator: ManifestOperator;
  readonly states: readonly (OperatorSubtaskState | undefined)[];
  readonly isFinished: boolean;
  readonly hasState: boolean;
}

function oldOperators(manifest: CheckpointManifest): ReadonlyMap<string, OldOperator> {
  const byVertex = new Map<number, ManifestSubtask[]>();
  for (const subtask of manifest.subtasks) {
    const list = byVertex.get(subtask.vertex);
    if (list === undefined) byVertex.set(subtask.vertex, [subtask]);
    else list.push(subtask);
  }
  const withEnumerator = new Set(manifest.enumerators.map(({ operatorId }) => operatorId));
  const result = new Map<string, OldOperator>();
  for (const operator of manifest.operators) {
    const states: (OperatorSubtaskState | undefined)[] = new Array(operator.parallelism).fill(
      undefined,
    );
    const subtasks = byVertex.get(operator.vertex) ?? [];
    for (const { subtask, operators } of subtasks) {
      states[subtask] = operators.find(({ operatorId }) => operatorId === operator.operatorId);
    }
    result.set(operator.operatorId, {
      operator,
      states,
      isFinished:
        subtasks.length === operator.parallelism && subtasks.every((each) => each.isFinished),
      hasState: withEnumerator.has(operator.operatorId) || states.some(holdsState),
    });
  }
  return result;
}

function holdsState(state: OperatorSubtaskState | undefined): boolean {
  if (state === undefined) return false;
  const { keyed } = state;
  return (
    state.stage !== undefined ||
    (keyed !== undefined && (keyed.base !== undefined || keyed.segments.length > 0)) ||
    state.operatorStates.some(({ elements }) => elements.length > 0) ||
    (state.splits !== undefined && state.splits.length > 0)
  );
}

function refuseUnmatched(unmatched: readonly OldOperator[]): void {
  const first = unmatched[0]?.operator;
  if (first === undefined) return;
  const all = unmatched.map(({ operator }) => describe(operator)).join(', ');
  throw new MillraceError(
    'STATE_UNMATCHED',
    `there is state of ${all}, which the job does not have: give the operators their old uids, ` +
      'or allow it to be left behind (execution.state-recovery.ignore-unclaimed-state true)',
    { details: { operator: first.name, operatorId: first.operatorId, count: unmatched.length } },
  );
}

function describe(operator: ManifestOperator): string {
  const uid = operator.uid === undefined ? `id ${operator.operatorId}` : `uid '${operator.uid}'`;
  return `operator '${operator.name}' (${uid})`;
}

function checkParallelism(operator: RestoreOperator): void {
  if (operator.parallelism <= operator.maxParallelism) return;
  throw new MillraceError(
    'PARALLELISM_INVALID',
    `operator '${operator.name}' has parallelism ${operator.parallelism}, above its maximum of ` +
      `${operator.maxParallelism}: lower it; the maximum is fixed once there is state`,
    { details: { operator: operator.name, parallelism: operator.parallelism } },
  );
}

function assignmentOf(
  old: OldOperator,
  operator: RestoreOperator,
): (subtask: number) => AssignedState {
  const handles = old.states.flatMap((state) => state?.keyed ?? []);
  const before = old.operator.maxParallelism;
  if (handles.length > 0 && before !== operator.maxParallelism) {
    throw new MillraceError(
      'STATE_INCOMPATIBLE',
      `operator '${operator.name}' has maximum parallelism ${operator.maxParallelism}, ` +
        `its keyed state was kept under ${before}: set it to ${before}`,
      { details: { operator: operator.name, before, now: operator.maxParallelism } },
    );
  }
  const isInPlace = old.operator.parallelism === operator.parallelism;
  return (subtask) => ({
    keyed: handlesWithin(handles, hashesOf(operator, subtask)),
    isFinished: old.isFinished,
    ...(isInPlace ? samePart(old, subtask) : dividedPart(old, operator.parallelism, subtask)),
  });
}

type UnkeyedPart = Pick<AssignedState, 'stages' | 'operatorStates' | 'splits'>;

function samePart(old: OldOperator, subtask: number): UnkeyedPart {
  const state = old.states[subtask];
  const others: OperatorStateSnapshot[][] = old.states.map((each) => [
    ...(each?.operatorStates ?? []),
  ]);
  return {
    stages: state?.stage === undefined ? [] : [state.stage],
    operatorStates: redistributeOperatorStates(others, old.states.length, subtask),
    splits: state?.splits ?? [],
  };
}

function dividedPart(old: OldOperator, parallelism: number, subtask: number): UnkeyedPart {
  const part = <T>(elements: readonly T[]): readonly T[] =>
    contiguousPart(elements, parallelism, subtask);
  return {
    stages: part(old.states.flatMap((state) => state?.stage ?? [])),
    operatorStates: redistributeOperatorStates(
      old.states.map((state) => state?.operatorStates ?? []),
      parallelism,
      subtask,
    ),
    splits: part(old.states.flatMap((state) => state?.splits ?? [])),
  };
}

function hashesOf(operator: RestoreOperator, subtask: number): IndexRange {
  const { parallelism, maxParallelism } = operator;
  return hashRange(keyGroupRange(subtask, maxParallelism, parallelism), maxParallelism);
}

function handlesWithin(
  handles: readonly KeyedStateHandle[],
  hashes: IndexRange,
): readonly KeyedStateHandle[] {
  return handles.filter(
    ({ hashFirst, hashLast }) => hashFirst <= hashes.last && hashLast >= hashes.first,
  );
}

function channelsOf(
  manifest: CheckpointManifest,
  known: ReadonlyMap<string, RestoreOperator>,
  allowNonRestoredState: boolean,
): readonly ChannelStateHandle[] {
  const all = manifest.subtasks.flatMap(({ channels }) => channels);
  const matched = all.filter(
    ({ sourceOperatorId, targetOperatorId }) =>
      known.has(sourceOperatorId) && known.has(targetOperatorId),
  );
  const lost = all.find((handle) => !matched.includes(handle));
  if (lost === undefined || allowNonRestoredState) return matched;
  throw new MillraceError(
    'STATE_UNMATCHED',
    `there are ${lost.rows} records in flight between operators ${lost.sourceOperatorId} and ` +
      `${lost.targetOperatorId}, which the job does not have both: ` +
      'start from a savepoint, or allow them to be left behind',
    { details: { operatorId: lost.targetOperatorId } },
  );
}
