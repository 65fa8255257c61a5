/** @dataplane The producer's side of a ring: reserve in place, commit, publish per batch.
 * Measured: 17 ns for reserve and commit of a 100-byte frame, warm; figures in README.md.
 *
 * Invariants:
 * 1. Only this object stores the ring's head. `#head` counts committed bytes, `#published` is what
 *    head was last stored as.
 * 2. Bytes are written only where the consumer has released them: between head and tail + capacity.
 * 3. `#tail` is tail as last loaded. Tail only grows, so an old one understates the free bytes, and
 *    never overstates them.
 */
import { MillraceError } from '../../base/errors.ts';
import type { FrameMemory } from '../../types/frame-memory.ts';
import type { Doorbell } from './doorbell.ts';
import { openRing } from './memory.ts';
import {
  HEAD_WORD,
  HEADER_BYTES,
  KIND_MAX,
  MARK_CHANGES,
  MARK_POSITION_WORD,
  MARK_WORD,
  PADDING_KIND,
  TAIL_WORD,
  frameBytesMaxOf,
  kindWordAt,
  lengthWordAt,
  payloadOffsetAt,
  recordBytesOf,
} from './ring-layout.ts';

const NOTHING_RESERVED = -1;

/**
 * Writes frames into a ring. One writer per ring; it belongs to one thread.
 *
 * @example
 * const offset = writer.tryReserve(8);
 * if (offset >= 0) {
 *   writer.memory.float64[offset >> 3] = 1.5;
 *   writer.commit(0, 8);
 *   writer.publish();
 * }
 */
export class RingWriter {
  /** The data region; {@link tryReserve} returns offsets in it. */
  readonly memory: FrameMemory;
  /** The largest payload that can ever be reserved. A larger record goes in several frames. */
  readonly frameBytesMax: number;
  readonly #words: Int32Array;
  readonly #int32: Int32Array;
  readonly #capacityBytes: number;
  readonly #consumerDoorbell: Doorbell | undefined;
  #head: number;
  #published: number;
  #tail: number;
  #reservedBytes: number;
  #paddingBytes: number;

  /** @param consumerDoorbell - rung by {@link publish} if the consumer sleeps on it */
  constructor(shared: SharedArrayBuffer, consumerDoorbell?: Doorbell) {
    const ring = openRing(shared);
    this.memory = ring.memory;
    this.frameBytesMax = frameBytesMaxOf(ring.capacityBytes);
    this.#words = ring.words;
    this.#int32 = ring.memory.int32;
    this.#capacityBytes = ring.capacityBytes;
    this.#consumerDoorbell = consumerDoorbell;
    this.#head = Atomics.load(ring.words, HEAD_WORD);
    this.#published = this.#head;
    this.#tail = Atomics.load(ring.words, TAIL_WORD);
    this.#reservedBytes = NOTHING_RESERVED;
    this.#paddingBytes = 0;
  }

  /**
   * The credit: payload bytes that one {@link tryReserve} is sure to grant now. 0 grants nothing.
   * At most {@link frameBytesMax}.
   */
  freeBytes(): number {
    const cached = this.#contiguousBytes() - HEADER_BYTES;
    if (cached >= this.frameBytesMax) return this.frameBytesMax;
    this.#tail = Atomics.load(this.#words, TAIL_WORD);
    const payloadBytes = this.#contiguousBytes() - HEADER_BYTES;
    return Math.max(0, Math.min(payloadBytes, this.frameBytesMax));
  }

