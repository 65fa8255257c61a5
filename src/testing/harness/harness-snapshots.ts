/**
 * Snapshots of an operator under test: their files in memory, and what several of them give to one
 * subtask of a later run.
 *
 * Invariants:
 * 1. A snapshot is plain data and complete: it holds every file that it names.
 * 2. What a subtask takes over is planned as for a job's checkpoint.
 */
import { crc32 } from 'node:zlib';
import type { FileSystem } from '../../base/environment.ts';
import { MillraceError } from '../../base/errors.ts';
import type { CheckpointManifest } from '../../checkpoint/manifest.ts';
import { planRestore } from '../../checkpoint/restore-plan.ts';
import type { AssignedState, SubtaskState } from '../../checkpoint/subtask-state.ts';
import type { RestoredState } from '../../runtime/task/chain-state.ts';
import type { SnapshotFiles } from '../../runtime/task/task-checkpoints.ts';
import type {
  FileRef,
  KeyedStateHandle,
  SnapshotFileWriter,
  SnapshotInput,
} from '../../state/snapshot.ts';
import type { HarnessProgram } from './harness-program.ts';

/** A snapshot of one subtask of an operator: give it to a harness of the same operator. */
export interface HarnessSnapshot {
  readonly checkpointId: number;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly subtask: number;
  /** When it was taken, by the harness's clock. */
  readonly nowMs: number;
  readonly state: SubtaskState;
  /** By the path that the state names. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** On sources: what the enumerator has not handed out. */
  readonly splitsLeft: readonly unknown[] | undefined;
}

/** Makes the names of files differ between harnesses. */
let harnesses = 0;

/**
 * The files that the snapshots of one harness have written, and those that it was restored from.
 */
export class HarnessFiles implements SnapshotInput {
  readonly #files = new Map<string, Uint8Array>();
  readonly #fileSystem: FileSystem;
  readonly #prefix = `harness-${++harnesses}`;
  #count = 0;

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem;
  }

  add(files: ReadonlyMap<string, Uint8Array>): void {
    for (const [path, bytes] of files) this.#files.set(path, bytes);
  }

  /** The files that a state names. */
  namedBy(state: SubtaskState): ReadonlyMap<string, Uint8Array> {
    const named = new Map<string, Uint8Array>();
    for (const { keyed } of state.operators) {
      for (const file of keyed === undefined ? [] : filesOf(keyed)) {
        named.set(file.path, this.read(file));
      }
    }
    return named;
  }

  read(file: FileRef): Uint8Array {
    const bytes = this.#files.get(file.path);
    if (bytes?.length === file.bytes && crc32(bytes) === file.checksum) return bytes;
    throw new MillraceError(
      'CHECKPOINT_DAMAGED',
      `the snapshot's file '${file.path}' is ${bytes === undefined ? 'missing' : 'damaged'}`,
      { details: { path: file.path } },
    );
  }

  materialize(file: FileRef, localPath: string): void {
    using handle = this.#fileSystem.open(localPath, 'write');
    handle.append(this.read(file));
  }

  /** Where one snapshot writes. */
  output(checkpointId: number): SnapshotFiles {
    const newFiles: FileRef[] = [];
    const create = (hint: string): SnapshotFileWriter => {
      const path = `${this.#prefix}/${checkpointId}-${this.#count++}-${hint}`;
      const chunks: Uint8Array[] = [];
      return {
        write: (bytes) => void chunks.push(bytes.slice()),
        close: () => {
          const bytes = Buffer.concat(chunks);
          this.#files.set(path, bytes);
          const file = { path, bytes: bytes.length, checksum: crc32(bytes) };
          newFiles.push(file);
          return file;
        },
        abort: () => undefined,
      };
    };
    return {
      newFiles,
      create,
      adopt: async (localPath, hint) => {
        const writer = create(hint);
        writer.write(readWhole(this.#fileSystem, localPath));
        return writer.close();
      },
      discard: () => {
        for (const { path } of newFiles.splice(0)) this.#files.delete(path);
      },
    };
  }
}

/** What the subtask of `program` takes over from snapshots of all old subtasks. */
export function restoredFrom(
  snapshots: readonly HarnessSnapshot[],
  program: HarnessProgram,
  subtask: number,
  files: HarnessFiles,
): RestoredState {
  const { vertex, node } = program;
  const { parallelism, maxParallelism } = vertex;
  const { operatorId, name, uid } = node;
  const plan = planRestore({
    manifest: manifestOf(snapshots, program),
    operators: [{ operatorId, name, uid, parallelism, maxParallelism }],
    allowNonRestoredState: false,
  });
  for (const snapshot of snapshots) files.add(snapshot.files);
  return {
    input: files,
    of: (id): AssignedState | undefined => plan.assigned(id, subtask),
  };
}

function manifestOf(
  snapshots: readonly HarnessSnapshot[],
  { node, graph }: HarnessProgram,
): CheckpointManifest {
  const [first] = snapshots;
  if (first === undefined || snapshots.length !== first.parallelism) {
    throw new MillraceError(
      'ILLEGAL_ARGUMENT',
      `operator '${node.name}' got ${snapshots.length} snapshots: give those of all ` +
        `${first?.parallelism ?? 1} subtasks that ran`,
    );
  }
  const { operatorId, name, uid, spec } = node;
  const { parallelism, maxParallelism, nowMs } = first;
  const operator = { operatorId, name, uid, kind: spec.kind, vertex: 0 };
  return {
    jobId: graph.jobName,
    jobName: graph.jobName,
    checkpointId: first.checkpointId,
    epoch: 1,
    kind: 'checkpoint',
    snapshotKind: 'full',
    triggeredMs: nowMs,
    completedMs: nowMs,
    isDrained: false,
    isFinal: false,
    operators: [{ ...operator, parallelism, maxParallelism }],
    subtasks: snapshots.map(({ state, subtask }) => ({ ...state, vertex: 0, subtask })),
    enumerators: [],
    files: [],
  };
}

function filesOf({ base, segments }: KeyedStateHandle): readonly FileRef[] {
  if (base === undefined) return segments;
  if (base.kind === 'segments') return [...base.files, ...segments];
  const filter = base.filter === undefined ? [] : [base.filter];
  return [...base.files.map(({ file }) => file), ...filter, ...segments];
}

function readWhole(fileSystem: FileSystem, path: string): Uint8Array {
  using handle = fileSystem.open(path, 'read');
  const bytes = new Uint8Array(handle.size());
  handle.read(bytes, 0, bytes.length, 0);
  return bytes;
}
