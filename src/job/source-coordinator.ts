/** Runs a source's split enumerator on the host and passes its splits to the readers, wherever they are. */
import type { Environment } from '../base/environment.ts';
import { MillraceError } from '../base/errors.ts';
import type { SplitEnumerator, SourceSplit } from '../functions/source.ts';
import type { JobVertex } from '../graph/job-graph.ts';

/** How the coordinator reaches its readers. */
export interface ReaderLink {
  addSplits(vertex: number, subtask: number, splits: readonly SourceSplit[]): void;
  noMoreSplits(vertex: number, subtask: number): void;
}

/** See the file's head. Reader calls wait until the enumerator has started. */
export class SourceCoordinator {
  readonly #name: string;
  readonly #started: Promise<SplitEnumerator>;
  readonly #fail: (error: unknown) => void;
  #enumerator: SplitEnumerator | undefined;
  #closed = false;

  constructor(
    vertex: JobVertex,
    environment: Environment,
    link: ReaderLink,
    fail: (error: unknown) => void,
  ) {
    const spec = vertex.nodes[0]?.spec;
    if (spec?.kind !== 'source') throw new RangeError(`vertex ${vertex.name} is not a source`);
    this.#name = vertex.nodes[0]?.name ?? vertex.name;
    this.#fail = (error) => fail(this.#failure(error));
    this.#started = this.#start(() =>
      spec.source.createEnumerator({
        parallelism: vertex.parallelism,
        environment,
        assignSplit: (split: SourceSplit, subtask: number) => {
          if (!this.#closed) link.addSplits(vertex.index, subtask, [split]);
        },
        signalNoMoreSplits: (subtask: number) => {
          if (!this.#closed) link.noMoreSplits(vertex.index, subtask);
        },
      }),
    );
    this.#started.catch(this.#fail);
  }

  addReader(subtask: number): void {
    this.#afterStart((enumerator) => enumerator.addReader(subtask));
  }

  handleSplitRequest(subtask: number): void {
    this.#afterStart((enumerator) => enumerator.handleSplitRequest(subtask));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#enumerator?.close?.();
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async #start(create: () => SplitEnumerator): Promise<SplitEnumerator> {
    const enumerator = create();
    this.#enumerator = enumerator;
    await enumerator.start?.();
    return enumerator;
  }

  #afterStart(act: (enumerator: SplitEnumerator) => void): void {
    this.#started
      .then((enumerator) => {
        if (!this.#closed) act(enumerator);
      })
      .catch(this.#fail);
  }

  /** Names the operator; a failure of the engine's own kind keeps its code. */
  #failure(error: unknown): MillraceError {
    const code = error instanceof MillraceError ? error.code : 'USER_FUNCTION_FAILED';
    const message = error instanceof Error ? error.message : String(error);
    const details = error instanceof MillraceError ? error.details : {};
    return new MillraceError(
      code,
      `the split enumerator of operator '${this.#name}' failed: ${message}`,
      { cause: error, details: { ...details, operator: this.#name } },
    );
  }
}

/** Closes all coordinators; throws the first failure when all are closed. */
export async function closeCoordinators(
  coordinators: ReadonlyMap<number, SourceCoordinator>,
): Promise<void> {
  const closing = await Promise.allSettled(
    [...coordinators.values()].map((coordinator) => coordinator.close()),
  );
  for (const result of closing) if (result.status === 'rejected') throw result.reason;
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
