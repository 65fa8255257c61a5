/** Files of snapshots in memory: for tests of backends and operators. */
import { crc32 } from 'node:zlib';
import { MillraceError } from '../../base/errors.ts';
import type {
  FileRef,
  KeyedStateHandle,
  SnapshotFileWriter,
  SnapshotInput,
  SnapshotOutput,
} from '../snapshot.ts';

/** Where snapshots of tests go to and come from. */
export class MemorySnapshots implements SnapshotOutput, SnapshotInput {
  readonly files: Map<string, Uint8Array> = new Map();
  /** Files that were begun and neither closed nor aborted. */
  openCount = 0;
  #next = 0;

  create(hint: string): SnapshotFileWriter {
    const path = `${hint}-${this.#next++}`;
    const parts: Uint8Array[] = [];
    this.openCount++;
    return {
      write: (bytes) => void parts.push(new Uint8Array(bytes)),
      close: () => {
        this.openCount--;
        const bytes = new Uint8Array(Buffer.concat(parts));
        this.files.set(path, bytes);
        return { path, bytes: bytes.length, checksum: crc32(bytes) };
      },
      abort: () => {
        this.openCount--;
      },
    };
  }

  /** Takes another's files over under other names; returns the handle with these. */
  take(handle: KeyedStateHandle, from: MemorySnapshots, prefix: string): KeyedStateHandle {
    for (const [path, bytes] of from.files) this.files.set(prefix + path, bytes);
    const renamed = (file: FileRef): FileRef => ({ ...file, path: prefix + file.path });
    const { base, segments } = handle;
    return {
      ...handle,
      base: base?.kind === 'segments' ? { ...base, files: base.files.map(renamed) } : base,
      segments: segments.map(renamed),
    };
  }

  adopt(localPath: string): Promise<FileRef> {
    return Promise.reject(new MillraceError('UNSUPPORTED', `${localPath} is not in memory`));
  }

  read(file: FileRef): Uint8Array {
    const bytes = this.files.get(file.path);
    if (bytes === undefined || bytes.length !== file.bytes || crc32(bytes) !== file.checksum) {
      throw new MillraceError('CHECKPOINT_DAMAGED', `${file.path} is missing or damaged`);
    }
    return bytes;
  }

  materialize(file: FileRef, localPath: string): void {
    throw new MillraceError('UNSUPPORTED', `${file.path} cannot be put at ${localPath}`);
  }
}
