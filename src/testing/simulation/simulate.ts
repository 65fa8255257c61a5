/**
 * Runs a job without faults and with them, on one thread, in virtual time, and compares what it
 * gave.
 *
 * Invariants:
 * 1. Everything that happens is a function of the program and the seed.
 * 2. Equal results mean: nothing lost, nothing twice, nothing else, and where keys are given, each
 *    key's records in their order.
 */
import { buildJobGraph, createModuleEnvironment } from '../../api/datastream/module-environment.ts';
import type { StreamExecutionEnvironment } from '../../api/datastream/stream-execution-environment.ts';
import { hasErrorCode, MillraceError } from '../../base/errors.ts';
import type { MemoryFileSystem } from '../../base/memory-file-system.ts';
import { seededRandom } from '../../base/seeded-random.ts';
import { simulatedEnvironment } from '../../base/simulated-environment.ts';
import {
  type FaultKind,
  type FaultRates,
  NO_FAULTS,
  swarmFaultRates,
} from '../../base/simulated-faults.ts';
import { SimulatedMachine } from '../../base/simulated-machine.ts';
import { configurationWith, defaultConfiguration } from '../../graph/configuration.ts';
import type { JobGraph } from '../../graph/job-graph.ts';
import {
  compareResults,
  describeDifferences,
  isSame,
  type ResultDifferences,
  type Results,
} from './compare-results.ts';
import { type CheckpointDamage, damageCheckpoint } from './damage-checkpoint.ts';
import { watchImpurity } from './impurity-watch.ts';
import { liveSimulated, type SimulatedLife } from './simulated-life.ts';
import { SimulatedOutputs } from './simulated-outputs.ts';
import { ignoreDeadProcesses } from './stray-rejections.ts';

/** Builds the program; called anew for each process. What `collectAsync` collects is compared. */
export type SimulationMain = (env: StreamExecutionEnvironment) => unknown;

/** A job that writes to a world of its own. */
export interface SimulationJob<Outside> {
  /** Makes what lies outside of the job and survives its crashes; called anew for each run. */
  readonly outside: () => Outside;
  readonly main: (env: StreamExecutionEnvironment, outside: Outside) => unknown;
  /** What the job has given, at its end: in the world outside, or on the simulated disk. */
  readonly results?: (outside: Outside, disk: MemoryFileSystem) => Iterable<unknown>;
}

/** How {@link simulate} runs a job. */
export interface SimulateOptions {
  /** Everything follows from it. */
  readonly seed: number;
  /** What goes wrong and how often; drawn from the seed if left out. */
  readonly faults?: Partial<FaultRates> | undefined;
  /** Workers and default parallelism (2). */
  readonly parallelism?: number | undefined;
  /**
   * Whether each process runs at a parallelism of its own, up to {@link
   * SimulateOptions.parallelism}.
   */
  readonly rescales?: boolean | undefined;
  /** Between checkpoints, virtual ms (1000). */
  readonly checkpointIntervalMs?: number | undefined;
  /**
   * How probable it is, 0 to 1, that a file of the newest checkpoint is damaged while no process
   * runs (0). With damage a job may go back behind what it has committed, so results may come
   * twice; or it stops and names the damaged file.
   */
  readonly damage?: number | undefined;
  /** Options by key, as after `-D`. */
  readonly configuration?: Readonly<Record<string, string>> | undefined;
  /** The key of a result, where each key's results have one order. */
  readonly keyOf?: ((result: unknown) => unknown) | undefined;
  /**
   * Whether the job is first run twice without faults, at different times, to find code that
   * depends on the clock, on random numbers or on what an earlier run has left in variables (true).
   */
  readonly checksPurity?: boolean | undefined;
  /** Virtual time after which a run counts as one that never ends (an hour). */
  readonly virtualMsMax?: number | undefined;
  /** How to say what repeats the run. */
  readonly replay?: ((seed: number) => string) | undefined;
}

/** What {@link simulate} found. */
export interface SimulationReport {
  readonly seed: number;
  /** Of the run with faults. */
  readonly virtualSeconds: number;
  /** Records that the sources gave, repeated ones included. */
  readonly records: number;
  readonly checkpoints: { readonly completed: number; readonly failed: number };
  readonly crashes: number;
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  /** Processes and attempts after the first. */
  readonly restores: number;
  readonly results: number;
  readonly differences: ResultDifferences;
  /** What was done to files of checkpoints. */
  readonly damages: readonly string[];
  /** Why the job could not go on: only where all retained checkpoints were damaged. */
  readonly stoppedBy: string | undefined;
}

