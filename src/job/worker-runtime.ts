/**
 * A worker thread's life: import the job's module, build the same graph as the host, wait for the
 * start, run the tasks.
 *
 * Invariants:
 * 1. No operator is opened before the host has compared the graphs.
 * 2. Subtask i of every vertex runs on worker i.
 * 3. The worker answers control messages between two turns of its loop, and while it sleeps by its
 *    doorbell.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { buildJobGraph } from '../api/datastream/module-environment.ts';
import type { Environment } from '../base/environment.ts';
import { MillraceError, toPlainError } from '../base/errors.ts';
import type { JobGraph } from '../graph/job-graph.ts';
import { graphFingerprint } from '../graph/graph-hash.ts';
import { HeartbeatWriter } from '../metrics/heartbeats.ts';
import type { CollectEndpoint } from '../operators/chain-stage.ts';
import { EdgeSchema } from '../runtime/channel/edge-schema.ts';
import { OverflowQueue } from '../runtime/channel/overflow-queue.ts';
import { RingOutput } from '../runtime/channel/ring-output.ts';
import { Doorbell } from '../runtime/ring/doorbell.ts';
import { RingWriter } from '../runtime/ring/ring-writer.ts';
import { doorbellIdler } from '../runtime/worker/idler.ts';
import { localChannels } from '../runtime/worker/local-channels.ts';
import { ringChannels } from '../runtime/worker/ring-channels.ts';
import { type BuiltTask, buildTask, type ChannelFactory } from '../runtime/worker/task-builder.ts';
import { WorkerLoop } from '../runtime/worker/worker-loop.ts';
import { metricsLayoutOf } from './job-metrics.ts';
import { buildModuleGraph } from './job-module.ts';
import { metricsPublisher } from './local-tasks.ts';
import { TaskControl } from './task-control.ts';
import { type TaskState, taskState } from './task-state.ts';
import type { HostMessage, WorkerDeployment, WorkerMessage, WorkerOutcome } from './messages.ts';

/** Runs one worker to its end. */
export async function runWorker(
  deployment: WorkerDeployment,
  port: MessagePort,
  environment: Environment,
): Promise<WorkerOutcome> {
  const post = (message: WorkerMessage): void => port.postMessage(message);
  try {
    const graph = await buildModuleGraph(
      deployment.module,
      deployment.configuration,
      deployment.jobName,
      buildJobGraph,
    );
    const worker = new RunningWorker(deployment, port, environment, graph);
    post({ kind: 'ready', fingerprint: graphFingerprint(graph) });
    return await worker.run();
  } catch (error) {
    post({ kind: 'failed', error: toPlainError(error) });
    return 'failed';
  } finally {
    port.close();
  }
}

class RunningWorker {
  readonly #deployment: WorkerDeployment;
  readonly #port: MessagePort;
  readonly #environment: Environment;
  readonly #graph: JobGraph;
  readonly #doorbell: Doorbell;
  readonly #collectOutputs: RingOutput[] = [];
  readonly #control: TaskControl;
  #state: TaskState | undefined;
  #loop: WorkerLoop | undefined;
  #tasks: readonly BuiltTask[] = [];
  #started = false;
  #canceled = false;

