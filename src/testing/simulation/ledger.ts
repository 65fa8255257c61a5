/**
 * The outside world of a simulation, as a transactional sink writes to it: what is prepared survives the death of a process, and
 * is seen when it is committed.
 *
 * Invariants:
 * 1. A transaction is seen whole or not at all, and once, however often it is committed.
 * 2. A dead process changes nothing.
 */
import type { Environment } from '../../base/environment.ts';
import type { SimulatedEnvironment } from '../../base/simulated-environment.ts';
import { SimulatedCrash } from '../../base/simulated-faults.ts';
import type { OperatorAttempt, SubtaskContext } from '../../functions/runtime-context.ts';
import type { Sink } from '../../functions/sink.ts';
import type { JobGraph } from '../../graph/job-graph.ts';

/** A prepared transaction: what a checkpoint holds of it. */
export interface LedgerTransaction {
  readonly id: string;
}

/** See the file's head. */
export class Ledger {
  readonly #prepared = new Map<string, readonly unknown[]>();
  readonly #committed = new Set<string>();
  readonly #records = new Map<string, unknown[]>();
  #transactions = 0;

  /** What has been committed under a name, in the order of the commits. */
  records(name: string): readonly unknown[] {
    return this.#records.get(name) ?? [];
  }

  /** Names of all outputs. */
  get names(): readonly string[] {
    return [...this.#records.keys()];
  }

  /** A sink whose records are seen once their checkpoint is complete. */
  sink(name: string): Sink<unknown, LedgerTransaction> {
    if (!this.#records.has(name)) this.#records.set(name, []);
    return {
      createWriter: (context, attempt) => this.#writer(name, context, attempt),
      createCommitter: ({ environment }) => ({
        commit: (transactions) => {
          for (const { id } of transactions) {
            requireAlive(environment);
            this.#commit(name, id);
          }
        },
      }),
    };
  }

  #writer(
    name: string,
    { environment, indexOfThisSubtask }: SubtaskContext,
    { attemptNumber }: OperatorAttempt,
  ): ReturnType<Sink<unknown, LedgerTransaction>['createWriter']> {
    let buffer: unknown[] = [];
    return {
      write: (record) => void buffer.push(record),
      flush: () => undefined,
      prepareCommit: () => {
        requireAlive(environment);
        if (buffer.length === 0) return [];
        const id = `${name}/${indexOfThisSubtask}/${attemptNumber}/${this.#transactions++}`;
        this.#prepared.set(id, buffer);
        buffer = [];
        return [{ id }];
      },
      close: () => undefined,
    };
  }

  #commit(name: string, id: string): void {
    if (this.#committed.has(id)) return;
    const records = this.#prepared.get(id);
    if (records === undefined) throw new Error(`transaction ${id} was never prepared`);
    this.#committed.add(id);
    this.#prepared.delete(id);
    this.#records.get(name)?.push(...records);
  }
}

/** The graph with a ledger's sinks in place of `collectAsync`. */
export function withLedger(graph: JobGraph, ledger: Ledger): JobGraph {
  const vertices = graph.vertices.map((vertex) => ({
    ...vertex,
    nodes: vertex.nodes.map((node) =>
      node.spec.kind === 'collect'
        ? { ...node, spec: { kind: 'sink', sink: ledger.sink(node.spec.collectName) } as const }
        : node,
    ),
  }));
  return { ...graph, vertices };
}

function requireAlive(environment: Environment): void {
  const { hasCrashed } = environment as Partial<SimulatedEnvironment>;
  if (hasCrashed?.() === true) throw new SimulatedCrash('a dead process called a sink');
}
