/**
 * A dry run of a restore: what a job would take over from a checkpoint or savepoint, how, and what
 * it would not.
 *
 * Invariants:
 * 1. Nothing is written and no row is read: the manifest knows the types of what its files hold.
 * 2. `isRestorable` is true only if nothing is refused; states without a declared type are taken as
 *    they are, as the job would.
 */
import { MillraceError } from '../base/errors.ts';
import type { StateMeta } from '../state/snapshot.ts';
import type { Renames } from '../types/field-renames.ts';
import { compareKeyTypes, compareTypes, type TypeComparison } from '../types/schema-evolution.ts';
import type { TypeInformation } from '../types/type-information.ts';
import { typeFromJson } from '../types/type-json.ts';
import type { CheckpointManifest, ManifestOperator } from './manifest.ts';
import { planRestore, type RestoreOperator, type RestorePlan } from './restore-plan.ts';

/** A state as the program declares it, as far as that is known before it runs. */
export interface DeclaredState {
  readonly name: string;
  readonly kind: StateMeta['kind'];
  readonly keyType?: TypeInformation<unknown> | undefined;
  /** Of maps: of the keys of the map. */
  readonly mapKeyType?: TypeInformation<unknown> | undefined;
  readonly valueType?: TypeInformation<unknown> | undefined;
  readonly hasTtl?: boolean | undefined;
  /** New names of the value's fields by their old paths. */
  readonly renames?: Renames | undefined;
}

/**
 * An operator of the program with its states; `states` is undefined if they are known only at run
 * time.
 */
export interface DeclaredOperator extends RestoreOperator {
  readonly states: readonly DeclaredState[] | undefined;
}

/** What is asked. */
export interface SavepointCheckRequest {
  readonly manifest: CheckpointManifest;
  readonly operators: readonly DeclaredOperator[];
  readonly allowNonRestoredState: boolean;
}

/** What becomes of one state. */
export interface StateCheck {
  readonly operator: string;
  readonly operatorId: string;
  readonly state: string;
  readonly verdict: 'compatible' | 'migrated' | 'refused' | 'new' | 'left-behind' | 'undeclared';
  /** How it is migrated, or why it is refused, one line per field. */
  readonly details: readonly string[];
}

/** The outcome. */
export interface SavepointCheck {
  readonly isRestorable: boolean;
  readonly states: readonly StateCheck[];
  /** Operators with state in the checkpoint that the job does not have. */
  readonly unmatched: readonly ManifestOperator[];
  /** Operators of the job that the checkpoint does not know: they start empty. */
  readonly fresh: readonly RestoreOperator[];
  /** What stands against the restore besides the states: parallelism, unmatched operators. */
  readonly problems: readonly string[];
}

/** See the file's head. */
export function checkSavepoint(request: SavepointCheckRequest): SavepointCheck {
  const { manifest, operators, allowNonRestoredState } = request;
  const problems: string[] = [];
  const plan = tryPlan(request, problems);
  const restored = statesOf(manifest);
  const states = operators.flatMap((operator) =>
    checkOperator(operator, restored.get(operator.operatorId) ?? new Map()),
  );
  const unmatched = plan?.unmatched ?? [];
  if (!allowNonRestoredState) {
    for (const { name, operatorId } of unmatched) {
      problems.push(`the job has no operator for the state of '${name}' (id ${operatorId})`);
    }
  }
  return {
    isRestorable: problems.length === 0 && states.every(({ verdict }) => verdict !== 'refused'),
    states,
    unmatched,
    fresh: plan?.fresh ?? [],
    problems,
  };
}

/**
 * All unmatched operators are wanted, not the first: they are asked for as if they were allowed.
 */
function tryPlan(request: SavepointCheckRequest, problems: string[]): RestorePlan | undefined {
  try {
    return planRestore({ ...request, allowNonRestoredState: true });
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    problems.push(error.message);
    return undefined;
  }
}

/** What the subtasks of an operator knew of one state. */
type StateMetas = ReadonlyMap<string, readonly StateMeta[]>;

function statesOf(manifest: CheckpointManifest): ReadonlyMap<string, StateMetas> {
  const result = new Map<string, Map<string, StateMeta[]>>();
  for (const { operatorId, keyed } of manifest.subtasks.flatMap(({ operators }) => operators)) {
    const states = result.get(operatorId) ?? new Map<string, StateMeta[]>();
    result.set(operatorId, states);
    for (const meta of keyed?.states ?? []) {
      states.set(meta.name, [...(states.get(meta.name) ?? []), meta]);
    }
  }
  return result;
}

function checkOperator(operator: DeclaredOperator, restored: StateMetas): readonly StateCheck[] {
  const check = (
    state: string,
    verdict: StateCheck['verdict'],
    details: readonly string[] = [],
  ): StateCheck => ({
    operator: operator.name,
    operatorId: operator.operatorId,
    state,
    verdict,
    details,
  });
  if (operator.states === undefined) {
    const details = ['its type is declared when the job runs, and is compared then'];
    return [...restored.keys()].map((name) => check(name, 'undeclared', details));
  }
  const declaredNames = new Set(operator.states.map(({ name }) => name));
  const left = [...restored.keys()].filter((name) => !declaredNames.has(name));
  const declared = operator.states.map((state) => {
    const metas = restored.get(state.name);
    if (metas === undefined) return check(state.name, 'new');
    const { refusals, changes } = compareState(state, metas);
    if (refusals.length > 0) return check(state.name, 'refused', refusals);
    return check(state.name, changes.length > 0 ? 'migrated' : 'compatible', changes);
  });
  return [...declared, ...left.map((name) => check(name, 'left-behind'))];
}

interface StateDifferences {
  readonly refusals: readonly string[];
  readonly changes: readonly string[];
}

function compareState(state: DeclaredState, metas: readonly StateMeta[]): StateDifferences {
  const refusals = new Set<string>();
  const changes = new Set<string>();
  const take = (part: string, comparison: TypeComparison): void => {
    if (comparison.kind === 'refused') {
      refusals.add(`${part}${fieldText(comparison.path)}: ${comparison.reason}`);
    } else if (comparison.kind === 'migrate') {
      for (const { path, text } of comparison.changes) {
        changes.add(`${part}${fieldText(path)}: ${text}`);
      }
    }
  };
  for (const meta of metas) {
    if (meta.kind !== state.kind) refusals.add(`it was a ${meta.kind} state, now ${state.kind}`);
    if (state.hasTtl !== undefined && state.hasTtl !== meta.hasTtl) {
      changes.add(meta.hasTtl ? 'times of updates are left out' : 'times to live begin anew');
    }
    const { keyType, mapKeyType, valueType, renames } = state;
    for (const json of keyType === undefined ? [] : meta.keySchemas) {
      take('key', compareKeyTypes(typeFromJson(json), keyType as TypeInformation<unknown>));
    }
    for (const json of mapKeyType === undefined ? [] : (meta.mapKeySchemas ?? [])) {
      take('map key', compareKeyTypes(typeFromJson(json), mapKeyType as TypeInformation<unknown>));
    }
    for (const json of valueType === undefined ? [] : meta.valueSchemas) {
      take(
        'value',
        compareTypes(typeFromJson(json), valueType as TypeInformation<unknown>, renames),
      );
    }
  }
  return { refusals: [...refusals], changes: [...changes] };
}

function fieldText(path: string): string {
  return path === '' ? '' : ` field '${path}'`;
}