  constructor(
    deployment: WorkerDeployment,
    port: MessagePort,
    environment: Environment,
    graph: JobGraph,
  ) {
    this.#deployment = deployment;
    this.#port = port;
    this.#environment = environment;
    this.#graph = graph;
    this.#doorbell = new Doorbell(deployment.doorbells, deployment.workerIndex);
    this.#control = new TaskControl({
      tasks: () => this.#tasks,
      checkpointing: graph.configuration.checkpointing,
      receive: () => this.#receive(),
    });
  }

  async run(): Promise<WorkerOutcome> {
    this.#state = this.#openState();
    try {
      return await this.#runTasks();
    } finally {
      this.#state[Symbol.dispose]();
    }
  }

  async #runTasks(): Promise<WorkerOutcome> {
    this.#tasks = this.#buildTasks();
    const environment = this.#environment;
    const publish = metricsPublisher(environment, this.#tasks, () => this.#loop?.times ?? []);
    const loop = new WorkerLoop({
      tasks: this.#tasks.map(({ task }) => task),
      environment,
      idler: doorbellIdler(this.#doorbell, environment.clock),
      onTurn: () => {
        this.#receive();
        publish();
      },
      alwaysTurn: false,
      heartbeat: new HeartbeatWriter(this.#deployment.heartbeats, this.#deployment.workerIndex),
    });
    this.#loop = loop;
    this.#waitForStart();
    if (this.#canceled) return 'canceled';
    const start = (): void => {
      for (const { source } of this.#tasks) source?.start();
      this.#port.postMessage({ kind: 'running' } satisfies WorkerMessage);
    };
    try {
      return (await loop.run(start)) ? 'finished' : 'canceled';
    } finally {
      publish(true);
      for (const output of this.#collectOutputs) output.close();
    }
  }

  /** Sleeps until the host has compared the graphs. */
  #waitForStart(): void {
    while (!this.#started && !this.#canceled) {
      this.#doorbell.prepare();
      // What follows the start is for readers, which are opened first.
      while (!this.#started && this.#receiveOne());
      if (this.#started || this.#canceled) this.#doorbell.cancel();
      else this.#doorbell.wait(Number.POSITIVE_INFINITY);
    }
  }

  #receive(): void {
    while (this.#receiveOne());
  }

  #receiveOne(): boolean {
    const received = receiveMessageOnPort(this.#port);
    if (received === undefined) return false;
    this.#handle(received.message as HostMessage);
    return true;
  }

  #handle(message: HostMessage): void {
    switch (message.kind) {
      case 'start':
        this.#started = true;
        break;
      case 'cancel':
        this.#canceled = true;
        this.#loop?.cancel();
        break;
      case 'add-splits':
        this.#task(message.vertex, message.subtask)?.source?.addSplits(message.splits);
        break;
      case 'no-more-splits':
        this.#task(message.vertex, message.subtask)?.source?.notifyNoMoreSplits();
        break;
      default:
        this.#control.handle(message);
    }
  }

  #task(vertex: number, subtask: number): BuiltTask | undefined {
    return this.#tasks.find((each) => each.vertex.index === vertex && each.subtask === subtask);
  }

  #openState(): TaskState {
    const { workerIndex, state } = this.#deployment;
    return taskState({
      graph: this.#graph,
      environment: this.#environment,
      state,
      workers: Math.max(1, ...this.#graph.vertices.map(({ parallelism }) => parallelism)),
      workerIndex,
      placeOf: (checkpointId) => this.#control.placeOf(checkpointId),
      report: (report) => this.#port.postMessage(report satisfies WorkerMessage),
    });
  }

  #buildTasks(): BuiltTask[] {
    const graph = this.#graph;
    const { workerIndex, metricsBuffer } = this.#deployment;
    const options = {
      graph,
      environment: this.#environment,
      metricsLayout: metricsLayoutOf(graph),
      metricsBuffer,
      channels: localChannels({
        fileSystem: this.#environment.fileSystem,
        overflowBytesMax: graph.configuration.overflowBytesMax,
        isLocal: ({ source, target }) => source === target,
        remote: this.#ringChannels(),
      }),
      collectEndpoint: (name: string) => this.#collectEndpoint(name),
      sendSplitRequest: (vertex: number, subtask: number) => {
        const message: WorkerMessage = { kind: 'split-request', vertex, subtask };
        this.#port.postMessage(message);
      },
      wake: () => this.#doorbell.ring(),
      fail: (error: unknown) => this.#loop?.fail(error),
      state: (this.#state as TaskState).services,
    };
    return graph.vertices
      .filter((vertex) => workerIndex < vertex.parallelism)
      .map((vertex) => buildTask(options, vertex, workerIndex));
  }

  #ringChannels(): ChannelFactory {
    const { rings, doorbells } = this.#deployment;
    return ringChannels({
      ring: (key) => {
        const shared = rings.get(key);
        if (shared === undefined) throw new MillraceError('BUG', `there is no ring ${key}`);
        return shared;
      },
      doorbells,
      fileSystem: this.#environment.fileSystem,
      overflowBytesMax: this.#graph.configuration.overflowBytesMax,
      barrierOf: (checkpointId) => this.#control.barrierOf(checkpointId),
    });
  }

  #collectEndpoint(name: string): CollectEndpoint {
    const { collectRings, doorbells, hostDoorbell } = this.#deployment;
    const shared = collectRings.get(name);
    if (shared === undefined) throw new MillraceError('BUG', `there is no collect ring ${name}`);
    const output = new RingOutput(
      new RingWriter(shared, new Doorbell(doorbells, hostDoorbell)),
      new EdgeSchema(undefined, false, `Collect ${name}`),
      new OverflowQueue(this.#environment.fileSystem, this.#graph.configuration.overflowBytesMax),
      () => undefined,
    );
    this.#collectOutputs.push(output);
    return {
      append: (value, timestamp) => output.append(value, timestamp, 0),
      hasCredit: () => output.hasCredit(),
      flush: () => {
        output.flush();
        output.publish();
      },
    };
  }
}
