import test from 'ava';
import { MillraceError } from '../../base/errors.ts';
import {
  type CheckpointStatistics,
  type ExecutionRequest,
  type JobClient,
  type JobExecutionResult,
  type JobStatus,
  registerJobExecutor,
} from '../../graph/job-client.ts';
import { StreamExecutionEnvironment } from '../../index.ts';

/**
 * Instead of running a job: gives the collect operators given records, and remembers what was done
 * to it.
 */
const NO_CHECKPOINTS: CheckpointStatistics = {
  numCompleted: 0,
  numFailed: 0,
  numInProgress: 0,
  meanDurationMs: 0,
  maxDurationMs: 0,
  totalBytes: 0,
  restored: undefined,
  history: [],
  failures: [],
};

const notAsked = (): Promise<never> => Promise.reject(new Error('not part of the script'));

class ScriptedJob implements JobClient {
  readonly checkpoints = (): CheckpointStatistics => NO_CHECKPOINTS;
  readonly restarts = (): readonly [] => [];
  readonly triggerCheckpoint = notAsked;
  readonly triggerSavepoint = notAsked;
  readonly stopWithSavepoint = notAsked;

  readonly jobId = 'job';
  readonly jobName: string;
  readonly request: ExecutionRequest;
  readonly calls: string[] = [];
  readonly #records: readonly unknown[];
  readonly #failure: Error | undefined;

  constructor(request: ExecutionRequest, records: readonly unknown[], failure?: Error) {
    this.jobName = request.graph.jobName;
    this.request = request;
    this.#records = records;
    this.#failure = failure;
  }

  status(): JobStatus {
    return 'running';
  }

  metrics(): JobExecutionResult['metrics'] {
    return { vertices: [], numRecordsInTotal: 0 };
  }

  async cancel(): Promise<void> {
    this.calls.push('cancel');
  }

