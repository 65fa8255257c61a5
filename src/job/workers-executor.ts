/**
 * Runs a job on worker threads: p workers for parallelism p, subtask i of every vertex on worker i,
 * rings between them.
 *
 * Invariants:
 * 1. Rings, doorbells and metrics are allocated here, before any thread starts, and die with the
 *    job.
 * 2. No data passes through the host but what the program collects.
 * 3. `run` settles only when every thread is gone; a thread that does not stop within {@link
 *    CANCEL_GRACE_MS} is terminated.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { EnumeratorState } from '../checkpoint/manifest.ts';
import { fromPlainError, MillraceError } from '../base/errors.ts';
import type { SourceSplit } from '../functions/source.ts';
import { describeGraphDifference, graphFingerprint } from '../graph/graph-hash.ts';
import type { ExecutionRequest, JobExecutor, JobModule } from '../graph/job-client.ts';
import type { JobGraph } from '../graph/job-graph.ts';
import { allocateHeartbeats, HeartbeatReader } from '../metrics/heartbeats.ts';
import { connectionsOf } from '../runtime/channel/connections.ts';
import { Doorbell } from '../runtime/ring/doorbell.ts';
import { allocateRing } from '../runtime/ring/index.ts';
import { keyOf } from '../runtime/worker/local-channels.ts';
import { CollectReceiver } from './collect-receiver.ts';
import { JobHandle } from './job-handle.ts';
import type { Attempt, JobExecution, TaskRunner } from './job-runner.ts';
import type { HostMessage, TaskMessage, WorkerDeployment, WorkerMessage } from './messages.ts';
import { runThenClose } from './run-then-close.ts';
import {
  closeCoordinators,
  coordinatorsStarted,
  snapshotCoordinators,
  type SourceCoordinator,
  sourceCoordinators,
} from './source-coordinator.ts';
import { type Stall, Watchdog } from './watchdog.ts';
import type { WorkerThreads, WorkerThreadsFactory } from './threads/worker-threads.ts';

/** How long a worker may take to stop by itself. */
export const CANCEL_GRACE_MS = 500;

/**
 * Up to two workers: some 10 ms of rows, so that one that is preempted does not stop the other at
 * once (windowsum: 1 MiB 9.4, 8 MiB 9.9 M/s, medians of 3 alternating runs; 4 MiB, between them,
 * was not measured apart). Pages that are not written yet cost nothing.
 */
const RING_BYTES_FEW_WORKERS = 4 * 1024 * 1024;
const RING_BYTES = 256 * 1024;
const COLLECT_RING_BYTES = 256 * 1024;

/** The executor over some kind of threads. */
export function workersExecutor(threadsFactory: WorkerThreadsFactory): JobExecutor {
  return {
    execute: (request) => {
      const { module } = request;
      if (module === undefined) throw noModule();
      return new JobHandle(
        request,
        (job) => new WorkersExecution({ request, module, job, threadsFactory }),
      );
    },
  };
}

interface WorkersExecutionOptions {
  readonly request: ExecutionRequest;
  readonly module: JobModule;
  readonly job: JobHandle;
  readonly threadsFactory: WorkerThreadsFactory;
}

/** The threads outlive an attempt: the next one finds the job's module loaded. */
class WorkersExecution implements JobExecution {
  readonly sharesMemory = false;
  readonly #options: WorkersExecutionOptions;
  #threads: WorkerThreads | undefined;

  constructor(options: WorkersExecutionOptions) {
    this.#options = options;
  }

