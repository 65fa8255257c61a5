/**
 * Our latency and Flink's, by turns: in memory at each buffer time-out, and on RocksDB with
 * checkpoints.
 */
import {
  latencyStateConfig,
  RACED_LOAD,
  runLatencyState,
  stateSeconds,
} from '../latency/latency-rocksdb.ts';
import {
  BUFFER_TIMEOUTS_MS,
  latencyConfig,
  latencySeconds,
  runLatency,
} from '../latency/latency.ts';
import { type Figures, mediansOf, printResult } from '../support/bench.ts';
import { checkStateJob } from '../state/updates.ts';
import type { FlinkFigures, Harness } from './harness.ts';
import type { RaceOptions } from './throughput-race.ts';

const RATE = 100_000;

/** Our names of the harness's figures. */
const FLINK_NAMES: Readonly<Record<string, string>> = {
  perSecond: 'rate',
  p50Ms: 'p50ms',
  p90Ms: 'p90ms',
  p99Ms: 'p99ms',
  p999Ms: 'p999ms',
  maxMs: 'maxms',
  cores: 'cores',
  rssMiB: 'rssMB',
  othersCpuSeconds: 'othersCpuSecs',
};

/** Races and prints one result per buffer time-out. */
export async function raceLatency(harness: Harness, options: RaceOptions): Promise<boolean> {
  const { warm, measured } = latencySeconds(options.quick);
  const times = [`warm=${warm}`, `seconds=${measured}`];
  for (const timeoutMs of BUFFER_TIMEOUTS_MS) {
    const pairs: Figures[] = [];
    for (let pair = 0; pair < options.pairs; pair++) {
      const ours = await runLatency(timeoutMs, { warm, measured });
      const flink = await harness.run(['latency', RATE, timeoutMs, 2, 'hashmap', ...times]);
      pairs.push(pairOf(ours, flink));
    }
    const config = { ...latencyConfig(timeoutMs), flinkBackend: 'hashmap', checkpoints: 'none' };
    print('versus-flink latency', config, pairs);
  }
  return true;
}

/** The same on RocksDB, where both take a checkpoint each 10 s. */
export async function raceLatencyRocksDB(harness: Harness, options: RaceOptions): Promise<boolean> {
  await checkStateJob('latency-state', 500, 60_000);
  const { warm, measured } = stateSeconds(options.quick);
  const { setting } = RACED_LOAD;
  const args = [2, setting.backend, `warm=${warm}`, `seconds=${measured}`];
  for (const timeoutMs of BUFFER_TIMEOUTS_MS) {
    const pairs: Figures[] = [];
    for (let pair = 0; pair < options.pairs; pair++) {
      const ours = await runLatencyState(RACED_LOAD, timeoutMs, { warm, measured });
      const flink = await harness.run(
        ['latency', RATE, timeoutMs, ...args],
        setting.checkpointSeconds,
      );
      pairs.push(pairOf(ours, flink));
    }
    print('versus-flink latency-rocksdb', latencyStateConfig(RACED_LOAD, timeoutMs), pairs);
  }
  return true;
}

function print(
  bench: string,
  config: Readonly<Record<string, string | number>>,
  pairs: readonly Figures[],
): void {
  printResult({ bench, config, runs: pairs.length, medians: mediansOf(pairs), each: pairs });
}

function pairOf(ours: Figures, flink: FlinkFigures): Figures {
  const pair: Record<string, number> = {};
  for (const [name, value] of Object.entries(ours)) pair[`ours ${name}`] = value;
  for (const [name, theirs] of Object.entries(FLINK_NAMES)) {
    pair[`flink ${name}`] = flink[theirs] ?? Number.NaN;
  }
  return pair;
}