const CHECKPOINT_INTERVAL_MS = 1000;
const VIRTUAL_MS_MAX = 3_600_000;
const PARALLELISM = 2;
/** By how much the clock of the second run without faults is ahead. */
const OTHER_TIME_MS = 123_456_789;
const CHECKPOINTS_FOLDER = '/checkpoints';
/** Attempts beyond the number of faults: a job that fails by itself shall not run for ever. */
const SPARE_ATTEMPTS = 20;

/**
 * Finds out whether a job gives the same when processes die, disks fail and checkpoints are
 * restored.
 *
 * @throws SIMULATION_FAILED if it does not; the message has the seed that repeats it
 * @example
 * const report = await simulate((env) => {
 *   const numbers = env.fromSequence(1, 1000).map((n) => ({ k: n % 10, count: 1 }));
 *   numbers.keyBy('k').sum('count').collectAsync('counts');
 * }, { seed: 7 });
 * report.crashes; // how often it died on the way
 */
export async function simulate<Outside = undefined>(
  job: SimulationMain | SimulationJob<Outside>,
  options: SimulateOptions,
): Promise<SimulationReport> {
  using _watch = watchImpurity();
  const simulation = new Simulation(jobOf(job), options);
  await using _dead = ignoreDeadProcesses(() => simulation.isProcessDead);
  const expected = await simulation.runWithoutFaults(0);
  if (options.checksPurity !== false) {
    const again = await simulation.runWithoutFaults(OTHER_TIME_MS);
    simulation.requireSame(
      expected,
      again,
      'two runs without any fault differ: the job depends on the clock, on random ' +
        'numbers, or on variables that outlive a run',
    );
  }
  // Awaited here: what is in use is let go of only afterwards.
  return await simulation.runWithFaults(expected);
}

function jobOf<Outside>(job: SimulationMain | SimulationJob<Outside>): SimulationJob<Outside> {
  if (typeof job !== 'function') return job;
  return { outside: () => undefined as Outside, main: (env) => job(env) };
}

/** How a run with faults ended. */
interface Outcome {
  readonly damages: readonly CheckpointDamage[];
  readonly failure: { readonly error: unknown } | undefined;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

class Simulation<Outside> {
  readonly #job: SimulationJob<Outside>;
  readonly #options: SimulateOptions;
  #machine: SimulatedMachine | undefined;

  constructor(job: SimulationJob<Outside>, options: SimulateOptions) {
    this.#job = job;
    this.#options = options;
  }

  get isProcessDead(): boolean {
    return this.#machine?.isDead === true;
  }

  async runWithoutFaults(laterMs: number): Promise<Results> {
    const { seed } = this.#options;
    const startMs = simulatedEnvironment({ seed }).clock.now() + laterMs;
    const machine = new SimulatedMachine({ seed, startMs });
    const { life, results } = await this.#run(machine, {}, () => this.#parallelism);
    if (life.failure !== undefined)
      throw this.#failure(textOf(life.failure.error), life.failure.error);
    return results;
  }

