/**
 * @dataplane The producer's end of a channel to another thread: rows are staged as columns, frames
 * are written in place into the ring; what finds no room waits in the overflow queue.
 *
 * Invariants:
 * 1. A schema is announced in band before its first frame.
 * 2. While the overflow queue is not empty everything goes behind it, so order is kept.
 * 3. An element larger than {@link RingWriter.frameBytesMax} travels in parts.
 * 4. Within a step frames become visible when there are many bytes of them, else at its end: a
 *    consumer that sleeps is then woken once per step, not once per frame (a job with a watermark
 *    per record cuts thousands of small frames a second).
 */
import { BARRIER_BYTES, type CheckpointBarrier, encodeBarrier } from '../../checkpoint/barrier.ts';
import { type FrameMemory, frameMemoryOf } from '../../types/frame-memory.ts';
import { frameSchemaId } from '../../types/frame-reader.ts';
import type { FrameWriter } from '../../types/frame-writer.ts';
import type { RingWriter } from '../ring/ring-writer.ts';
import type { ChannelSchema, OutputChannel } from './channel.ts';
import { ChannelCapture } from './channel-capture.ts';
import type { EdgeSchema } from './edge-schema.ts';
import {
  ACTIVE,
  BARRIER,
  END,
  FRAME,
  IDLE,
  LAST_PART,
  PART,
  SCHEMA,
  WATERMARK,
} from './element.ts';
import type { OverflowQueue } from './overflow-queue.ts';

/** A frame has about this many bytes: that much room is one batch's credit. */
const CREDIT_BYTES = 64 * 1024;

/** Committed frames of this size do not wait for the end of the step. */
const PUBLISH_BYTES = 32 * 1024;

/**
 * See the file's head. `onNewWriter` tells the generated code of the edge which frame writer is
 * current.
 */
export class RingOutput implements OutputChannel {
  readonly #ring: RingWriter;
  readonly #schema: EdgeSchema;
  readonly #overflow: OverflowQueue;
  readonly #announced = new Set<number>();
  readonly #onNewWriter: (writer: FrameWriter) => void;
  readonly #creditBytes: number;
  readonly #publishBytes: number;
  #writer: FrameWriter;
  #writerVersion: number;
  #writerSchema: ChannelSchema | undefined;
  #partOffset = 0;
  #unpublishedBytes = 0;

