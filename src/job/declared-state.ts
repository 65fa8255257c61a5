/**
 * What state the operators of a job declare, and whether what was saved can become it, without
 * running the job: its operators are opened over saved state without rows.
 *
 * Invariants:
 * 1. Sources and sinks are not opened: nothing outside is read or written but by `open` of the
 *    user's functions.
 * 2. A state that is refused is noted, and the operator goes on opening over an empty one, so that
 *    all refusals are found.
 */
import type { Environment } from '../base/environment.ts';
import { hasErrorCode, MillraceError } from '../base/errors.ts';
import type { AssignedState } from '../checkpoint/subtask-state.ts';
import type { ChainNode, JobGraph, JobVertex } from '../graph/job-graph.ts';
import type { ChainStage } from '../operators/chain-stage.ts';
import { stageFor } from '../operators/registry.ts';
import { Chain } from '../runtime/task/chain.ts';
import { heapBackend } from '../state/heap/heap-backend.ts';
import { operatorStateBackend } from '../state/heap/operator-state.ts';
import type { IndexRange } from '../state/key-groups.ts';
import type {
  KeyedStateBackend,
  NamedState,
  StateDeclaration,
} from '../state/keyed-state-backend.ts';
import type { KeyedStateHandle, SnapshotInput } from '../state/snapshot.ts';

/** A state that an operator has declared. */
export interface DeclaredState {
  readonly declaration: StateDeclaration;
  /** Why what was saved cannot become it. */
  readonly refusal: Error | undefined;
}

/** What was found of one operator. */
export interface OpenedOperator {
  readonly states: readonly DeclaredState[];
  /** Why it could not be opened. */
  readonly failure: Error | undefined;
}

/** What {@link declaredStates} needs. */
export interface DeclaredStatesOptions {
  readonly graph: JobGraph;
  readonly environment: Environment;
  /** What an operator would take over, by its id. */
  readonly assigned: (operatorId: string) => AssignedState | undefined;
}

/** Opens every operator; what was found, by operator id. */
export async function declaredStates(
  options: DeclaredStatesOptions,
): Promise<ReadonlyMap<string, OpenedOperator>> {
  const found = new Map<string, OpenedOperator>();
  for (const vertex of options.graph.vertices) await openVertex(options, vertex, found);
  return found;
}

async function openVertex(
  options: DeclaredStatesOptions,
  vertex: JobVertex,
  found: Map<string, OpenedOperator>,
): Promise<void> {
  const declared = new Map<string, DeclaredState[]>();
  const chain = dryChain(options, vertex, (node, state) => {
    declared.set(node.operatorId, [...(declared.get(node.operatorId) ?? []), state]);
  });
  let failure: { readonly error: Error; readonly operator: string } | undefined;
  try {
    chain.open();
  } catch (error) {
    const { operator } = chain.failure();
    failure = { error: error instanceof Error ? error : new Error(String(error)), operator };
  }
  await chain.close().catch(() => undefined);
  for (const { operatorId, name } of vertex.nodes) {
    found.set(operatorId, {
      states: declared.get(operatorId) ?? [],
      failure: failure?.operator === name ? failure.error : undefined,
    });
  }
}

type Note = (node: ChainNode, state: DeclaredState) => void;

function dryChain(
  { graph, environment, assigned }: DeclaredStatesOptions,
  vertex: JobVertex,
  note: Note,
): Chain {
  return new Chain({
    vertex,
    stages: vertex.nodes.map(dryStage),
    outputs: [],
    environment,
    configuration: graph.configuration,
    runtimeContext: ({ name }) => ({
      jobName: graph.jobName,
      taskName: name,
      indexOfThisSubtask: 0,
      numberOfParallelSubtasks: vertex.parallelism,
      maxNumberOfParallelSubtasks: vertex.maxParallelism,
      environment,
      metricGroup: { counter: () => ({ inc: () => undefined, count: 0 }) },
    }),
    collectEndpoint: () => ({
      append: () => undefined,
      hasCredit: () => true,
      flush: () => undefined,
    }),
    dump: undefined,
    attempt: { jobId: undefined, attemptNumber: 0, restoredCheckpointId: undefined },
    state: {
      keyedBackend: (node) =>
        notingBackend({
          operatorName: node.name,
          maxParallelism: vertex.maxParallelism,
          handles: assigned(node.operatorId)?.keyed ?? [],
          environment,
          note: (state) => note(node, state),
        }),
      operatorBackend: ({ name }) => operatorStateBackend({ operatorName: name }),
      restored: { of: assigned, input: NO_FILES },
    },
  });
}

