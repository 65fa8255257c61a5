/**
 * Updates of 20 M keys with values of 100 bytes in 1 GB, several times less than the state; and how
 * much memory that took.
 */
import type { Bench, BenchResult, Figures } from '../support/bench.ts';
import { mediansOf } from '../support/bench.ts';
import { settingConfig, type StateSetting } from '../support/state-setting.ts';
import { checkUpdates, loadConfig, runUpdates, type UpdateLoad } from './updates.ts';

const RUNS = 3;
const BUDGET_MIB = 1024;
/** Budgets of the memory check, MiB. */
const CHECKED_BUDGETS_MIB: readonly number[] = [512, 1024];

/** How it is kept, by us and by Flink. */
export const BEYOND_MEMORY_SETTING: StateSetting = {
  backend: 'rocksdb',
  checkpointSeconds: 10,
  memory: memoryOf(BUDGET_MIB),
};

/** How keys are chosen, by turns. */
export const DISTRIBUTIONS: readonly UpdateLoad['distribution'][] = ['uniform', 'zipf'];

/** What is run. */
export function beyondMemoryLoad(
  distribution: UpdateLoad['distribution'],
  quick: boolean,
): UpdateLoad {
  return {
    keys: quick ? 300_000 : 20_000_000,
    valueBytes: 100,
    distribution,
    perSecond: 0,
    warmSeconds: quick ? 1 : 15,
    measuredSeconds: quick ? 3 : 40,
  };
}

/** See the file's head. */
export const beyondMemoryBench: Bench = {
  name: 'beyond-memory',
  run: async function* ({ quick }): AsyncIterable<BenchResult> {
    for (const distribution of DISTRIBUTIONS) {
      await checkUpdates(distribution);
      const load = beyondMemoryLoad(distribution, quick);
      const each: Figures[] = [];
      for (let run = 0; run < (quick ? 1 : RUNS); run++) {
        each.push(await runUpdates(load, BEYOND_MEMORY_SETTING));
      }
      const config = { ...loadConfig(load), ...settingConfig(BEYOND_MEMORY_SETTING) };
      yield { bench: 'beyond-memory', config, runs: each.length, medians: mediansOf(each), each };
    }
  },
};

/** What is resident in all, as a share of the budget: 1.1 is the most it may be. */
export const rocksdbMemoryBench: Bench = {
  name: 'rocksdb-memory',
  run: async function* ({ quick }): AsyncIterable<BenchResult> {
    for (const budgetMiB of CHECKED_BUDGETS_MIB) {
      const setting = { ...BEYOND_MEMORY_SETTING, memory: memoryOf(budgetMiB) };
      const load = beyondMemoryLoad('uniform', quick);
      const figures = await runUpdates(load, setting);
      const medians = {
        ...figures,
        rssOfBudget: (figures['rssMiB'] ?? Number.NaN) / budgetMiB,
        peakRssOfBudget: (figures['peakRssMiB'] ?? Number.NaN) / budgetMiB,
      };
      const config = { ...loadConfig(load), ...settingConfig(setting), budgetMiB };
      yield { bench: 'rocksdb-memory', config, runs: 1, medians };
    }
  },
};

function memoryOf(mib: number): string {
  return `${mib}m`;
}
