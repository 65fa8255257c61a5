/**
 * One file that a sink writes: in progress in a hidden folder, later under its final name.
 *
 * Invariants:
 * 1. Only the committer makes a final name; until then the bytes are where readers do not look.
 * 2. A part does nothing that waits for the disk: whoever finishes it has it made durable.
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

  /** Writes out and closes. */
  finish(): PartCommittable {
    const { inProgressPath, finalPath } = this.paths;
    this.#writeText();
    this.#handle.close();
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

function loneSurrogate(path: string): MillraceError {
  return new MillraceError(
    'RECORD_TYPE_MISMATCH',
    `a record for '${path}' has a string with half of a surrogate pair, which UTF-8 cannot ` +
      'carry: map such strings with toWellFormed() before the sink, or use jsonLinesFormat(), ' +
      'which escapes them',
  );
}