  constructor(
    ring: RingWriter,
    schema: EdgeSchema,
    overflow: OverflowQueue,
    onNewWriter: (writer: FrameWriter) => void,
  ) {
    this.#ring = ring;
    this.#schema = schema;
    this.#overflow = overflow;
    this.#onNewWriter = onNewWriter;
    this.#creditBytes = Math.min(CREDIT_BYTES, ring.frameBytesMax >>> 1);
    this.#publishBytes = Math.min(PUBLISH_BYTES, ring.frameBytesMax >>> 2);
    this.#writer = schema.newWriter();
    this.#writerVersion = schema.version;
    this.#writerSchema = schema.current;
    onNewWriter(this.#writer);
  }

  append(value: unknown, timestamp: number, hash: number): void {
    const result = this.#writer.append(value, timestamp, hash);
    if (result !== 0) this.appended(result, value, timestamp, hash);
  }

  /**
   * What follows an append that gave FULL (1) or MISFIT (−1); generated code calls the writer
   * itself.
   */
  appended(result: number, value: unknown, timestamp: number, hash: number): void {
    let outcome = result;
    while (outcome < 0) {
      if (this.#writerVersion === this.#schema.version) this.#schema.fit(value);
      this.flush();
      this.#renewWriter();
      outcome = this.#writer.append(value, timestamp, hash);
    }
    if (outcome === 1) this.flush();
  }

  stagedRows(): number {
    return this.#writer.rowCount;
  }

  flush(): void {
    const writer = this.#writer;
    if (writer.rowCount === 0) return;
    this.#announce();
    const byteLength = writer.byteLength();
    if (this.#overflow.isEmpty && byteLength <= this.#ring.frameBytesMax) {
      const offset = this.#ring.tryReserve(byteLength);
      if (offset >= 0) {
        this.#commit(FRAME, writer.writeTo(this.#ring.memory, offset));
        this.#publishIfMuch();
        return;
      }
    }
    const memory = frameMemoryOf(new ArrayBuffer(byteLength));
    this.#overflow.push(FRAME, memory, writer.writeTo(memory, 0));
    this.#drain();
  }

  publish(): void {
    this.#unpublishedBytes = 0;
    this.#ring.publish();
  }

  writeWatermark(watermark: number): void {
    this.flush();
    const memory = frameMemoryOf(new ArrayBuffer(8));
    memory.float64[0] = watermark;
    this.#send(WATERMARK, memory, 8);
  }

  writeStatus(idle: boolean): void {
    this.flush();
    this.#send(idle ? IDLE : ACTIVE, frameMemoryOf(new ArrayBuffer(8)), 8);
  }

  writeEnd(): void {
    this.flush();
    this.#send(END, frameMemoryOf(new ArrayBuffer(8)), 8);
  }

  writeBarrier(barrier: CheckpointBarrier, overtakes: boolean): ChannelCapture | undefined {
    this.flush();
    // Parts of an element that are in the ring already cannot be told from the rest.
    const canOvertake = overtakes && !this.#overflow.isEmpty && this.#partOffset === 0;
    const overtaken = canOvertake ? this.#captureOverflow() : undefined;
    if (canOvertake) this.#ring.mark(barrier.checkpointId);
    const memory = frameMemoryOf(new ArrayBuffer(BARRIER_BYTES));
    encodeBarrier(barrier, memory.float64, 0);
    this.#send(BARRIER, memory, BARRIER_BYTES);
    return overtaken;
  }

  hasCredit(): boolean {
    return this.#drain() && this.#ring.freeBytes() >= this.#creditBytes;
  }

  isDrained(): boolean {
    return this.#drain();
  }

  overflowBytes(): number {
    return this.#overflow.byteLength;
  }

  close(): void {
    this.#overflow.close();
  }

  #captureOverflow(): ChannelCapture {
    const capture = new ChannelCapture();
    this.#overflow.visit(({ kind, memory }) => {
      if (kind !== FRAME) return;
      const schema = this.#schema.known(frameSchemaId(memory, 0));
      if (schema !== undefined) capture.addFrame(memory, 0, schema);
    });
    return capture;
  }

  #commit(kind: number, byteLength: number): void {
    this.#ring.commit(kind, byteLength);
    this.#unpublishedBytes += byteLength;
  }

  #publishIfMuch(): void {
    if (this.#unpublishedBytes >= this.#publishBytes) this.publish();
  }

  #renewWriter(): void {
    this.#writer = this.#schema.newWriter();
    this.#writerVersion = this.#schema.version;
    this.#writerSchema = this.#schema.current;
    this.#onNewWriter(this.#writer);
  }

  #announce(): void {
    const schema = this.#writerSchema;
    if (schema === undefined || this.#announced.has(schema.id)) return;
    this.#announced.add(schema.id);
    const json = Buffer.from(schema.json, 'utf8');
    const memory = frameMemoryOf(new ArrayBuffer((8 + json.byteLength + 7) & ~7));
    memory.int32[0] = schema.id;
    memory.bytes.set(json, 8);
    this.#send(SCHEMA, memory, 8 + json.byteLength);
  }

  #send(kind: number, memory: FrameMemory, byteLength: number): void {
    if (!this.#overflow.isEmpty || !this.#write(kind, memory, byteLength)) {
      this.#overflow.push(kind, memory, byteLength);
      this.#drain();
      return;
    }
    this.#publishIfMuch();
  }

  /** Moves as much overflow as fits; true when none is left. */
  #drain(): boolean {
    const overflow = this.#overflow;
    if (overflow.isEmpty) return true;
    for (let head = overflow.peek(); head !== undefined; head = overflow.peek()) {
      if (!this.#write(head.kind, head.memory, head.byteLength)) break;
      overflow.shift();
    }
    this.#publishIfMuch();
    return overflow.isEmpty;
  }

  #write(kind: number, memory: FrameMemory, byteLength: number): boolean {
    if (byteLength > this.#ring.frameBytesMax) return this.#writeParts(kind, memory, byteLength);
    const offset = this.#ring.tryReserve(byteLength);
    if (offset < 0) return false;
    this.#ring.memory.bytes.set(memory.bytes.subarray(0, byteLength), offset);
    this.#commit(kind, byteLength);
    return true;
  }

  /** Continues where the last call ran out of room. */
  #writeParts(kind: number, memory: FrameMemory, byteLength: number): boolean {
    const partBytes = (this.#ring.frameBytesMax >>> 1) & ~7;
    while (byteLength - this.#partOffset > partBytes) {
      const offset = this.#ring.tryReserve(partBytes);
      if (offset < 0) return false;
      const from = this.#partOffset;
      this.#ring.memory.bytes.set(memory.bytes.subarray(from, from + partBytes), offset);
      this.#commit(PART, partBytes);
      this.#partOffset += partBytes;
    }
    const rest = byteLength - this.#partOffset;
    const offset = this.#ring.tryReserve(8 + rest);
    if (offset < 0) return false;
    this.#ring.memory.int32[offset >>> 2] = kind;
    this.#ring.memory.bytes.set(memory.bytes.subarray(this.#partOffset, byteLength), offset + 8);
    this.#commit(LAST_PART, 8 + rest);
    this.#partOffset = 0;
    return true;
  }
}
