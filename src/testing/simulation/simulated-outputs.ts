/**
 * Where the collected records of a simulated job go: a transactional store outside of its
 * processes, one per name.
 *
 * Invariant: a dead process changes nothing in it.
 */
import type { Environment } from '../../base/environment.ts';
import type { SimulatedEnvironment } from '../../base/simulated-environment.ts';
import { SimulatedCrash } from '../../base/simulated-faults.ts';
import type { JobGraph } from '../../graph/job-graph.ts';
import type { TransactionEvent, TransactionLog } from '../transactional/transaction-log.ts';
import { transactionalSink } from '../transactional/transactional-sink.ts';
import { TransactionalStore } from '../transactional/transactional-store.ts';

/** See the file's head. */
export class SimulatedOutputs {
  readonly #events = new Map<string, TransactionEvent[]>();
  readonly #allowsRollback: boolean;

  /** With `allowsRollback` the job may go back behind what it has committed. */
  constructor(allowsRollback: boolean) {
    this.#allowsRollback = allowsRollback;
  }

  /** The graph with transactional sinks in place of `collectAsync`. */
  into(graph: JobGraph): JobGraph {
    const vertices = graph.vertices.map((vertex) => ({
      ...vertex,
      nodes: vertex.nodes.map((node) => {
        if (node.spec.kind !== 'collect') return node;
        const events = this.#eventsOf(node.spec.collectName);
        const store = (environment: Environment): TransactionalStore =>
          new TransactionalStore(logOf(events, environment));
        const sink = transactionalSink({ store, allowsRollback: this.#allowsRollback });
        return { ...node, spec: { kind: 'sink', sink } as const };
      }),
    }));
    return { ...graph, vertices };
  }

  /** What was committed, by name, in the order of preparation. */
  committed(): ReadonlyMap<string, readonly unknown[]> {
    const stores = [...this.#events].map(([name, events]) => [name, storeOf(events)] as const);
    return new Map(stores.map(([name, store]) => [name, store.committedValues()]));
  }

  /** Rules of two-phase commit that the engine has broken. */
  violations(): readonly string[] {
    return [...this.#events.values()].flatMap((events) => storeOf(events).violations());
  }

  #eventsOf(name: string): TransactionEvent[] {
    const events = this.#events.get(name) ?? [];
    this.#events.set(name, events);
    return events;
  }
}

function storeOf(events: TransactionEvent[]): TransactionalStore {
  return new TransactionalStore(logOf(events, undefined));
}

function logOf(events: TransactionEvent[], environment: Environment | undefined): TransactionLog {
  let read = 0;
  return {
    append: (event) => {
      const { hasCrashed } = (environment ?? {}) as Partial<SimulatedEnvironment>;
      if (hasCrashed?.() === true) throw new SimulatedCrash('a dead process called a sink');
      events.push(structuredClone(event));
    },
    readNew: () => {
      const from = read;
      read = events.length;
      return events.slice(from);
    },
  };
}
