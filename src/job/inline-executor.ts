/**
 * Runs all subtasks cooperatively on the calling thread; rows pass by reference. The default for
 * embedded jobs, and all that `millrace/native-free` needs.
 */
import type { ExecutionRequest, JobClient, JobExecutor } from '../graph/job-client.ts';
import { eventLoopIdler } from '../runtime/worker/idler.ts';
import { localChannels } from '../runtime/worker/local-channels.ts';
import { WorkerLoop } from '../runtime/worker/worker-loop.ts';
import { JobHandle } from './job-handle.ts';
import type { Attempt, TaskRunner } from './job-runner.ts';
import { LocalTasks, metricsPublisher } from './local-tasks.ts';
import { runThenClose } from './run-then-close.ts';

/** See the file's head. */
export const inlineExecutor: JobExecutor = {
  execute: (request: ExecutionRequest): JobClient =>
    new JobHandle(request, (job) => ({
      newAttempt: (attempt) => inlineRunner(request, job, attempt),
      sharesMemory: true,
      close: async () => undefined,
    })),
};

function inlineRunner(request: ExecutionRequest, job: JobHandle, attempt: Attempt): TaskRunner {
  const { environment, graph } = request;
  const idler = eventLoopIdler(environment);
  const channels = localChannels({
    fileSystem: environment.fileSystem,
    overflowBytesMax: graph.configuration.overflowBytesMax,
    isLocal: () => true,
    remote: undefined,
  });
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown): void => {
    failure ??= { error };
    loop?.fail(error);
  };
  let loop: WorkerLoop | undefined;
  const wake = (): void => idler.wake();
  const local = new LocalTasks({
    request,
    job,
    attempt,
    workers: 1,
    channels: () => channels,
    wake,
    fail,
  });
  const publish = metricsPublisher(environment, local.tasks, () => loop?.times ?? []);
  return {
    run: async () => {
      const running = new WorkerLoop({
        tasks: local.tasks.map(({ task }) => task),
        environment,
        idler,
        onTurn: () => publish(),
        alwaysTurn: true,
      });
      loop = running;
      if (failure !== undefined) running.fail(failure.error);
      return runThenClose(
        () =>
          running.run(() => {
            local.start();
            attempt.running();
          }),
        async () => {
          publish(true);
          await local.close();
        },
      );
    },
    cancel: () => loop?.cancel(),
    fail,
    wake,
    send: (message) => local.send(message),
    enumeratorsStarted: () => local.enumeratorsStarted(),
    snapshotEnumerators: () => local.snapshotEnumerators(),
  };
}
