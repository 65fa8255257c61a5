/** An open file as block formats read it: by byte ranges that are there or are an error. */
import type { FileSystem } from '../../base/environment.ts';
import { MillraceError } from '../../base/errors.ts';
import type { RandomAccessFile } from '../../functions/format.ts';

/** Opens a file; who called disposes it. */
export function openRandomAccess(
  fileSystem: FileSystem,
  path: string,
): RandomAccessFile & Disposable {
  const handle = fileSystem.open(path, 'read');
  const size = handle.size();
  return {
    path,
    size,
    read(start, end) {
      const bytes = new Uint8Array(end - start);
      let filled = 0;
      while (filled < bytes.length) {
        const count = handle.read(bytes, filled, bytes.length - filled, start + filled);
        if (count === 0) throw endedEarly(path, start + filled, end);
        filled += count;
      }
      return bytes;
    },
    [Symbol.dispose]: () => handle.close(),
  };
}

function endedEarly(path: string, at: number, end: number): MillraceError {
  return new MillraceError(
    'FORMAT_INVALID',
    `'${path}' ends at byte ${at}, but bytes up to ${end} were expected: it is damaged or was cut`,
    { details: { file: path, offset: at } },
  );
}
