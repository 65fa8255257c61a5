/**
 * @dataplane Writes the rows of a cut to segment files.
 *
 * Invariants:
 * 1. A section is at most a block and a row long, so its counts are known before it is written.
 * 2. A file that has reached its limit ends, and the next one goes on; no file is made for no rows.
 */
import { putVarint, VARINT_BYTES_MAX } from '../../types/byte-writer.ts';
import { ByteWriter } from '../../types/row-codec.ts';
import type { RowSection, RowSink, RowTarget } from '../cold-state.ts';
import type { Namespace } from '../keyed-state-backend.ts';
import type { FileRef, SnapshotFileWriter, SnapshotOutput } from '../snapshot.ts';
import {
  KIND_DROP,
  KIND_END,
  KIND_PUT,
  KIND_REMOVE,
  NO_NAMESPACE,
  NUMBER_NAMESPACE,
  SEGMENT_END_MAGIC,
  SEGMENT_MAGIC,
  SEGMENT_VERSION,
  STRING_NAMESPACE,
} from './segment-format.ts';

/** What a {@link SegmentWriter} is made with. */
export interface SegmentWriterOptions {
  readonly output: SnapshotOutput;
  /** A part of the files' names. */
  readonly hint: string;
  /** A file ends after about so many bytes (64 MiB). */
  readonly fileBytesMax?: number | undefined;
  /** A file has all its bytes. */
  readonly onFileWritten: () => void;
}

const BLOCK_BYTES = 65_536;
const ROW_HEAD_BYTES_MAX = 4 + 2 * VARINT_BYTES_MAX;
/** Of a row whose key and value are short. */
const SHORT_HEAD_BYTES = 6;
/** Varints below this have one byte. */
const ONE_BYTE = 0x80;
const FILE_BYTES_MAX = 67_108_864;
/** Shorter copies are made in a loop: a call costs as much as that many bytes. */
const LOOP_BYTES_MAX = 32;

/** See the file's head. */
export class SegmentWriter implements RowSink, RowTarget {
  readonly target: RowTarget = this;
  readonly #options: SegmentWriterOptions;
  readonly #block = new ByteWriter(BLOCK_BYTES + 4096);
  readonly #files: FileRef[] = [];
  #file: SnapshotFileWriter | undefined;
  #fileBytes = 0;
  #sections = 0;
  #rows = 0;
  /** Of the section that is being written; 0: none. */
  #kind = 0;
  #stateIndex = -1;
  #namespace: Namespace | undefined;
  #sectionRows = 0;
  /** Where the row begins that is being encoded in the block. */
  #rowAt = 0;
  /** Where the section's counts are to be written. */
  #countsAt = 0;

  constructor(options: SegmentWriterOptions) {
    this.#options = options;
  }

  drop(section: RowSection): void {
    this.#begin(section, KIND_DROP);
    this.#endSection();
  }

  remove(section: RowSection, hash: number, bytes: Uint8Array, from: number, to: number): void {
    this.#enter(section, KIND_REMOVE);
    const block = this.#block;
    block.u32(hash);
    block.varint(to - from);
    copy(block, bytes, from, to);
    this.#sectionRows++;
  }

  put(
    section: RowSection,
    hash: number,
    bytes: Uint8Array,
    from: number,
    valueFrom: number,
    to: number,
  ): void {
    this.#enter(section, KIND_PUT);
    const block = this.#block;
    // Hot: room is made once per row.
    block.ensure(ROW_HEAD_BYTES_MAX + to - from);
    const at = block.length;
    block.view.setInt32(at, hash, true);
    block.length = putVarint(
      block.bytes,
      putVarint(block.bytes, at + 4, valueFrom - from),
      to - valueFrom,
    );
    copy(block, bytes, from, to);
    this.#sectionRows++;
  }

  beginRow(section: RowSection): ByteWriter {
    this.#enter(section, KIND_PUT);
    const block = this.#block;
    block.ensure(SHORT_HEAD_BYTES);
    this.#rowAt = block.length;
    block.length += SHORT_HEAD_BYTES;
    return block;
  }

  endRow(hash: number, keyLength: number): void {
    const block = this.#block;
    const at = this.#rowAt;
    const valueLength = block.length - at - SHORT_HEAD_BYTES - keyLength;
    if ((keyLength | valueLength) >= ONE_BYTE) this.#widenHead(keyLength, valueLength);
    const { bytes } = block;
    block.view.setInt32(at, hash, true);
    putVarint(bytes, putVarint(bytes, at + 4, keyLength), valueLength);
    this.#sectionRows++;
  }

