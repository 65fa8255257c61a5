/**
 * One file that a sink writes: in progress under a hidden name, finished under its final name by a
 * rename.
 *
 * Invariants:
 * 1. Only the committer makes a final name; until then the bytes are under a name that readers
 *    skip.
 * 2. A closed part is durable before it is handed out as a committable, so a commit repeated after
 *    a crash finds all bytes.
 */
import type { FileHandle, FileSystem } from '../../base/environment.ts';
import { MillraceError } from '../../base/errors.ts';
import type { RecordEncoder } from '../../functions/format.ts';

/** A part that waits for its final name; plain data. */
export interface PartCommittable {
  readonly inProgressPath: string;
  readonly finalPath: string;
  readonly bytes: number;
}

/** Where a part lies. */
export interface PartPaths {
  readonly folder: string;
  readonly inProgressPath: string;
  readonly finalPath: string;
}

/** How much text is collected before it is encoded and written. */
const BUFFER_CHARACTERS = 64 * 1024;

/** Writes one part. */
export class PartFile<T> {
  readonly paths: PartPaths;
  readonly openedMs: number;
  /** When the part last took a record, to within the interval between timers. */
  lastWriteMs: number;
  /** Whether it took one since `lastWriteMs` was set: the clock is not asked per record. */
  isTouched = true;
  readonly #fileSystem: FileSystem;
  readonly #handle: FileHandle;
  readonly #encoder: RecordEncoder<T>;
  #text = '';
  #writtenBytes = 0;

  constructor(
    fileSystem: FileSystem,
    paths: PartPaths,
    open: { readonly encoder: RecordEncoder<T>; readonly nowMs: number },
  ) {
    makeDurableFolder(fileSystem, paths.folder);
    this.#fileSystem = fileSystem;
    this.#handle = fileSystem.open(paths.inProgressPath, 'create-exclusive');
    this.#encoder = open.encoder;
    this.paths = paths;
    this.openedMs = open.nowMs;
    this.lastWriteMs = open.nowMs;
  }

  /** Bytes so far; text that is not written yet counts a byte per character. */
  get bytes(): number {
    return this.#writtenBytes + this.#text.length;
  }

  write(record: T): void {
    this.#text += this.#encoder.encode(record);
    this.isTouched = true;
    if (this.#text.length >= BUFFER_CHARACTERS) this.#writeText();
  }

  /** Writes out, makes durable, closes. */
  finish(): PartCommittable {
    const { inProgressPath, finalPath } = this.paths;
    this.#writeText();
    this.#handle.sync();
    this.#handle.close();
    this.#fileSystem.syncDirectory(this.paths.folder);
    return { inProgressPath, finalPath, bytes: this.#writtenBytes };
  }

  /** Closes and removes the file. */
  abort(): void {
    this.#handle.close();
    this.#fileSystem.remove(this.paths.inProgressPath);
  }

  #writeText(): void {
    if (this.#text === '') return;
    if (!this.#text.isWellFormed()) throw loneSurrogate(this.paths.finalPath);
    const bytes = Buffer.from(this.#text, 'utf8');
    this.#text = '';
    this.#handle.append(bytes);
    this.#writtenBytes += bytes.length;
  }
}

/** A folder is durable when its name is, which lies in the folder above. */
function makeDurableFolder(fileSystem: FileSystem, folder: string): void {
  const above: string[] = [];
  for (let path = folder; fileSystem.stat(path) === undefined; path = parentOf(path)) {
    above.push(parentOf(path));
  }
  if (above.length === 0) return;
  fileSystem.makeDirectory(folder);
  for (const path of above) fileSystem.syncDirectory(path);
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  if (slash > 0) return path.slice(0, slash);
  return slash === 0 ? '/' : '.';
}

function loneSurrogate(path: string): MillraceError {
  return new MillraceError(
    'RECORD_TYPE_MISMATCH',
    `a record for '${path}' has a string with half of a surrogate pair, which UTF-8 cannot ` +
      'carry: map such strings with toWellFormed() before the sink, or use jsonLinesFormat(), ' +
      'which escapes them',
  );
}
