/**
 * Whether a job module would start from a checkpoint or savepoint, and what would become of each
 * state: a dry run.
 *
 * Invariant: what starts is compatible here and what is refused here does not start, but for states
 * that user code declares after `open`, which are told of as not declared.
 */
import { buildJobGraph } from '../api/datastream/module-environment.ts';
import type { Environment } from '../base/environment.ts';
import { openManifest } from '../checkpoint/checkpoint-selection.ts';
import type { CheckpointManifest, ManifestOperator } from '../checkpoint/manifest.ts';
import { planRestore, type RestorePlan } from '../checkpoint/restore-plan.ts';
import { checkSavepoint, type StateCheck } from '../checkpoint/savepoint-check.ts';
import type { AssignedState } from '../checkpoint/subtask-state.ts';
import type { PipelineConfiguration } from '../graph/configuration.ts';
import type { JobModule } from '../graph/job-client.ts';
import { declaredStates, type OpenedOperator } from './declared-state.ts';
import { buildModuleGraph } from './job-module.ts';
import { operatorsOf } from './job-operators.ts';

/** What would become of one state. */
export type CheckedState = Pick<StateCheck, 'state' | 'verdict' | 'details'>;

/** What would become of one operator's state. */
export interface OperatorCheck {
  /** The uid, else the operator's id. */
  readonly operator: string;
  readonly name: string;
  /** `matched`, `new` (starts empty), `left-behind` (the job has no such operator) or `refused`. */
  readonly verdict: 'matched' | 'new' | 'left-behind' | 'refused';
  readonly details: readonly string[];
  readonly states: readonly CheckedState[];
}

/** The outcome of a dry run. */
export interface ModuleCheck {
  readonly path: string;
  readonly jobName: string;
  readonly operators: readonly OperatorCheck[];
  /** Whether the job would start. */
  readonly isRestorable: boolean;
}

/** What is checked against what. */
export interface ModuleCheckOptions {
  readonly module: JobModule;
  readonly jobName: string;
  readonly configuration: PipelineConfiguration;
  readonly savepoint: string;
  readonly environment: Environment;
}

/**
 * Checks.
 *
 * @throws CHECKPOINT_NOT_FOUND, CHECKPOINT_DAMAGED, and the errors of a wrong program
 */
export async function checkModule(options: ModuleCheckOptions): Promise<ModuleCheck> {
  const { environment, savepoint, module, configuration, jobName } = options;
  const { manifest, path } = openManifest(savepoint, environment);
  const graph = await buildModuleGraph(module, configuration, jobName, buildJobGraph);
  const operators = operatorsOf(graph);
  const byId = new Map(operators.map((operator) => [operator.operatorId, operator]));
  const assigned = (operatorId: string): AssignedState | undefined => {
    const operator = byId.get(operatorId);
    return operator && wholeState(manifest, operator);
  };
  const opened = await declaredStates({ graph, environment, assigned });
  const { allowNonRestoredState } = graph.configuration.checkpointing;
  const checks = [
    ...operators.map((operator) =>
      operatorCheck(manifest, operator, opened.get(operator.operatorId)),
    ),
    ...unmatchedChecks(manifest, new Set(byId.keys()), allowNonRestoredState),
  ];
  const isRestorable = checks.every(
    ({ verdict, states }) =>
      verdict !== 'refused' && states.every((state) => state.verdict !== 'refused'),
  );
  return { path, jobName: graph.jobName, operators: checks, isRestorable };
}

/**
 * What all subtasks would take over; undefined if the checkpoint has nothing, or that is refused.
 */
function wholeState(
  manifest: CheckpointManifest,
  operator: ManifestOperator,
): AssignedState | undefined {
  const plan = planAlone(manifest, operator);
  const parts = Array.from({ length: operator.parallelism }, (_, subtask) =>
    plan?.assigned(operator.operatorId, subtask),
  ).filter((part) => part !== undefined);
  const [first] = parts;
  // A handle may be assigned to several subtasks.
  return first && { ...first, keyed: [...new Set(parts.flatMap(({ keyed }) => keyed))] };
}

/** Each operator alone, so that a refusal of one does not hide the others'. */
function planAlone(
  manifest: CheckpointManifest,
  operator: ManifestOperator,
): RestorePlan | undefined {
  try {
    return planRestore({ manifest, operators: [operator], allowNonRestoredState: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code !== 'BUG') return undefined;
    throw error;
  }
}

function operatorCheck(
  manifest: CheckpointManifest,
  operator: ManifestOperator,
  opened: OpenedOperator | undefined,
): OperatorCheck {
  const { failure, states = [] } = opened ?? { failure: undefined };
  const check = checkSavepoint({
    manifest,
    operators: [{ ...operator, states: states.map(({ declaration }) => declaration) }],
    allowNonRestoredState: true,
  });
  const details = [...check.problems, ...(failure === undefined ? [] : [failure.message])];
  const isNew = check.fresh.length > 0;
  return {
    ...labelOf(operator),
    verdict: details.length > 0 ? 'refused' : isNew ? 'new' : 'matched',
    details,
    states: check.states.map((state) => withRefusal(state, states)),
  };
}

/** What the backend refused is refused, whatever the types say. */
function withRefusal(
  { state, verdict, details }: StateCheck,
  states: OpenedOperator['states'],
): CheckedState {
  const refusal = states.find(({ declaration }) => declaration.name === state)?.refusal;
  if (refusal === undefined || verdict === 'refused') return { state, verdict, details };
  return { state, verdict: 'refused', details: [refusal.message] };
}

function unmatchedChecks(
  manifest: CheckpointManifest,
  known: ReadonlySet<string>,
  isAllowed: boolean,
): readonly OperatorCheck[] {
  const { unmatched } = planRestore({ manifest, operators: [], allowNonRestoredState: true });
  return unmatched
    .filter(({ operatorId }) => !known.has(operatorId))
    .map((operator) => ({
      ...labelOf(operator),
      verdict: isAllowed ? 'left-behind' : 'refused',
      details: isAllowed
        ? []
        : [
            'the job has no such operator: give one its uid, or leave the state behind with --allow-non-restored-state',
          ],
      states: [],
    }));
}

function labelOf({
  uid,
  operatorId,
  name,
}: ManifestOperator): Pick<OperatorCheck, 'operator' | 'name'> {
  return { operator: uid ?? operatorId, name };
}