  async getJobExecutionResult(): Promise<JobExecutionResult> {
    this.calls.push('result');
    if (this.#failure !== undefined) throw this.#failure;
    const { jobId, jobName } = this;
    const [metrics, checkpoints] = [this.metrics(), this.checkpoints()];
    return { jobId, jobName, netRuntimeMs: 1, metrics, checkpoints };
  }

  async *collected(name: string): AsyncIterableIterator<unknown> {
    this.calls.push(`collected ${name}`);
    for (const record of this.#records) yield record;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.calls.push('dispose');
  }
}

/** An environment whose jobs are scripted, and the jobs that it has started. */
function scripted(
  records: readonly unknown[] = [],
  failure?: Error,
): { readonly env: StreamExecutionEnvironment; readonly jobs: readonly ScriptedJob[] } {
  const jobs: ScriptedJob[] = [];
  registerJobExecutor('simulated', {
    execute(request) {
      const job = new ScriptedJob(request, records, failure);
      jobs.push(job);
      return job;
    },
  });
  return {
    env: StreamExecutionEnvironment.create({ executor: 'simulated', parallelism: 2 }),
    jobs,
  };
}

test.serial('execute waits for the result and leaves nothing of the job', async (t) => {
  const { env, jobs } = scripted();
  env.fromSequence(1, 3).print();
  const result = await env.execute('three');
  t.is(result.jobName, 'three');
  t.deepEqual(jobs[0]?.calls, ['result', 'dispose']);
  t.is(jobs[0]?.request.environment.kind, 'real');
  t.is(jobs[0]?.request.graph.vertices[0]?.parallelism, 2);
});

test.serial('a failed job is disposed, too', async (t) => {
  const { env, jobs } = scripted([], new MillraceError('JOB_FAILED', 'it broke'));
  env.fromSequence(1, 3).print();
  await t.throwsAsync(env.execute(), { message: 'it broke' });
  t.deepEqual(jobs[0]?.calls, ['result', 'dispose']);
});

test.serial(
  'disposing the environment disposes the jobs that still run, and no job starts any more',
  async (t) => {
    const { env, jobs } = scripted();
    env.fromSequence(1, 3).print();
    await env.executeAsync();
    t.deepEqual(jobs[0]?.calls, []);
    await env[Symbol.asyncDispose]();
    await env[Symbol.asyncDispose]();
    t.deepEqual(jobs[0]?.calls, ['dispose']);
    env.fromSequence(1, 3).print();
    await t.throwsAsync(env.execute(), { code: 'ILLEGAL_STATE' });
  },
);

test.serial('executeAndCollect gives the records and checks the result', async (t) => {
  const { env, jobs } = scripted([1, 2]);
  const seen: number[] = [];
  for await (const value of env.fromSequence(1, 2).executeAndCollect('two')) seen.push(value);
  t.deepEqual(seen, [1, 2]);
  t.is(jobs[0]?.jobName, 'two');
  t.deepEqual(jobs[0]?.calls, ['collected executeAndCollect 1', 'result', 'dispose']);
});

test.serial('leaving the loop early cancels the job', async (t) => {
  const { env, jobs } = scripted([1, 2, 3]);
  for await (const value of env.fromSequence(1, 3).executeAndCollect()) if (value === 2) break;
  t.deepEqual(jobs[0]?.calls, ['collected executeAndCollect 1', 'dispose']);
});

test.serial('disposing an iterator that nobody read cancels the job, once', async (t) => {
  const { env, jobs } = scripted([1, 2, 3]);
  {
    await using records = env.fromSequence(1, 3).executeAndCollect();
    await records.close();
    t.deepEqual(await records.next(), { done: true, value: undefined });
  }
  t.deepEqual(jobs[0]?.calls, ['dispose']);
});

test.serial('a job that fails makes the loop throw after its records', async (t) => {
  const { env, jobs } = scripted([1], new MillraceError('JOB_FAILED', 'it broke'));
  const records = env.fromSequence(1, 3).executeAndCollect();
  t.deepEqual(await records.next(), { done: false, value: 1 });
  await t.throwsAsync(records.next(), { message: 'it broke' });
  t.is(jobs[0]?.calls.at(-1), 'dispose');
});

test.serial('executeAndCollect with a limit resolves with the first records', async (t) => {
  const { env, jobs } = scripted([1, 2, 3]);
  t.deepEqual(await env.fromSequence(1, 3).executeAndCollect(2), [1, 2]);
  t.deepEqual(await env.fromSequence(1, 3).executeAndCollect(9), [1, 2, 3]);
  await t.throwsAsync(async () => env.fromSequence(1, 3).executeAndCollect(-1), {
    code: 'ILLEGAL_ARGUMENT',
  });
  t.is(jobs.length, 2);
});

test.serial(
  'an execution takes what was added since the last one, and streams stay usable',
  async (t) => {
    const { env, jobs } = scripted();
    const numbers = env.fromSequence(1, 3).map((n) => n + 1);
    numbers.print();
    await env.execute();
    numbers.filter((n) => n > 1).print();
    await env.execute();
    const names = jobs.map((job) => job.request.graph.vertices.map((vertex) => vertex.name));
    t.deepEqual(names, [
      ['Source: Sequence Source -> Map -> Sink: Print to Std. Out'],
      ['Source: Sequence Source -> Map -> Filter -> Sink: Print to Std. Out'],
    ]);
    await t.throwsAsync(env.execute(), { code: 'JOB_GRAPH_INVALID' });
  },
);

test.serial('options by key are parsed, and named options win', (t) => {
  const env = StreamExecutionEnvironment.getExecutionEnvironment({
    parallelism: 3,
    executor: 'workers',
    configuration: { 'parallelism.default': '2', 'execution.buffer-timeout.interval': '5 ms' },
  });
  t.is(env.getParallelism(), 3);
  t.is(env.getConfiguration().bufferTimeoutMs, 5);
  t.is(env.getConfiguration().executor, 'workers');
});

test.serial('fromData takes values or one array of them', (t) => {
  const { env } = scripted();
  const parametersOf = (): unknown => {
    const [node] = env.getStreamGraph().nodes;
    return node?.spec.kind === 'source' ? node.spec.parameters : undefined;
  };
  env.fromData([1, 2]).print();
  t.deepEqual(parametersOf(), [1, 2]);
  const { env: other } = scripted();
  other.fromData([1], [2]).print();
  const [node] = other.getStreamGraph().nodes;
  t.deepEqual(node?.spec.kind === 'source' ? node.spec.parameters : undefined, [[1], [2]]);
});

test.serial('the execution plan has operators, ship strategies and side outputs as JSON', (t) => {
  const { env } = scripted();
  env
    .fromSequence(1, 3)
    .keyBy((n) => n)
    .sum()
    .name('sums')
    .print();
  const plan = JSON.parse(env.getExecutionPlan()) as { readonly nodes: readonly object[] };
  t.like(plan.nodes[1], {
    type: 'sums',
    parallelism: 2,
    predecessors: [{ id: 1, ship_strategy: 'HASH', side: 'first' }],
  });
});

test.serial('a program that was refused can be mended and tried again', async (t) => {
  const { env, jobs } = scripted([1]);
  const numbers = env.fromSequence(1, 3).setParallelism(3).setMaxParallelism(2);
  t.throws(() => numbers.executeAndCollect(), { code: 'PARALLELISM_INVALID' });
  t.deepEqual(await numbers.setMaxParallelism(3).executeAndCollect(9), [1]);
  t.is(jobs.length, 1);
});
