/**
 * Reads the state in a checkpoint or savepoint: what there is, and its rows.
 *
 * Invariants:
 * 1. Every file that is read has been verified against length and checksum; nothing is written.
 * 2. State is restored one subtask at a time, and for a key only that of the subtask that has it,
 *    by the backend that wrote it.
 */
import type { Environment } from '../../base/environment.ts';
import { hasErrorCode, MillraceError } from '../../base/errors.ts';
import { hashKey } from '../../base/hash.ts';
import { openManifest } from '../../checkpoint/checkpoint-selection.ts';
import type { CheckpointManifest, ManifestOperator } from '../../checkpoint/manifest.ts';
import { snapshotInput } from '../../checkpoint/snapshot-files.ts';
import type { OperatorSubtaskState } from '../../checkpoint/subtask-state.ts';
import { keyedStateBackends } from '../../state/backend-registry.ts';
import { keyGroupRange } from '../../state/key-groups.ts';
import type { Namespace, NamedState, StateTable } from '../../state/keyed-state-backend.ts';
import type { KeyedStateHandle, SnapshotInput, StateMeta } from '../../state/snapshot.ts';
import { keysEqual } from '../../state/table/key-equality.ts';

/** An open checkpoint or savepoint. */
export interface StateSource {
  readonly path: string;
  readonly manifest: CheckpointManifest;
  readonly input: SnapshotInput;
}

/** A state of an operator, over all its subtasks. */
export interface StateSummary {
  readonly name: string;
  /** `value`, `list`, `map` …, or `operator list`, `operator union`, `broadcast`. */
  readonly kind: string;
  readonly isKeyed: boolean;
}

/** A row of a state. */
export interface StateRow {
  readonly subtask: number;
  /** Undefined on operator state. */
  readonly key: unknown;
  /** A window's start, say; undefined where the state has none. */
  readonly namespace: Namespace | undefined;
  readonly value: unknown;
}

/** Which rows. */
export interface StateQuery {
  readonly operator: ManifestOperator;
  readonly state: string;
  /** Any of these keys; undefined: all. */
  readonly keys: readonly unknown[] | undefined;
}

/** Memory for the tables of a state that lies in a store. */
const STORE_MEMORY_BYTES = 256 * 1024 * 1024;

/**
 * Opens it; of the files only the manifest is read.
 *
 * @throws CHECKPOINT_NOT_FOUND, CHECKPOINT_DAMAGED
 */
export function openStateSource(path: string, environment: Environment): StateSource {
  const { storage, folder, manifest, path: url } = openManifest(path, environment);
  return { path: url, manifest, input: snapshotInput({ storage, folder, environment }) };
}

