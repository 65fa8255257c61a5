/**
 * @dataplane
 * A window of a file's bytes that slides forward block by block and grows for a long line.
 *
 * Invariants:
 * 1. `bytes[0 .. filled)` are the file's bytes from offset `base` on.
 * 2. `isAscii` is true only if all of them are ASCII, so that one byte is one character.
 * 3. Bytes before the index given to `advance` are gone; nothing else moves.
 */
import { isAscii } from 'node:buffer';
import type { FileInput } from './file-input.ts';

/**
 * A Node buffer with the native string calls that its type does not list; they skip a look at the
 * encoding.
 */
export interface TextBuffer extends Buffer {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
}

/** Slides over one file. */
export class LineBuffer {
  bytes: TextBuffer;
  /** The file offset of `bytes[0]`. */
  base: number;
  /** How many of `bytes` are filled. */
  filled = 0;
  isAscii = true;
  /** Whether the file holds nothing after `filled`. */
  isAtEnd = false;
  readonly #input: FileInput;

  constructor(input: FileInput, blockBytes: number, position: number) {
    this.#input = input;
    this.bytes = Buffer.allocUnsafeSlow(blockBytes) as TextBuffer;
    this.base = position;
  }

  /**
   * Drops the bytes before `keepFrom` and reads more behind the rest; what was at `keepFrom` is now
   * at 0.
   */
  advance(keepFrom: number): void {
    const rest = this.filled - keepFrom;
    if (rest > 0 && keepFrom > 0) this.bytes.copyWithin(0, keepFrom, this.filled);
    this.base += keepFrom;
    this.filled = rest;
    if (rest === this.bytes.length) this.#grow();
    const count = this.#input.read(this.bytes, rest, this.base + rest);
    this.filled += count;
    this.isAtEnd = count === 0;
    this.isAscii = isAscii(this.bytes.subarray(0, this.filled));
  }

  #grow(): void {
    const larger = Buffer.allocUnsafeSlow(this.bytes.length * 2) as TextBuffer;
    this.bytes.copy(larger, 0, 0, this.filled);
    this.bytes = larger;
  }
}
