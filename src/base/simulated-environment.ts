/**
 * The simulated Environment: virtual time, seeded random numbers and order, disk and network in
 * memory.
 *
 * Invariants:
 * 1. What a program does with it is a function of the program and the seed.
 * 2. The scheduler, the network and the program draw from generators of their own, so one more draw
 *    by the program does not change the order of everything else.
 */
import type { Environment } from './environment.ts';
import { type MemoryFileSystem, memoryFileSystem } from './memory-file-system.ts';
import { realEnvironment } from './real-environment.ts';
import { type SeededRandom, seededRandom } from './seeded-random.ts';
import { type SimulatedClock, simulatedClock } from './simulated-clock.ts';
import { type SimulatedNetwork, simulatedNetwork } from './simulated-network.ts';
import { simulatedScheduler } from './simulated-scheduler.ts';

/** Options of {@link simulatedEnvironment}. */
export interface SimulatedEnvironmentOptions {
  readonly seed: number;
  /** Where the clock stands at first, in epoch milliseconds; 2020-01-01T00:00:00Z if left out. */
  readonly startMs?: number | undefined;
}

/** An {@link Environment} whose clock, disk and network can be driven by hand. */
export interface SimulatedEnvironment extends Environment {
  readonly kind: 'simulated';
  /** Print it when a test fails: it repeats the run. */
  readonly seed: number;
  readonly random: SeededRandom;
  readonly clock: SimulatedClock;
  readonly fileSystem: MemoryFileSystem;
  readonly network: SimulatedNetwork;
  /**
   * Whether the process of this world has died: whoever runs it drops everything, and closes
   * nothing.
   */
  readonly hasCrashed?: (() => boolean) | undefined;
}

const START_MS = 1_577_836_800_000;

/** Makes a world of its own from a seed. */
export function simulatedEnvironment(options: SimulatedEnvironmentOptions): SimulatedEnvironment {
  const source = seededRandom(options.seed);
  const clock = simulatedClock(options.startMs ?? START_MS);
  const real = realEnvironment();
  const scheduler = simulatedScheduler(source.fork(), () => real.scheduler.yield());
  return {
    kind: 'simulated',
    seed: options.seed,
    clock,
    scheduler,
    random: source.fork(),
    fileSystem: memoryFileSystem({ now: () => clock.now() }),
    network: simulatedNetwork({ random: source.fork(), scheduler }),
  };
}
