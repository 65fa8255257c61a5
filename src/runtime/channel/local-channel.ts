/**
 * @dataplane A channel between two subtasks of one thread: rows pass by reference, nothing is
 * encoded.
 *
 * Invariants:
 * 1. Elements in memory are older than those in the overflow queue; while that is not empty, new
 *    ones go behind it.
 * 2. At most {@link QUEUED_ROWS_MAX} rows wait by reference; a burst beyond is encoded into the
 *    overflow queue (and, beyond its bound, written to disk), so memory stays bounded whatever one
 *    record emits.
 * 3. The first row is checked as if it were encoded: a program whose records cannot cross threads,
 *    or break their declared type, fails on one thread, too, and not only under load. The others
 *    are not looked at.
 */
import {
  BARRIER_BYTES,
  type CheckpointBarrier,
  decodeBarrier,
  encodeBarrier,
} from '../../checkpoint/barrier.ts';
import { BATCH_ROWS, type RowBatch } from '../../operators/chain-stage.ts';
import { type FrameMemory, frameMemoryOf } from '../../types/frame-memory.ts';
import type { ChannelCapture } from './channel-capture.ts';
import type { FrameWriter } from '../../types/frame-writer.ts';
import { frameSchemaId } from '../../types/frame-reader.ts';
import type { ChannelSchema, InputChannel, OutputChannel } from './channel.ts';
import type { EdgeSchema } from './edge-schema.ts';
import {
  ACTIVE,
  BARRIER,
  type ElementKind,
  END,
  FRAME,
  IDLE,
  NOTHING,
  ROWS,
  WATERMARK,
} from './element.ts';
import type { OverflowQueue } from './overflow-queue.ts';
import { clearRowBatch, newRowBatch } from './row-batch.ts';

/** Rows by reference that may wait before the producer is told to stop. */
export const CREDIT_ROWS: number = 4 * BATCH_ROWS;

/** Rows by reference that may wait before a burst goes to the overflow queue. */
export const QUEUED_ROWS_MAX: number = 64 * BATCH_ROWS;

interface QueuedLocally {
  readonly kind: ElementKind;
  readonly batch: RowBatch | undefined;
  readonly watermark: number;
  readonly barrier: CheckpointBarrier | undefined;
}

const NO_MEMORY = frameMemoryOf(new ArrayBuffer(8));

/** Both ends of the channel. */
export class LocalChannel implements OutputChannel, InputChannel {
  readonly #schema: EdgeSchema;
  readonly #overflow: OverflowQueue;
  readonly #schemas = new Map<number, ChannelSchema>();
  readonly #free: RowBatch[] = [];
  #queue: QueuedLocally[] = [];
  #queueFirst = 0;
  #queuedRows = 0;
  #writer: FrameWriter | undefined;
  #writerVersion = -1;
  #isChecked = false;
  /** The newest checkpoint whose barrier was found ahead, and the newest one written. */
  #foundBarrier = 0;
  #lastBarrier = 0;
  #hasEnded = false;

  /**
   * The batch being filled; generated code appends to it and calls `full` when it has {@link
   * BATCH_ROWS} rows.
   */
  staged: RowBatch = newRowBatch();

  batch: RowBatch = this.staged;
  memory: FrameMemory = NO_MEMORY;
  readonly offset = 0;
  schema!: ChannelSchema;
  watermark: number = Number.NEGATIVE_INFINITY;
  barrier!: CheckpointBarrier;

  constructor(schema: EdgeSchema, overflow: OverflowQueue) {
    this.#schema = schema;
    this.#overflow = overflow;
  }

  append(value: unknown, timestamp: number, hash: number): void {
    const batch = this.staged;
    const row = batch.count;
    batch.values[row] = value;
    batch.timestamps[row] = timestamp;
    batch.hashes[row] = hash;
    batch.count = row + 1;
    if (row === BATCH_ROWS - 1) this.flush();
  }

  stagedRows(): number {
    return this.staged.count;
  }