  async runWithFaults(expected: Results): Promise<SimulationReport> {
    const { seed, rescales = false } = this.#options;
    const random = seededRandom(seed);
    const swarm = swarmFaultRates(random);
    const faults: FaultRates =
      this.#options.faults === undefined
        ? swarm
        : { ...NO_FAULTS, faultsMax: swarm.faultsMax, ...this.#options.faults };
    const machine = new SimulatedMachine({ seed, faults });
    const parallelism = (): number =>
      rescales ? 1 + random.below(this.#parallelism) : this.#parallelism;
    const startMs = machine.nowMs;
    const damages: CheckpointDamage[] = [];
    const betweenProcesses = (): void => {
      if (random.nextDouble() >= (this.#options.damage ?? 0)) return;
      const damage = damageCheckpoint(machine.disk, CHECKPOINTS_FOLDER, random);
      if (damage !== undefined) damages.push(damage);
    };
    const given = this.#checkpointing(faults);
    const { life, results } = await this.#run(machine, given, parallelism, betweenProcesses);
    const counts = machine.faults.counts();
    return {
      seed,
      virtualSeconds: (machine.nowMs - startMs) / 1000,
      records: life.records,
      checkpoints: { completed: life.completedCheckpoints, failed: life.failedCheckpoints },
      crashes: counts.crash ?? 0,
      faults: counts,
      restores: life.processes - 1 + life.restarts,
      results: [...results.values()].reduce((sum, { length }) => sum + length, 0),
      differences: this.#verdict(expected, results, { damages, failure: life.failure }),
      damages: damages.map(({ path, what }) => `${what}: ${path}`),
      stoppedBy: life.failure === undefined ? undefined : textOf(life.failure.error),
    };
  }

  /** What may differ, and whether a job may have given up, depends on what was damaged. */
  #verdict(expected: Results, found: Results, { damages, failure }: Outcome): ResultDifferences {
    if (failure !== undefined) {
      const { error } = failure;
      const message = textOf(error);
      // A job that stops names a file that is really damaged.
      const isTold =
        hasErrorCode(error, 'CHECKPOINT_DAMAGED') &&
        damages.some(({ path }) => message.includes(path));
      if (!isTold) throw this.#failure(message, error);
    }
    const what = 'the job gives something else when things go wrong';
    if (damages.length === 0) return this.requireSame(expected, found, what);
    const differences = compareResults(expected, found, undefined);
    const lost = failure === undefined ? differences.lost : 0;
    if (lost + differences.wrong === 0) return differences;
    const shown = damages.map(({ path, what: how }) => `${how} ${path}`).join(', ');
    throw this.#failure(`${what} (${shown}): ${describeDifferences(differences)}`, undefined);
  }

  requireSame(expected: Results, found: Results, what: string): ResultDifferences {
    const { keyOf } = this.#options;
    const differences = compareResults(expected, found, keyOf);
    if (isSame(differences)) return differences;
    throw this.#failure(`${what}: ${describeDifferences(differences)}`, undefined);
  }

  get #parallelism(): number {
    return this.#options.parallelism ?? PARALLELISM;
  }

  #checkpointing({ faultsMax }: FaultRates): Readonly<Record<string, string>> {
    const { checkpointIntervalMs = CHECKPOINT_INTERVAL_MS } = this.#options;
    return {
      'execution.checkpointing.dir': `file://${CHECKPOINTS_FOLDER}`,
      'execution.checkpointing.interval': `${checkpointIntervalMs} ms`,
      'execution.checkpointing.tolerable-failed-checkpoints': String(faultsMax),
      'restart-strategy.type': 'fixed-delay',
      'restart-strategy.fixed-delay.attempts': String(faultsMax + SPARE_ATTEMPTS),
      'restart-strategy.fixed-delay.delay': '100 ms',
    };
  }

  async #run(
    machine: SimulatedMachine,
    configuration: Readonly<Record<string, string>>,
    parallelism: () => number,
    betweenProcesses?: () => void,
  ): Promise<{ readonly life: SimulatedLife; readonly results: Results }> {
    const { virtualMsMax = VIRTUAL_MS_MAX } = this.#options;
    this.#machine = machine;
    const outputs = new SimulatedOutputs((this.#options.damage ?? 0) > 0);
    const outside = this.#job.outside();
    try {
      const life = await liveSimulated({
        machine,
        graph: async () => outputs.into(await this.#graph(configuration, parallelism(), outside)),
        betweenProcesses,
        virtualMsMax,
      });
      return { life, results: this.#results(outputs, outside, machine.disk) };
    } catch (error) {
      throw this.#failure(textOf(error), error);
    }
  }

  async #graph(
    given: Readonly<Record<string, string>>,
    parallelism: number,
    outside: Outside,
  ): Promise<JobGraph> {
    const env = createModuleEnvironment(
      configurationWith(
        { ...defaultConfiguration, executor: 'simulated' },
        {
          'parallelism.default': String(parallelism),
          'pipeline.max-parallelism': '128',
          ...given,
          ...this.#options.configuration,
        },
      ),
    );
    await this.#job.main(env, outside);
    return buildJobGraph(env, 'simulated');
  }

  #results(outputs: SimulatedOutputs, outside: Outside, disk: MemoryFileSystem): Results {
    const [violation] = outputs.violations();
    if (violation !== undefined) throw new MillraceError('BUG', violation);
    const results = new Map(outputs.committed());
    if (this.#job.results !== undefined)
      results.set('results', [...this.#job.results(outside, disk)]);
    if (results.size > 0) return results;
    throw new MillraceError(
      'ILLEGAL_ARGUMENT',
      'the job gives nothing to compare: end it in collectAsync(name), or say by results() where its results are',
    );
  }

  #failure(message: string, cause: unknown): MillraceError {
    const { seed, replay = (text: number) => `simulate(job, { seed: ${text} })` } = this.#options;
    return new MillraceError(
      'SIMULATION_FAILED',
      `seed ${seed}: ${message}\nto repeat it: ${replay(seed)}`,
      {
        cause,
        details: { seed },
      },
    );
  }
}
