/**
 * The latency job with its counts in a ValueState on RocksDB, with checkpoints: each 10 s, each 1
 * s, and besides 1 GB of state that does not change.
 */
import type { Bench, BenchResult, Figures } from '../support/bench.ts';
import { mediansOf } from '../support/bench.ts';
import { runModule } from '../support/child.ts';
import { settingConfig, type StateSetting, withState } from '../support/state-setting.ts';
import { checkStateJob } from '../state/updates.ts';
import { latencyConfig, latencySeconds, type LatencySeconds } from './latency.ts';

const RUNS = 3;
const PARALLELISM = 2;
const RATE = 100_000;
const BUFFER_TIMEOUT_MS = 1;
const VALUE_BYTES = 128;
/** With {@link VALUE_BYTES} and its key about 140 bytes each: 1 GB. */
const LARGE_KEYS = 7_000_000;
const QUICK_LARGE_KEYS = 200_000;

const RUNNER = new URL('../programs/run-latency.ts', import.meta.url);
const JOB = new URL('../jobs/latency-state.ts', import.meta.url);

/** One way to run it. */
export interface LatencyLoad {
  readonly setting: StateSetting;
  /** Keys with values besides. */
  readonly fill: number;
}

/** How it is raced: as the harness's `latency` mode with `flink.properties`. */
export const RACED_LOAD: LatencyLoad = {
  setting: { backend: 'rocksdb', checkpointSeconds: 10, memory: '2g' },
  fill: 0,
};

/** See the file's head. */
export const latencyRocksDBBench: Bench = {
  name: 'latency-rocksdb',
  run: async function* ({ quick }): AsyncIterable<BenchResult> {
    await checkStateJob('latency-state', 500, 60_000, ['fill=20000']);
    for (const load of loads(quick)) {
      const each: Figures[] = [];
      for (let run = 0; run < (quick ? 1 : RUNS); run++) {
        each.push(await runLatencyState(load, BUFFER_TIMEOUT_MS, stateSeconds(quick)));
      }
      const medians = mediansOf(each);
      const config = latencyStateConfig(load, BUFFER_TIMEOUT_MS);
      yield { bench: 'latency-rocksdb', config, runs: each.length, medians, each };
    }
  },
};

/** Long enough for some checkpoints. */
export function stateSeconds(quick: boolean): LatencySeconds {
  return quick ? latencySeconds(true) : { warm: 8, measured: 30 };
}

/** One run of ours. */
export function runLatencyState(
  { setting, fill }: LatencyLoad,
  timeoutMs: number,
  { warm, measured }: LatencySeconds,
): Promise<Figures> {
  return withState(setting, (options) =>
    runModule(RUNNER, [
      JOB.href,
      RATE,
      timeoutMs,
      PARALLELISM,
      warm,
      measured,
      `fill=${fill}`,
      `bytes=${VALUE_BYTES}`,
      ...options,
    ]),
  );
}

/** What a result's `config` says of it. */
export function latencyStateConfig(
  { setting, fill }: LatencyLoad,
  timeoutMs: number,
): Record<string, string | number> {
  const besides = fill === 0 ? {} : { otherKeys: fill, otherValueBytes: VALUE_BYTES };
  return { ...latencyConfig(timeoutMs), ...settingConfig(setting), ...besides };
}

function loads(quick: boolean): readonly LatencyLoad[] {
  const everySecond: StateSetting = { ...RACED_LOAD.setting, checkpointSeconds: 1 };
  const fill = quick ? QUICK_LARGE_KEYS : LARGE_KEYS;
  return [
    RACED_LOAD,
    { setting: everySecond, fill: 0 },
    { ...RACED_LOAD, fill },
    { setting: everySecond, fill },
  ];
}
