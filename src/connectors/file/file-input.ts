/**
 * The bytes of a line-oriented file, decompressed if its name ends in `.gz` or `.zst`.
 *
 * A compressed file is held whole in memory while it is read, up to {@link DECOMPRESSED_BYTES_MAX}:
 * it can be read from its start only, and a position within it must be reachable again after a
 * restart.
 */
import type { FileSystem } from '../../base/environment.ts';
import { MillraceError } from '../../base/errors.ts';
import { openRandomAccess } from './random-access.ts';

/** The most that one compressed file may hold when decompressed. */
export const DECOMPRESSED_BYTES_MAX: number = 1024 * 1024 * 1024;

/** Bytes by position. */
export interface FileInput {
  /** Reads into `target` from `targetOffset` to its end, or less; 0 at the end of the file. */
  read(target: Uint8Array, targetOffset: number, position: number): number;
  close(): void;
}

/** Whether the file's name says that it is compressed. */
export function isCompressed(path: string): boolean {
  return /\.(gz|zst)$/i.test(path);
}

/** Opens a file for reading; who called closes it. */
export function openFileInput(fileSystem: FileSystem, path: string): FileInput {
  if (isCompressed(path)) return memoryInput(decompress(fileSystem, path));
  const handle = fileSystem.open(path, 'read');
  return {
    read: (target, offset, position) =>
      handle.read(target, offset, target.length - offset, position),
    close: () => handle.close(),
  };
}

function memoryInput(bytes: Uint8Array): FileInput {
  return {
    read(target, offset, position) {
      const part = bytes.subarray(position, position + target.length - offset);
      target.set(part, offset);
      return part.length;
    },
    close: () => undefined,
  };
}

function decompress(fileSystem: FileSystem, path: string): Uint8Array {
  using file = openRandomAccess(fileSystem, path);
  const bytes = file.read(0, file.size);
  // Loaded when first needed; an import would make this, and so every poll before it, asynchronous.
  const zlib = process.getBuiltinModule('node:zlib');
  const limit = { maxOutputLength: DECOMPRESSED_BYTES_MAX };
  try {
    if (bytes.length === 0) return bytes;
    return /\.gz$/i.test(path)
      ? zlib.gunzipSync(bytes, limit)
      : zlib.zstdDecompressSync(bytes, limit);
  } catch (cause) {
    throw new MillraceError(
      'FORMAT_INVALID',
      `cannot decompress '${path}': it is damaged, not what its name says, or holds more than ` +
        `${DECOMPRESSED_BYTES_MAX} bytes; decompress it before the job`,
      { cause, details: { file: path } },
    );
  }
}
