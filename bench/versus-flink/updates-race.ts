/**
 * Updates of a state several times as large as the memory for it, by turns: our job and its twin in
 * Java, the same keys and values, on RocksDB with as much memory for it. (Flink's heap of 4 GiB
 * comes on top of that.)
 */
import { type Figures, mediansOf, printResult } from '../support/bench.ts';
import { settingConfig } from '../support/state-setting.ts';
import { BEYOND_MEMORY_SETTING, beyondMemoryLoad, DISTRIBUTIONS } from '../state/beyond-memory.ts';
import { checkUpdates, loadConfig, runUpdates, type UpdateLoad } from '../state/updates.ts';
import type { Harness } from './harness.ts';
import type { RaceOptions } from './throughput-race.ts';

/** Prints one result per distribution. */
export async function raceUpdates(harness: Harness, options: RaceOptions): Promise<boolean> {
  for (const distribution of DISTRIBUTIONS) {
    await checkUpdates(distribution);
    const load = beyondMemoryLoad(distribution, options.quick);
    const pairs: Figures[] = [];
    for (let pair = 0; pair < options.pairs; pair++) pairs.push(await runPair(load, harness));
    printResult({
      bench: 'versus-flink beyond-memory',
      config: { ...loadConfig(load), ...settingConfig(BEYOND_MEMORY_SETTING) },
      runs: pairs.length,
      medians: mediansOf(pairs),
      each: pairs,
    });
  }
  return true;
}

async function runPair(load: UpdateLoad, harness: Harness): Promise<Figures> {
  const { keys, valueBytes, distribution, warmSeconds, measuredSeconds } = load;
  const ours = await runUpdates(load, BEYOND_MEMORY_SETTING);
  const { backend, memory, checkpointSeconds } = BEYOND_MEMORY_SETTING;
  const flink = await harness.runClass(
    'Updates',
    [
      `keys=${keys}`,
      `bytes=${valueBytes}`,
      `distribution=${distribution}`,
      `warm=${warmSeconds}`,
      `seconds=${measuredSeconds}`,
      'p=2',
      `backend=${backend}`,
      `conf.taskmanager.memory.managed.size=${memory}`,
    ],
    checkpointSeconds,
  );
  const figure = (of: Figures, name: string): number => of[name] ?? Number.NaN;
  return {
    ratio: figure(ours, 'perSecond') / figure(flink, 'perSecond'),
    cpuRatio: figure(flink, 'cpuNanosPerUpdate') / figure(ours, 'cpuNanosPerUpdate'),
    fillRatio: figure(ours, 'fillPerSecond') / figure(flink, 'fillPerSecond'),
    ...prefixed('ours', ours),
    ...prefixed('flink', flink),
  };
}

function prefixed(side: string, figures: Figures): Figures {
  const numbers = Object.entries(figures).filter(([, value]) => typeof value === 'number');
  return Object.fromEntries(numbers.map(([name, value]) => [`${side} ${name}`, value]));
}
