/** Runs a source's split enumerator on the host and passes its splits to the readers, wherever they are. */
import type { Environment } from '../base/environment.ts';
import type { SplitEnumerator, SourceSplit } from '../functions/source.ts';
import type { JobVertex } from '../graph/job-graph.ts';

/** How the coordinator reaches its readers. */
export interface ReaderLink {
  addSplits(vertex: number, subtask: number, splits: readonly SourceSplit[]): void;
  noMoreSplits(vertex: number, subtask: number): void;
}

/** See the file's head. Reader calls wait until the enumerator has started. */
export class SourceCoordinator {
  readonly #enumerator: SplitEnumerator;
  readonly #started: Promise<void>;
  readonly #fail: (error: unknown) => void;
  #closed = false;

  constructor(
    vertex: JobVertex,
    environment: Environment,
    link: ReaderLink,
    fail: (error: unknown) => void,
  ) {
    const spec = vertex.nodes[0]?.spec;
    if (spec?.kind !== 'source') throw new RangeError(`vertex ${vertex.name} is not a source`);
    this.#fail = fail;
    this.#enumerator = spec.source.createEnumerator({
      parallelism: vertex.parallelism,
      environment,
      assignSplit: (split: SourceSplit, subtask: number) => {
        if (!this.#closed) link.addSplits(vertex.index, subtask, [split]);
      },
      signalNoMoreSplits: (subtask: number) => {
        if (!this.#closed) link.noMoreSplits(vertex.index, subtask);
      },
    });
    this.#started = this.#start();
    this.#started.catch(fail);
  }

  addReader(subtask: number): void {
    this.#afterStart(() => this.#enumerator.addReader(subtask));
  }

  handleSplitRequest(subtask: number): void {
    this.#afterStart(() => this.#enumerator.handleSplitRequest(subtask));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#enumerator.close?.();
  }

  async #start(): Promise<void> {
    await this.#enumerator.start?.();
  }

  #afterStart(act: () => void): void {
    this.#started.then(() => {
      if (!this.#closed) act();
    }).catch(this.#fail);
  }
}

/** The coordinators of all sources of a graph, by vertex index. */
export function sourceCoordinators(
  vertices: readonly JobVertex[],
  environment: Environment,
  link: ReaderLink,
  fail: (error: unknown) => void,
): ReadonlyMap<number, SourceCoordinator> {
  const coordinators = new Map<number, SourceCoordinator>();
  for (const vertex of vertices) {
    if (vertex.nodes[0]?.spec.kind !== 'source') continue;
    coordinators.set(vertex.index, new SourceCoordinator(vertex, environment, link, fail));
  }
  return coordinators;
}