/** Sources and sinks stay closed. */
function dryStage({ spec }: ChainNode): ChainStage {
  if (spec.kind !== 'source' && spec.kind !== 'sink' && spec.kind !== 'collect') {
    return stageFor(spec);
  }
  return {
    kind: spec.kind,
    inputCount: 1,
    keyed: false,
    open: () => undefined,
    onBatch: () => undefined,
  };
}

/** What a {@link notingBackend} is made of. */
export interface NotingBackendParts {
  readonly operatorName: string;
  readonly maxParallelism: number;
  /** What was saved: its rows are left out, its types are not. */
  readonly handles: readonly KeyedStateHandle[];
  readonly environment: Environment;
  readonly note: (state: DeclaredState) => void;
}

/** A backend without rows that notes what is declared over what was saved. */
export function notingBackend(parts: NotingBackendParts): KeyedStateBackend {
  return new NotingBackend(parts);
}

class NotingBackend implements KeyedStateBackend {
  readonly maxParallelism: number;
  readonly keyGroups: IndexRange;
  readonly memoryBytes = 0;
  readonly #parts: NotingBackendParts;
  readonly #restored: KeyedStateBackend;
  /** For what is refused. */
  readonly #empty: KeyedStateBackend;
  readonly #noted = new Set<string>();

  constructor(parts: NotingBackendParts) {
    this.maxParallelism = parts.maxParallelism;
    this.keyGroups = { first: 0, last: parts.maxParallelism - 1 };
    this.#parts = parts;
    this.#restored = this.#heap();
    this.#empty = this.#heap();
    this.#restored.restore(parts.handles.map(withoutRows), NO_FILES);
  }

  get isRestored(): boolean {
    return this.#parts.handles.length > 0;
  }

  declare(declaration: StateDeclaration): NamedState {
    try {
      const state = this.#restored.declare(declaration);
      this.#note(declaration, undefined);
      return state;
    } catch (error) {
      if (!hasErrorCode(error, 'STATE_INCOMPATIBLE') || !(error instanceof Error)) throw error;
      this.#note(declaration, error);
      return this.#empty.declare(declaration);
    }
  }

  /** What was saved is in it already, so that it can be refused when it is declared. */
  restore(): void {}

  snapshot(): never {
    throw new MillraceError('ILLEGAL_STATE', 'a dry run takes no snapshots');
  }

  notifyCheckpointComplete(): void {}

  notifyCheckpointAborted(): void {}

  [Symbol.dispose](): void {
    this.#restored[Symbol.dispose]();
    this.#empty[Symbol.dispose]();
  }

  #heap(): KeyedStateBackend {
    const { operatorName, environment } = this.#parts;
    const { maxParallelism, keyGroups } = this;
    const memoryBytes = 0;
    const isTracking = false;
    const options = { maxParallelism, keyGroups, operatorName, environment };
    return heapBackend({ ...options, memoryBytes, isTracking });
  }

  #note(declaration: StateDeclaration, refusal: Error | undefined): void {
    if (!this.#noted.has(declaration.name)) this.#parts.note({ declaration, refusal });
    this.#noted.add(declaration.name);
  }
}

function withoutRows(handle: KeyedStateHandle): KeyedStateHandle {
  return { ...handle, base: { kind: 'segments', files: [] }, segments: [] };
}

const NO_FILES: SnapshotInput = {
  read: () => new Uint8Array(0),
  materialize: () => undefined,
};
