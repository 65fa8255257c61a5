/** Runs a program in simulation from its start to its end: what tests call. */
import { createModuleEnvironment, buildJobGraph } from '../api/datastream/module-environment.ts';
import { hashString } from '../base/hash.ts';
import { type SimulatedEnvironment, simulatedEnvironment } from '../base/simulated-environment.ts';
import {
  configurationWith,
  defaultConfiguration,
  type PipelineConfiguration,
} from '../graph/configuration.ts';
import type { JobExecutionResult } from '../graph/job-client.ts';
import type { JobGraph } from '../graph/job-graph.ts';
import type { JobMain } from '../job/job-module.ts';
import { type SimulatedTurn, simulatedExecutor } from '../job/simulated-executor.ts';

/** How {@link runSimulated} runs a program. */
export interface SimulatedRunOptions {
  /** Print it when a test fails: it repeats the run. */
  readonly seed: number;
  /** Workers and default parallelism (1). */
  readonly parallelism?: number | undefined;
  /** Options by key, as after `-D`. */
  readonly configuration?: Readonly<Record<string, string>> | undefined;
  /** What the program gets as `args`. */
  readonly args?: readonly string[] | undefined;
  /** A world that was prepared: files, clock, faults. Left out: a new one from the seed. */
  readonly environment?: SimulatedEnvironment | undefined;
}

/** What a simulated run leaves. */
export interface SimulatedRun {
  readonly seed: number;
  readonly environment: SimulatedEnvironment;
  readonly result: JobExecutionResult;
  /** The records of `collectAsync(name)`, in the order of arrival. */
  collected(name: string): readonly unknown[];
  /** Turns that workers took. */
  readonly turns: number;
  /** A hash of the turns in their order: equal if two runs went the same way. */
  readonly turnsHash: number;
}

/**
 * Builds a program as a job module's default export does, and runs it to its end in virtual time.
 *
 * @example
 * const run = await runSimulated((env) => {
 *   env.fromSequence(1, 100).rebalance().map((n) => n * n).collectAsync('squares');
 * }, { seed: 7, parallelism: 3 });
 * run.collected('squares').length; // 100
 */
export async function runSimulated(
  main: JobMain,
  options: SimulatedRunOptions,
): Promise<SimulatedRun> {
  const { seed, environment = simulatedEnvironment({ seed }) } = options;
  const graph = await graphOf(main, options);
  let turns = 0;
  let turnsHash = 0;
  const onTurn = ({ worker, progressed, nowMs }: SimulatedTurn): void => {
    turns++;
    turnsHash = hashString(`${turnsHash} ${worker} ${progressed} ${nowMs}`);
  };
  await using job = simulatedExecutor(onTurn).execute({ graph, environment, module: undefined });
  const collected = new Map<string, unknown[]>();
  const reading = collectNames(graph).map(async (name) => {
    const records: unknown[] = [];
    collected.set(name, records);
    for await (const record of job.collected(name)) records.push(record);
  });
  const [result] = await Promise.all([job.getJobExecutionResult(), ...reading]);
  return {
    seed,
    environment,
    result,
    collected: (name) => collected.get(name) ?? [],
    turns,
    turnsHash,
  };
}

async function graphOf(main: JobMain, options: SimulatedRunOptions): Promise<JobGraph> {
  const { parallelism = 1, configuration = {}, args = [] } = options;
  const named: PipelineConfiguration = { ...defaultConfiguration, executor: 'simulated' };
  const env = createModuleEnvironment(
    configurationWith(named, { 'parallelism.default': String(parallelism), ...configuration }),
  );
  await main(env, args);
  return buildJobGraph(env, 'simulated');
}

function collectNames(graph: JobGraph): string[] {
  return graph.vertices.flatMap(({ nodes }) =>
    nodes.flatMap(({ spec }) => (spec.kind === 'collect' ? [spec.collectName] : [])),
  );
}
