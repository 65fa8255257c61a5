/**
 * How a run keeps its keyed state, as options of a job; and the temporary folder that it needs for
 * databases, checkpoints and savepoints, which goes when the run is over.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** See the file's head. */
export interface StateSetting {
  readonly backend: 'heap' | 'rocksdb';
  /** Undefined: no checkpoints. */
  readonly checkpointSeconds?: number | undefined;
  /** Memory for state, as the configuration takes it: `1g`. */
  readonly memory?: string | undefined;
}

/** A folder below the temporary one, for the time of a call. */
export async function withFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  try {
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Calls `run` with the options of a setting, `key=value`. */
export function withState<T>(
  setting: StateSetting | undefined,
  run: (options: readonly string[]) => Promise<T>,
): Promise<T> {
  if (setting === undefined) return run([]);
  return withFolder((folder) => run(stateOptions(setting, folder)));
}

/** The options of a setting, `key=value`, with all files below a folder. */
export function stateOptions(setting: StateSetting, folder: string): string[] {
  const { backend, checkpointSeconds, memory } = setting;
  const options = [
    `state.backend.type=${backend}`,
    `execution.checkpointing.dir=${folder}/checkpoints`,
    `execution.checkpointing.savepoint-dir=${folder}/savepoints`,
  ];
  if (backend === 'rocksdb') options.push(`state.backend.rocksdb.localdir=${folder}/rocksdb`);
  if (memory !== undefined) options.push(`taskmanager.memory.managed.size=${memory}`);
  if (checkpointSeconds !== undefined) {
    options.push(`execution.checkpointing.interval=${checkpointSeconds} s`);
  }
  return options;
}

/** What a result's `config` says of a setting. */
export function settingConfig(setting: StateSetting): Record<string, string | number> {
  const { backend, checkpointSeconds, memory } = setting;
  return {
    backend,
    checkpoints: checkpointSeconds === undefined ? 'none' : `every ${checkpointSeconds} s`,
    ...(memory === undefined ? {} : { stateMemory: memory }),
  };
}