  cancelRow(): void {
    this.#block.length = this.#rowAt;
  }

  /** Ends the last file; all files. */
  finish(): readonly FileRef[] {
    if (this.#file !== undefined) this.#endFile(this.#file);
    return this.#files;
  }

  /** Gives up. Files that have ended are of no checkpoint, and go with what else is left over. */
  abort(): void {
    this.#file?.abort();
    this.#file = undefined;
  }

  /** Moves a row to where it lies behind lengths of several bytes. */
  #widenHead(keyLength: number, valueLength: number): void {
    const block = this.#block;
    const from = this.#rowAt + SHORT_HEAD_BYTES;
    const more = varintBytes(keyLength) + varintBytes(valueLength) - 2;
    block.ensure(more);
    block.bytes.copyWithin(from + more, from, block.length);
    block.length += more;
  }

  #enter(section: RowSection, kind: number): void {
    const isSame =
      this.#kind === kind &&
      this.#stateIndex === section.stateIndex &&
      this.#namespace === section.namespace;
    if (isSame && this.#block.length < BLOCK_BYTES) return;
    this.#begin(section, kind);
  }

  #begin(section: RowSection, kind: number): void {
    this.#endSection();
    this.#flush(BLOCK_BYTES);
    if (this.#file !== undefined && this.#fileBytes >= this.#fileBytesMax) {
      this.#endFile(this.#file);
    }
    if (this.#file === undefined) this.#beginFile();
    this.#kind = kind;
    this.#stateIndex = section.stateIndex;
    this.#namespace = section.namespace;
    const block = this.#block;
    block.byte(kind);
    block.varint(section.stateIndex);
    writeNamespace(block, section.namespace);
    this.#countsAt = block.length;
    block.u32(0);
    block.u32(0);
  }

  #endSection(): void {
    if (this.#kind === 0) return;
    const { view, length } = this.#block;
    view.setUint32(this.#countsAt, this.#sectionRows, true);
    view.setUint32(this.#countsAt + 4, length - this.#countsAt - 8, true);
    this.#rows += this.#sectionRows;
    this.#sections++;
    this.#sectionRows = 0;
    this.#kind = 0;
  }

  get #fileBytesMax(): number {
    return this.#options.fileBytesMax ?? FILE_BYTES_MAX;
  }

  #beginFile(): void {
    this.#file = this.#options.output.create(this.#options.hint);
    const block = this.#block;
    for (let i = 0; i < SEGMENT_MAGIC.length; i++) block.byte(SEGMENT_MAGIC[i] as number);
    block.byte(SEGMENT_VERSION);
  }

  #endFile(file: SnapshotFileWriter): void {
    this.#endSection();
    const block = this.#block;
    block.byte(KIND_END);
    block.u32(this.#sections);
    block.u32(this.#rows);
    for (let i = 0; i < SEGMENT_END_MAGIC.length; i++) block.byte(SEGMENT_END_MAGIC[i] as number);
    this.#flush(0);
    this.#files.push(file.close());
    this.#options.onFileWritten();
    this.#file = undefined;
    this.#fileBytes = this.#sections = this.#rows = 0;
  }

  /** Hands the block to the file if it has at least so many bytes. */
  #flush(bytesMin: number): void {
    const { bytes, length } = this.#block;
    if (length < bytesMin || this.#file === undefined) return;
    // Not a Buffer, whose slices would share the block.
    this.#file.write(new Uint8Array(bytes.buffer, bytes.byteOffset, length));
    this.#fileBytes += length;
    this.#block.reset();
  }
}

function writeNamespace(block: ByteWriter, namespace: Namespace | undefined): void {
  if (namespace === undefined) {
    block.byte(NO_NAMESPACE);
  } else if (typeof namespace === 'number') {
    block.byte(NUMBER_NAMESPACE);
    block.f64(namespace);
  } else {
    block.byte(STRING_NAMESPACE);
    block.string(namespace);
  }
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= ONE_BYTE; rest >>>= 7) bytes++;
  return bytes;
}

function copy(block: ByteWriter, source: Uint8Array, from: number, to: number): void {
  const length = to - from;
  block.ensure(length);
  const { bytes } = block;
  const at = block.length - from;
  if (length > LOOP_BYTES_MAX) bytes.set(source.subarray(from, to), block.length);
  else for (let i = from; i < to; i++) bytes[at + i] = source[i] as number;
  block.length += length;
}