  /**
   * Reserves a contiguous payload; returns its 8-aligned offset in {@link memory}, or -1 if there
   * is no credit for it now. The caller fills it and calls {@link commit}. A reservation that is
   * not committed is forgotten by the next one.
   */
  tryReserve(byteLength: number): number {
    if (byteLength >>> 0 !== byteLength || byteLength > this.frameBytesMax) {
      throw frameTooLarge(byteLength, this.frameBytesMax);
    }
    const recordBytes = recordBytesOf(byteLength);
    if (recordBytes > this.#contiguousBytes()) {
      this.#tail = Atomics.load(this.#words, TAIL_WORD);
      if (recordBytes > this.#contiguousBytes()) return -1;
    }
    const recordOffset = this.#head & (this.#capacityBytes - 1);
    const bytesToEnd = this.#capacityBytes - recordOffset;
    this.#reservedBytes = byteLength;
    this.#paddingBytes = recordBytes > bytesToEnd ? bytesToEnd : 0;
    return payloadOffsetAt(recordBytes > bytesToEnd ? 0 : recordOffset);
  }

  /**
   * Ends the reserved frame. The consumer sees it after {@link publish}.
   *
   * @param kind - 0 … 2^31-1, with a meaning that the ring's user gives
   * @param byteLength - at most what was reserved; the rest is free again
   */
  commit(kind: number, byteLength: number): void {
    if (byteLength >>> 0 !== byteLength || byteLength > this.#reservedBytes) {
      throw notReserved(byteLength, this.#reservedBytes);
    }
    if ((kind & KIND_MAX) !== kind) throw kindInvalid(kind);
    let recordOffset = this.#head & (this.#capacityBytes - 1);
    if (this.#paddingBytes > 0) {
      this.#int32[lengthWordAt(recordOffset)] = this.#paddingBytes - HEADER_BYTES;
      this.#int32[kindWordAt(recordOffset)] = PADDING_KIND;
      recordOffset = 0;
    }
    this.#int32[lengthWordAt(recordOffset)] = byteLength;
    this.#int32[kindWordAt(recordOffset)] = kind;
    this.#head = (this.#head + this.#paddingBytes + recordBytesOf(byteLength)) | 0;
    this.#reservedBytes = NOTHING_RESERVED;
    this.#paddingBytes = 0;
  }

  /**
   * Makes all commits visible, and rings the consumer's doorbell if it sleeps. Two compares if
   * there is nothing new.
   */
  publish(): void {
    if (this.#head === this.#published) return;
    this.#published = this.#head;
    Atomics.store(this.#words, HEAD_WORD, this.#head);
    const doorbell = this.#consumerDoorbell;
    if (doorbell !== undefined) doorbell.ring();
  }

  /**
   * Puts a mark (above all earlier ones) behind the last commit. The consumer can see it at once,
   * and at the latest with the first record behind it.
   */
  mark(mark: number): void {
    Atomics.store(this.#words, MARK_WORD, MARK_CHANGES);
    Atomics.store(this.#words, MARK_POSITION_WORD, this.#head);
    Atomics.store(this.#words, MARK_WORD, mark);
    const doorbell = this.#consumerDoorbell;
    if (doorbell === undefined) return;
    doorbell.ring();
  }

  /** Bytes that the consumer has not yet released, headers and padding included. */
  usedBytes(): number {
    this.#tail = Atomics.load(this.#words, TAIL_WORD);
    return (this.#head - this.#tail) | 0;
  }

  /**
   * The longest record that fits now, by the cached tail: before the end of the region, or behind
   * padding at its start.
   */
  #contiguousBytes(): number {
    const freeBytes = this.#capacityBytes - ((this.#head - this.#tail) | 0);
    const bytesToEnd = this.#capacityBytes - (this.#head & (this.#capacityBytes - 1));
    if (freeBytes <= bytesToEnd) return freeBytes;
    return Math.max(bytesToEnd, freeBytes - bytesToEnd);
  }
}

function frameTooLarge(byteLength: number, frameBytesMax: number): MillraceError {
  return new MillraceError(
    'FRAME_TOO_LARGE',
    `a frame of ${byteLength} bytes was asked for: this ring takes 0 to ${frameBytesMax}; ` +
      'use several frames or a larger ring',
  );
}

function notReserved(byteLength: number, reservedBytes: number): MillraceError {
  const reserved = reservedBytes === NOTHING_RESERVED ? 'nothing' : `${reservedBytes} bytes`;
  return new MillraceError(
    'ILLEGAL_STATE',
    `a frame of ${byteLength} bytes was committed, but ${reserved} reserved: ` +
      'commit at most what tryReserve granted, once',
  );
}

function kindInvalid(kind: number): MillraceError {
  return new MillraceError(
    'ILLEGAL_ARGUMENT',
    `a frame's kind is ${kind}: pass a whole number from 0 to ${KIND_MAX}`,
  );
}
