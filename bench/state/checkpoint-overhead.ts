/**
 * What checkpoints cost: wordcount with 1 M keys without them and with one each second, by turns;
 * and how those of a large state go while some of it changes.
 */
import { throughputJob } from '../jobs/throughput.ts';
import type { Bench, BenchOptions, BenchResult, Figures } from '../support/bench.ts';
import { mediansOf } from '../support/bench.ts';
import { settingConfig, type StateSetting } from '../support/state-setting.ts';
import type { ThroughputFigures } from '../support/throughput-figures.ts';
import { checkResults, runOurs } from '../throughput/throughput.ts';
import { loadConfig, runUpdates, type UpdateLoad } from './updates.ts';

const PAIRS = 5;
const EVENTS = 120_000_000;
const INTERVAL_SECONDS = 1;
const MEMORY = '2g';
const LARGE_MEMORY = '3g';
const LARGE_RUNS = 3;
/** Updates per second of the large state. */
const LARGE_RATE = 100_000;

/** See the file's head. */
export const checkpointOverheadBench: Bench = {
  name: 'checkpoint-overhead',
  run: async function* (options): AsyncIterable<BenchResult> {
    for (const backend of ['rocksdb', 'heap'] as const) yield await overhead(backend, options);
    yield await largeState(options);
  },
};

async function overhead(
  backend: StateSetting['backend'],
  { quick }: BenchOptions,
): Promise<BenchResult> {
  const job = throughputJob('wordcount');
  const events = quick ? job.quickEvents : EVENTS;
  const without: StateSetting = { backend, memory: MEMORY };
  const withThem: StateSetting = { ...without, checkpointSeconds: INTERVAL_SECONDS };
  await checkResults(job, withThem);
  const pairs: Figures[] = [];
  for (let pair = 0; pair < (quick ? 1 : PAIRS); pair++) {
    const off = await runOurs(job, events, without);
    pairs.push(comparison(off, await runOurs(job, events, withThem)));
  }
  const config = { job: job.name, events, keys: job.keys, ...settingConfig(withThem) };
  const medians = mediansOf(pairs);
  return { bench: 'checkpoint-overhead', config, runs: pairs.length, medians, each: pairs };
}

function comparison(off: ThroughputFigures, on: ThroughputFigures): Figures {
  const isOfCheckpoints = (name: string): boolean => !(name in off);
  return {
    ratio: on.perSecond / off.perSecond,
    steadyRatio: on.steadyPerSecond / off.steadyPerSecond,
    cpuRatio: off.cpuNanosPerRecord / on.cpuNanosPerRecord,
    offPerSecond: off.perSecond,
    onPerSecond: on.perSecond,
    offCores: off.cores,
    onCores: on.cores,
    offCpuNanosPerRecord: off.cpuNanosPerRecord,
    onCpuNanosPerRecord: on.cpuNanosPerRecord,
    onPeakRssMiB: on.peakRssMiB,
    ...Object.fromEntries(Object.entries(on).filter(([name]) => isOfCheckpoints(name))),
  };
}

async function largeState({ quick }: BenchOptions): Promise<BenchResult> {
  const load: UpdateLoad = {
    keys: quick ? 300_000 : 10_000_000,
    valueBytes: 100,
    distribution: 'uniform',
    perSecond: LARGE_RATE,
    warmSeconds: quick ? 2 : 15,
    measuredSeconds: quick ? 3 : 30,
  };
  const setting: StateSetting = {
    backend: 'rocksdb',
    memory: LARGE_MEMORY,
    checkpointSeconds: INTERVAL_SECONDS,
  };
  const each: Figures[] = [];
  for (let run = 0; run < (quick ? 1 : LARGE_RUNS); run++) {
    each.push(await runUpdates(load, setting));
  }
  const config = { job: 'updates', ...loadConfig(load), ...settingConfig(setting) };
  const medians = mediansOf(each);
  return { bench: 'checkpoint-overhead', config, runs: each.length, medians, each };
}
