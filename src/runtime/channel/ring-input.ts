/**
 * @dataplane The consumer's end of a channel from another thread. Frames are read in place; parts are put together first.
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
import { BARRIER, type ElementKind, FRAME, LAST_PART, NOTHING, PART, SCHEMA, WATERMARK } from './element.ts';
import { newRowBatch } from './row-batch.ts';
import { schemaFromJson } from './schema-registry.ts';

/** See the file's head. */
export class RingInput implements InputChannel {
  readonly #ring: RingReader;
  readonly #schemas = new Map<number, ChannelSchema>();
  #parts: Uint8Array[] = [];
  #whole: FrameMemory | undefined;
  #wholeKind: number = NOTHING;

  readonly batch: RowBatch = newRowBatch(0);
  memory: FrameMemory;
  offset = 0;
  schema!: ChannelSchema;
  watermark: number = Number.NEGATIVE_INFINITY;
  barrier!: CheckpointBarrier;

  constructor(ring: RingReader) {
    this.#ring = ring;
    this.memory = ring.memory;
  }

  poll(): ElementKind {
    if (this.#whole !== undefined) return this.#element(this.#wholeKind, this.#whole, 0);
    while (this.#ring.poll()) {
      const kind = this.#ring.kind;
      if (kind === SCHEMA) {
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
    return NOTHING;
  }

  release(): void {
    if (this.#whole !== undefined) {
      this.#whole = undefined;
      return;
    }
    this.#ring.release();
  }

  #element(kind: number, memory: FrameMemory, offset: number): ElementKind {
    this.memory = memory;
    this.offset = offset;
    if (kind === FRAME) this.schema = this.#schemaOf(memory, offset);
    else if (kind === WATERMARK) this.watermark = memory.float64[offset >>> 3] ?? 0;
    else if (kind === BARRIER) this.barrier = decodeBarrier(memory.float64, offset >>> 3);
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
    let byteLength = 0;
    for (let part = 0; part < this.#parts.length; part++) {
      byteLength += this.#parts[part]?.byteLength ?? 0;
    }
    const memory = frameMemoryOf(new ArrayBuffer((byteLength + 7) & ~7));
    let at = 0;
    for (let part = 0; part < this.#parts.length; part++) {
      const bytes = this.#parts[part];
      if (bytes === undefined) continue;
      memory.bytes.set(bytes, at);
      at += bytes.byteLength;
    }
    this.#parts = [];
    if (kind === SCHEMA) {
      this.#learn(memory, 0, byteLength);
      return;
    }
    this.#whole = memory;
    this.#wholeKind = kind;
  }
}