  newAttempt(attempt: Attempt): TaskRunner {
    const { request, threadsFactory } = this.#options;
    const workers = Math.max(1, ...request.graph.vertices.map((vertex) => vertex.parallelism));
    const threads = this.#threads ?? threadsFactory(workers);
    this.#threads = threads;
    const destroyThreads = async (): Promise<void> => {
      if (this.#threads === threads) this.#threads = undefined;
      await threads.destroy();
    };
    return new WorkersRunner({ ...this.#options, attempt, threads, destroyThreads });
  }

  async close(): Promise<void> {
    await this.#threads?.destroy();
  }
}

function operatorName(graph: JobGraph, vertex: number, operator: number | undefined): string {
  const { name, nodes } = graph.vertices[vertex] ?? { name: `vertex ${vertex}`, nodes: [] };
  return (operator === undefined ? undefined : nodes[operator]?.name) ?? name;
}

function noModule(): MillraceError {
  return new MillraceError(
    'JOB_MODULE_INVALID',
    "functions do not cross threads, so the 'workers' executor needs a job module: put the program into a file with " +
      "`export default (env, args) => { … }` and run it with `millrace run file.ts` or executeJobModule(url), or use the 'inline' executor",
  );
}

interface WorkersRunnerOptions extends WorkersExecutionOptions {
  readonly attempt: Attempt;
  readonly threads: WorkerThreads;
  /** Ends the threads, also those that do not answer. */
  readonly destroyThreads: () => Promise<void>;
}

class WorkersRunner implements TaskRunner {
  readonly #options: WorkersRunnerOptions;
  readonly #graph: JobGraph;
  readonly #workers: number;
  readonly #ports: MessagePort[] = [];
  readonly #doorbells: SharedArrayBuffer;
  readonly #heartbeats: SharedArrayBuffer;
  readonly #watchdog: Watchdog;
  readonly #coordinators: ReadonlyMap<number, SourceCoordinator>;
  readonly #receiver: CollectReceiver;
  #readyWorkers = 0;
  #runningWorkers = 0;
  #canceled = false;
  #failure: { readonly error: unknown } | undefined;
  #stopTimer: { cancel(): void } | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: WorkersRunnerOptions) {
    this.#options = options;
    const { request, job, attempt } = options;
    this.#graph = request.graph;
    this.#workers = Math.max(1, ...request.graph.vertices.map((vertex) => vertex.parallelism));
    this.#doorbells = Doorbell.allocate(this.#workers + 1);
    this.#heartbeats = allocateHeartbeats(this.#workers);
    this.#watchdog = new Watchdog({
      clock: request.environment.clock,
      heartbeats: new HeartbeatReader(this.#heartbeats),
      timeoutMs: this.#graph.configuration.watchdogTimeoutMs,
      nameOf: (vertex, operator) => operatorName(this.#graph, vertex, operator),
      onStall: (stall) => this.#stalled(stall),
    });
    const { enumeratorSplits } = attempt;
    const { environment } = request;
    this.#coordinators = sourceCoordinators(
      { vertices: this.#graph.vertices, environment, enumeratorSplits },
      {
        addSplits: (vertex, subtask, splits) => this.#addSplits(vertex, subtask, splits),
        noMoreSplits: (vertex, subtask) =>
          this.#post(subtask, { kind: 'no-more-splits', vertex, subtask }),
      },
      (error) => this.fail(error),
    );
    this.#receiver = new CollectReceiver(
      new Doorbell(this.#doorbells, this.#workers),
      this.#doorbells,
      (name) => job.collectBuffer(name),
    );
  }

  async run(): Promise<boolean> {
    await runThenClose(
      () => this.#runWorkers(),
      () => this.#close(),
    );
    return !this.#canceled;
  }

  async #runWorkers(): Promise<void> {
    const rings = this.#allocateRings();
    this.#watchdog.start();
    const receiving = this.#receiver.run().catch((error: unknown) => this.fail(error));
    const running: Promise<void>[] = [];
    for (let index = 0; index < this.#workers; index++) {
      running.push(this.#runWorker(index, rings));
    }
    await Promise.all(running);
    this.#receiver.end();
    await receiving;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #close(): Promise<void> {
    this.#watchdog.stop();
    this.#receiver.end();
    this.#stopTimer?.cancel();
    await this.#stopped;
    for (const port of this.#ports) port.close();
    await closeCoordinators(this.#coordinators);
  }

  cancel(): void {
    this.#canceled = true;
    this.#stopWorkers();
  }

  wake(): void {
    this.#receiver.wake();
  }

  send(message: TaskMessage): void {
    if (message.kind === 'trigger-checkpoint') {
      const begun = { kind: 'checkpoint-begun', trigger: message.trigger } as const;
      for (const port of this.#ports) port.postMessage(begun satisfies HostMessage);
    }
    for (let index = 0; index < this.#workers; index++) this.#post(index, message);
  }

  enumeratorsStarted(): Promise<void> {
    return coordinatorsStarted(this.#coordinators);
  }

  snapshotEnumerators(): readonly EnumeratorState[] | undefined {
    return snapshotCoordinators(this.#coordinators);
  }

  fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#stopWorkers();
  }

  async #runWorker(index: number, rings: ReadonlyMap<string, SharedArrayBuffer>): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    this.#ports.push(port1);
    port1.on('message', (message: WorkerMessage) => this.#handle(index, message));
    // The thread itself keeps the process alive; the port must not outlive it.
    port1.unref();
    try {
      const outcome = await this.#options.threads.run({
        deployment: this.#deploymentOf(index, rings),
        port: port2,
      });
      if (outcome === 'failed') this.#failureOf(index, port1);
    } catch (error) {
      if (!this.#canceled || this.#failure !== undefined) this.fail(this.#lost(index, error));
    }
  }

  /**
   * A worker that failed has posted why just before it ended: the message is in the port already.
   */
  #failureOf(index: number, port: MessagePort): void {
    for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) {
      this.#handle(index, next.message as WorkerMessage);
    }
    this.fail(new MillraceError('WORKER_LOST', `worker ${index} failed and did not say why`));
  }

  #lost(index: number, error: unknown): unknown {
    if (error instanceof MillraceError) return error;
    const reason = error instanceof Error ? error.message : String(error);
    return new MillraceError('WORKER_LOST', `worker thread ${index} died: ${reason}`, {
      cause: error,
    });
  }

  #handle(index: number, message: WorkerMessage): void {
    switch (message.kind) {
      case 'ready':
        this.#ready(index, message.fingerprint);
        break;
      case 'split-request':
        this.#coordinators.get(message.vertex)?.handleSplitRequest(message.subtask);
        break;
      case 'failed':
        this.fail(fromPlainError(message.error));
        break;
      case 'running':
        this.#runningWorkers++;
        if (this.#runningWorkers === this.#workers) this.#options.attempt.running();
        break;
      default:
        this.#options.attempt.report(message);
    }
  }

  #ready(index: number, fingerprint: ReturnType<typeof graphFingerprint>): void {
    const difference = describeGraphDifference(graphFingerprint(this.#graph), fingerprint);
    if (difference !== undefined) {
      this.fail(
        new MillraceError(
          'JOB_GRAPH_MISMATCH',
          `worker ${index} built another graph than the host: ${difference}; ` +
            'build the graph from the arguments and files alone, not from clock, random or thread',
        ),
      );
      return;
    }
    this.#readyWorkers++;
    if (this.#readyWorkers === this.#workers) this.#start();
  }

  #start(): void {
    for (let index = 0; index < this.#workers; index++) this.#post(index, { kind: 'start' });
    for (const vertex of this.#graph.vertices) {
      const coordinator = this.#coordinators.get(vertex.index);
      if (coordinator === undefined) continue;
      for (let subtask = 0; subtask < vertex.parallelism; subtask++) coordinator.addReader(subtask);
    }
  }

  #addSplits(vertex: number, subtask: number, splits: readonly SourceSplit[]): void {
    this.#post(subtask, { kind: 'add-splits', vertex, subtask, splits });
  }

  #post(index: number, message: HostMessage): void {
    this.#ports[index]?.postMessage(message);
    new Doorbell(this.#doorbells, index).ring();
  }

  /**
   * An operator that has held its worker for twice the time will not give it back: the threads are
   * replaced.
   */
  #stalled({ error, isLost }: Stall): void {
    this.#options.attempt.warn(error);
    if (isLost) this.fail(error);
  }

  #stopWorkers(): void {
    this.#receiver.discard();
    for (let index = 0; index < this.#workers; index++) this.#post(index, { kind: 'cancel' });
    const { clock } = this.#options.request.environment;
    this.#stopTimer ??= clock.setTimer(CANCEL_GRACE_MS, () => {
      this.#stopThreads().catch(() => undefined);
    });
  }

  #stopThreads(): Promise<void> {
    this.#stopped ??= this.#options.destroyThreads();
    return this.#stopped;
  }

