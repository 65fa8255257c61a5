/** Files of snapshots in a folder: for tests of backends that hand over files. */
import { crc32 } from 'node:zlib';
import type { FileSystem } from '../../../base/environment.ts';
import { MillraceError } from '../../../base/errors.ts';
import type { FileRef, SnapshotFileWriter, SnapshotInput, SnapshotOutput } from '../../snapshot.ts';

/** Where snapshots of tests go to and come from. */
export class FileSnapshots implements SnapshotOutput, SnapshotInput {
  /** Files taken over by `adopt`. */
  adopted = 0;
  readonly #fileSystem: FileSystem;
  readonly #folder: string;
  #next = 0;

  constructor(fileSystem: FileSystem, folder: string) {
    this.#fileSystem = fileSystem;
    this.#folder = folder;
    fileSystem.makeDirectory(folder);
  }

  create(hint: string): SnapshotFileWriter {
    const path = `${this.#next++}-${hint}`;
    const file = this.#fileSystem.open(`${this.#folder}/${path}`, 'create-exclusive');
    let checksum = 0;
    let bytes = 0;
    return {
      write: (part) => {
        file.append(part);
        checksum = crc32(part, checksum);
        bytes += part.length;
      },
      close: () => {
        file.close();
        return { path, bytes, checksum };
      },
      abort: () => {
        file.close();
        this.#fileSystem.remove(`${this.#folder}/${path}`);
      },
    };
  }

  async adopt(localPath: string, hint: string): Promise<FileRef> {
    await Promise.resolve();
    this.adopted++;
    const path = `${this.#next++}-${hint}`;
    this.#fileSystem.link(localPath, `${this.#folder}/${path}`);
    const bytes = this.#bytesOf(path);
    return { path, bytes: bytes.length, checksum: crc32(bytes) };
  }

  read(file: FileRef): Uint8Array {
    const bytes = this.#bytesOf(file.path);
    if (bytes.length !== file.bytes || crc32(bytes) !== file.checksum) {
      throw new MillraceError('CHECKPOINT_DAMAGED', `${file.path} is damaged`);
    }
    return bytes;
  }

  materialize(file: FileRef, localPath: string): void {
    this.read(file);
    this.#fileSystem.link(`${this.#folder}/${file.path}`, localPath);
  }

  #bytesOf(path: string): Uint8Array {
    using file = this.#fileSystem.open(`${this.#folder}/${path}`, 'read');
    const bytes = new Uint8Array(file.size());
    file.read(bytes, 0, bytes.length, 0);
    return bytes;
  }
}
