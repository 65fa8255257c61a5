/**
 * The life of 1 GB of state: filled, checkpointed, saved in both formats, lost with a task and
 * restored, restored by a new process. Like the Flink harness's `state` mode.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench, BenchResult, Figures } from '../support/bench.ts';
import { mediansOf } from '../support/bench.ts';
import { builtModule } from '../support/built.ts';
import { runModule } from '../support/child.ts';
import { sharedNowMs } from '../support/shared-clock.ts';
import {
  settingConfig,
  stateOptions,
  type StateSetting,
  withFolder,
} from '../support/state-setting.ts';
import { checkStateJob } from './updates.ts';

const RUNS = 3;
const RESTORES = 5;
const PARALLELISM = 2;
const VALUE_BYTES = 128;
const RATE = 20_000;

const RUNNER = new URL('../programs/run-state.ts', import.meta.url);
const JOB = new URL('../jobs/state.ts', import.meta.url);
const SETTING: StateSetting = { backend: 'rocksdb', checkpointSeconds: 10, memory: '2g' };

/** What one run leaves for those that restore. */
interface StateRun {
  readonly figures: Figures;
  readonly restores: readonly Figures[];
}

/** See the file's head. */
export const stateBench: Bench = {
  name: 'state',
  run: async function* ({ quick }): AsyncIterable<BenchResult> {
    await checkStateJob('state', 30_000, 120_000);
    const keys = quick ? 300_000 : 7_000_000;
    const runs: StateRun[] = [];
    for (let run = 0; run < (quick ? 1 : RUNS); run++) runs.push(await runState(keys, quick));
    const config = {
      keys,
      valueBytes: VALUE_BYTES,
      updatesPerSecond: RATE,
      parallelism: PARALLELISM,
      ...settingConfig(SETTING),
    };
    const each = runs.map(({ figures }) => figures);
    yield { bench: 'state', config, runs: each.length, medians: mediansOf(each), each };
    const restores = runs.flatMap((run) => run.restores);
    const medians = mediansOf(restores);
    yield { bench: 'restore', config, runs: restores.length, medians, each: restores };
  },
};

function runState(keys: number, quick: boolean): Promise<StateRun> {
  return withFolder(async (folder) => {
    const args = [`bytes=${VALUE_BYTES}`, `rate=${RATE}`];
    const seconds = quick ? 11 : 35;
    const { checkpoint, ...figures } = await runModule<Figures & { readonly checkpoint: string }>(
      RUNNER,
      [
        JOB.href,
        PARALLELISM,
        keys,
        seconds,
        notesFolder(folder, 'run'),
        ...args,
        ...stateOptions(SETTING, folder),
      ],
    );
    const restores: Figures[] = [];
    // The first fills the file cache with the program and does not count.
    for (let restore = -1; restore < (quick ? 1 : RESTORES); restore++) {
      const options = [
        ...stateOptions(SETTING, join(folder, `restore-${restore}`)),
        `execution.state-recovery.path=${checkpoint}`,
      ];
      const notes = notesFolder(folder, `restore-${restore}`);
      const found = await runRestore(notes, [`keys=${keys}`, ...args, ...options]);
      if (restore >= 0) restores.push(found);
    }
    return { figures, restores };
  });
}

/** From built JavaScript, as users have it. */
async function runRestore(notes: string, options: readonly string[]): Promise<Figures> {
  const runner = await builtModule('programs/run-restore.ts');
  const { href } = await builtModule('jobs/state.ts');
  return runModule(runner, [href, PARALLELISM, notes, sharedNowMs(), ...options]);
}

function notesFolder(folder: string, name: string): string {
  const notes = join(folder, `${name}-notes`);
  mkdirSync(notes, { recursive: true });
  return notes;
}
