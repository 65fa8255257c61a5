/** Runs of the update job: what its benches and its race share. */
import type { Figures } from '../support/bench.ts';
import { runModule } from '../support/child.ts';
import { type StateSetting, withState } from '../support/state-setting.ts';

const PARALLELISM = 2;
const CHECKED_KEYS = 30_000;
const CHECKED_EVENTS = 120_000;

const RUNNER = new URL('../programs/run-updates.ts', import.meta.url);
const CHECKER = new URL('../programs/check-state-job.ts', import.meta.url);
const JOB = new URL('../jobs/updates.ts', import.meta.url);

/** What is run. */
export interface UpdateLoad {
  readonly keys: number;
  readonly valueBytes: number;
  readonly distribution: 'uniform' | 'zipf';
  /** Updates per second; 0: as many as go through. */
  readonly perSecond: number;
  readonly warmSeconds: number;
  readonly measuredSeconds: number;
}

/** One run of ours. */
export function runUpdates(load: UpdateLoad, setting: StateSetting): Promise<Figures> {
  const { keys, valueBytes, distribution, perSecond, warmSeconds, measuredSeconds } = load;
  const args = [`bytes=${valueBytes}`, `distribution=${distribution}`, `rate=${perSecond}`];
  return withState(setting, (options) =>
    runModule(RUNNER, [
      JOB.href,
      PARALLELISM,
      keys,
      warmSeconds,
      measuredSeconds,
      ...args,
      ...options,
    ]),
  );
}

/**
 * A small run, in too little memory, whose results are compared with those of a plain computation;
 * throws if they differ.
 */
export async function checkUpdates(distribution: string): Promise<void> {
  await checkStateJob('updates', CHECKED_KEYS, CHECKED_EVENTS, [`distribution=${distribution}`]);
}

/** The same of any job in `programs/check-state-job.ts`. */
export async function checkStateJob(
  name: string,
  keys: number,
  events: number,
  args: readonly string[] = [],
): Promise<void> {
  const setting: StateSetting = { backend: 'rocksdb', checkpointSeconds: 1, memory: '4m' };
  await withState(setting, (options) =>
    runModule(CHECKER, [name, keys, events, ...args, ...options]),
  );
}

/** What a result's `config` says of a load. */
export function loadConfig(load: UpdateLoad): Record<string, string | number> {
  const { keys, valueBytes, distribution, perSecond, warmSeconds, measuredSeconds } = load;
  return {
    parallelism: PARALLELISM,
    keys,
    valueBytes,
    distribution,
    rate: perSecond === 0 ? 'as many as go through' : perSecond,
    warmSeconds,
    measuredSeconds,
  };
}
