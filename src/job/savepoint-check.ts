/**
 * Whether a job would start from a checkpoint or savepoint, and what would become of each state: a dry run.
 *
 * Invariant: what starts is compatible here and what is refused here does not start, but for states that user code declares after
 * `open`, which are told of as not declared.
 */
import { buildJobGraph } from '../api/datastream/module-environment.ts';
import type { Environment } from '../base/environment.ts';
import { openManifest } from '../checkpoint/checkpoint-selection.ts';
import type { CheckpointManifest, ManifestOperator } from '../checkpoint/manifest.ts';
import { planRestore, type RestorePlan } from '../checkpoint/restore-plan.ts';
import type { AssignedState } from '../checkpoint/subtask-state.ts';
import type { PipelineConfiguration } from '../graph/configuration.ts';
import type { JobModule } from '../graph/job-client.ts';
import type { StateDeclaration } from '../state/keyed-state-backend.ts';
import type { StateMeta } from '../state/snapshot.ts';
import { compareKeyTypes, compareTypes, type TypeChange } from '../types/schema-evolution.ts';
import type { TypeInformation } from '../types/type-information.ts';
import { typeFromJson } from '../types/type-json.ts';
import { declaredStates, type DeclaredState, type OpenedOperator } from './declared-state.ts';
import { buildModuleGraph } from './job-module.ts';
import { operatorsOf } from './job-operators.ts';

/** What would become of one state. */
export interface StateCheck {
  readonly state: string;
  readonly kind: string;
  /**
   * `compatible`: as it is. `migrated`: as `changes` say. `refused`: `reason` says why. `new`: the savepoint has none. `undeclared`:
   * the operator did not ask for it when it opened; it is kept until it does.
   */
  readonly outcome: 'compatible' | 'migrated' | 'refused' | 'new' | 'undeclared';
  readonly changes: readonly string[];
  readonly reason: string | undefined;
}

/** What would become of one operator's state. */
export interface OperatorCheck {
  /** The uid, else the operator's id. */
  readonly operator: string;
  readonly name: string;
  /** `matched`, `new` (starts empty), `unmatched` (the job has no such operator) or `refused`. */
  readonly outcome: 'matched' | 'new' | 'unmatched' | 'refused';
  readonly reason: string | undefined;
  readonly states: readonly StateCheck[];
}

/** The outcome of a dry run. */
export interface SavepointCheck {
  readonly path: string;
  readonly jobName: string;
  readonly operators: readonly OperatorCheck[];
  /** Whether the job would start. */
  readonly isCompatible: boolean;
}

