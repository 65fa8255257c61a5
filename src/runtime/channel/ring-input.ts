/**
 * @dataplane The consumer's end of a channel from another thread. Frames are read in place; parts
 * are put together first.
 *
 * Invariant: SCHEMA and PART elements never reach the task; a FRAME always comes with its schema.
 */
import { MillraceError } from '../../base/errors.ts';
import { type CheckpointBarrier, decodeBarrier } from '../../checkpoint/barrier.ts';
import type { RowBatch } from '../../operators/chain-stage.ts';
import { type FrameMemory, frameMemoryOf } from '../../types/frame-memory.ts';
import { frameSchemaId } from '../../types/frame-reader.ts';
import type { RingReader } from '../ring/ring-reader.ts';
import type { ChannelSchema, InputChannel } from './channel.ts';
import type { ChannelCapture } from './channel-capture.ts';
import {
  BARRIER,
  END,
  type ElementKind,
  FRAME,
  LAST_PART,
  NOTHING,
  PART,
  SCHEMA,
  WATERMARK,
} from './element.ts';
import { newRowBatch } from './row-batch.ts';
import { schemaFromJson } from './schema-registry.ts';

/** See the file's head. */
export class RingInput implements InputChannel {
  readonly #ring: RingReader;
  readonly #schemas = new Map<number, ChannelSchema>();
  #parts: Uint8Array[] = [];
  #whole: FrameMemory | undefined;
  #wholeKind: number = NOTHING;
  readonly #barrierOf: (checkpointId: number) => CheckpointBarrier;
  /** The newest checkpoint whose barrier has come, or was found ahead. */
  #lastBarrier = 0;
  #isOvertaking = false;

  readonly batch: RowBatch = newRowBatch(0);
  memory: FrameMemory;
  offset = 0;
  schema!: ChannelSchema;
  watermark: number = Number.NEGATIVE_INFINITY;
  barrier!: CheckpointBarrier;

  /** @param barrierOf - the barrier of a checkpoint that is known by its id only */
  constructor(ring: RingReader, barrierOf: (checkpointId: number) => CheckpointBarrier) {
    this.#ring = ring;
    this.#barrierOf = barrierOf;
    this.memory = ring.memory;
  }

