/** Our latency and Flink's, by turns, at each buffer time-out. */
import {
  BUFFER_TIMEOUTS_MS,
  latencyConfig,
  latencySeconds,
  runLatency,
} from '../latency/latency.ts';
import { type Figures, mediansOf, printResult } from '../support/bench.ts';
import type { Harness } from './harness.ts';
import type { RaceOptions } from './throughput-race.ts';

const RATE = 100_000;

/** Races and prints one result per buffer time-out. */
export async function raceLatency(harness: Harness, options: RaceOptions): Promise<void> {
  for (const timeoutMs of BUFFER_TIMEOUTS_MS) {
    const pairs: Figures[] = [];
    for (let pair = 0; pair < options.pairs; pair++) {
      pairs.push(await runPair(harness, timeoutMs, options.quick));
    }
    const config = { ...latencyConfig(timeoutMs), flinkBackend: 'hashmap', checkpoints: 'none' };
    const medians = mediansOf(pairs);
    printResult({
      bench: 'versus-flink latency',
      config,
      runs: pairs.length,
      medians,
      each: pairs,
    });
  }
}

async function runPair(harness: Harness, timeoutMs: number, quick: boolean): Promise<Figures> {
  const seconds = latencySeconds(quick);
  const ours = await runLatency(timeoutMs, seconds);
  const times = [`warm=${seconds.warm}`, `seconds=${seconds.measured}`];
  const flink = await harness.run(['latency', RATE, timeoutMs, 2, 'hashmap', ...times]);
  const pair: Record<string, number> = {};
  for (const [name, value] of Object.entries(ours)) pair[`ours ${name}`] = value;
  const names = {
    perSecond: 'rate',
    p50Ms: 'p50ms',
    p90Ms: 'p90ms',
    p99Ms: 'p99ms',
    p999Ms: 'p999ms',
  };
  const others = {
    maxMs: 'maxms',
    cores: 'cores',
    rssMiB: 'rssMB',
    othersCpuSeconds: 'othersCpuSecs',
  };
  for (const [name, theirs] of Object.entries({ ...names, ...others })) {
    pair[`flink ${name}`] = flink[theirs] ?? Number.NaN;
  }
  return pair;
}
