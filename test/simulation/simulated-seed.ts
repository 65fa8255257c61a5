/** One seed of the simulation: a random program, and everything that goes wrong on its way. */
import fc from 'fast-check';
import { simulate, type SimulateOptions, type SimulationReport } from '../../src/testing/index.ts';
import { programArbitrary } from './program-arbitraries.ts';
import { buildProgram, type Program } from './random-program.ts';

const PARALLELISM_MAX = 4;
const ROWS = { minLength: 300, maxLength: 800 };
const ROWS_PER_SECOND = 100;
const CHECKPOINT_INTERVALS_MS = [100, 250, 500, 1000];

/** The program of a seed. */
export function programOf(seed: number): Program {
  const [program] = fc.sample(programArbitrary(PARALLELISM_MAX, false, ROWS), { seed, numRuns: 1 });
  if (program === undefined) throw new Error('no program');
  return { ...program, ratePerSecond: ROWS_PER_SECOND };
}

/** Runs it; throws if the results are not those of a run without faults. */
export async function simulateSeed(
  seed: number,
  more: Pick<SimulateOptions, 'configuration' | 'faults'> = {},
): Promise<SimulationReport> {
  const program = programOf(seed);
  return simulate((env) => buildProgram(env, program), {
    seed,
    parallelism: 1 + (seed % PARALLELISM_MAX),
    rescales: seed % 3 === 0,
    checkpointIntervalMs: CHECKPOINT_INTERVALS_MS[seed % CHECKPOINT_INTERVALS_MS.length] ?? 1000,
    configuration: {
      'taskmanager.memory.ring-size': '4096',
      ...backendOf(seed),
      ...alignmentOf(seed),
      ...more.configuration,
    },
    faults: more.faults,
    // These programs are pure by construction.
    checksPurity: false,
    replay: (text) => `npm run sim -- --seed ${text}`,
  });
}

/**
 * The heap, or the two-level backend, in simulation over the model of its store, with hardly any
 * memory.
 */
function backendOf(seed: number): Readonly<Record<string, string>> {
  if (seed % 2 === 0) return { 'state.backend.type': 'heap' };
  return { 'state.backend.type': 'rocksdb', 'taskmanager.memory.managed.size': '100 kb' };
}

/** Barriers that wait, that overtake at once, and that overtake after a while. */
function alignmentOf(seed: number): Readonly<Record<string, string>> {
  if (seed % 5 > 1) return {};
  return {
    'execution.checkpointing.unaligned.enabled': 'true',
    'execution.checkpointing.aligned-checkpoint-timeout': seed % 5 === 0 ? '0 ms' : '20 ms',
  };
}