  flush(): void {
    const batch = this.staged;
    if (batch.count === 0) return;
    if (!this.#isChecked) this.#checkFirst(batch);
    if (!this.#overflow.isEmpty || this.#queuedRows >= QUEUED_ROWS_MAX) {
      this.#overflowRows(batch);
      return;
    }
    this.#queuedRows += batch.count;
    this.#queue.push({ kind: ROWS, batch, watermark: 0, barrier: undefined });
    this.staged = this.#free.pop() ?? newRowBatch();
  }

  publish(): void {
    // Same thread: what is in the queue is visible.
  }

  writeWatermark(watermark: number): void {
    this.#control(WATERMARK, watermark);
  }

  writeStatus(idle: boolean): void {
    this.#control(idle ? IDLE : ACTIVE, 0);
  }

  writeEnd(): void {
    this.#hasEnded = true;
    this.#control(END, 0);
  }

  /** Nothing need be overtaken: the consumer sees all that waits. */
  writeBarrier(barrier: CheckpointBarrier): undefined {
    this.flush();
    this.#lastBarrier = barrier.checkpointId;
    if (this.#overflow.isEmpty) {
      this.#queue.push({ kind: BARRIER, batch: undefined, watermark: 0, barrier });
      return;
    }
    const memory = frameMemoryOf(new ArrayBuffer(BARRIER_BYTES));
    encodeBarrier(barrier, memory.float64, 0);
    this.#overflow.push(BARRIER, memory, BARRIER_BYTES);
  }

  captureCurrent(capture: ChannelCapture): void {
    const element = this.#queue[this.#queueFirst];
    if (element?.batch === undefined) capture.addFrame(this.memory, 0, this.schema);
    else this.#captureRows(element.batch, capture);
  }

  captureUnread(checkpointId: number, capture: ChannelCapture): boolean {
    if (!this.#hasEnded && this.#lastBarrier < checkpointId) return false;
    this.#foundBarrier = Math.max(this.#foundBarrier, checkpointId);
    for (let index = this.#queueFirst; index < this.#queue.length; index++) {
      const element = this.#queue[index];
      if (element?.kind === END || element?.barrier?.checkpointId === checkpointId) return true;
      if (element?.batch !== undefined) this.#captureRows(element.batch, capture);
    }
    this.#captureOverflow(checkpointId, capture);
    return true;
  }

  #captureOverflow(checkpointId: number, capture: ChannelCapture): void {
    let isBefore = true;
    this.#overflow.visit(({ kind, memory }) => {
      if (kind === END || (kind === BARRIER && memory.float64[0] === checkpointId))
        isBefore = false;
      if (kind !== FRAME || !isBefore) return;
      const schema = this.#schemas.get(frameSchemaId(memory, 0));
      if (schema !== undefined) capture.addFrame(memory, 0, schema);
    });
  }

  #captureRows(batch: RowBatch, capture: ChannelCapture): void {
    this.#encodeRows(batch, (memory) => {
      const schema = this.#schemas.get(frameSchemaId(memory, 0));
      if (schema !== undefined) capture.addFrame(memory, 0, schema);
    });
  }

  hasCredit(): boolean {
    return this.#queuedRows < CREDIT_ROWS && this.#overflow.isEmpty;
  }

  isDrained(): boolean {
    return true;
  }

  overflowBytes(): number {
    return this.#overflow.byteLength;
  }

  close(): void {
    this.#overflow.close();
    this.#queue = [];
    this.#queueFirst = 0;
  }

  poll(): ElementKind {
    for (;;) {
      const kind = this.#pollOne();
      // A barrier that was found ahead of the rows before it has done its work.
      if (kind !== BARRIER || this.barrier.checkpointId > this.#foundBarrier) return kind;
      this.release();
    }
  }

  #pollOne(): ElementKind {
    const element = this.#queue[this.#queueFirst];
    if (element !== undefined) {
      if (element.batch !== undefined) this.batch = element.batch;
      this.watermark = element.watermark;
      if (element.barrier !== undefined) this.barrier = element.barrier;
      return element.kind;
    }
    const overflowed = this.#overflow.isEmpty ? undefined : this.#overflow.peek();
    if (overflowed === undefined) return NOTHING;
    this.memory = overflowed.memory;
    if (overflowed.kind === FRAME) {
      const schema = this.#schemas.get(frameSchemaId(overflowed.memory, 0));
      if (schema !== undefined) this.schema = schema;
    } else if (overflowed.kind === BARRIER) {
      this.barrier = decodeBarrier(overflowed.memory.float64, 0);
    } else {
      this.watermark = overflowed.memory.float64[0] ?? 0;
    }
    return overflowed.kind as ElementKind;
  }

  release(): void {
    const element = this.#queue[this.#queueFirst];
    if (element === undefined) {
      this.#overflow.shift();
      return;
    }
    this.#queueFirst++;
    if (element.batch !== undefined) {
      this.#queuedRows -= element.batch.count;
      clearRowBatch(element.batch);
      if (this.#free.length < 8) this.#free.push(element.batch);
    }
    if (this.#queueFirst === this.#queue.length) {
      this.#queue.length = 0;
      this.#queueFirst = 0;
    } else if (this.#queueFirst === 256) {
      this.#queue = this.#queue.slice(256);
      this.#queueFirst = 0;
    }
  }

  #checkFirst(batch: RowBatch): void {
    this.#isChecked = true;
    this.#schema.check(batch.values[0]);
  }

  #control(kind: ElementKind, watermark: number): void {
    this.flush();
    if (this.#overflow.isEmpty) {
      this.#queue.push({ kind, batch: undefined, watermark, barrier: undefined });
      return;
    }
    const memory = frameMemoryOf(new ArrayBuffer(8));
    memory.float64[0] = watermark;
    this.#overflow.push(kind, memory, 8);
  }

  #overflowRows(batch: RowBatch): void {
    this.#encodeRows(batch, (memory, byteLength) => this.#overflow.push(FRAME, memory, byteLength));
    clearRowBatch(batch);
  }

  #encodeRows(batch: RowBatch, push: PushFrame): void {
    let writer = this.#currentWriter();
    for (let row = 0; row < batch.count; row++) {
      const value = batch.values[row];
      const timestamp = batch.timestamps[row] ?? 0;
      const hash = batch.hashes[row] ?? 0;
      let result = writer.append(value, timestamp, hash);
      while (result < 0) {
        pushFrame(writer, push);
        this.#schema.fit(value);
        writer = this.#currentWriter();
        result = writer.append(value, timestamp, hash);
      }
      if (result === 1) pushFrame(writer, push);
    }
    pushFrame(writer, push);
  }

  #currentWriter(): FrameWriter {
    if (this.#writer === undefined || this.#writerVersion !== this.#schema.version) {
      this.#writer = this.#schema.newWriter();
      this.#writerVersion = this.#schema.version;
      const current = this.#schema.current;
      if (current !== undefined) this.#schemas.set(current.id, current);
    }
    return this.#writer;
  }
}

type PushFrame = (memory: FrameMemory, byteLength: number) => void;

function pushFrame(writer: FrameWriter, push: PushFrame): void {
  if (writer.rowCount === 0) return;
  const memory = frameMemoryOf(new ArrayBuffer(writer.byteLength()));
  push(memory, writer.writeTo(memory, 0));
}