/** What is checked against what. */
export interface SavepointCheckOptions {
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
export async function checkSavepoint(options: SavepointCheckOptions): Promise<SavepointCheck> {
  const { environment, savepoint } = options;
  const { manifest, path } = openManifest(savepoint, environment);
  const graph = await buildModuleGraph(
    options.module,
    options.configuration,
    options.jobName,
    buildJobGraph,
  );
  const operators = operatorsOf(graph);
  const plans = new Map(operators.map((each) => [each.operatorId, planOf(manifest, each)]));
  const assigned = (operatorId: string): AssignedState | undefined => {
    const plan = plans.get(operatorId);
    return plan === undefined || plan instanceof Error
      ? undefined
      : allAssigned(plan, operatorId, operators);
  };
  const opened = await declaredStates({ graph, environment, assigned });
  const { allowNonRestoredState } = graph.configuration.checkpointing;
  const checks = [
    ...operators.flatMap((operator) => {
      const plan = plans.get(operator.operatorId);
      const own = opened.get(operator.operatorId);
      return plan === undefined || own === undefined
        ? []
        : [operatorCheck({ operator, plan, opened: own, manifest })];
    }),
    ...unmatchedChecks(manifest, operators, allowNonRestoredState),
  ];
  const isCompatible = checks.every(
    ({ outcome, states }) =>
      outcome !== 'refused' && states.every((state) => state.outcome !== 'refused'),
  );
  return { path, jobName: graph.jobName, operators: checks, isCompatible };
}

type Plan = RestorePlan | Error;

/** Each operator alone, so that all refusals are found. */
function planOf(manifest: CheckpointManifest, operator: ManifestOperator): Plan {
  try {
    return planRestore({ manifest, operators: [operator], allowNonRestoredState: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error) return error;
    throw error;
  }
}

/** All subtasks' parts as if there were one. */
function allAssigned(
  plan: RestorePlan,
  operatorId: string,
  operators: readonly ManifestOperator[],
): AssignedState | undefined {
  const parallelism = operators.find((each) => each.operatorId === operatorId)?.parallelism ?? 0;
  const parts = Array.from({ length: parallelism }, (_, subtask) =>
    plan.assigned(operatorId, subtask),
  ).filter((part) => part !== undefined);
  const [first] = parts;
  // A handle may be assigned to several subtasks.
  return first && { ...first, keyed: [...new Set(parts.flatMap(({ keyed }) => keyed))] };
}

interface OperatorParts {
  readonly operator: ManifestOperator;
  readonly plan: Plan;
  readonly opened: OpenedOperator;
  readonly manifest: CheckpointManifest;
}

function operatorCheck({ operator, plan, opened, manifest }: OperatorParts): OperatorCheck {
  const refusal = plan instanceof Error ? plan : opened.failure;
  const isNew = !(plan instanceof Error) && plan.fresh.length > 0;
  const metas = metasOf(manifest, operator.operatorId);
  return {
    ...labelOf(operator),
    outcome: refusal !== undefined ? 'refused' : isNew ? 'new' : 'matched',
    reason: refusal?.message,
    states: refusal === undefined ? stateChecks(opened.states, metas) : [],
  };
}

/** Declared states in their order, then those that were saved and nobody declared. */
export function stateChecks(
  states: readonly DeclaredState[],
  metas: ReadonlyMap<string, readonly StateMeta[]>,
): readonly StateCheck[] {
  const names = new Set(states.map(({ declaration }) => declaration.name));
  const others = [...metas].filter(([name]) => !names.has(name));
  return [
    ...states.map((state) => declaredCheck(state, metas.get(state.declaration.name) ?? [])),
    ...others.map(([name, list]) => undeclared(name, list)),
  ];
}

function unmatchedChecks(
  manifest: CheckpointManifest,
  operators: readonly ManifestOperator[],
  isAllowed: boolean,
): readonly OperatorCheck[] {
  const { unmatched } = planRestore({ manifest, operators: [], allowNonRestoredState: true });
  const known = new Set(operators.map(({ operatorId }) => operatorId));
  return unmatched
    .filter(({ operatorId }) => !known.has(operatorId))
    .map((operator) => ({
      ...labelOf(operator),
      outcome: isAllowed ? 'unmatched' : 'refused',
      reason: isAllowed
        ? 'its state is left behind'
        : 'the job has no such operator: give one its uid, or leave the state behind with --allow-non-restored-state',
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

/** What is known of each keyed state, over all subtasks. */
function metasOf(
  manifest: CheckpointManifest,
  operatorId: string,
): ReadonlyMap<string, readonly StateMeta[]> {
  const metas = new Map<string, StateMeta[]>();
  for (const { operators } of manifest.subtasks) {
    for (const state of operators) {
      if (state.operatorId !== operatorId) continue;
      for (const meta of state.keyed?.states ?? []) {
        metas.set(meta.name, [...(metas.get(meta.name) ?? []), meta]);
      }
    }
  }
  return metas;
}

function declaredCheck(
  { declaration, refusal }: DeclaredState,
  metas: readonly StateMeta[],
): StateCheck {
  const { name: state, kind } = declaration;
  const base = { state, kind, changes: [], reason: undefined };
  if (refusal !== undefined) return { ...base, outcome: 'refused', reason: refusal.message };
  if (metas.length === 0) return { ...base, outcome: 'new' };
  const changes = changesOf(declaration, metas);
  return { ...base, outcome: changes.length === 0 ? 'compatible' : 'migrated', changes };
}

function undeclared(state: string, metas: readonly StateMeta[]): StateCheck {
  const kind = metas[0]?.kind ?? 'value';
  return { state, kind, outcome: 'undeclared', changes: [], reason: undefined };
}

/** What happens to the fields, each once. */
function changesOf(declaration: StateDeclaration, metas: readonly StateMeta[]): readonly string[] {
  const { keyType, mapKeyType, valueType, renames } = declaration;
  const changes = new Set<string>();
  for (const meta of metas) {
    const compared: readonly Compared[] = [
      ['key', keyType, meta.keySchemas, compareKeyTypes],
      ['key of the map', mapKeyType, meta.mapKeySchemas ?? [], compareKeyTypes],
      ['', valueType, meta.valueSchemas, (a, b) => compareTypes(a, b, renames)],
    ];
    for (const [role, type, schemas, compare] of compared) {
      if (type === undefined) continue;
      for (const schema of schemas) {
        const comparison = compare(typeFromJson(schema), type);
        if (comparison.kind !== 'migrate') continue;
        for (const change of comparison.changes) changes.add(changeText(role, change));
      }
    }
  }
  return [...changes];
}

type Compared = readonly [
  role: string,
  type: TypeInformation<unknown> | undefined,
  schemas: readonly unknown[],
  compare: (
    restored: TypeInformation<unknown>,
    declared: TypeInformation<unknown>,
  ) => ReturnType<typeof compareTypes>,
];

function changeText(role: string, { path, text }: TypeChange): string {
  const place = [role, path].filter((part) => part !== '').join(' ');
  return place === '' ? text : `${place}: ${text}`;
}