  poll(): ElementKind {
    if (this.#whole !== undefined) return this.#element(this.#wholeKind, this.#whole, 0);
    for (;;) {
      const isThere = this.#ring.poll();
      if (this.#ring.mark > this.#lastBarrier && this.#ring.isAtMark && this.#parts.length === 0) {
        return this.#overtakingBarrier();
      }
      if (!isThere) return NOTHING;
      const kind = this.#ring.kind;
      if (kind === BARRIER) {
        const barrier = decodeBarrier(this.#ring.memory.float64, this.#ring.offset >>> 3);
        if (barrier.checkpointId > this.#lastBarrier) {
          this.barrier = barrier;
          this.#isOvertaking = false;
          return BARRIER;
        }
        // It has overtaken what was before it.
        this.#ring.release();
      } else if (kind === SCHEMA) {
        this.#learn(this.#ring.memory, this.#ring.offset, this.#ring.byteLength);
        this.#ring.release();
      } else if (kind === PART) {
        this.#keepPart(this.#ring.offset, this.#ring.byteLength);
      } else if (kind === LAST_PART) {
        this.#join();
        if (this.#whole !== undefined) return this.#element(this.#wholeKind, this.#whole, 0);
      } else {
        return this.#element(kind, this.#ring.memory, this.#ring.offset);
      }
    }
  }

  release(): void {
    if (this.#whole !== undefined) {
      this.#whole = undefined;
      return;
    }
    if (this.#isOvertaking) {
      this.#isOvertaking = false;
      this.#lastBarrier = this.barrier.checkpointId;
      return;
    }
    if (this.#ring.kind === BARRIER) this.#lastBarrier = this.barrier.checkpointId;
    this.#ring.release();
  }

  captureCurrent(capture: ChannelCapture): void {
    capture.addFrame(this.memory, this.offset, this.schema);
  }

  captureUnread(checkpointId: number, capture: ChannelCapture): boolean {
    const { float64 } = this.#ring.memory;
    const isLast = (kind: number, offset: number): boolean =>
      kind === END || (kind === BARRIER && float64[offset >>> 3] === checkpointId);
    if (!this.#ring.isAhead(checkpointId, isLast)) return false;
    const whole = this.#whole;
    if (whole !== undefined && this.#wholeKind === FRAME) {
      capture.addFrame(whole, 0, this.#schemaOf(whole, 0));
    }
    this.#scan(checkpointId, capture, isLast);
    this.#lastBarrier = Math.max(this.#lastBarrier, checkpointId);
    return true;
  }

  /** A barrier that its producer has put before what waits on that side. */
  #overtakingBarrier(): ElementKind {
    this.#isOvertaking = true;
    this.barrier = this.#barrierOf(this.#ring.mark);
    return BARRIER;
  }

  #scan(
    checkpointId: number,
    capture: ChannelCapture,
    isLast: (kind: number, offset: number) => boolean,
  ): void {
    const { memory } = this.#ring;
    let parts = this.#parts.slice();
    this.#ring.scan(checkpointId, (kind, offset, byteLength) => {
      if (isLast(kind, offset)) return false;
      switch (kind) {
        case SCHEMA:
          this.#learn(memory, offset, byteLength);
          break;
        case FRAME:
          capture.addFrame(memory, offset, this.#schemaOf(memory, offset));
          break;
        case PART:
          parts.push(memory.bytes.slice(offset, offset + byteLength));
          break;
        case LAST_PART: {
          parts.push(memory.bytes.slice(offset + 8, offset + byteLength));
          const whole = joined(parts);
          parts = [];
          if (memory.int32[offset >>> 2] === FRAME) {
            capture.addFrame(whole, 0, this.#schemaOf(whole, 0));
          }
          break;
        }
        default:
          break;
      }
      return true;
    });
  }

  #element(kind: number, memory: FrameMemory, offset: number): ElementKind {
    this.memory = memory;
    this.offset = offset;
    if (kind === FRAME) this.schema = this.#schemaOf(memory, offset);
    else if (kind === WATERMARK) this.watermark = memory.float64[offset >>> 3] ?? 0;
    return kind as ElementKind;
  }

  #schemaOf(memory: FrameMemory, offset: number): ChannelSchema {
    const id = frameSchemaId(memory, offset);
    if (this.schema !== undefined && this.schema.id === id) return this.schema;
    const schema = this.#schemas.get(id);
    if (schema !== undefined) return schema;
    throw new MillraceError('FORMAT_INVALID', `a frame of schema ${id} came before its schema`);
  }

  #learn(memory: FrameMemory, offset: number, byteLength: number): void {
    const id = memory.int32[offset >>> 2] ?? 0;
    const json = memory.buffer.toString('utf8', offset + 8, offset + byteLength);
    this.#schemas.set(id, schemaFromJson(id, json));
  }

  #keepPart(offset: number, byteLength: number): void {
    this.#parts.push(this.#ring.memory.bytes.slice(offset, offset + byteLength));
    this.#ring.release();
  }

  #join(): void {
    const offset = this.#ring.offset;
    const kind = this.#ring.memory.int32[offset >>> 2] ?? 0;
    this.#keepPart(offset + 8, this.#ring.byteLength - 8);
    const memory = joined(this.#parts);
    const byteLength = byteLengthOf(this.#parts);
    this.#parts = [];
    if (kind === SCHEMA) {
      this.#learn(memory, 0, byteLength);
      return;
    }
    this.#whole = memory;
    this.#wholeKind = kind;
  }
}

function byteLengthOf(parts: readonly Uint8Array[]): number {
  let byteLength = 0;
  for (let part = 0; part < parts.length; part++) byteLength += parts[part]?.byteLength ?? 0;
  return byteLength;
}

function joined(parts: readonly Uint8Array[]): FrameMemory {
  const memory = frameMemoryOf(new ArrayBuffer((byteLengthOf(parts) + 7) & ~7));
  let at = 0;
  for (let part = 0; part < parts.length; part++) {
    const bytes = parts[part];
    if (bytes === undefined) continue;
    memory.bytes.set(bytes, at);
    at += bytes.byteLength;
  }
  return memory;
}
