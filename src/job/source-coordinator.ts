/**
 * Runs a source's split enumerator on the host and passes its splits to the readers, wherever they
 * are.
 */
import type { Environment } from '../base/environment.ts';
import { MillraceError } from '../base/errors.ts';
import type { EnumeratorState } from '../checkpoint/manifest.ts';
import type { SplitEnumerator, SourceSplit } from '../functions/source.ts';
import type { JobVertex } from '../graph/job-graph.ts';

/** How the coordinator reaches its readers. */
export interface ReaderLink {
  addSplits(vertex: number, subtask: number, splits: readonly SourceSplit[]): void;
  noMoreSplits(vertex: number, subtask: number): void;
}

/** What the coordinators of a job's sources need. */
export interface SourceCoordinatorsOptions {
  readonly vertices: readonly JobVertex[];
  readonly environment: Environment;
  /** What an enumerator goes on from, by the operator's id; undefined: it starts anew. */
  readonly enumeratorSplits: (operatorId: string) => readonly unknown[] | undefined;
}

/** See the file's head. Reader calls wait until the enumerator has started. */
export class SourceCoordinator {
  readonly operatorId: string;
  readonly #name: string;
  readonly #started: Promise<SplitEnumerator>;
  readonly #fail: (error: unknown) => void;
  #enumerator: SplitEnumerator | undefined;
  #isStarted = false;
  #closed = false;

  constructor(
    vertex: JobVertex,
    {
      environment,
      enumeratorSplits,
    }: Pick<SourceCoordinatorsOptions, 'environment' | 'enumeratorSplits'>,
    link: ReaderLink,
    fail: (error: unknown) => void,
  ) {
    const spec = vertex.nodes[0]?.spec;
    this.operatorId = vertex.nodes[0]?.operatorId ?? '';
    // Safe: they are what this source's own enumerator gave.
    const restored = enumeratorSplits(this.operatorId) as readonly SourceSplit[] | undefined;
    if (spec?.kind !== 'source') throw new RangeError(`vertex ${vertex.name} is not a source`);
    this.#name = vertex.nodes[0]?.name ?? vertex.name;
    this.#fail = (error) => fail(this.#failure(error));
    this.#started = this.#start(() =>
      spec.source.createEnumerator(
        {
          parallelism: vertex.parallelism,
          environment,
          assignSplit: (split: SourceSplit, subtask: number) => {
            if (!this.#closed) link.addSplits(vertex.index, subtask, [split]);
          },
          signalNoMoreSplits: (subtask: number) => {
            if (!this.#closed) link.noMoreSplits(vertex.index, subtask);
          },
        },
        restored,
      ),
    );
    this.#started.catch(this.#fail);
  }

  /** Resolves when the enumerator has started; never, if it fails to. */
  get started(): Promise<void> {
    return new Promise((resolve) => {
      this.#started.then(
        () => resolve(),
        () => undefined,
      );
    });
  }

  addReader(subtask: number): void {
    this.#afterStart((enumerator) => enumerator.addReader(subtask));
  }

  handleSplitRequest(subtask: number): void {
    this.#afterStart((enumerator) => enumerator.handleSplitRequest(subtask));
  }

  /** The splits not handed out yet; undefined before the enumerator has started. */
  snapshot(): readonly SourceSplit[] | undefined {
    return this.#isStarted ? this.#enumerator?.snapshotState() : undefined;
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
    this.#isStarted = true;
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
  options: SourceCoordinatorsOptions,
  link: ReaderLink,
  fail: (error: unknown) => void,
): ReadonlyMap<number, SourceCoordinator> {
  const coordinators = new Map<number, SourceCoordinator>();
  for (const vertex of options.vertices) {
    if (vertex.nodes[0]?.spec.kind !== 'source') continue;
    coordinators.set(vertex.index, new SourceCoordinator(vertex, options, link, fail));
  }
  return coordinators;
}

/** Resolves when all enumerators have started; what fails there is told elsewhere. */
export async function coordinatorsStarted(
  coordinators: ReadonlyMap<number, SourceCoordinator>,
): Promise<void> {
  await Promise.all([...coordinators.values()].map((coordinator) => coordinator.started));
}

/** The states of all enumerators; undefined while one has not started. */
export function snapshotCoordinators(
  coordinators: ReadonlyMap<number, SourceCoordinator>,
): readonly EnumeratorState[] | undefined {
  const states: EnumeratorState[] = [];
  for (const coordinator of coordinators.values()) {
    const data = coordinator.snapshot();
    if (data === undefined) return undefined;
    states.push({ operatorId: coordinator.operatorId, data });
  }
  return states;
}