/** The states of an operator, by name. */
export function statesOf(
  manifest: CheckpointManifest,
  operator: ManifestOperator,
): readonly StateSummary[] {
  const states = new Map<string, StateSummary>();
  for (const { state } of subtasksOf(manifest, operator)) {
    for (const { name, kind } of state.keyed?.states ?? []) {
      states.set(name, { name, kind, isKeyed: true });
    }
    for (const { name, mode } of state.operatorStates) {
      const kind =
        mode === 'broadcast' ? 'broadcast' : `operator ${mode === 'union' ? 'union' : 'list'}`;
      states.set(name, { name, kind, isKeyed: false });
    }
  }
  return [...states.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The operator of that uid, id or name.
 *
 * @throws ILLEGAL_ARGUMENT with those that there are
 */
export function operatorNamed(manifest: CheckpointManifest, text: string): ManifestOperator {
  const { operators } = manifest;
  const found =
    operators.filter(({ uid, operatorId }) => uid === text || operatorId === text)[0] ??
    onlyOne(operators.filter(({ name }) => name === text));
  if (found !== undefined) return found;
  const known = operators
    .filter((operator) => statesOf(manifest, operator).length > 0)
    .map(({ name, uid, operatorId }) => `'${uid ?? operatorId}' (${name})`);
  throw new MillraceError(
    'ILLEGAL_ARGUMENT',
    `there is no operator '${text}' in it; operators with state are ${known.join(', ') || 'none'}`,
    { details: { operator: text } },
  );
}

/** The rows, subtask by subtask, in no order. */
export function* stateRows(
  source: StateSource,
  query: StateQuery,
  environment: Environment,
): Generator<StateRow> {
  const { operator, state, keys } = query;
  const summary = statesOf(source.manifest, operator).find(({ name }) => name === state);
  if (summary === undefined) throw unknownState(source.manifest, operator, state);
  if (!summary.isKeyed && keys !== undefined) {
    throw new MillraceError('ILLEGAL_ARGUMENT', `state '${state}' has no keys: leave --key out`);
  }
  for (const { subtask, state: own } of subtasksOf(source.manifest, operator)) {
    if (!summary.isKeyed) {
      yield* operatorRows(own, state, subtask);
    } else if (own.keyed !== undefined && mayHold(own.keyed, keys)) {
      yield* keyedRows({ source, query, environment }, own.keyed, subtask);
    }
  }
}

interface Subtask {
  readonly subtask: number;
  readonly state: OperatorSubtaskState;
}

function subtasksOf(manifest: CheckpointManifest, operator: ManifestOperator): readonly Subtask[] {
  return manifest.subtasks
    .filter(({ vertex }) => vertex === operator.vertex)
    .flatMap(({ subtask, operators }) =>
      operators
        .filter(({ operatorId }) => operatorId === operator.operatorId)
        .map((state) => ({ subtask, state })),
    )
    .sort((a, b) => a.subtask - b.subtask);
}

function onlyOne<T>(items: readonly T[]): T | undefined {
  return items.length === 1 ? items[0] : undefined;
}

function unknownState(
  manifest: CheckpointManifest,
  operator: ManifestOperator,
  state: string,
): MillraceError {
  const known = statesOf(manifest, operator).map(({ name }) => `'${name}'`);
  return new MillraceError(
    'ILLEGAL_ARGUMENT',
    `operator '${operator.name}' has no state '${state}'; it has ${known.join(', ') || 'none'}`,
    { details: { operator: operator.name, state } },
  );
}

function* operatorRows(
  own: OperatorSubtaskState,
  name: string,
  subtask: number,
): Generator<StateRow> {
  for (const state of own.operatorStates) {
    if (state.name !== name) continue;
    for (const value of state.elements)
      yield { subtask, key: undefined, namespace: undefined, value };
  }
}

/** Whether a key of them would be in this part. */
function mayHold(handle: KeyedStateHandle, keys: readonly unknown[] | undefined): boolean {
  if (keys === undefined) return true;
  return keys.some((key) => {
    const hash = hashKey(key) >>> 0;
    return hash >= handle.hashFirst && hash <= handle.hashLast;
  });
}

interface KeyedQuery {
  readonly source: StateSource;
  readonly query: StateQuery;
  readonly environment: Environment;
}

function* keyedRows(
  { source, query, environment }: KeyedQuery,
  handle: KeyedStateHandle,
  subtask: number,
): Generator<StateRow> {
  const { operator, keys } = query;
  const meta = handle.states.find(({ name }) => name === query.state);
  if (meta === undefined) return;
  using backends = backendsFor(handle, operator, environment);
  using backend = backends.backend({
    operatorId: operator.operatorId,
    operatorName: operator.name,
    subtask,
    maxParallelism: operator.maxParallelism,
    keyGroups: keyGroupRange(subtask, operator.maxParallelism, operator.parallelism),
    shareOfMemory: 1,
    isTracking: false,
  });
  backend.restore([handle], source.input);
  for (const { namespace, table } of tablesOf(backend.declare(declarationOf(meta)))) {
    for (const [key, value] of rowsOf(table, keys)) yield { subtask, key, namespace, value };
  }
}

/** What is written is shown; times of updates are not. */
function declarationOf({ name, kind }: StateMeta): Pick<StateMeta, 'name' | 'kind'> {
  return { name, kind };
}

function backendsFor(
  handle: KeyedStateHandle,
  operator: ManifestOperator,
  environment: Environment,
): ReturnType<typeof keyedStateBackends> {
  const name = handle.base?.kind === 'rocksdb' ? 'rocksdb' : 'heap';
  try {
    return keyedStateBackends(name, {
      environment,
      memoryBytes: STORE_MEMORY_BYTES,
      localDirectory: undefined,
      workerIndex: 0,
    });
  } catch (cause) {
    if (!hasErrorCode(cause, 'STATE_BACKEND_UNAVAILABLE')) throw cause;
    throw new MillraceError(
      'STATE_BACKEND_UNAVAILABLE',
      `the state of '${operator.name}' lies in RocksDB's own files, which cannot be read here: take a savepoint ` +
        'with --format canonical and look into that',
      { cause, details: { operator: operator.name } },
    );
  }
}

function tablesOf(
  state: NamedState,
): readonly { readonly namespace: Namespace | undefined; readonly table: StateTable }[] {
  const named = state
    .namespaces()
    .map((namespace) => ({ namespace, table: state.tableOf(namespace) }));
  return [{ namespace: undefined, table: state.table }, ...named];
}

function rowsOf(
  table: StateTable,
  keys: readonly unknown[] | undefined,
): readonly (readonly [key: unknown, value: unknown])[] {
  const rows: (readonly [unknown, unknown])[] = [];
  const hashes = keys?.map(hashKey);
  table.forEach((key, value, hash) => {
    if (hashes === undefined || keys === undefined) rows.push([key, value]);
    else if (hashes.includes(hash) && keys.some((wanted) => isOfKey(key, wanted)))
      rows.push([key, value]);
  });
  return rows;
}

/** The stored key is the user's, or begins with it: timers, and windows that merge. */
function isOfKey(stored: unknown, wanted: unknown): boolean {
  return keysEqual(stored, wanted) || (Array.isArray(stored) && keysEqual(stored[0], wanted));
}
