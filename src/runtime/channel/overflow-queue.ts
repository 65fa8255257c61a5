/**
 * Encoded elements that found no room: in memory up to a bound, then in a temporary file, first in
 * first out.
 *
 * Invariants:
 * 1. Order is kept: while anything is on disk, what comes later goes to disk too.
 * 2. Memory held is at most `bytesMax` plus one element plus one read block.
 * 3. The file is removed when it has been read to its end, and on `close`.
 *
 * A file record is: kind (int32), byte length (int32), the bytes padded to 8.
 */
import type { FileHandle, FileSystem } from '../../base/environment.ts';
import { type FrameMemory, frameMemoryOf } from '../../types/frame-memory.ts';

/** An element in the queue. */
export interface QueuedElement {
  readonly kind: number;
  readonly memory: FrameMemory;
  readonly byteLength: number;
}

const RECORD_HEADER_BYTES = 8;

/** See the file's head. */
export class OverflowQueue {
  readonly #fileSystem: FileSystem;
  readonly #bytesMax: number;
  #elements: QueuedElement[] = [];
  #first = 0;
  #memoryBytes = 0;
  #directory: string | undefined;
  #file: FileHandle | undefined;
  #reader: FileHandle | undefined;
  #fileReadAt = 0;
  #fileWrittenTo = 0;
  #head: QueuedElement | undefined;

  constructor(fileSystem: FileSystem, bytesMax: number) {
    this.#fileSystem = fileSystem;
    this.#bytesMax = bytesMax;
  }

  get isEmpty(): boolean {
    return this.#first === this.#elements.length && this.#fileReadAt === this.#fileWrittenTo;
  }

  /** Bytes waiting, in memory and on disk. */
  get byteLength(): number {
    return this.#memoryBytes + this.#fileWrittenTo - this.#fileReadAt;
  }

  /** Bytes held in memory. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** Adds an element; keeps `memory`, whose first `byteLength` bytes are the element. */
  push(kind: number, memory: FrameMemory, byteLength: number): void {
    const onDisk = this.#fileReadAt !== this.#fileWrittenTo;
    if (onDisk || this.#memoryBytes + byteLength > this.#bytesMax) {
      this.#pushToFile(kind, memory, byteLength);
      return;
    }
    this.#elements.push({ kind, memory, byteLength });
    this.#memoryBytes += byteLength;
  }

  /** The first element, or undefined. */
  peek(): QueuedElement | undefined {
    const inMemory = this.#elements[this.#first];
    if (inMemory !== undefined) return inMemory;
    if (this.#head === undefined && this.#fileReadAt !== this.#fileWrittenTo) {
      this.#head = this.#readFromFile(this.#fileReadAt);
    }
    return this.#head;
  }

  /** All elements in order, without removing them; a copy of each that lies on disk. */
  visit(each: (element: QueuedElement) => void): void {
    for (let index = this.#first; index < this.#elements.length; index++) {
      const element = this.#elements[index];
      if (element !== undefined) each(element);
    }
    for (let at = this.#fileReadAt; at < this.#fileWrittenTo; ) {
      const element = this.#readFromFile(at);
      each(element);
      at += RECORD_HEADER_BYTES + padded(element.byteLength);
    }
  }

  /** Removes the first element. */
  shift(): void {
    const inMemory = this.#elements[this.#first];
    if (inMemory !== undefined) {
      this.#memoryBytes -= inMemory.byteLength;
      this.#first++;
      if (this.#first === this.#elements.length || this.#first > 1024) this.#compact();
      return;
    }
    const head = this.#head;
    if (head === undefined) return;
    this.#fileReadAt += RECORD_HEADER_BYTES + padded(head.byteLength);
    this.#head = undefined;
    if (this.#fileReadAt === this.#fileWrittenTo) this.#dropFile();
  }

  close(): void {
    this.#elements = [];
    this.#first = 0;
    this.#memoryBytes = 0;
    this.#head = undefined;
    this.#dropFile();
  }

  #compact(): void {
    this.#elements = this.#elements.slice(this.#first);
    this.#first = 0;
  }

  #pushToFile(kind: number, memory: FrameMemory, byteLength: number): void {
    if (this.#file === undefined) {
      this.#directory = this.#fileSystem.makeTemporaryDirectory('millrace-overflow-');
      this.#file = this.#fileSystem.open(`${this.#directory}/elements`, 'write');
    }
    const record = new Uint8Array(RECORD_HEADER_BYTES + padded(byteLength));
    const header = new Int32Array(record.buffer, 0, 2);
    header[0] = kind;
    header[1] = byteLength;
    record.set(memory.bytes.subarray(0, byteLength), RECORD_HEADER_BYTES);
    this.#file.append(record);
    this.#fileWrittenTo += record.byteLength;
  }

  #readFromFile(at: number): QueuedElement {
    this.#reader ??= this.#fileSystem.open(`${this.#directory}/elements`, 'read');
    const header = new Int32Array(2);
    this.#readFully(new Uint8Array(header.buffer), at);
    const byteLength = header[1] ?? 0;
    const bytes = new Uint8Array(padded(byteLength));
    this.#readFully(bytes, at + RECORD_HEADER_BYTES);
    return { kind: header[0] ?? 0, memory: frameMemoryOf(bytes.buffer), byteLength };
  }

  #readFully(target: Uint8Array, position: number): void {
    let done = 0;
    while (done < target.byteLength) {
      const read = this.#reader?.read(target, done, target.byteLength - done, position + done) ?? 0;
      if (read === 0) throw new RangeError('the overflow file is shorter than what was written');
      done += read;
    }
  }

  #dropFile(): void {
    this.#file?.close();
    this.#reader?.close();
    this.#file = undefined;
    this.#reader = undefined;
    this.#fileReadAt = 0;
    this.#fileWrittenTo = 0;
    if (this.#directory !== undefined) this.#fileSystem.remove(this.#directory);
    this.#directory = undefined;
  }
}

function padded(byteLength: number): number {
  return (byteLength + 7) & ~7;
}
