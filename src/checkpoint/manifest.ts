/**
 * A checkpoint's or savepoint's manifest: the file `_metadata`, by which a checkpoint exists.
 *
 *     <JSON, readable by people; first "format" and "version">
 *     crc32 <8 hexadecimal digits, of all bytes before this line>
 *
 * Invariants:
 * 1. A manifest that is torn or has a flipped bit is told from a whole one: CHECKPOINT_DAMAGED.
 * 2. `files` are all files that the states name, once each, sorted by path.
 * 3. Paths are relative to the job's folder (checkpoints) or the manifest's own (savepoints).
 */
import { crc32 } from 'node:zlib';
import { MillraceError } from '../base/errors.ts';
import type { FileRef, SnapshotKind } from '../state/snapshot.ts';
import { fromPlainJson, toPlainJson } from './plain-json.ts';
import type { SubtaskState } from './subtask-state.ts';

/** The version that is written; older ones are read, newer ones refused. */
export const MANIFEST_VERSION = 1;

/** The manifest's name in its folder. */
export const MANIFEST_NAME = '_metadata';

/** An operator of the job that took the checkpoint. */
export interface ManifestOperator {
  readonly operatorId: string;
  readonly name: string;
  readonly uid: string | undefined;
  /** What it is: `source`, `map`, `window` … */
  readonly kind: string;
  /** The vertex that it belongs to. */
  readonly vertex: number;
  readonly parallelism: number;
  readonly maxParallelism: number;
}

/** The state of a source's split enumerator: plain data. */
export interface EnumeratorState {
  readonly operatorId: string;
  readonly data: unknown;
}

/** A subtask's part. */
export type ManifestSubtask = Omit<SubtaskState, 'newFiles'>;

/** A whole checkpoint. */
export interface CheckpointManifest {
  readonly jobId: string;
  readonly jobName: string;
  readonly checkpointId: number;
  /**
   * Of the owner that wrote it: of two with the same number of operators' work, the higher one
   * counts.
   */
  readonly epoch: number;
  readonly kind: 'checkpoint' | 'savepoint';
  readonly snapshotKind: SnapshotKind;
  /** Epoch ms. */
  readonly triggeredMs: number;
  readonly completedMs: number;
  /** Whether event time had been brought to its end: all windows and timers have fired. */
  readonly isDrained: boolean;
  /** Whether all subtasks had read their input to its end. */
  readonly isFinal: boolean;
  readonly operators: readonly ManifestOperator[];
  readonly subtasks: readonly ManifestSubtask[];
  readonly enumerators: readonly EnumeratorState[];
  readonly files: readonly FileRef[];
}

const FORMAT = 'millrace-checkpoint';
const TRAILER = /\ncrc32 ([0-9a-f]{8})\n$/;
const TRAILER_BYTES = '\ncrc32 00000000\n'.length;

/** The bytes of a manifest. */
export function encodeManifest(manifest: CheckpointManifest): Uint8Array {
  const json = { format: FORMAT, version: MANIFEST_VERSION, ...asObject(toPlainJson(manifest)) };
  const text = `${JSON.stringify(json, null, 1)}\n`;
  const checksum = crc32(text).toString(16).padStart(8, '0');
  return new TextEncoder().encode(`${text}crc32 ${checksum}\n`);
}

/**
 * The manifest of {@link encodeManifest}'s bytes.
 *
 * @param path - for messages
 * @throws CHECKPOINT_DAMAGED if the bytes are not what was written
 * @throws FORMAT_INVALID for a version that this release does not read
 */
export function decodeManifest(bytes: Uint8Array, path: string): CheckpointManifest {
  const json = parse(bytes, path);
  const { format, version, ...rest } = json;
  if (format !== FORMAT) throw invalid(path, `it is no manifest, its format is '${format}'`);
  if (version !== MANIFEST_VERSION) {
    throw invalid(path, `its version is ${version}, this release reads ${MANIFEST_VERSION}`);
  }
  const manifest = fromPlainJson(rest);
  checkShape(manifest, path);
  return manifest;
}

function parse(bytes: Uint8Array, path: string): Readonly<Record<string, unknown>> {
  const split = bytes.length - TRAILER_BYTES + 1;
  const trailer = TRAILER.exec(new TextDecoder().decode(bytes.subarray(Math.max(0, split - 1))));
  if (trailer === null) throw damaged(path, 'its end is missing');
  const body = bytes.subarray(0, split);
  if (crc32(body) !== Number.parseInt(trailer[1] ?? '', 16)) {
    throw damaged(path, 'its checksum is another');
  }
  try {
    return asObject(JSON.parse(new TextDecoder().decode(body)));
  } catch (cause) {
    throw damaged(path, 'it is no JSON', cause);
  }
}

const LISTS = ['operators', 'subtasks', 'enumerators', 'files'] as const;
const NUMBERS = ['checkpointId', 'epoch', 'triggeredMs', 'completedMs'] as const;

/** What passed its checksum was written by us, or by somebody who wanted it to pass. */
function checkShape(value: unknown, path: string): asserts value is CheckpointManifest {
  const manifest = asObject(value);
  for (const name of LISTS) {
    if (!Array.isArray(manifest[name])) throw invalid(path, `'${name}' is no list`);
  }
  for (const name of NUMBERS) {
    if (!Number.isSafeInteger(manifest[name])) throw invalid(path, `'${name}' is no whole number`);
  }
  if (!/^[0-9a-f]{32}$/.test(String(manifest['jobId']))) throw invalid(path, "'jobId' is none");
  for (const file of (value as CheckpointManifest).files) {
    const { path: name, bytes, checksum } = file;
    if (typeof name === 'string' && Number.isInteger(bytes) && Number.isInteger(checksum)) continue;
    throw invalid(path, "an entry of 'files' is no file");
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw new RangeError('it is no object');
}

function damaged(path: string, how: string, cause?: unknown): MillraceError {
  return new MillraceError(
    'CHECKPOINT_DAMAGED',
    `the manifest '${path}' is damaged: ${how}; start from another checkpoint or savepoint`,
    { cause, details: { path, reason: how } },
  );
}

function invalid(path: string, how: string): MillraceError {
  return new MillraceError('FORMAT_INVALID', `the manifest '${path}' cannot be read: ${how}`, {
    details: { path },
  });
}