  #allocateRings(): ReadonlyMap<string, SharedArrayBuffer> {
    const { ringBytes } = this.#graph.configuration;
    const capacity = ringBytes ?? (this.#workers <= 2 ? RING_BYTES_FEW_WORKERS : RING_BYTES);
    const rings = new Map<string, SharedArrayBuffer>();
    for (const edge of this.#graph.edges) {
      for (const { source, target } of connectionsOf(this.#graph, edge)) {
        if (source !== target) rings.set(keyOf({ edge, source, target }), allocateRing(capacity));
      }
    }
    return rings;
  }

  #deploymentOf(index: number, rings: ReadonlyMap<string, SharedArrayBuffer>): WorkerDeployment {
    const { request, module, job } = this.#options;
    const mine = new Map<string, SharedArrayBuffer>();
    for (const edge of this.#graph.edges) {
      for (const { source, target } of connectionsOf(this.#graph, edge)) {
        const ring = rings.get(keyOf({ edge, source, target }));
        if (ring === undefined || (source !== index && target !== index)) continue;
        mine.set(keyOf({ edge, source, target }), ring);
      }
    }
    return {
      workerIndex: index,
      jobName: request.graph.jobName,
      module,
      configuration: request.graph.configuration,
      state: this.#options.attempt.state,
      heartbeats: this.#heartbeats,
      metricsBuffer: job.metricsBuffer,
      doorbells: this.#doorbells,
      hostDoorbell: this.#workers,
      rings: mine,
      collectRings: this.#collectRings(index),
    };
  }

  #collectRings(index: number): ReadonlyMap<string, SharedArrayBuffer> {
    const rings = new Map<string, SharedArrayBuffer>();
    for (const vertex of this.#graph.vertices) {
      if (index >= vertex.parallelism) continue;
      for (const { spec } of vertex.nodes) {
        if (spec.kind !== 'collect') continue;
        const ring = allocateRing(COLLECT_RING_BYTES);
        rings.set(spec.collectName, ring);
        this.#receiver.add(spec.collectName, ring, index);
      }
    }
    return rings;
  }
}
