/**
 * Collects how a running job's checkpoints went, of which the job itself remembers only the last
 * ones: look at it at least as often as some checkpoints end.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { decodeManifest, MANIFEST_NAME } from '../../src/checkpoint/manifest.ts';
import type { CheckpointInfo, JobClient } from '../../src/index.ts';
import type { Figures } from './bench.ts';

const MIB = 2 ** 20;

/** A checkpoint, and what only its manifest says. */
export interface SeenCheckpoint extends CheckpointInfo {
  /** Time on the task's thread in all slices, of the subtask that had most. */
  readonly slicesMs: number;
}

/** See the file's head. */
export class CheckpointLog {
  readonly #job: JobClient;
  readonly #seen = new Map<number, SeenCheckpoint>();

  constructor(job: JobClient) {
    this.#job = job;
  }

  /** Takes over what has ended since. */
  look(): void {
    for (const info of this.#job.checkpoints().history) {
      if (info.kind !== 'checkpoint' || info.isFinal || this.#seen.has(info.checkpointId)) continue;
      this.#seen.set(info.checkpointId, { ...info, slicesMs: slicesMsOf(info.path) });
    }
  }

  /** Those that were triggered from `fromMs` (epoch) on, in order. */
  since(fromMs = 0): readonly SeenCheckpoint[] {
    this.look();
    const infos = [...this.#seen.values()].filter(({ triggeredMs }) => triggeredMs >= fromMs);
    return infos.toSorted((a, b) => a.checkpointId - b.checkpointId);
  }

  /** {@link checkpointFigures} of {@link since}, and how many failed. */
  figures(fromMs = 0): Figures {
    return {
      ...checkpointFigures(this.since(fromMs)),
      checkpointsFailed: this.#job.checkpoints().numFailed,
    };
  }
}

/**
 * What several checkpoints have in common. The longest stop is the longest time for which a
 * subtask's records stood still for one: while it was cut, or for one slice of writing.
 */
export function checkpointFigures(infos: readonly SeenCheckpoint[]): Figures {
  const figure = (of: (info: SeenCheckpoint) => number): number[] => infos.map(of);
  const durations = figure((info) => info.durationMs);
  return {
    checkpoints: infos.length,
    checkpointMeanMs: mean(durations),
    checkpointMaxMs: most(durations),
    checkpointMeanMiB: mean(figure((info) => info.bytes / MIB)),
    checkpointMaxMiB: most(figure((info) => info.bytes / MIB)),
    checkpointFullMiB: (infos.at(-1)?.fullBytes ?? 0) / MIB,
    alignmentMaxMs: most(figure((info) => info.alignmentMs)),
    syncMeanMs: mean(figure((info) => info.syncMs)),
    syncMaxMs: most(figure((info) => info.syncMs)),
    slicesMeanMs: mean(figure((info) => info.slicesMs)),
    longestSliceMs: most(figure((info) => info.longestSliceMs)),
    longestStopMs: most(figure((info) => Math.max(info.syncMs, info.longestSliceMs))),
  };
}

/** NaN of one that has gone already. */
function slicesMsOf(url: string): number {
  const path = `${fileURLToPath(url)}/${MANIFEST_NAME}`;
  try {
    const { subtasks } = decodeManifest(readFileSync(path), path);
    return Math.max(...subtasks.map(({ stats }) => stats.slicesMs));
  } catch {
    return Number.NaN;
  }
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, each) => sum + each, 0) / values.length;
}

function most(values: readonly number[]): number {
  return Math.max(0, ...values);
}
