/**
 * A scheduler whose every choice comes from a seed: which of the ready goes first, and in which
 * order those that yielded go on.
 *
 * Invariants:
 * 1. Fair: who yields goes on before anybody who yielded after that round began.
 * 2. Between two that go on, the real event loop turns once, so that promises settle and lazily
 *    imported modules arrive.
 */
import { assert } from './assert.ts';
import type { Random, Scheduler } from './environment.ts';

/** Makes a scheduler that chooses by `random`; `realTurn` lets the real event loop run once. */
export function simulatedScheduler(random: Random, realTurn: () => Promise<void>): Scheduler {
  let waiting: (() => void)[] = [];
  let isRunning = false;

  async function runRounds(): Promise<void> {
    isRunning = true;
    await realTurn();
    while (waiting.length > 0) {
      const round = waiting;
      waiting = [];
      while (round.length > 0) {
        const [resume] = round.splice(random.below(round.length), 1);
        resume?.();
        // Also after the last: those just resumed get to yield again and so to be in the next
        // round.
        await realTurn();
      }
    }
    isRunning = false;
  }

  return {
    yield: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        if (!isRunning) void runRounds();
      }),
    choose(count) {
      assert(count >= 1, () => `there is nothing to choose from: ${count}`);
      return count === 1 ? 0 : random.below(count);
    },
  };
}
