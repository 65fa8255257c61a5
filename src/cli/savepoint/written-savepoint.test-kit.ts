/** Writes a small savepoint or checkpoint of one keyed operator, with the parts that a job uses. */
import { digest } from '../../base/digest.ts';
import { hashKey } from '../../base/hash.ts';
import type { Environment } from '../../base/environment.ts';
import { encodeManifest, MANIFEST_NAME } from '../../checkpoint/manifest.ts';
import type { ManifestOperator, ManifestSubtask } from '../../checkpoint/manifest.ts';
import { snapshotOutput } from '../../checkpoint/snapshot-files.ts';
import { openStorage } from '../../checkpoint/storage/open-storage.ts';
import type { OperatorStateSnapshot } from '../../state/operator-state-backend.ts';
import { heapBackend } from '../../state/heap/heap-backend.ts';
import { keyGroupFor, keyGroupRange, subtaskFor } from '../../state/key-groups.ts';
import type { Namespace, StateDeclaration } from '../../state/keyed-state-backend.ts';
import type { FileRef, KeyedStateHandle } from '../../state/snapshot.ts';

/** A row to be written. */
export interface WrittenRow {
  readonly key: unknown;
  readonly namespace?: Namespace;
  readonly value: unknown;
}

/** What a savepoint is written from. */
export interface WrittenSavepoint {
  readonly states: readonly {
    readonly declaration: StateDeclaration;
    readonly rows: readonly WrittenRow[];
  }[];
  readonly operatorStates?: readonly OperatorStateSnapshot[];
  /** Instead of what the heap wrote. */
  readonly keyed?: (handle: KeyedStateHandle) => KeyedStateHandle;
}

/** The operator of every savepoint here. */
export const TOTALS: ManifestOperator = {
  operatorId: digest('uid totals'),
  name: 'Totals',
  uid: 'totals',
  kind: 'process',
  vertex: 1,
  parallelism: 2,
  maxParallelism: 128,
};

const JOB_ID = '0190000000000123456789abcdef0123';

/** Writes it to `folder`, which becomes the savepoint's. */
export async function writeSavepoint(
  folder: string,
  environment: Environment,
  written: WrittenSavepoint,
): Promise<void> {
  const storage = openStorage(folder, environment);
  const files: FileRef[] = [];
  const subtasks: ManifestSubtask[] = [];
  for (let subtask = 0; subtask < TOTALS.parallelism; subtask++) {
    const output = snapshotOutput({
      storage,
      place: { storageUrl: storage.url, folder: '', filePrefix: '1-0-7' },
      vertex: TOTALS.vertex,
      subtask,
      environment,
    });
    const handle = await keyedPart(subtask, environment, { written, output });
    files.push(...output.newFiles);
    subtasks.push(subtaskOf(subtask, written.keyed?.(handle) ?? handle, written.operatorStates));
  }
  const manifest = encodeManifest({
    jobId: JOB_ID,
    jobName: 'orders',
    checkpointId: 7,
    epoch: 1,
    kind: 'savepoint',
    snapshotKind: 'canonical',
    triggeredMs: 1000,
    completedMs: 1020,
    isDrained: false,
    isFinal: false,
    operators: [TOTALS],
    subtasks,
    enumerators: [],
    files: files.sort((a, b) => (a.path < b.path ? -1 : 1)),
  });
  await storage.createExclusive(MANIFEST_NAME, manifest);
}

interface Part {
  readonly written: WrittenSavepoint;
  readonly output: ReturnType<typeof snapshotOutput>;
}

async function keyedPart(
  subtask: number,
  environment: Environment,
  { written, output }: Part,
): Promise<KeyedStateHandle> {
  const { maxParallelism, parallelism, name } = TOTALS;
  using backend = heapBackend({
    maxParallelism,
    keyGroups: keyGroupRange(subtask, maxParallelism, parallelism),
    operatorName: name,
    environment,
    memoryBytes: 1 << 24,
  });
  for (const { declaration, rows } of written.states) {
    const state = backend.declare(declaration);
    for (const { key, namespace, value } of rows) {
      const hash = hashKey(key);
      if (subtaskFor(keyGroupFor(hash, maxParallelism), maxParallelism, parallelism) !== subtask) {
        continue;
      }
      const table = namespace === undefined ? state.table : state.tableOf(namespace);
      table.write(table.findOrInsert(key, hash), value, key);
    }
  }
  const work = backend.snapshot({ checkpointId: 7, kind: 'canonical', isSavepoint: true, output });
  while (!work.step(10));
  return work.finish();
}

function subtaskOf(
  subtask: number,
  keyed: KeyedStateHandle,
  operatorStates: readonly OperatorStateSnapshot[] = [],
): ManifestSubtask {
  const { operatorId, vertex } = TOTALS;
  return {
    vertex,
    subtask,
    operators: [{ operatorId, stage: undefined, keyed, operatorStates, splits: undefined }],
    channels: [],
    isFinished: false,
    stats: {
      alignmentMs: 0,
      syncMs: 0,
      asyncMs: 0,
      longestSliceMs: 0,
      slicesMs: 0,
      bytes: 0,
      inFlightBytes: 0,
    },
  };
}
